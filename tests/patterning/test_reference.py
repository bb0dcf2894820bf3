"""The OASIS reference reader and ours call the same texts patterns.

Left out are the few things in which we differ on purpose (docs/patterns.md): comments in front of a pattern; what the
standard forbids and the reference lets pass: lists of several types, REPEATS 0, WITHIN 0; and line feeds in base64.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stix2patterns.validator import run_validator

from citysec.patterning.syntax import Version
from citysec.patterning.validity import problems

WINDOW = "START t'2024-01-01T00:00:00Z' STOP t'2024-02-01T00:00:00Z'"
PATTERNS = (
    "[ a:b = 'x' ]",
    "[ a:b = 'x' AND a:c IN ( 1 , 2 ) ] FOLLOWEDBY ( [ a:b LIKE 'x' ] OR [ EXISTS a:b ] ) WITHIN|5|SECONDS",
    "[ ( a:b = 1 OR a:c > 2.5 ) AND NOT EXISTS a:d ]",
    "[ a:b NOT MATCHES 'x' ] REPEATS|2|TIMES AND [ a:b ISSUBSET '198.51.100.0/24' ]",
    "[ a:b[*].c = true OR a:'x'.z = h'0a' ]",
    "[ a:b = 1 ] WITHIN|5|SECONDS WITHIN|6|SECONDS",
    f"( [ a:b = 1 ] AND [ a:c = 2 ] ) {WINDOW.replace(' ', '|')} REPEATS|2|TIMES",
)
WORDS = (
    *("[", "]", "(", ")", ",", "a:b", "a-b:c", "file:hashes.'x-y'", "a:b[*].c", "a:b[1]", "a:b[01]", "a:b[-1]"),
    *("a:b.c-d", "a|:|b|.|c", "a:/*x*/b", "a:b|//|x\n.c", "a:IN", "a:b.true", "AND:b", "IN-x:b", "a:'IN'", "a:b.'c d'"),
    *("=", "==", "!=", "<>", ">", "<=", "IN", "LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET", "EXISTS", "NOT", "LAST"),
    *("AND", "OR", "FOLLOWEDBY", "and", "'x'", r"'it\'s'", r"'\n'", '"x"', "1", "-1", "+3", "1.5", "01", ".5", "1."),
    *("true", "TRUE", "h'0a'", "h'0'", "h''", "b'aGk='", "b'aG'", "b''", "b'a==='", "/*|x|*/", "'x'AND", "\u2003"),
    *("t'2024-01-01T00:00:00Z'", "t'2024-01-01'", "t'2024-02-30T00:00:00Z'", "t'2024-01-01T00:00:60Z'", "\x1f"),
    *("t'2024-01-01T24:00:00Z'", "t'2024-01-01T00:00:00.Z'", "t'2024-13-01T00:00:00Z'", "9" * 30, "''", "-.5"),
    *("REPEATS|1.5|TIMES", "REPEATS|+2|TIMES", "WITHIN|1.5", "WITHIN|-1|SECONDS", "START|'2024'|STOP|'2025'"),
    *("file:hashes.MD5|=|'x'", "file:hashes.'SHA-1'|=|'da39a3ee5e6b4b0d3255bfef95601890afd80709'"),
)
edit = st.tuples(st.sampled_from(("put", "cut", "swap")), st.integers(0, 30), st.sampled_from(WORDS))


def edited(pattern: str, changes: list[tuple[str, int, str]]) -> str:
    words = pattern.split(" ")
    for change, place, word in changes:
        at = place % (len(words) + 1)
        words[at : at + (change != "put")] = [] if change == "cut" else [word]
    return " ".join(words).replace("|", " ")


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PATTERNS), st.lists(edit, max_size=3), st.sampled_from(list(Version)))
def test_ours_and_the_reference_agree(pattern: str, changes: list[tuple[str, int, str]], version: Version):
    text = edited(pattern, changes)
    reasons = problems(text, version)
    if any("several types" in str(reason) for reason in reasons) or text.lstrip(" (")[:2] in {"", "/*", "//"}:
        return
    assert (not reasons) == (not run_validator(text, version.value)), text


@pytest.mark.parametrize("version", [None, *Version])
def test_strings_are_times_for_start_and_stop_except_in_2_1(version: Version | None):
    pattern = "[a:b = 1] START '2024-01-01T00:00:00Z' STOP '2025-01-01T00:00:00Z'"
    assert bool(problems(pattern, version)) == (version is Version.STIX21)


@pytest.mark.parametrize(
    ("pattern", "at"),
    [
        ("[a:b = 1] WITHIN 1 SECONDS WITHIN 2 SECONDS", 27),
        ("[a:b = 1 AND file:hashes.'SHA-256' = 'f00']", 13),
        ("[a:b = 1] REPEATS 0 TIMES", 18),
        ("[a:b = 1] WITHIN 0.0 SECONDS", 17),
        ("[a:b IN (1, true)]", 9),
        ("[a:true = 1]", 1),
    ],
)
def test_what_is_forbidden_is_named_with_its_place(pattern: str, at: int):
    assert [problem.at for problem in problems(pattern)] == [f"character {at}"]


def test_what_2_0_did_not_know_or_forbid():
    assert problems("[EXISTS a:b]", Version.STIX20)
    assert not problems("[a:b = 1] REPEATS 2 TIMES REPEATS 2 TIMES", Version.STIX20)
