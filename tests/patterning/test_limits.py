"""Hostile patterns are answered in few steps, or refused: no pattern holds the service up."""

from __future__ import annotations

import pytest

from citysec.errors import InvalidInput, NotEvaluable
from citysec.patterning.contradictions import contradictions
from citysec.patterning.evaluation import matcher
from citysec.patterning.evaluation.budget import Budget
from citysec.patterning.evaluation.observed import Observation
from citysec.patterning.evaluation.paths import Object
from citysec.patterning.grammar import parse


def seen(count: int, values: int = 3, times: int = 1, length: int = 0) -> list[Observation]:
    """Return an observation a second of `x:v` that counts up to `values` again and again."""
    objects: list[Object] = [{"type": "x", "v": value} for value in range(values)]
    return [
        Observation(str(at), at * 1_000_000, (at + length) * 1_000_000, times, {}, (objects[at % values],))
        for at in range(count)
    ]


def matches(pattern: str, observations: list[Observation]) -> bool:
    return matcher(pattern).match(observations) is not None


def steps(pattern: str, observations: list[Observation]) -> int:
    budget = Budget(len(observations))
    before = budget.left
    matcher(pattern).match(observations, budget)
    return before - budget.left


@pytest.mark.parametrize(
    "pattern",
    [
        "[" + " OR ".join(["x:v = 1"] * 1_000_000) + "]",
        "[x:v IN (" + ",".join(map(str, range(100_000))) + ")]",
        "[" + "(" * 1_000_000,
        "[" + " OR ".join(["x:v MATCHES 'x'"] * 101) + "]",
        "[" + " OR ".join(f"domain-name:value LIKE '%{number}'" for number in range(101)) + "]",
        "[x:v = " + "9" * 5000 + "]",
        "[x:v = 1] REPEATS " + "9" * 5000 + " TIMES",
    ],
)
def test_what_is_too_long_is_refused_before_it_is_read(pattern: str):
    with pytest.raises(InvalidInput, match=r"longer than|more than"):
        parse(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(" * 100_000 + "[x:v = 1]" + ")" * 100_000,
        "[" + "(" * 100_000 + "x:v = 1" + ")" * 100_000 + "]",
        "[" + "(x:v = 7 OR (x:w = 1 AND " * 2000 + "x:v = 1" + "))" * 2000 + " OR x:v = 2]",
        "[" + " OR ".join(f"x:v = {number}" for number in range(4999, -1, -1)) + "]",
        "(" * 4000 + "[x:v = 1]" + ") REPEATS 1 TIMES" * 4000,
        " AND ".join(["[x:v = 1]"] * 3) + " WITHIN 99999999999999999999999999.5 SECONDS",
        "[x:v = 1] AND [x:v = 1] WITHIN 1" + "0" * 390 + " SECONDS",
    ],
)
def test_what_is_long_or_deep_is_evaluated(pattern: str):
    assert matches(pattern, seen(9))
    assert contradictions(parse(pattern)).satisfiable


def test_repetitions_are_counted_and_never_listed():
    many = seen(1000, times=999_999_999)
    assert matches("[x:v = 1] REPEATS 300000000000 TIMES WITHIN 1000 SECONDS", many)
    assert not matches("[x:v = 1] REPEATS 400000000000 TIMES", many)
    assert not matches("([x:v = 1] FOLLOWEDBY [x:v = 2]) REPEATS 1000000000000 TIMES", many)
    assert steps("[x:v = 1] REPEATS 300000000000 TIMES WITHIN 1000 SECONDS", many) < 5000


@pytest.mark.parametrize(
    "pattern",
    [
        " FOLLOWEDBY ".join(["[x:v = 1]"] * 300),
        "([x:v = 1] FOLLOWEDBY [x:v = 2]) REPEATS 500 TIMES",
        "([x:v = 1] AND " * 3000 + "[x:v = 1]" + ") WITHIN 5 SECONDS" * 3000,
        "[x:v MATCHES '(?=a)']",
        r"[x:v MATCHES '\\pL{300}']",
        f"[x:v LIKE '{'%a' * 2000}']",
    ],
)
def test_what_is_too_complex_is_refused_as_such(pattern: str):
    with pytest.raises(NotEvaluable):
        matches(pattern, seen(2000))


def test_expressions_that_compete_without_end_run_out_of_steps():
    pairs = "([x:v < 2] FOLLOWEDBY [x:v < 3]) WITHIN 4 SECONDS AND " * 6
    with pytest.raises(NotEvaluable, match="more steps"):
        matches(f"{pairs} ([x:v < 2] AND [x:v < 3]) WITHIN 0.5 SECONDS", seen(30))


@pytest.mark.parametrize(
    "pattern",
    [
        "[x:v = 1] REPEATS 400 TIMES WITHIN 1000 SECONDS",
        "([x:v = 0] AND [x:v = 1] AND [x:v = 2]) WITHIN 1 SECONDS",
        "([x:v = 0] FOLLOWEDBY [x:v = 2] FOLLOWEDBY [x:v = 1]) WITHIN 3 SECONDS",
        "([x:v = 0] AND [x:v = 1]) WITHIN 1 SECONDS FOLLOWEDBY ([x:v = 0] AND [x:v = 7]) WITHIN 1 SECONDS",
        "([x:v < 2] AND [x:v < 3] AND [x:v < 1]) WITHIN 1 SECONDS",
        "([x:v = 0] FOLLOWEDBY [x:v = 2]) REPEATS 60 TIMES WITHIN 50 SECONDS",
    ],
)
@pytest.mark.parametrize("length", [0, 2])
def test_steps_grow_no_faster_than_observations(pattern: str, length: int):
    few, many = (steps(pattern, seen(count, length=length)) for count in (300, 3000))
    assert many <= 12 * few + 1000


def test_bad_expressions_are_searched_in_linear_time():
    text: Object = {"type": "x", "v": "a" * 100_000 + "b"}
    assert not matches("[x:v MATCHES '^(a+)+$']", [Observation("0", 0, 0, 1, {}, (text,))])


def test_a_path_that_leads_nowhere_is_not_walked_to_its_end():
    assert steps("[x:v" + ".w" * 10_000 + " = 1]", seen(100)) < 1_000


def test_large_expressions_take_steps_by_the_text_they_are_tried_on():
    names = [Observation(str(at), at, at, 1, {}, ({"type": "x", "v": "a" * 200 + "!"},)) for at in range(100)]
    large = "[" + " OR ".join(f"x:v MATCHES '(a{{1,{20 + at}}}b?){{1,30}}c'" for at in range(10)) + "]"
    with pytest.raises(NotEvaluable, match="more steps"):
        matches(large, names)
    assert not matches("[" + " OR ".join(f"x:v MATCHES '^a+{at}[.]example$'" for at in range(100)) + "]", names)
