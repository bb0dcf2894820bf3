"""What a JSON value must look like, as values that combine; each reports every fault with its place.

A shape is a function of a value and its place (a JSON pointer). `cacao` and `schema` say with these what the standard
says in tables.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = "dict[str, Json]"


@dataclass(frozen=True, slots=True)
class Fault:
    """One deviation: its kind, the JSON pointer of the value, and what is wrong there."""

    kind: str
    at: str
    message: str


Shape: TypeAlias = Callable[[Json, str], Iterator[Fault]]

_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", re.ASCII)
_UUID: Final = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
_IDENTIFIER: Final = re.compile(rf"[a-z][a-z0-9-]*[a-z0-9]--{_UUID}", re.ASCII)


def anything(_value: Json, _at: str) -> Iterator[Fault]:
    """Accept every value: what it means is said elsewhere, or by an extension."""
    return iter(())


def text(value: Json, at: str) -> Iterator[Fault]:
    """Accept text."""
    if not isinstance(value, str):
        yield Fault("wrong_type", at, "must be a string")


def flag(value: Json, at: str) -> Iterator[Fault]:
    """Accept true and false."""
    if not isinstance(value, bool):
        yield Fault("wrong_type", at, "must be true or false")


def whole(least: int, most: int | None = None) -> Shape:
    """Accept whole numbers from `least` to `most`; a boolean is none."""

    def shape(value: Json, at: str) -> Iterator[Fault]:
        if isinstance(value, bool) or not isinstance(value, int):
            yield Fault("wrong_type", at, "must be a whole number")
        elif value < least or (most is not None and value > most):
            yield Fault("bad_value", at, f"must be {least} to {most}" if most is not None else f"must be >= {least}")

    return shape


def words(*allowed: str) -> Shape:
    """Accept one word of a closed vocabulary."""

    def shape(value: Json, at: str) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield Fault("wrong_type", at, "must be a string")
        elif value not in allowed:
            yield Fault("bad_value", at, f"{value!r} is not one of {', '.join(allowed)}")

    return shape


def matching(pattern: re.Pattern[str], what: str, kind: str = "bad_value") -> Shape:
    """Accept text that `pattern` matches as a whole; `what` says in words what it should be."""

    def shape(value: Json, at: str) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield Fault("wrong_type", at, "must be a string")
        elif pattern.fullmatch(value) is None:
            yield Fault(kind, at, f"{value[:200]!r} is not {what}")

    return shape


def identifier(*types: str) -> Shape:
    """Accept `type--UUID`, of one of `types` where any are given."""
    of_form = matching(_IDENTIFIER, "an identifier (type--UUID)", "bad_identifier")

    def shape(value: Json, at: str) -> Iterator[Fault]:
        yield from of_form(value, at)
        if types and isinstance(value, str) and value.partition("--")[0] not in types:
            yield Fault("bad_identifier", at, f"{value[:200]!r} is not the id of a {' or '.join(types)}")

    return shape


def timestamp(value: Json, at: str) -> Iterator[Fault]:
    """Accept an instant of RFC 3339 in UTC that ends in `Z` and exists in the calendar."""
    if not isinstance(value, str):
        yield Fault("wrong_type", at, "must be a string")
    elif instant(value) is None:
        yield Fault("bad_timestamp", at, f"{value[:60]!r} is not an instant like 2024-01-31T09:30:00.000Z")


def instant(value: str) -> datetime | None:
    """Return the aware instant that `value` writes, None where it is no CACAO timestamp."""
    if _TIMESTAMP.fullmatch(value) is None:
        return None
    seconds, _, fraction = value.removesuffix("Z").partition(".")
    try:
        return datetime.fromisoformat(f"{seconds}.{fraction[:6].ljust(6, '0')}+00:00")
    except ValueError:
        return None


def base64(value: Json, at: str) -> Iterator[Fault]:
    """Accept base64 in the standard alphabet.

    Source:
        RFC 4648 §4.
    """
    if not isinstance(value, str):
        yield Fault("wrong_type", at, "must be a string")
        return
    try:
        b64decode(value, validate=True)
    except ValueError:
        yield Fault("bad_value", at, "is not base64 (RFC 4648 section 4)")


def listed(item: Shape) -> Shape:
    """Accept a list of at least one `item`: CACAO leaves empty lists out."""

    def shape(value: Json, at: str) -> Iterator[Fault]:
        if not isinstance(value, list):
            yield Fault("wrong_type", at, "must be a list")
            return
        if not value:
            yield Fault("empty_list", at, "must not be empty; leave it out instead")
        for number, member in enumerate(value):
            yield from item(member, f"{at}/{number}")

    return shape


def keyed(key: Shape, member: Shape) -> Shape:
    """Accept an object used as a dictionary: every name is a `key`, every value a `member`."""

    def shape(value: Json, at: str) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield Fault("wrong_type", at, "must be an object")
            return
        for name, inner in value.items():
            yield from key(name, f"{at}/{name}")
            yield from member(inner, f"{at}/{name}")

    return shape


def record(required: Mapping[str, Shape], optional: Mapping[str, Shape]) -> Shape:
    """Accept an object with all `required` properties and no other than these and the `optional` ones."""
    known = {**optional, **required}

    def shape(value: Json, at: str) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield Fault("wrong_type", at, "must be an object")
            return
        for name in required:
            if name not in value:
                yield Fault("missing_property", at, f"lacks the required property {name!r}")
        for name, inner in value.items():
            if name in known:
                yield from known[name](inner, f"{at}/{name}")
            else:
                yield Fault("unknown_property", f"{at}/{name}", f"the standard knows no property {name!r} here")

    return shape


def exactly_one(*names: str) -> Shape:
    """Accept an object that has exactly one of the properties `names`."""

    def shape(value: Json, at: str) -> Iterator[Fault]:
        present = [name for name in names if isinstance(value, dict) and name in value]
        if not present:
            yield Fault("missing_property", at, f"needs one of {', '.join(names)}")
        elif len(present) > 1:
            yield Fault("ambiguous_properties", at, f"may have only one of {', '.join(present)}")

    return shape


def at_most_one(*names: str) -> Shape:
    """Accept an object that has none or one of the properties `names`."""

    def shape(value: Json, at: str) -> Iterator[Fault]:
        present = [name for name in names if isinstance(value, dict) and name in value]
        if len(present) > 1:
            yield Fault("ambiguous_properties", at, f"may have only one of {', '.join(present)}")

    return shape


def every(*shapes: Shape) -> Shape:
    """Accept what each of `shapes` accepts."""

    def shape(value: Json, at: str) -> Iterator[Fault]:
        for one in shapes:
            yield from one(value, at)

    return shape


def by_type(known: Mapping[str, Shape], other: Shape) -> Shape:
    """Accept an object by the shape that its property `type` names; `other` takes the types an open vocabulary adds."""

    def shape(value: Json, at: str) -> Iterator[Fault]:
        name = value.get("type") if isinstance(value, dict) else None
        yield from known.get(name if isinstance(name, str) else "", other)(value, at)

    return shape


def open_record(required: Iterable[str]) -> Shape:
    """Accept an object that has the `required` text properties, and whatever else its maker put there."""

    def shape(value: Json, at: str) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield Fault("wrong_type", at, "must be an object")
            return
        for name in required:
            if name not in value:
                yield Fault("missing_property", at, f"lacks the required property {name!r}")
            else:
                yield from text(value[name], f"{at}/{name}")

    return shape
