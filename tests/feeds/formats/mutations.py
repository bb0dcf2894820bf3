"""What is thrown at every format: arbitrary bytes, and real structures with something odd in them."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

from hypothesis import strategies as st

from citysec import patterning
from citysec.errors import InvalidInput
from citysec.feeds import formats
from citysec.feeds.atoms import of_entry
from citysec.feeds.formats import Draft, Entry, Item, Reject, Subject

DEEP = json.loads("[" * 60 + "]" * 60)
ODD = st.sampled_from(
    [None, True, -1, 1e308, 2**70, "", "\0", "\u202eevil", "x" * 5000, [], {}, [[]], {"": None}, DEEP, "0001-01-01",
     "2024-01-01T00:00:00", "9999-12-31T23:59:59-14:00", "99999999999", [None, 1, "a", {}], "CVE-2024-1\n"]
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value in a JSON text."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return `value` with something else at `path`."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@st.composite
def mutated(draw: st.DrawFn, value: Any) -> bytes:
    """Draw the JSON text of `value` with odd values in some places, or a piece of it missing or damaged."""
    for _ in range(draw(st.integers(1, 3))):
        value = replaced(value, draw(st.sampled_from(places(value))), draw(ODD))
    return draw(damaged(json.dumps(value).encode()))


@st.composite
def damaged(draw: st.DrawFn, body: bytes) -> bytes:
    """Draw `body`, most often as it is, or with bytes cut out or put in."""
    if draw(st.integers(0, 3)):
        return body
    start = draw(st.integers(0, len(body)))
    end = draw(st.integers(start, min(len(body), start + 20)))
    return body[:start] + draw(st.binary(max_size=8)) + body[end:]


def survives(name: str, body: bytes, **options: Any) -> None:
    """Check that format `name` reads or refuses `body`, and that what it reads keeps the promises of an entry."""
    try:
        items = list(formats.read(name, BytesIO(body), options))
    except InvalidInput:
        return
    for item in items:
        assert not isinstance(item, Draft)
        check(item)


def check(item: Item) -> None:
    match item:
        case Entry():
            assert item.key
            assert all(at is None or at.utcoffset() is not None for at in (item.since, item.seen, item.until))
            assert item.confidence is None or 0 <= item.confidence <= 100
            said = [item.key, item.name, item.labels, item.description, item.references, item.facts]
            written = json.dumps(said, allow_nan=False, ensure_ascii=False).encode()  # fails on halves of characters
            assert b"\\u0000" not in written
            if item.subject is Subject.INDICATOR:
                compiled = patterning.compile(item.key)
                assert not item.observables or of_entry(item) == (list(compiled.atoms), None)
        case Reject():
            assert len(item.excerpt) <= 200
        case _:
            pass


def parse(name: str, body: Any, **options: Any) -> list[Item]:
    """Return what format `name` makes of bytes, or of the JSON text of anything else."""
    written = body if isinstance(body, bytes) else json.dumps(body).encode()
    return list(formats.read(name, BytesIO(written), options))


def entries(name: str, body: Any, **options: Any) -> list[Entry]:
    """Return the entries; there is nothing else."""
    found = parse(name, body, **options)
    assert all(isinstance(item, Entry) for item in found), found
    return [item for item in found if isinstance(item, Entry)]


def rejects(name: str, body: Any, **options: Any) -> list[Reject]:
    """Return the rejects."""
    return [item for item in parse(name, body, **options) if isinstance(item, Reject)]


def parse_or_refuse(name: str, body: bytes) -> list[Item]:
    """Return what format `name` makes of bytes, nothing where it refuses them as a whole."""
    try:
        return parse(name, body)
    except InvalidInput:
        return []
