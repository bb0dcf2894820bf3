"""Full patterns on observed-data, clause by clause of the standard's chapter 9."""

from __future__ import annotations

from typing import Any

import pytest

from citysec.errors import InvalidInput, NotEvaluable
from citysec.patterning.evaluation import matcher
from citysec.patterning.evaluation.observed import observations
from tests.patterning.brute import at

V21 = "observed-data--00000000-0000-4000-8000-00000000000"


def seen(*objects: dict[str, Any], first: int = 0, last: int | None = None, times: int = 1) -> dict[str, Any]:
    """Return an observed-data of 2.0 with `objects`, named 0, 1 …"""
    return {
        "type": "observed-data", "id": f"observed-data--{first}", "number_observed": times,
        "first_observed": at(first), "last_observed": at(first if last is None else last),
        "objects": {str(number): one for number, one in enumerate(objects)},
    }  # fmt: skip


def ids(pattern: str, *data: Any) -> list[str] | None:
    found = matcher(pattern).match(observations(data))
    return None if found is None else [one.id.removeprefix("observed-data--") for one in found]


def matches(pattern: str, *objects: dict[str, Any]) -> bool:
    return ids(pattern, seen(*objects)) is not None


def test_all_of_and_is_about_one_object_and_what_it_refers_to():
    source, target = {"type": "ipv4-addr", "value": "203.0.113.10"}, {"type": "ipv4-addr", "value": "198.51.100.58"}
    pattern = "[network-traffic:src_ref.value = '203.0.113.10' AND network-traffic:dst_ref.value = '198.51.100.58']"
    traffic = {"type": "network-traffic"}
    assert not matches(pattern, {**traffic, "src_ref": "1"}, source, {**traffic, "dst_ref": "3"}, target)
    assert matches(pattern, {**traffic, "src_ref": "1", "dst_ref": "2"}, source, target)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[file:name = 'a' OR url:value = 'x']", True),
        ("[file:size != 5]", False),
        ("[file:size NOT = 5]", False),
        ("[file:name != 'a']", True),
        ("[NOT EXISTS file:size]", True),
        ("[EXISTS file:size]", False),
        ("[NOT EXISTS directory:path]", False),
        ("[EXISTS file:parent_directory_ref]", True),
        ("[file:parent_directory_ref.path = 'x']", False),
    ],
)
def test_what_is_not_there_makes_a_comparison_false_whatever_its_operator(pattern: str, expected: bool):
    gone = {"type": "file", "name": "b", "parent_directory_ref": "9"}
    assert matches(pattern, {"type": "url", "value": "x"}, gone) is expected


@pytest.mark.parametrize(
    ("comparison", "value", "expected"),
    [
        ("= 1", 1.0, True),
        ("= 1", True, False),
        ("!= 1", "1", True),
        ("> 1", "2", False),
        ("NOT > 1", "2", True),
        ("= 9007199254740993", 9007199254740992.0, False),
        ("< 'oz'", "o", True),
        ("> 'oz'", "o\u0300", True),
        ("= '\u00f2'", "o\u0300", False),
        ("LIKE '\u00f2'", "o\u0300", True),
        ("MATCHES '^\u00f2$'", "o\u0300", True),
        ("LIKE 'A%'", "abc", False),
        ("LIKE 'a%c'", "a\nc", True),
        ("LIKE 'a_c'", "a.c", True),
        ("LIKE 'a.c'", "abc", False),
        ("LIKE 'b'", "abc", False),
        ("MATCHES 'b'", "abc", True),
        ("MATCHES 'a.c'", "a\nc", True),
        ("MATCHES '^b'", "a\nb", False),
        ("MATCHES 'b$'", "a\nb\n", True),
        ("MATCHES 'b$'", "b\n\n", False),
        ("MATCHES '[$]x'", "$x", True),
        ("MATCHES '[\\\\]$]x'", "$x", True),
        ("LIKE 'b'", "b\n", False),
        ("IN (1, 2.5)", 2.5, True),
        ("IN ()", 1, False),
        ("NOT IN ()", 1, True),
        ("= t'2024-01-01T00:00:00Z'", "2024-01-01T00:00:00.000Z", True),
        ("< t'2024-01-01T00:00:00.001Z'", "2024-01-01T00:00:00Z", True),
        ("= t'2016-12-31T23:59:60Z'", "2017-01-01T00:00:00Z", True),
        ("!= t'2024-01-01T00:00:00Z'", 5, True),
        ("= h'c3a4'", "\u00c3\u00a4", True),
        ("= true", True, True),
        ("= true", 1, False),
    ],
)
def test_values_are_compared_by_their_types(comparison: str, value: Any, expected: bool):
    assert matches(f"[x:v {comparison}]", {"type": "x", "v": value}) is expected


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        ("payload_bin = 'this is a test'", True),
        ("payload_bin = 'dGhpcyBpcyBhIHRlc3Q='", False),
        ("payload_bin = b'dGhpcyBpcyBhIHRlc3Q='", True),
        ("payload_bin = h'7468697320697320612074657374'", True),
        ("payload_bin IN ('x', 'this is a test')", True),
        ("payload_bin LIKE 'this%'", True),
        ("payload_bin MATCHES 'is.a'", True),
        ("magic_hex = h'ffd8'", True),
        ("magic_hex MATCHES '^\\\\xff\\\\xd8$'", True),
        ("magic_hex > 'a'", True),
        ("magic_hex = '\u0103'", False),
        ("magic_hex != '\u0103'", True),
    ],
)
def test_octets_are_compared_as_octets(comparison: str, expected: bool):
    artifact = {"type": "artifact", "payload_bin": "dGhpcyBpcyBhIHRlc3Q=", "magic_hex": "FFd8"}
    assert matches(f"[artifact:{comparison}]", artifact) is expected


