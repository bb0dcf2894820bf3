"""The grammar: what is a pattern, what is none, and where it goes wrong."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.patterning import parse
from citysec.patterning.syntax import Between, Comparison, Join, Mark, Op, Repeats, Version, Within


def test_operators_come_out_in_the_order_they_bind():
    program = parse("[a:b = 1 OR a:c = 2 AND a:d = 3] FOLLOWEDBY [a:e = 4] OR [a:f = 5]")
    shape = [i.path[2:] if isinstance(i, Comparison) else i for i in program]
    assert shape == [
        "b", "c", "d", Join.AND, Join.OR, Mark.OBSERVATION, "e", Mark.OBSERVATION, "f", Mark.OBSERVATION,
        Join.OBSERVATION_OR, Join.FOLLOWED_BY,
    ]  # fmt: skip


def test_a_qualifier_belongs_to_the_nearest_expression():
    program = parse("[a:b = 1] FOLLOWEDBY [a:c = 2] REPEATS 5 TIMES WITHIN 3 SECONDS")
    assert program[-3:] == [Repeats(5), Within(3), Join.FOLLOWED_BY]


@pytest.mark.parametrize("quoted", ["t'2024-01-01T00:00:00Z'", "'2024-01-01T00:00:00Z'"])
def test_time_windows_of_both_versions_are_read(quoted: str):
    instant = datetime(2024, 1, 1, tzinfo=UTC)
    assert parse(f"[a:b = 1] START {quoted} STOP {quoted}")[-1] == Between(instant, instant)


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        (r"'it\'s \\ so'", "it's \\ so"),
        ("h'0aFF'", b"\x0a\xff"),
        ("b'aGk='", b"hi"),
        ("-12", -12),
        ("+.5", 0.5),
        ("true", True),
        ("t'2024-01-01T00:00:00.123456789Z'", datetime(2024, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_every_kind_of_literal_is_read(literal: str, value: object):
    (comparison, _) = parse(f"[a:b = {literal}]")
    assert isinstance(comparison, Comparison)
    assert comparison.values == (value,)


def test_a_path_is_kept_without_its_blanks():
    (comparison, _) = parse("[EXISTS file : extensions . 'windows pe' . sections [ * ] .entropy]")
    assert isinstance(comparison, Comparison)
    assert (comparison.path, comparison.op) == ("file:extensions.'windows pe'.sections[*].entropy", Op.EXISTS)


@pytest.mark.parametrize(
    ("pattern", "at"),
    [
        ("", 0),
        ("ipv4-addr:value = '1.2.3.4'", 0),
        ("[ipv4-addr:value = '1.2.3.4'", 28),
        ("[ipv4-addr:value = '1.2.3.4']]", 29),
        ("[a:b = 1) ", 8),
        ("[(a:b = 1]", 9),
        ("([a:b = 1]", 10),
        ("[a:b = 1] [a:c = 2]", 10),
        ("[a:b = 1 and a:c = 2]", 9),
        ('[a:b = "x"]', 7),
        ("[file:hashes.SHA-256 = 'x']", 16),
        (r"[a:b = 'x\n']", 7),
        ("[a:b = h'abc']", 7),
        ("[a:b = h' 0a']", 7),
        ("[a:b = b'a']", 7),
        ("[a:b = t'2024-13-01T00:00:00Z']", 7),
        ("[NOT a:b = 1]", 5),
        ("[a:b LIKE 1]", 10),
        ("[a:b = 1] REPEATS 1.5 TIMES", 18),
        ("[a:b FOLLOWEDBY a:c]", 5),
        ("[a:b = 1] FOLLOWEDBY", 20),
        ("[a:b IN ('x' 'y')]", 13),
        ("[]", 1),
        ("[a:b = 1 /* ", 9),
    ],
)
def test_what_is_no_pattern_is_refused_at_its_place(pattern: str, at: int):
    with pytest.raises(InvalidInput) as refused:
        parse(pattern)
    assert refused.value.problems[0].at == f"character {at}"


def test_a_pattern_beyond_the_limits_is_refused():
    with pytest.raises(InvalidInput, match="longer than"):
        parse("[a:b = 'x']" + " " * (512 << 10))
    with pytest.raises(InvalidInput, match="more than"):
        parse("[a:b IN (" + ",".join("1" * 10_001) + ")]")


@given(st.text(alphabet="[]()'\\ abt:.=!<>0129-ANDORNOTFOLWEBYIKES*/\n\u00e9", max_size=60))
def test_any_text_is_a_pattern_or_refused(text: str):
    with suppress(InvalidInput):
        assert Mark.OBSERVATION in parse(text)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("ipv4-addr:value = '192.0.2.1'", "character 0: expected '[', found 'ipv4-addr:value': a comparison stands in"),
        ("", "character 0: expected '[', found the end: a comparison stands in brackets, as in [ipv4-addr:value"),
        ("[ipv4-addr:value = 192.0.2.1]", "or the end of a bracket, found '.2'; texts, addresses too, stand in single"),
        ("[a:b = x]", "character 7: expected a value, found 'x'; texts stand in single quotes"),
        ('[a:b = "x"]', "character 7: '\"x\"]' is no text: texts stand in straight single quotes"),
        ("[a:b = \u2018x\u2019]", "character 7: '\u2018x\u2019]' is no text: texts stand in straight single quotes"),
        ("[a:b = 'x]", 'character 7: "\'x]" is a text without an end'),
        ("[a:b = 'x' and a:c = 'y']", "character 11: expected AND, OR or the end of a bracket, found 'and'; write AND"),
        ("[a:b like 'x']", "character 5: expected a comparison operator, found 'like'; write LIKE"),
        ("[a = 'x']", "character 1: expected a property such as ipv4-addr:value, found 'a'"),
        ("[a:b = 'x' a:c = 'y']", "character 11: expected AND, OR or the end of a bracket, found 'a:c'"),
        ("[a:b = 'x'", "character 10: ']' is missing, found the end"),
        ("[(a:b = 'x']", "character 11: ')' is missing, found ']'"),
        ("[a:b = 'x'])", "character 11: ')' closes nothing"),
        ("[a:b = 'x'] REPEATS x TIMES", "character 20: expected a whole number, found 'x'"),
    ],
)
def test_what_is_no_pattern_is_told_where_it_errs_and_what_was_meant(pattern: str, said: str):
    with pytest.raises(InvalidInput) as refused:
        parse(pattern, Version.STIX21)
    assert said in str(refused.value)
