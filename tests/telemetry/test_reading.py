"""Bytes to observations."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citysec.errors import InvalidInput, Problem
from citysec.telemetry import Form, Seen, read, recognised, stream
from citysec.telemetry.lines import lines

AT = "2026-05-01T10:00:00Z"
SECRET = "secret-value"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda some: st.lists(some, max_size=2) | st.dictionaries(st.text(max_size=3), some, max_size=2),
    max_leaves=4,
)
NAMES = ("seen_at", "last_seen_at", "count", "ip", "src_ip", "domain", "url", "hash", "type", "id")
RECORDS = st.dictionaries(st.sampled_from(NAMES), JSON | st.sampled_from([AT, "192.0.2.1", "evil.example", 1]))
OBSERVED = st.fixed_dictionaries({
    "type": st.just("observed-data"),
    "first_observed": st.just(AT) | JSON,
    "last_observed": st.just(AT) | JSON,
    "number_observed": st.just(1) | JSON,
    "objects": st.dictionaries(st.text(), RECORDS) | JSON,
    "object_refs": st.lists(st.just("file--1")) | JSON,
})  # fmt: skip


def keys(content: bytes, form: Form) -> list[list[str]]:
    return [[fact.found.key for fact in one.facts] for one in read(content, form) if isinstance(one, Seen)]


@given(st.binary(), st.sampled_from(Form))
def test_whatever_the_bytes_only_the_whole_is_refused(content: bytes, form: Form):
    try:
        found = list(read(content, form))
    except InvalidInput:
        return
    assert all(isinstance(one, Seen | Problem) for one in found)


@given(st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n", b"\x0b"]) | st.binary(max_size=4)))
def test_lines_are_the_same_however_they_are_cut_into_pieces(pieces: list[bytes]):
    assert list(lines(pieces)) == b"".join(pieces).splitlines()


@given(st.text('1,"\r\n\v\u2028\x85 '), st.integers(1, 9))
def test_a_table_is_the_same_however_it_is_cut_into_pieces(rest: str, size: int):
    content = f"\ufeffseen_at,ip\n{rest}".encode()
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    assert list(stream(pieces, Form.CSV)) == list(read(content, Form.CSV))


def test_no_more_is_read_than_is_asked_for():
    record = json.dumps({"seen_at": AT, "domain": "x.example"}).encode() + b"\n"
    pieces = iter([record, record, record])
    assert isinstance(next(stream(pieces, Form.LINES)), Seen)
    assert len(list(pieces)) == 2


@pytest.mark.parametrize("form", [Form.LINES, Form.CSV])
def test_a_line_that_never_ends_costs_itself(form: Form):
    good = {Form.LINES: json.dumps({"seen_at": 1, "ip": "192.0.2.1"}), Form.CSV: "1,192.0.2.1"}[form].encode()
    pieces = [b"seen_at,ip\n" if form is Form.CSV else b"\n", *[b"1," * (1 << 18)] * 6, b"\n", good]
    first, second = stream(pieces, form)
    assert isinstance(first, Problem)
    assert isinstance(second, Seen)
    assert (first.at, second.at) == ("line 2", "line 3")


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(RECORDS, max_size=3) | st.fixed_dictionaries({"objects": st.lists(OBSERVED | RECORDS, max_size=3)}))
def test_whatever_the_structure_each_is_an_observation_or_has_its_place(data: Any):
    content = json.dumps(data).encode()
    for one in read(content, Form.JSON):
        assert one.at.startswith("/")


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(RECORDS, max_size=3))
def test_records_written_as_tables_break_nothing(records: list[Any]):
    rows = ["seen_at,ip,domain,count"] + [
        ",".join(str(one.get(n, "")) for n in ("seen_at", "ip", "count")) for one in records
    ]
    content = "\n".join(rows).encode(errors="replace")
    assert recognised(content) is Form.CSV
    assert len(list(read(content, Form.CSV))) <= content.count(b"\n") + content.count(b"\r")


@pytest.mark.parametrize(
    "record",
    [
        {"seen_at": AT, "domain": f"{SECRET}..x"},
        {"seen_at": SECRET, "domain": "x.example"},
        {"seen_at": AT, "ip": SECRET},
        {"seen_at": AT, "count": SECRET, "ip": "192.0.2.1"},
        {"seen_at": AT, "hash": SECRET},
        {"seen_at": AT},
        {"domain": "x.example"},
        {"seen_at": "2026-05-01T10:00:00", "domain": "x.example"},
        {"seen_at": AT, "last_seen_at": "2026-04-01T10:00:00Z", "domain": "x.example"},
        {"seen_at": AT, "count": 0, "domain": "x.example"},
        {"seen_at": 1e300, "domain": "x.example"},
    ],
)
def test_what_is_wrong_is_said_without_the_value(record: dict[str, Any]):
    for form, content in ((Form.JSON, json.dumps([record])), (Form.LINES, json.dumps(record))):
        (fault,) = read(content.encode(), form)
        assert isinstance(fault, Problem)
        assert SECRET not in str(fault)


def test_a_url_stands_for_its_host_too():
    record = {"seen_at": AT, "url": "http://EVIL.example:80/a"}
    assert keys(json.dumps([record]).encode(), Form.JSON) == [["http://evil.example/a", "example.evil"]]


def test_traffic_has_a_source_and_a_destination():
    record = {"seen_at": AT, "src_ip": "192.0.2.1", "dst_ip": "2001:db8::1"}
    (seen,) = read(json.dumps([record]).encode(), Form.JSON)
    assert isinstance(seen, Seen)
    objects = seen.observation().objects
    assert objects["traffic"] == {"type": "network-traffic", "src_ref": "0", "dst_ref": "1"}
    assert (objects["0"]["type"], objects["1"]["type"]) == ("ipv4-addr", "ipv6-addr")


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b'[{"a": 1}]', Form.JSON),
        (b'{"observations": []}', Form.JSON),
        (b'{"a": 1}\n{"a": 2}\n', Form.LINES),
        (b"seen_at,ip\n", Form.CSV),
    ],
)
def test_a_form_is_told_by_its_look(content: bytes, form: Form):
    assert recognised(content) is form


@pytest.mark.parametrize(("content", "form"), [(b"{}", Form.JSON), (b"x", Form.JSON), (b"a,b\n1,2\n", Form.CSV)])
def test_what_is_in_no_form_is_refused(content: bytes, form: Form):
    with pytest.raises(InvalidInput):
        list(read(content, form))


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"seen_at": "yesterday"}, "seen_at is no time with an offset, as 2026-"),
        ({"seen_at": "2026-05-01T10:00:00"}, "seen_at is no time with an offset, as 2026-"),
        ({}, "seen_at is missing, or no time"),
        ({"seen_at": AT, "last_seen_at": "2026-05-01"}, "last_seen_at is no time with an offset"),
        ({"seen_at": AT, "last_seen_at": "2026-04-01T10:00:00Z"}, "last_seen_at is before seen_at"),
    ],
)
def test_a_time_that_is_none_is_named(record: dict[str, Any], said: str):
    (fault,) = read(json.dumps(record | {"ip": "192.0.2.1"}).encode(), Form.LINES)
    assert said in str(fault)
