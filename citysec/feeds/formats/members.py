"""Members of JSON objects whose types nobody promises: what is there in the wanted form, or nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

_NOTHING: Final[Mapping[str, Any]] = {}
NO_LINK: Final = r"\s\"'<>\\^`{|}"
"""What no link holds that a page may show, within a class of a regular expression."""
MOST_LINKS: Final = 100
_LINK: Final = re.compile(rf"[Hh][Tt][Tt][Pp][Ss]?://[^{NO_LINK}]{{1,2000}}")
_MOST_WORDS: Final = 4000
_YES: Final = frozenset({"1", "true", "yes"})


def text(value: object) -> str | None:
    """Return a text without blanks around it; None for an empty one and for everything else.

    NUL becomes U+FFFD: PostgreSQL has no way to write it.
    """
    if not isinstance(value, str):
        return None
    said = value.strip()
    return (said.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in said else said) or None


def texts(value: object) -> tuple[str, ...]:
    """Return the texts of a list, each once, in its order."""
    if not isinstance(value, list):
        return ()
    found = [said for item in cast("list[object]", value) if (said := text(item))]
    return tuple(dict.fromkeys(found)) if len(found) > 1 else tuple(found)


def links(values: Iterable[object]) -> tuple[str, ...]:
    """Return the web addresses among `values`, each once, at most a hundred; a page may show them as links."""
    found = [link for value in values if (link := text(value)) and _LINK.fullmatch(link)]
    return tuple(dict.fromkeys(found))[:MOST_LINKS]


def english(descriptions: object) -> str | None:
    """Return the first English text of a list of `{"lang", "value"}`, else the first of all."""
    found = [(str(said.get("lang")), words) for said in mappings(descriptions) if (words := text(said.get("value")))]
    chosen = next((words for lang, words in found if lang.lower().startswith("en")), found[0][1] if found else None)
    return chosen[:_MOST_WORDS] if chosen else None


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
    return value is True or (value is not False and value is not None and str(value).lower() in _YES)