@pytest.mark.parametrize(
    ("value", "operator", "block", "expected"),
    [
        ("198.51.100.0/27", "ISSUBSET", "198.51.100.0/24", True),
        ("198.51.100.0/24", "ISSUPERSET", "198.51.100.0/27", True),
        ("198.51.100.7", "ISSUBSET", "198.51.100.7/32", True),
        ("198.51.100.7/32", "ISSUPERSET", "198.51.100.7", True),
        ("203.0.113.1", "ISSUBSET", "0.0.0.0/0", True),
        ("0.0.0.0/0", "ISSUBSET", "203.0.113.0/24", False),
        ("2001:db8::1", "ISSUBSET", "2001:0db8::/32", True),
        ("2001:db8::1", "ISSUBSET", "::/0", True),
        ("203.0.113.1", "ISSUBSET", "::/0", False),
        ("::ffff:203.0.113.1", "ISSUBSET", "0.0.0.0/0", False),
        ("a.example", "ISSUBSET", "0.0.0.0/0", False),
        ("a.example", "NOT ISSUBSET", "0.0.0.0/0", True),
        ("203.0.113.01", "ISSUBSET", "0.0.0.0/0", False),
    ],
)
def test_blocks_contain_blocks_of_their_own_family(value: str, operator: str, block: str, expected: bool):
    assert matches(f"[x:value {operator} '{block}']", {"type": "x", "value": value}) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("x:l[0] = 'a'", True),
        ("x:l[2] = 'a'", False),
        ("x:l[-1] = 'b'", False),
        ("x:l[*] = 'b'", True),
        ("x:'d-e'.'f.g' = 1", True),
        ("x:ext.'windows-pebinary-ext'.sections[*].entropy > 7.0", True),
        ("x:y_refs[1].v = 'c'", True),
        ("x:y_refs[0].v = 'c'", False),
        ("x:y_refs[*].y_refs[*].y_refs[*].v = 'c'", True),
        ("x:type = 'x'", True),
    ],
)
def test_paths_lead_into_lists_dictionaries_and_other_objects(path: str, expected: bool):
    extension = {"windows-pebinary-ext": {"sections": [{"entropy": 1}, {"entropy": 7.5}]}}
    one = {"type": "x", "l": ["a", "b"], "d-e": {"f.g": 1}, "ext": extension, "y_refs": ["7", "1"]}
    assert matches(f"[{path}]", one, {"type": "x", "v": "c", "y_refs": ["0", "1"]}) is expected


def test_references_in_circles_are_followed_without_end():
    many = [{"type": "x", "all_refs": [str(other) for other in range(8)]} for _ in range(8)]
    assert not matches(f"[x:{'all_refs[*].' * 200}v = 1]", *many)


