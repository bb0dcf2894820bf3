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
from citysec.feeds.formats import Draft, elements, stix
from tests.feeds.stix import bundle, indicator

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("objects"), inner),
)


def split(body: bytes) -> list[Any]:
    return [json.loads(part) for part in elements.elements(BytesIO(body), "objects")]


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


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"objects": [{"a": 1}', "cut off"),
        (b'{"a": 1}', "no list"),
        (b'{"objects": {"x": []}}', "no list"),
        (b"", "cut off"),
    ],
)
def test_a_text_without_a_whole_list_is_refused(body: bytes, reason: str):
    with pytest.raises(InvalidInput, match=reason):
        split(body)


def test_an_element_larger_than_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(elements, "MAX_ELEMENT_BYTES", 1000)
    monkeypatch.setattr(elements, "_CHUNK", 100)
    with pytest.raises(InvalidInput, match="larger than"):
        split(json.dumps({"objects": [{"a": "x" * 2000}]}).encode())


@pytest.mark.parametrize("size", [0, 1 << 30])
def test_small_and_large_files_are_read_alike(size: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stix, "SMALL", size)
    objects = [indicator(1), indicator(2), {"type": "broken"}]
    lines = b"\n".join(json.dumps(one).encode() for one in objects)
    for body in (bundle(*objects), json.dumps(objects).encode(), lines):
        found = list(formats.read("stix", BytesIO(body)))
        assert [type(one) for one in found] == [Draft, Draft, formats.Reject]
        assert getattr(found[-1], "at", "") in {"/objects/2", "/2", "line 3"}


def test_the_version_of_a_large_bundle_counts_for_its_objects(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stix, "SMALL", 0)
    old = {name: value for name, value in indicator(1).items() if name != "spec_version"}
    body = json.dumps({"type": "bundle", "spec_version": "2.0", "objects": [old]}).encode()
    (found,) = formats.read("stix", BytesIO(body))
    assert isinstance(found, Draft)
    assert found.spec_version == "2.0"
