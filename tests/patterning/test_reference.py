"""The OASIS reference reader and ours call the same texts patterns.

Left out are the few things in which we differ on purpose: comments in front of a pattern and inside a path; values that
cannot be hashes, which the reference refuses as syntax; and doubled qualifiers, some of which it lets pass.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from stix2patterns.validator import run_validator

from citysec.errors import InvalidInput
from citysec.patterning import parse

WINDOW = "START t'2024-01-01T00:00:00Z' STOP t'2024-02-01T00:00:00Z'"
PATTERNS = (
    "[ a:b = 'x' ]",
    "[ a:b = 'x' AND a:c IN ( 1 , 2 ) ] FOLLOWEDBY ( [ a:b LIKE 'x' ] OR [ EXISTS a:b ] ) WITHIN|5|SECONDS",
    "[ ( a:b = 1 OR a:c > 2.5 ) AND NOT EXISTS a:d ]",
    "[ a:b NOT MATCHES 'x' ] REPEATS|2|TIMES AND [ a:b ISSUBSET '198.51.100.0/24' ]",
    "[ a:b[*].c = true OR a:'x'.z = h'0a' ]",
    f"( [ a:b = 1 ] AND [ a:c = 2 ] ) {WINDOW.replace(' ', '|')}",
)
WORDS = (
    *("[", "]", "(", ")", ",", "a:b", "a-b:c", "file:hashes.'x-y'", "a:b[*].c", "a:b[1]", "a:b.c-d"),
    *("=", "==", "!=", "<>", ">", "<=", "IN", "LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET", "EXISTS", "NOT"),
    *("AND", "OR", "FOLLOWEDBY", "and", "'x'", r"'it\'s'", r"'\n'", '"x"', "1", "-1", "+3", "1.5", "01", ".5", "1."),
    *("true", "TRUE", "h'0a'", "h'0'", "h''", "b'aGk='", "b'aG'", "t'2024-01-01T00:00:00Z'", "t'2024-01-01'"),
    *("REPEATS|1.5|TIMES", "WITHIN|1.5", "SECONDS"),
)
edit = st.tuples(st.sampled_from(("put", "cut", "swap")), st.integers(0, 30), st.sampled_from(WORDS))


def edited(pattern: str, changes: list[tuple[str, int, str]]) -> str:
    words = pattern.split(" ")
    for change, place, word in changes:
        at = place % (len(words) + 1)
        words[at : at + (change != "put")] = [] if change == "cut" else [word]
    return " ".join(words).replace("|", " ")


def is_pattern(text: str) -> bool:
    try:
        parse(text)
    except InvalidInput:
        return False
    return True


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PATTERNS), st.lists(edit, max_size=3))
def test_ours_and_the_reference_agree(pattern: str, changes: list[tuple[str, int, str]]):
    text = edited(pattern, changes)
    assert is_pattern(text) == (not run_validator(text, "2.1"))
