"""Observations are bound to what a pattern asks for exactly as if all bindings had been tried."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from citysec.patterning import parse
from citysec.patterning.evaluation import Matcher
from citysec.patterning.evaluation.observed import Observation, microseconds
from citysec.patterning.evaluation.paths import Object
from citysec.patterning.evaluation.plan import plan
from tests.patterning.brute import ZERO, Brute, at

BASE = microseconds(ZERO)
Seen = tuple[set[int], int, int, int]


def observation(number: int, seen: Seen) -> Observation:
    values, first, last, times = seen
    objects: dict[str, Object] = {str(value): {"type": "x", "v": value} for value in sorted(values)}
    begin, end = BASE + first * 1_000_000, BASE + last * 1_000_000
    return Observation(str(number), begin, end, times, objects, tuple(objects.values()))


def seen(spans: st.SearchStrategy[tuple[int, int]]) -> st.SearchStrategy[Seen]:
    values, times = st.sets(st.integers(0, 2), min_size=1, max_size=2), st.sampled_from((1, 1, 1, 2))
    return st.tuples(values, spans, times).map(lambda parts: (parts[0], *parts[1], parts[2]))


instants = st.integers(0, 6).map(lambda first: (first, first))
spans = st.tuples(st.integers(0, 6), st.integers(0, 4)).map(lambda span: (span[0], sum(span)))
plain = st.integers(0, 2).map("[x:v = {}]".format) | st.just("[x:v = 0 OR x:v = 2]")
qualifiers = st.one_of(
    st.integers(1, 3).map(" REPEATS {} TIMES".format),
    st.integers(1, 4).map(" WITHIN {} SECONDS".format),
    st.tuples(st.integers(0, 5), st.integers(0, 5)).map(lambda p: f" START t'{at(p[0])}' STOP t'{at(p[0] + p[1])}'"),
)


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    joined = st.tuples(inner, st.sampled_from((" AND ", " OR ", " FOLLOWEDBY ", " FOLLOWEDBY ")), inner).map("".join)
    return st.one_of(joined.map("({})".format), st.tuples(inner, qualifiers).map(lambda p: f"({p[0]}){p[1]}"))


patterns = st.recursive(plain, larger, max_leaves=4)


@settings(deadline=None, max_examples=400)
@given(patterns, st.lists(seen(instants), max_size=5) | st.lists(seen(spans), max_size=5))
def test_what_matches_is_what_some_binding_fulfils(pattern: str, all_seen: list[Seen]):
    program = parse(pattern)
    found = Matcher(plan(program)).match([observation(number, one) for number, one in enumerate(all_seen)])
    assert (found is not None) == Brute(all_seen).matches(program)


SHAPES = (
    "(({} FOLLOWEDBY {}) REPEATS 2 TIMES)",
    "(({} FOLLOWEDBY {} FOLLOWEDBY {}) REPEATS 2 TIMES) AND {}",
    "(({} AND {}) WITHIN 2 SECONDS) REPEATS 3 TIMES",
    "(({} FOLLOWEDBY {}) WITHIN 3 SECONDS) REPEATS 2 TIMES FOLLOWEDBY {}",
    "((({} FOLLOWEDBY {}) REPEATS 2 TIMES) WITHIN 5 SECONDS)",
    "(({} AND {}) WITHIN 1 SECONDS) FOLLOWEDBY {} FOLLOWEDBY {}",
    "({} FOLLOWEDBY ({} FOLLOWEDBY {}) WITHIN 2 SECONDS) WITHIN 4 SECONDS",
    "(({} AND {}) OR {} REPEATS 2 TIMES) AND ({} OR ({} FOLLOWEDBY {}))",
    "(({} AND {}) OR ({} FOLLOWEDBY {})) REPEATS 2 TIMES WITHIN 6 SECONDS",
    "({} REPEATS 2 TIMES FOLLOWEDBY {} REPEATS 2 TIMES) WITHIN 3 SECONDS",
    "({} AND ({} FOLLOWEDBY {} REPEATS 2 TIMES)) START t'2024-01-01T00:00:01Z' STOP t'2024-01-01T00:00:08Z'",
)
distinct = st.tuples(st.integers(0, 2).map(lambda value: {value}), instants, st.sampled_from((1, 1, 2)))
alike = distinct.map(lambda parts: (parts[0], *parts[1], parts[2]))


@settings(deadline=None, max_examples=500)
@given(
    st.sampled_from(SHAPES),
    st.lists(plain, min_size=6, max_size=6),
    st.lists(alike, min_size=2, max_size=7) | st.lists(seen(spans), min_size=2, max_size=5),
)
def test_every_shape_is_bound_as_if_all_had_been_tried(shape: str, leaves: list[str], all_seen: list[Seen]):
    program = parse(shape.format(*leaves))
    found = Matcher(plan(program)).match([observation(number, one) for number, one in enumerate(all_seen)])
    assert (found is not None) == Brute(all_seen).matches(program)
