"""Whatever comes as a pattern or as observed-data is evaluated or refused: nothing else is raised."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.patterning import compile  # noqa: A004
from citysec.patterning.contradictions import contradictions
from citysec.patterning.evaluation import matcher, observations
from citysec.patterning.grammar import parse
from citysec.patterning.validity import problems
from tests.patterning.test_evaluate import seen

NAMES = ("type", "v", "x_hex", "x_bin", "x_ref", "x_refs", "id", "objects", "object_refs", "number_observed")
scalar = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.sampled_from(("x", "0"))
)
json: st.SearchStrategy[Any] = st.recursive(
    scalar,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
words = st.sampled_from(
    ("[", "]", "(", ")", "x:v", "x:x_hex", "x:x_bin", "x:x_ref.v", "x:x_refs[*].v", "x:x_refs[0]", "=", "!=", "<",
     "IN", "LIKE", "MATCHES", "ISSUBSET", "NOT", "EXISTS", "AND", "OR", "FOLLOWEDBY", "1", "'x'", "'%'", "'['",
     "b'AA=='", "true", "t'2024-02-30T00:00:00Z'", "t'2024-01-01T00:00:00Z'", "'10.0.0.0/8'", "WITHIN 1 SECONDS", ",",
     "REPEATS 2 TIMES", "START t'2024-01-01T00:00:00Z' STOP t'2023-01-01T00:00:00Z'", "'\ud800'", "\x00", "9" * 500)
)  # fmt: skip
test = st.tuples(
    st.just("[x:"), st.sampled_from(("v", "x_hex", "x_bin", "x_ref.v", "x_refs[*].v", "x_refs")), words, words
)
pattern = st.one_of(
    st.lists(words, max_size=9).map(" ".join),
    test.map(lambda parts: f"{parts[0]}{parts[1]} {parts[2]} {parts[3]}]"),
    st.text(max_size=20),
)


@settings(max_examples=300)
@given(pattern)
def test_any_text_is_a_pattern_or_refused(text: str):
    problems(text)
    with suppress(InvalidInput):
        compile(text)
        contradictions(parse(text))
        matcher(text)


@settings(max_examples=300)
@given(test.map(lambda parts: f"{parts[0]}{parts[1]} {parts[2]} {parts[3]}]"), st.lists(json, max_size=3), json)
def test_any_data_are_evaluated_or_refused(text: str, objects: list[Any], other: Any):
    data = [seen(*({"type": "x", "v": one, "x_hex": one, "x_ref": one, "x_refs": one} for one in objects)), other]
    with suppress(InvalidInput):
        matcher(text).match(observations(data))
    with suppress(InvalidInput):
        matcher("[NOT EXISTS x:v OR x:x_refs[*].v != 1]").match(observations(data[:1]))
