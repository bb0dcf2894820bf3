"""Members of JSON objects whose types nobody promises: what is there in the wanted form, or nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

_NOTHING: Final[Mapping[str, Any]] = {}
_YES: Final = frozenset({"1", "true", "yes"})


def text(value: object) -> str | None:
    """Return a text without blanks around it; None for an empty one and for everything else.

    NUL becomes U+FFFD: PostgreSQL has no way to write it.
    """
    if not isinstance(value, str):
        return None
    return value.strip().replace("\0", "\N{REPLACEMENT CHARACTER}") or None


def texts(value: object) -> tuple[str, ...]:
    """Return the texts of a list, each once, in its order."""
    return tuple(dict.fromkeys(found for item in sequence(value) if (found := text(item))))


def mapping(value: object) -> Mapping[str, Any]:
    """Return a JSON object, an empty one for everything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else _NOTHING


def mappings(value: object) -> Iterator[Mapping[str, Any]]:
    """Yield the JSON objects of a list."""
    return (cast("Mapping[str, Any]", item) for item in sequence(value) if isinstance(item, dict))


def sequence(value: object) -> Sequence[Any]:
    """Return a list, an empty one for everything else."""
    return cast("Sequence[Any]", value) if isinstance(value, list) else ()


def number(value: object) -> float | None:
    """Return a finite number, written as such or as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def yes(value: object) -> bool:
    """Return whether a member says yes, in any of the ways of JSON and PHP: `true`, `1`, `"1"`."""
    return value is True or str(value).lower() in _YES
