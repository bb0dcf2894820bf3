"""STIX in all its wrappings becomes drafts; a bad object costs that object and a reason."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds.formats import Draft, Reject, documents, stix
from citysec.tlp import MARKING_IDS, TLP
from tests.feeds.stix import bundle, indicator

INDICATOR: dict[str, Any] = {
    "type": "indicator",
    "spec_version": "2.1",
    "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "created": "2024-01-01T00:00:00.000Z",
    "modified": "2024-01-02T00:00:00.000Z",
    "pattern": "[domain-name:value = 'a.test']",
    "pattern_type": "stix",
    "valid_from": "2024-01-01T00:00:00Z",
}

ZONES = st.sampled_from(
    [UTC, timezone(timedelta(0)), timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=8))]
)
TIMES = st.datetimes(datetime(1960, 1, 1), datetime(2210, 1, 1), timezones=ZONES)  # noqa: DTZ001


def changed(**properties: Any) -> dict[str, Any]:
    return {k: v for k, v in (INDICATOR | properties).items() if v is not ...}


def parse(value: Any) -> list[Draft | Reject]:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return list(stix.parse(body))


def draft(value: Any) -> Draft:
    (found,) = parse(value)
    assert isinstance(found, Draft), found
    return found


def reject(value: Any) -> Reject:
    (found,) = parse(value)
    assert isinstance(found, Reject), found
    return found


@pytest.mark.parametrize(
    "body",
    [
        INDICATOR,
        [INDICATOR],
        {"type": "bundle", "id": "bundle--1", "objects": [INDICATOR]},
        {"more": False, "objects": [INDICATOR]},
        [{"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "objects": [INDICATOR]}],
        b"\xef\xbb\xbf " + json.dumps(INDICATOR, indent=1).encode() + b"\n",
        json.dumps([INDICATOR], indent=1).encode("utf-16"),
        b"\r\n" + json.dumps([INDICATOR], indent=1).replace("\n", "\r\n").encode(),
        json.dumps(INDICATOR).encode() + b"\n",
    ],
)
def test_an_object_is_found_in_every_wrapping(body: Any):
    assert draft(body).stix_id == INDICATOR["id"]


@pytest.mark.parametrize("body", [[], {}, {"type": "bundle", "id": "bundle--1"}, {"more": False}])
def test_an_empty_wrapping_is_empty(body: Any):
    assert parse(body) == []


def test_each_line_of_ndjson_stands_for_itself():
    lines = (json.dumps(INDICATOR).encode(), b'{"broken', b"", json.dumps([INDICATOR]).encode())
    first, broken, third = parse(b"\n".join(lines))
    assert isinstance(first, Draft)
    assert isinstance(third, Draft)
    assert isinstance(broken, Reject)
    assert (broken.at, broken.excerpt) == ("line 2", '{"broken')


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[" * 100_000,
        b'"text"',
        json.dumps([INDICATOR]).encode()[:-40],
        b'{"objects": 3}',
        b'{"error": "busy"}',
    ],
)
def test_a_body_that_is_no_json_or_cut_off_is_refused_as_a_whole(body: bytes):
    with pytest.raises(InvalidInput):
        parse(body)


def test_one_bad_object_costs_one_object():
    bodies = parse({"type": "bundle", "objects": [INDICATOR, changed(id="indicator--1"), 7, INDICATOR]})
    assert [type(i) for i in bodies] == [Draft, Reject, Reject, Draft]
    assert [i.at for i in bodies if isinstance(i, Reject)] == ["/objects/1", "/objects/2"]


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"id": "malware--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"}, "id:"),
        ({"type": ...}, "type"),
        ({"created": "2024-01-01T00:00:00"}, "no time zone"),
        ({"created": "yesterday"}, "created"),
        ({"created": "0004-01-01T00:00:00Z"}, "absurd"),
        ({"modified": "9024-01-01T00:00:00Z"}, "absurd"),
        ({"modified": "2023-12-31T00:00:00Z"}, "before created"),
        ({"modified": ...}, "modified: is missing"),
        ({"pattern": ...}, "pattern: is missing"),
        ({"pattern": 3}, "$.pattern"),
        ({"valid_until": "2024-01-01T00:00:00Z"}, "valid_until"),
        ({"valid_until": "9999-12-31T23:59:59-01:00"}, "absurd"),
        ({"confidence": 101}, "confidence"),
        ({"labels": "phishing"}, "$.labels"),
        ({"spec_version": "3.0"}, "spec_version"),
        ({"x_deep": json.loads("[" * 70 + "]" * 70)}, "nested deeper"),
        ({"x_long": "x" * (4 << 20)}, "larger than"),
    ],
)
def test_a_bad_object_is_refused_with_the_reason(properties: dict[str, Any], reason: str):
    assert reason in reject([changed(**properties)]).reason


@given(st.lists(TIMES, min_size=4, max_size=4), st.booleans())
def test_times_come_in_utc_and_in_order_or_cost_the_object(times: list[datetime], in_order: bool):
    created, modified, begin, end = sorted(times) if in_order else times
    names = {"created": created, "modified": modified, "valid_from": begin, "valid_until": end}
    (found,) = parse([INDICATOR | {name: at.isoformat() for name, at in names.items()}])
    sane = datetime(1970, 1, 1, tzinfo=UTC) <= created <= modified < datetime(2200, 1, 1, tzinfo=UTC)
    assert isinstance(found, Draft) == (sane and begin < end)
    for name, at in names.items() if isinstance(found, Draft) else ():
        assert getattr(found, name) == at
        assert getattr(found, name).tzinfo is UTC


@given(st.sampled_from(["[", '{"a":']), st.integers(55, 75), st.text(alphabet="[{", max_size=80))
def test_depth_is_limited_whatever_texts_say(opening: str, deep: int, text: str):
    closing = {"[": "]", '{"a":': "}"}[opening]
    (found,) = parse([changed(name=text, x_deep=json.loads(opening * deep + "1" + closing * deep))])
    assert isinstance(found, Draft) == (deep <= 63)


@pytest.mark.parametrize("bad", [b'{"a":' * 2000 + b"1" + b"}" * 2000, b"[" * 5000 + b"]" * 5000, b"{'a': NaN}"])
@pytest.mark.parametrize("wrapping", [b'{"objects": [%b, %b, %b]}', b"[%b,%b,%b]", b"%b\n%b\n%b"])
def test_an_object_that_no_decoder_takes_costs_itself(wrapping: bytes, bad: bytes):
    good = json.dumps(INDICATOR).encode()
    first, broken, last = parse(wrapping % (good, bad, good))
    assert isinstance(first, Draft)
    assert isinstance(last, Draft)
    assert isinstance(broken, Reject)
    assert broken.at in {"/objects/1", "/1", "line 2", "line 2/0"}


def test_a_line_of_ndjson_that_is_too_long_costs_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(documents, "MAX_LINE_BYTES", 2000)
    good = json.dumps(INDICATOR).encode()
    first, long, last = parse(b"\n".join((good, b'{"a": "' + b"x" * 9000 + b'"}', good)))
    assert (type(first), type(last)) == (Draft, Draft)
    assert isinstance(long, Reject)
    assert (long.at, len(long.excerpt), long.raw) == ("line 2", 200, b"")


def test_bytes_that_are_no_utf8_cost_one_object():
    good = json.dumps(INDICATOR).encode()
    first, second = parse(b"[" + good.replace(b"a.test", b"\xff.test") + b"," + good + b"]")
    assert isinstance(first, Reject)
    assert isinstance(second, Draft)


def test_gaps_that_are_common_are_filled():
    found = draft(changed(pattern_type=..., valid_from=..., spec_version=...))
    assert (found.pattern_type, found.spec_version) == ("stix", "2.0")
    assert found.valid_from == datetime(2024, 1, 1, tzinfo=UTC)
    assert draft(changed(spec_version=...)).spec_version == "2.1"
    assert (
        draft({"type": "bundle", "spec_version": "2.0", "objects": [changed(spec_version=...)]}).spec_version == "2.0"
    )


def test_the_whole_object_is_kept_and_hashed_in_one_form():
    found = draft(changed(x_unknown={"b": [1.5], "a": "é"}))
    assert json.loads(found.text) == changed(x_unknown={"b": [1.5], "a": "é"})
    assert found.content_hash == hashlib.sha256(found.text.encode()).hexdigest()
    reordered = dict(reversed(changed(x_unknown={"a": "é", "b": [1.5]}).items()))
    assert draft(reordered).content_hash == found.content_hash


def test_types_of_others_may_use_names_as_they_like():
    found = draft({"type": "x-thing", "id": INDICATOR["id"].replace("indicator", "x-thing"), "pattern": {"any": 1}})
    assert (found.type, found.pattern, found.version) == ("x-thing", None, None)


def test_an_observable_has_no_version_even_if_it_was_created():
    process = {
        "type": "process",
        "id": INDICATOR["id"].replace("indicator", "process"),
        "created": "1601-01-01T00:00:00Z",
    }
    assert draft(process).version is None


def test_the_ends_of_a_sighting_and_a_relationship_are_read():
    common = {k: INDICATOR[k] for k in ("spec_version", "created", "modified")}
    sighting = {"type": "sighting", "id": "sighting--" + INDICATOR["id"][11:], "sighting_of_ref": INDICATOR["id"]}
    assert draft(common | sighting).target_ref == INDICATOR["id"]
    ends = {"relationship_type": "indicates", "source_ref": INDICATOR["id"], "target_ref": "malware--1"}
    found = draft(common | ends | {"type": "relationship", "id": "relationship--" + INDICATOR["id"][11:]})
    assert (found.relationship_type, found.source_ref, found.target_ref) == tuple(ends.values())


def test_markings_come_from_the_object_its_parts_and_its_labels():
    found = draft(
        changed(
            object_marking_refs=["marking-definition--1"],
            granular_markings=[{"selectors": ["name"], "marking_ref": "marking-definition--2"}, {"lang": "en"}],
            labels=["tlp:amber+strict", "benign", "TLP:WHATEVER"],
        )
    )
    assert found.marking_refs == (
        "marking-definition--1", "marking-definition--2", MARKING_IDS[TLP.AMBER_STRICT], MARKING_IDS[TLP.RED],
    )  # fmt: skip
    assert found.indicator_types == ("benign",)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
    )
)
def test_whatever_json_comes_is_taken_or_refused(value: Any):
    try:
        found = parse([value])
    except InvalidInput:
        return
    assert all(isinstance(i, Reject) for i in found)


def stix_files(folder: Path) -> Iterator[tuple[str, bytes, dict[str, int]]]:
    for entry in json.loads((folder / "COUNTS.json").read_text()):
        if entry["kind"] == "stix":
            body = (folder / entry["file"]).read_bytes()
            yield entry["file"], gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body, entry["count"]


def test_real_feeds_give_every_object_and_indicator(shared_data: Path):
    for name, body, expected in stix_files(shared_data):
        found = [i for i in parse(body) if isinstance(i, Draft)]
        indicators = sum(i.type == "indicator" for i in found)
        assert (name, len(found), indicators) == (name, expected["objects"], expected["indicators"])


def test_a_bundle_may_be_in_a_bundle_but_no_deeper():
    inner = bundle(indicator(1))
    once = bundle(json.loads(inner))
    assert [type(one) for one in stix.parse(once)] == [Draft]
    (found,) = stix.parse(bundle(json.loads(once)))
    assert isinstance(found, Reject)
    assert (found.at, found.reason) == ("/objects/0/objects/0", "bundles are nested more than once")
    assert json.loads(found.raw) == json.loads(inner)


def test_a_remark_behind_the_objects_is_named_and_costs_nothing_else():
    found, remark = stix.parse(json.dumps([INDICATOR], indent=1).encode() + b"<!-- 3 ms -->")
    assert isinstance(found, Draft)
    assert isinstance(remark, Reject)
    assert remark.reason == "followed by other text: <!-- 3 ms -->"


@pytest.mark.parametrize("name", ["source_ref", "target_ref"])
def test_what_refers_to_no_id_is_refused(name: str):
    refs = {"relationship_type": "indicates", "source_ref": INDICATOR["id"], "target_ref": INDICATOR["id"]}
    about = changed(type="relationship", id=INDICATOR["id"].replace("indicator", "relationship"), pattern=...)
    (found,) = parse([about | refs])
    assert isinstance(found, Draft)
    assert "is no id" in reject([about | refs | {name: "malware--" + "x" * 300}]).reason
