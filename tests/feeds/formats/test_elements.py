"""Large JSON files, element by element."""

from __future__ import annotations

import json
from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds import formats
from citysec.feeds.formats import Draft, documents, elements
from tests.feeds.stix import bundle, indicator

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("objects"), inner),
    max_leaves=30,
)


def split(body: bytes) -> list[Any]:
    return [json.loads(bytes(part)) for part in elements.elements(BytesIO(body), "objects")]


@pytest.fixture(params=[1, 7, 1 << 20])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in pieces of that size."""
    monkeypatch.setattr(elements, "_CHUNK", request.param)


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize("indent", [None, 2])
def test_the_elements_are_those_of_the_list(indent: int | None):
    found = [{"a": '"]}\\'}, [], "x,]", 1.5, None, {"objects": [[{}], "["]}, -1]
    for document in (found, {"a": [{"objects": []}], "objects": found, "z": 1}):
        assert split(json.dumps(document, indent=indent).encode()) == found


@given(st.lists(values), st.dictionaries(st.text(), values))
def test_any_list_is_split_as_json_reads_it(found: list[Any], more: dict[str, Any]):
    more.pop("objects", None)
    assert split(json.dumps({**more, "objects": found}).encode()) == found
    assert split(json.dumps(found, ensure_ascii=False).encode()) == found


@given(st.binary() | st.text(alphabet='{}[]",: \\a1\n').map(str.encode))
def test_any_bytes_are_split_or_refused(body: bytes):
    with suppress(InvalidInput):
        for _ in elements.elements(BytesIO(body), "objects"):
            pass


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"objects": [{"a": 1}', "cut off"),
        (b'{"objects": []', "cut off"),
        (b'{"objects": [], "more": [{"a":', "cut off"),
        (b'{"objects": [1]}\n{"objects": [2]}', "followed by another"),
        (b'{"objects": [1]} oops', "followed by other text: o"),
        (b'{"objects": [1], "a": {"objects": []}, "objects": [2]}', "more than one list"),
        (b'{"a": 1}', "no list"),
        (b'{"objects": {"x": []}}', "no list"),
        (b"", "no JSON"),
        (b"<html>[{}]</html>", "no JSON"),
    ],
)
def test_a_text_without_a_whole_list_is_refused(body: bytes, reason: str):
    with pytest.raises(InvalidInput, match=reason):
        split(body)


@pytest.mark.parametrize(
    "large", [{"a": "x" * 2000}, {"a": ['"]}\\\\'] * 500}, [[]] * 1000, {"a\\": "\\" * 999, "b": "}"}]
)
@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_an_element_larger_than_the_limit_is_passed_over(large: Any, chunk: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(elements, "MAX_ELEMENT_BYTES", 900)
    monkeypatch.setattr(elements, "_CHUNK", chunk)
    body = json.dumps({"objects": [{"n": 1}, large, {"n": 2}]}).encode()
    first, cut, last = elements.elements(BytesIO(body), "objects")
    assert [bytes(first), bytes(last)] == [b'{"n": 1}', b'{"n": 2}']
    assert (len(bytes(cut)), bytes(cut)[:4]) == (901, json.dumps(large).encode()[:4])


@pytest.mark.parametrize("body", [b'["' + b"x" * 2000, b'{"' + b"x" * 2000, b"[" + b" " * 2000])
def test_what_is_too_large_and_no_element_is_refused(body: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(elements, "MAX_ELEMENT_BYTES", 900)
    monkeypatch.setattr(elements, "_CHUNK", 100)
    with pytest.raises(InvalidInput, match="larger than"):
        split(body)


def test_an_element_that_is_no_json_or_too_deep_costs_itself():
    deep = b'{"a":' * 2000 + b"1" + b"}" * 2000
    parts = (b'{"n":1}', deep, b"{'n':2}", b'{"n":NaN}', b'{"n":3}')
    assert tuple(map(bytes, elements.elements(BytesIO(b"[" + b",".join(parts) + b"]")))) == parts


@pytest.mark.parametrize("size", [0, 1 << 30])
def test_small_and_large_files_are_read_alike(size: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(documents, "SMALL", size)
    objects = [indicator(1), indicator(2), {"type": "broken"}]
    lines = b"\n".join(json.dumps(one).encode() for one in objects)
    for body in (bundle(*objects), json.dumps(objects).encode(), lines):
        found = list(formats.read("stix", BytesIO(body)))
        assert [type(one) for one in found] == [Draft, Draft, formats.Reject]
        assert getattr(found[-1], "at", "") in {"/objects/2", "/2", "line 3"}


def outcome(name: str, body: bytes) -> tuple[int, str]:
    """Return how many records there are before the end, and what is said of it."""
    good = 0
    try:
        for found in formats.read(name, BytesIO(body)):
            if isinstance(found, formats.Reject):
                return good, found.reason
            good += 1
    except InvalidInput as err:
        return good, str(err)
    return good, ""


@pytest.mark.parametrize("size", [0, 1 << 30])
@pytest.mark.parametrize(
    ("written", "good", "said"),
    [
        ("BUNDLE\nBUNDLE", 2, "followed by another"),
        ("BUNDLE oops", 2, "followed by other text"),
        ("BUNDLE \n ", 2, ""),
        ('{"type": "bundle", "objects": [],', 0, "truncated"),
        ('{"type": "bundle", "objects": LIST, "more": [{', 2, "cut off"),
        ('{"type": "bundle", "objects": LIST, "x": [{"objects": []}], "objects": LIST}', 2, "more than one list"),
        ('{"type": "bundle", "x": {"objects": []}, "objects": LIST, "y": {"objects": []}}', 2, ""),
    ],
)
def test_what_follows_a_list_is_not_lost_silently(
    size: int, written: str, good: int, said: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(documents, "SMALL", size)
    objects = [indicator(1), indicator(2)]
    whole = json.dumps(json.loads(bundle(*objects)), indent=1)
    found = outcome("stix", written.replace("BUNDLE", whole).replace("LIST", json.dumps(objects)).encode())
    assert (found[0], said in found[1], bool(found[1])) == (good, True, bool(said))


@pytest.mark.parametrize("name", ["kev", "nvd"])
def test_joined_pages_are_not_one(name: str):
    page = b'{"vulnerabilities": [\n{"cveID": "CVE-2026-0001", "cve": {"id": "CVE-2026-0001"}}]}'
    assert "followed by another" in outcome(name, page + page)[1]


def test_a_list_before_the_wanted_one_may_be_larger_than_memory_holds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(elements, "MAX_ELEMENT_BYTES", 900)
    monkeypatch.setattr(elements, "_CHUNK", 100)
    beside = [{"a": [1]}, {"b": "]"}] * 200
    assert split(json.dumps({"x": beside, "objects": [1, 2], "y": beside}).encode()) == [1, 2]


@pytest.mark.parametrize("members", [{"spec_version": "2.0", "objects": 0}, {"objects": 0, "spec_version": "2.0"}])
def test_the_version_of_a_large_bundle_counts_for_its_objects(members: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(documents, "SMALL", 0)
    old = {name: value for name, value in indicator(1).items() if name != "spec_version"}
    body = json.dumps({"type": "bundle"} | members | {"objects": [old]}).encode()
    (found,) = formats.read("stix", BytesIO(body))
    assert isinstance(found, Draft)
    assert found.spec_version == "2.0"
