"""Object paths: which values of an object a comparison looks at.

Source:
    STIX 2.1 §9.7: `_ref` and `_refs` stand for the objects they name, where those are part of the observation; §9.6.4:
    `_bin` and `_hex` stand for their octets; an index out of range, and whatever else is not there, gives no value.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import unhexlify
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from citysec.errors import InvalidInput
from citysec.patterning.evaluation.budget import Budget
from citysec.patterning.literals import unquoted

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Object: TypeAlias = "dict[str, Json]"
Objects: TypeAlias = Mapping[str, Object]
"""The objects of one observation by what they are referred to with."""


class Absent:
    """Stands in a list of references for one that leads nowhere, so that the others keep their places."""


ABSENT: Final = Absent()
Value: TypeAlias = "Json | bytes | list[Object | Absent]"
_Step: TypeAlias = "Callable[[Iterable[Value], Objects], list[Value]]"
_STEP: Final = re.compile(r"[:.]('(?:[^'\\]|\\.)*'|[A-Za-z0-9_]+)|\[([^\]]+)\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Path:
    """Where to look: objects of `type`, then step by step; `name` is the only step where there is but a plain one."""

    type: str
    name: str | None
    steps: Sequence[_Step]

    def values(self, root: Object, objects: Objects, budget: Budget) -> Sequence[Value]:
        """Return what the path leads to from `root`.

        Raises:
            InvalidInput: a property is not what its name says (`_hex`, `_bin`, `_ref`, `_refs`).
        """
        if self.name is not None:
            return (root[self.name],) if self.name in root else ()
        found: list[Value] = [root]
        for step in self.steps:
            found = step(found, objects)
            budget.spend(len(found))
            if not found:
                break
        return found


@lru_cache(maxsize=4096)
def path(text: str) -> Path:
    """Return the path that `text` writes, as the parser gives it."""
    return _path(text, _named)


@lru_cache(maxsize=1024)
def property_path(text: str) -> Path:
    """Return the path to a property itself: a reference at its end is not followed."""
    return _path(text, _plain)


def _path(text: str, last: Callable[[str], _Step]) -> Path:
    kind, _, _ = text.partition(":")
    written = [(found[1], found[2]) for found in _STEP.finditer(text, len(kind))]
    names = [unquoted(name) if name and name[0] == "'" else name for name, _ in written]
    steps = [_named(name) if name else _item(index) for name, (_, index) in zip(names, written, strict=True)]
    if written[-1][0]:
        steps[-1] = last(names[-1])
    only = names[0] if len(names) == 1 and steps[0] is _plain(names[0]) else None
    return Path(kind, only, tuple(steps))


@lru_cache(maxsize=4096)
def _plain(name: str) -> _Step:
    def step(values: Iterable[Value], _objects: Objects) -> list[Value]:
        return [value[name] for value in values if isinstance(value, dict) and name in value]

    return step


def _named(name: str) -> _Step:
    """Return the step to a property, by what the ending of its name says of it."""
    _, _, suffix = name.rpartition("_")
    match suffix if "_" in name else "":
        case "hex":
            return _decoded(name, unhexlify, "hexadecimal")
        case "bin":
            return _decoded(name, lambda text: b64decode(text, validate=True), "base64")
        case "ref":
            return _reference(name)
        case "refs":
            return _references(name)
        case _:
            return _plain(name)


def _decoded(name: str, decode: Callable[[str], bytes], form: str) -> _Step:
    def octets(value: Json) -> Value:
        if value is None:
            return None
        try:
            return decode(_text(name, value))
        except ValueError as err:
            raise InvalidInput.at(name, f"is not {form}") from err

    def step(values: Iterable[Value], _objects: Objects) -> list[Value]:
        return [octets(value[name]) for value in values if isinstance(value, dict) and name in value]

    return step


def _reference(name: str) -> _Step:
    def step(values: Iterable[Value], objects: Objects) -> list[Value]:
        names = (_text(name, value[name]) for value in _once(values) if name in value)
        return [found for one in names if (found := objects.get(one)) is not None]

    return step


def _references(name: str) -> _Step:
    def step(values: Iterable[Value], objects: Objects) -> list[Value]:
        lists = (_list(name, value[name]) for value in _once(values) if name in value)
        return [[objects.get(_text(name, one), ABSENT) for one in many] for many in lists]

    return step


def _once(values: Iterable[Value]) -> Iterable[Object]:
    """Return each object among `values` once: references that run in circles would multiply it without end."""
    return {id(value): value for value in values if isinstance(value, dict)}.values()


def _text(name: str, value: Json) -> str:
    if not isinstance(value, str):
        raise InvalidInput.at(name, "is not a string")
    return value


def _list(name: str, value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise InvalidInput.at(name, "is not a list")
    return value


def _item(index: str) -> _Step:
    if index == "*":
        return _each
    place = int(index)

    def step(values: Iterable[Value], _objects: Objects) -> list[Value]:
        lists = (value for value in values if isinstance(value, list) and 0 <= place < len(value))
        return [found for value in lists if not isinstance(found := value[place], Absent)]

    return step


def _each(values: Iterable[Value], _objects: Objects) -> list[Value]:
    lists = (value for value in values if isinstance(value, list))
    return [found for value in lists for found in value if not isinstance(found, Absent)]
