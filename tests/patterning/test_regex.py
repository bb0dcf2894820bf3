"""Expressions from outside find exactly the lines that they match one by one, whatever shortcut is taken."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.patterning import regex

NAMES = ("www.camden.gov.uk", "camden.gov.uk", "a.b", "xn--a-b.example", "aaa.example", "camdenagov.uk", "b1-c.test")
LINES = ("\n" + "\n".join(NAMES) + "\n").encode()


def found(pattern: str) -> list[str]:
    return list(regex.matches(pattern).matching(LINES))


@pytest.mark.parametrize(
    "pattern",
    [r"^camden\.gov\.uk$", r"camden\.gov", "", "x*", r"[^a]b", r"\Aa", r"uk\z", "(?-m:^a)", r"a{3}\.", r"a{0}camden",
     r"\bb", "c[^]]m", r"^(a|b)\.b$", r".\..", r"b?1", "(?i)CAMDEN", "[[:alpha:]]-c", r"\x61\.b", r"a\nb", r"\W"],
)  # fmt: skip
def test_what_is_found_in_all_lines_is_what_each_line_matches(pattern: str):
    written = pattern.replace(r"\z", r"\Z").replace("(?-m:^a)", "^a").replace("[[:alpha:]]", "[a-z]")
    assert found(pattern) == [name for name in NAMES if re.search(written, name)]


@given(st.text(alphabet=r"ab.c-[]^$*+?{}1,\d|()", max_size=12))
def test_no_shortcut_changes_what_is_found(pattern: str):
    try:
        regex.matches(pattern).check()
    except InvalidInput:
        return
    alone = regex.Expression(rf"(?:{pattern})|\z\A.")
    slow = [name for name in NAMES if list(alone.matching(f"\n{name}\n".encode()))]
    assert found(pattern) == slow


@given(st.text(alphabet="ab./ %_", max_size=9), st.text(alphabet="ab./ ", min_size=1, max_size=9))
def test_what_fits_has_the_parts_that_an_expression_stands_under(pattern: str, value: str):
    for expression in (regex.like(pattern), regex.matches(pattern.replace("%", ".*"))):
        if list(expression.matching(regex.one_a_line([value]).encode())):
            assert set(expression.labels) <= set(regex.parts(value))


@pytest.mark.parametrize(
    ("pattern", "names"),
    [("%.camden.gov.uk", ["www.camden.gov.uk"]), ("a_b", ["a.b"]), ("%", list(NAMES)), ("www", []),
     ("camden.gov.uk", ["camden.gov.uk"]), ("%a%.e%", ["xn--a-b.example", "aaa.example"]), ("", [])],
)  # fmt: skip
def test_like_covers_the_whole_name(pattern: str, names: list[str]):
    assert list(regex.like(pattern).matching(LINES)) == names


@pytest.mark.parametrize("pattern", ["(?=a)", r"(a)\1", "(", "a{2000}", "x" * 3000, "(a{900}){900}"])
def test_what_re2_refuses_is_refused(pattern: str):
    with pytest.raises(InvalidInput):
        regex.matches(pattern).check()


def test_an_expression_of_any_length_that_passes_is_found():
    longest = "a" * (regex.MAX_LENGTH - 3)
    assert found(f"{longest}|^b") == ["b1-c.test"]
    with pytest.raises(InvalidInput):
        regex.like("%" * (regex.MAX_LENGTH + 1)).check()