def test_2_1_follows_only_what_object_refs_list():
    address = {"type": "ipv4-addr", "id": "ipv4-addr--1", "value": "198.51.100.3"}
    domain = {"type": "domain-name", "id": "domain-name--1", "value": "a.example", "resolves_to_refs": ["ipv4-addr--1"]}
    refs = ["domain-name--1"]
    data = {**seen(), "id": f"{V21}1", "object_refs": refs}
    pattern = "[domain-name:resolves_to_refs[*].value = '198.51.100.3']"
    assert ids(pattern, data, address, domain) is None
    refs.append("ipv4-addr--1")
    assert ids(pattern, {"type": "bundle", "objects": [data, address]}, domain) == [f"{V21[15:]}1"]
    assert ids("[observed-data:number_observed = 1]", data) is None


def test_observed_data_name_what_made_the_pattern_match():
    data = [seen({"type": "x", "v": number % 3}, first=number) for number in range(6)]
    assert ids("[x:v = 1]", *data) == ["1"]
    assert ids("[x:v = 1] REPEATS 2 TIMES", *data) == ["1", "4"]
    assert ids("[x:v = 2] FOLLOWEDBY [x:v = 0 OR x:v = 1]", *data) == ["2", "3"]
    assert ids("[x:v = 2] FOLLOWEDBY [x:v = 1] FOLLOWEDBY [x:v = 0]", *data) is None
    assert ids("([x:v = 0] AND [x:v = 2]) WITHIN 1 SECONDS", *data) == ["2", "3"]


def test_several_expressions_take_different_observations():
    one, three = seen({"type": "x", "v": 1}), seen({"type": "x", "v": 1}, times=3)
    assert ids("[x:v = 1] AND [x:v != 2]", one) is None
    assert ids("[x:v = 1] AND [x:v != 2]", three) == ["0"]
    assert ids("[x:v = 1] REPEATS 3 TIMES WITHIN 1 SECONDS", three) == ["0"]
    assert ids("[x:v = 1] REPEATS 4 TIMES", three) is None


def test_times_bound_what_counts():
    data = [seen({"type": "x", "v": number}, first=number) for number in range(6)]
    window = f"START t'{at(2)}' STOP t'{at(4)}'"
    assert ids(f"[x:v > 0] {window} REPEATS 2 TIMES", *data) == ["2", "3"]
    assert ids(f"[x:v > 0] {window} REPEATS 3 TIMES", *data) is None
    assert ids(f"[x:v = 0] OR [x:v = 3] {window}", *data[1:]) == ["3"]
    assert ids("([x:v = 0] AND [x:v = 5]) WITHIN 5 SECONDS", *data) == ["0", "5"]
    assert ids("([x:v = 0] AND [x:v = 5]) WITHIN 4.999 SECONDS", *data) is None
    assert ids("[x:v = 0] AND [x:v = 5] WITHIN 1 SECONDS", *data) == ["0", "5"]


@pytest.mark.parametrize(
    ("change", "at_"),
    [
        ({"number_observed": 0}, "/0/number_observed"),
        ({"number_observed": True}, "/0/number_observed"),
        ({"first_observed": "2024-01-01 00:00:00"}, "/0/first_observed"),
        ({"last_observed": "1999-01-01T00:00:00Z"}, "/0/last_observed"),
        ({"objects": None}, "/0"),
        ({"objects": {"0": 5}}, "/0/objects/0"),
        ({"object_refs": "x"}, "/0/object_refs"),
    ],
)
def test_data_that_the_standard_does_not_know_are_refused_at_their_place(change: dict[str, Any], at_: str):
    with pytest.raises(InvalidInput) as refused:
        observations([seen({"type": "x"}) | change])
    assert refused.value.problems[0].at == at_


def test_a_time_that_is_missing_is_called_so():
    with pytest.raises(InvalidInput, match="/0/first_observed: is missing"):
        observations([seen({"type": "x"}) | {"first_observed": None}])


@pytest.mark.parametrize(
    "pattern",
    ["[x:v = t'2024-02-30T00:00:00Z']", "[x:v ISSUBSET '10.0.0.0/33']", "[x:v = 1] AND [x:v MATCHES '(?=a)']"],
)
def test_a_constant_that_is_none_is_the_patterns_fault(pattern: str):
    with pytest.raises(InvalidInput, match="character"):
        matcher(pattern)


def test_an_expression_beyond_re2_is_an_error_of_its_own_kind():
    with pytest.raises(NotEvaluable):
        matcher(r"[x:v MATCHES '(a)\\1']")
