"""The OASIS reference matcher and ours find the same patterns in the same observed-data.

Left out is where it departs from the standard (docs/patterns.md): IN takes no account of types, an order that is
negated stays false for what has none, addresses are IPv4 only, `.`, `%` and `_` stop at line breaks, there is no
EXISTS.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stix2matcher.matcher import MatcherException
from stix2matcher.matcher import match as reference

from citysec.errors import InvalidInput
from citysec.patterning.evaluation import matcher
from citysec.patterning.evaluation.observed import observations
from tests.patterning.brute import at

VALUES: dict[str, list[Any]] = {
    "n": [0, 1, 1.0, 1.5, -2, 10**18, True, "1", None, [1, 2], {"n": 1}],
    "s": ["", "a", "abc", "ABC", "\u1e0d\u0307", "d\u0323\u0307", "ä", "ā", "100%", "a.c", "xc\n", 7, ["a", "b"]],
    "x_hex": ["", "61", "616263", "e4", "ff00"],
    "x_bin": ["", "YQ==", "YWJj"],
    "t": ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.5Z", "1999-12-31T23:59:59Z", 5],
    "ip": ["10.0.0.1", "10.0.0.0/8", "10.1.0.0/16", "192.0.2.1"],
    "list": [[], ["a", 1], [["a"], "abc"], [{"s": "a"}, {"s": "b"}]],
    "other_ref": ["0", "1", "2"],
    "all_refs": [["0"], ["1", "0"], ["2", "1"], []],
}  # fmt: skip
NUMBERS = ("0", "1", "1.0", "1.5", "-2", "1000000000000000000")
TEXTS = (
    *("''", "'a'", "'abc'", "'b'", "'\u1e0d\u0307'", "'\u1e0b\u0323'", "'ä'", "'ā'", "'1'"),
    *("h'61'", "h'616263'", "b'YQ=='", "h'e4'"),
)
TIMES = ("t'2024-01-01T00:00:00Z'", "t'2024-01-01T00:00:00.500Z'")
EQUAL = ("=", "!=", "NOT =", "NOT !=")
BLOCKS = ("ISSUBSET", "ISSUPERSET", "NOT ISSUBSET")
ORDER = ("<", "<=", ">", ">=")


def comparisons(paths: tuple[str, ...], operators: tuple[str, ...], values: tuple[str, ...]) -> st.SearchStrategy[str]:
    parts = st.tuples(st.sampled_from(paths), st.sampled_from(operators), st.sampled_from(values))
    return parts.map(lambda one: "a:{} {} {}".format(*one))


followed = ("s", "list[*]", "list[0]", "list[*].s", "other_ref.s", "all_refs[*].s", "all_refs[*].other_ref.s", "n[1]")
comparison = st.one_of(
    comparisons(("n", *followed), (*EQUAL, *ORDER), NUMBERS),
    comparisons(("n", *followed), EQUAL, ("true", "false")),
    comparisons(("n", "x_hex", "x_bin", "other_ref.x_hex", *followed), (*EQUAL, *ORDER), TEXTS),
    comparisons(("t",), (*EQUAL, *ORDER), TIMES),
    comparisons(("s", *followed), ("IN", "NOT IN"), ("('a', 'abc')", "()", "('ä')")),
    comparisons(("s", *followed), ("LIKE", "NOT LIKE"), ("'a%'", "'_'", "'%'", "'a_c'", "'\u1e0b\u0323'", "'100%'")),
    comparisons(("s", "x_hex", *followed), ("MATCHES", "NOT MATCHES"), ("'b'", "'^a'", "'c$'", "'a.c'", r"'\\x61'")),
    comparisons(("ip",), BLOCKS, ("'10.0.0.0/8'", "'10.0.0.1/32'", "'192.0.2.7/9'")),
)  # fmt: skip
inside = st.recursive(
    comparison,
    lambda inner: st.tuples(inner, st.sampled_from((" AND ", " OR ")), inner).map(lambda p: f"({''.join(p)})"),
    max_leaves=4,
)
joins = st.sampled_from((" AND ", " OR ", " FOLLOWEDBY "))
objects = st.lists(
    st.fixed_dictionaries({"type": st.just("a")}, optional={k: st.sampled_from(v) for k, v in VALUES.items()}),
    min_size=1,
    max_size=3,
)


def observed(number: int, contained: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "observed-data", "id": f"observed-data--{number}", "number_observed": 1, "first_observed": at(number),
        "last_observed": at(number), "objects": {str(place): one for place, one in enumerate(contained)},
    }  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(inside, objects)
def test_ours_and_the_reference_agree_on_one_observation(pattern: str, contained: list[dict[str, Any]]):
    data = [observed(0, contained)]
    try:
        expected = reference(f"[{pattern}]", data, stix_version="2.0")
    except MatcherException:
        return
    assert (matcher(f"[{pattern}]").match(observations(data)) is not None) == bool(expected), pattern


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(inside, joins), min_size=2, max_size=3), st.lists(objects, max_size=4))
def test_ours_and_the_reference_agree_on_several_observations(
    parts: list[tuple[str, str]], contents: list[list[dict[str, Any]]]
):
    pattern = "".join(f"[{part}]{join}" for part, join in parts)[: -len(parts[-1][1])]
    data = [observed(number, contained) for number, contained in enumerate(contents)]
    try:
        expected = reference(pattern, data, stix_version="2.0")
    except MatcherException:
        return
    assert (matcher(pattern).match(observations(data)) is not None) == bool(expected)


@pytest.mark.parametrize("pattern", ["[a:t = t'2024-01-01T00:00:00Z']", "[a:other_ref.s = 'a']", "[a:x_hex = 'a']"])
def test_data_that_are_not_what_they_are_called_are_an_error(pattern: str):
    data = [observed(0, [{"type": "a", "t": "noon", "other_ref": 5, "x_hex": "xyz"}])]
    with pytest.raises(InvalidInput):
        matcher(pattern).match(observations(data))
