r"""CPE 2.3 names in one canonical form.

A component is kept quoted, in lower case, with no more backslashes than needed: `*` is any, `-` is not applicable,
`\-` is a hyphen, `visual_c\+\+` a name with two plus signs.

Source:
    NISTIR 7695 §5.3 (logical values), §6.1 (URI binding of CPE 2.2), §6.2 (formatted string); NISTIR 7696 §6
    (matching).
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

import msgspec

from citysec.errors import InvalidInput

ANY: Final = "*"
NA: Final = "-"

_FORMATTED: Final = re.compile(r"cpe:2\.3:[aho*-](?::(?:[^:\\\s]|\\[^\s])+){10}", re.IGNORECASE)
_URI: Final = re.compile(r"cpe:/[aho](?::[^:\s]*){0,6}", re.IGNORECASE)
_COMPONENT: Final = re.compile(r"(?:[^:\\]|\\.)+")
_CHARACTER: Final = re.compile(r"\\(.)|(.)", re.DOTALL)
_WILD: Final = re.compile(r"(\*+|\?*)((?:[^*?\\]|\\.)*)(\*+|\?*)", re.DOTALL)
_PLAIN: Final = re.compile(r"[a-z0-9._\-]")
_PACKED: Final = 6  # an edition of CPE 2.2 that begins with a tilde holds this many parts


class CPE(msgspec.Struct, frozen=True):
    """The eleven attributes of a name, in the order of the formatted string."""

    part: str
    vendor: str
    product: str
    version: str = ANY
    update: str = ANY
    edition: str = ANY
    language: str = ANY
    sw_edition: str = ANY
    target_sw: str = ANY
    target_hw: str = ANY
    other: str = ANY

    def __str__(self) -> str:
        return ":".join(("cpe", "2.3", *msgspec.structs.astuple(self)))


class Fit(IntEnum):
    """Whether a name is one of those that criteria stand for."""

    NO = 0
    UNSURE = 1
    YES = 2


@lru_cache(maxsize=8192)
def parse(text: str) -> CPE:
    """Return the name that a CPE 2.3 formatted string, or a URI of CPE 2.2, writes.

    Raises:
        InvalidInput: `text` is neither.
    """
    if _FORMATTED.fullmatch(text):
        return CPE(*map(_canonical, _COMPONENT.findall(text)[2:]))
    if _URI.fullmatch(text):
        return CPE(*_of_uri(text))
    raise InvalidInput.at("", f"{text!r} is not a CPE name")


def plain(component: str) -> str:
    """Return a component as people read it, without its backslashes."""
    return _CHARACTER.sub(lambda found: found[1] or found[2], component) if "\\" in component else component


def versioned(name: CPE) -> str | None:
    """Return version, and behind a blank the update, that a name says, quoted as they are; None where it says none."""
    if name.version in {ANY, NA}:
        return None
    return name.version if name.update == ANY else f"{name.version} {name.update}"


def fit(criteria: CPE, name: CPE) -> Fit:
    """Return whether `name` is among what `criteria` stand for; product, version and update are left aside.

    That a name leaves the edition open makes it unsure; a platform left open does not: inventories hardly ever say it.
    """
    fits = [
        _component(criteria.part, name.part, Fit.YES),
        *(_component(getattr(criteria, one), getattr(name, one), Fit.UNSURE) for one in ("edition", "sw_edition")),
        *(
            _component(getattr(criteria, one), getattr(name, one), Fit.YES)
            for one in ("language", "target_sw", "target_hw", "other")
        ),
    ]
    return min(fits)


def quoted(text: str) -> str:
    """Return the component that stands for `text` as people write it."""
    joined = "_".join(text.lower().split())
    return r"\-" if joined == NA else "".join(c if _PLAIN.fullmatch(c) else f"\\{c}" for c in joined)


def has_wildcard(component: str) -> bool:
    """Return whether a component stands for more than one value."""
    if "*" not in component and "?" not in component:
        return False
    return any(found[2] in {"*", "?"} for found in _CHARACTER.finditer(component))


def covers(criterion: str, component: str) -> bool:
    """Return whether `component` is one of the values that `criterion` stands for.

    At either end `*` stands for any characters, each `?` for at most one (NISTIR 7696 §6.3).
    """
    if criterion in {component, ANY}:
        return True
    if component == NA or has_wildcard(component) or not has_wildcard(criterion):
        return False
    expression = _expression(criterion)
    return expression is not None and expression.fullmatch(plain(component)) is not None


def is_criterion(component: str) -> bool:
    """Return whether a component has wildcards only where the standard allows them: at either end."""
    return _expression(component) is not None


def _component(criterion: str, component: str, when_open: Fit) -> Fit:
    if covers(criterion, component):
        return Fit.YES
    if not is_criterion(criterion):
        return Fit.UNSURE
    return when_open if component == ANY or has_wildcard(component) else Fit.NO


@lru_cache(maxsize=1024)
def _expression(criterion: str) -> re.Pattern[str] | None:
    found = _WILD.fullmatch(criterion)
    return re.compile(f"{_some(found[1])}{re.escape(plain(found[2]))}{_some(found[3])}", re.DOTALL) if found else None


def _some(wildcards: str) -> str:
    return ".*" if wildcards.startswith("*") else f".{{0,{len(wildcards)}}}"


def _canonical(component: str) -> str:
    low = component.lower()
    if low in {ANY, NA, r"\-"}:
        return low
    return _CHARACTER.sub(_quoted, low)


def _quoted(found: re.Match[str]) -> str:
    character = found[1] or found[2]
    wild = found[1] is None and character in {"*", "?"}
    return character if wild or _PLAIN.fullmatch(character) else f"\\{character}"


def _of_uri(text: str) -> list[str]:
    """Return the attributes that a URI names; what it leaves empty is any."""
    parts = [unquote(part) for part in text[len("cpe:/") :].split(":")]
    packed = parts[5].split("~") if len(parts) > 5 and parts[5].startswith("~") else []
    extended = [""] * 4
    if len(packed) == _PACKED:
        parts[5], extended = packed[1], packed[2:]
    parts += [""] * (7 - len(parts))
    return [_from_uri(part) for part in (*parts, *extended)]


def _from_uri(part: str) -> str:
    low = part.lower()
    return ANY if not low else low if low == NA else re.sub(r"[^a-z0-9._\-]", lambda found: f"\\{found[0]}", low)
