"""Which of two versions is the later one, in the order that their publisher means.

Each order gives a version a key; keys of one order are compared, so every order is total and transitive whatever is
written. Where nothing says which order is meant it is `Order.NATURAL`: numbers by value, what is missing counts as
nought, words for versions before the release (`beta`, `rc`) come before it, all others, and letters (`1.0.2zg`), after.

Source:
    Semantic Versioning 2.0.0 §11; PEP 440; Debian Policy §5.6.12; rpm-version(7); Maven's ComparableVersion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

Key = tuple[Any, ...]


class Order(StrEnum):
    """How versions are compared."""

    NATURAL = "natural"
    SEMVER = "semver"
    MAVEN = "maven"
    GEM = "gem"
    PYTHON = "python"
    DEBIAN = "deb"
    RPM = "rpm"
    NONE = "none"
    """Not at all, as commits are not: one is equal to itself only."""


_ORDERS: Final = {
    **dict.fromkeys(("semver", "npm", "cargo", "golang", "go", "nuget", "hex", "pub", "swift"), Order.SEMVER),
    **dict.fromkeys(("maven", "gradle"), Order.MAVEN),
    **dict.fromkeys(("gem", "rubygems"), Order.GEM),
    **dict.fromkeys(("python", "pypi", "pep440"), Order.PYTHON),
    **dict.fromkeys(("deb", "dpkg", "debian"), Order.DEBIAN),
    **dict.fromkeys(("rpm", "redhat"), Order.RPM),
    **dict.fromkeys(("git", "commit"), Order.NONE),
}

_BEFORE, _END, _WORD, _NUMBER, _LAST = 0, 1, 2, 3, 9
_STOP: Final = (_END, 0, "")
_TOKEN: Final = re.compile(r"[0-9]+|[a-z]+|\*")
_SINGLE: Final = re.compile(
    r"(?:[v=]\s*)?[0-9][\w.()\[\]\\~:^+!*-]*(?<![+~-])(?:\s+[a-z][\w.()-]*(?:\s+[0-9][\w.()-]*)?)*",
    re.IGNORECASE | re.ASCII,
)
"""A number, and words behind it that may have numbers themselves."""
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
"""A commit of Git, whether or not somebody says that it is one."""
_RELATES: Final = re.compile(
    r"\b(?:above|all|and|any|before|below|earlier|except|from|greater|higher|later|less|lower|newer|not|older"
    r"|on|onwards?|only|or|previous|prior|since|than|through|thru|till|to|until|up|versions?)\b",
    re.IGNORECASE,
)
"""Words that say more than one version."""
_FAMILY: Final = re.compile(r"(.*?)(?:[.\-]?[*xX])+")
_INNER: Final = re.compile(r"[.\-][*x][.\-]", re.IGNORECASE)
_PHRASES: Final = (
    (re.compile(r"cumulative[ _-]*update"), "cu"),
    (re.compile(r"service[ _-]*pack"), "sp"),
    (re.compile(r"release[ _-]*candidate"), "rc"),
)
_EARLIER: Final = frozenset({"dev", "alpha", "beta", "milestone", "pre", "preview", "cr", "rc", "snapshot", "canary"})
_SAME: Final = {"update": "u", "patch": "p", "hotfix": "hf"}
_MAVEN: Final = {"a": "alpha", "b": "beta", "m": "milestone", "cr": "rc"}
_RELEASED: Final = frozenset({"final", "ga", "release"})
_SEMVER: Final = re.compile(r"[v=\s]*([0-9]+(?:\.[0-9]+)*)(?:-([0-9A-Za-z.-]+))?(?:\+\S*)?\s*")
_PEP440: Final = re.compile(
    r"\s*v?(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)[-_.]?(?:(a|b|c|rc|alpha|beta|pre|preview)[-_.]?([0-9]*))?"
    r"(?:(?:[-_.]?(?:post|rev|r)[-_.]?|-)([0-9]*))?(?:[-_.]?(dev)[-_.]?([0-9]*))?(?:\+([a-z0-9._-]+))?\s*",
    re.IGNORECASE,
)
_EARLY: Final = {"a": -5, "alpha": -5, "b": -4, "beta": -4, "c": -3, "rc": -3, "pre": -3, "preview": -3}
_UNBEGUN, _DEVELOPING = -9, -8
_EPOCH: Final = re.compile(r"(?:([0-9]+):)?(.*)", re.DOTALL)
_PAIR: Final = re.compile(r"([^0-9]*)([0-9]*)")
_RPM_TOKEN: Final = re.compile(r"[0-9]+|[A-Za-z]+|~|\^")
_MOST: Final = 200
"""Characters of a version that count: nobody's is longer, and cost shall not grow with what somebody sends."""


def order(word: str | None) -> Order | None:
    """Return the order that a publisher's word or a package type names, None for one that names none."""
    return _ORDERS.get(word.lower()) if word else None


def is_ordered(version: str, by: Order) -> bool:
    """Return whether `version` has a place in an order: it is one version that begins with a number, and no commit."""
    return by is not Order.NONE and is_one(version)


@lru_cache(maxsize=16384)
def is_one(text: str) -> bool:
    """Return whether a text is a single version, or a family of them, beyond doubt: nothing in it relates versions.

    It begins with a number; words may stand behind it, as in `7.5 SP2 Update 17` or `2019 cumulative_update_13`.
    """
    text = text.strip()
    if len(text) > _MOST or _SINGLE.fullmatch(text) is None or _COMMIT.fullmatch(text):
        return False
    return _RELATES.search(text) is None and _INNER.search(unwild(text)) is None


def is_open(version: str) -> bool:
    """Return whether `version` leaves open which one of a family it is: `1.x`."""
    return unwild(version) != version


def unwild(version: str) -> str:
    """Return the beginning of a family of versions; every other version as it is."""
    stem = _FAMILY.fullmatch(version) if version[-1:] in "*xX" and len(version) <= _MOST else None
    return stem[1] if stem and stem[1] and _is_wild(version, stem[1]) else version


def _is_wild(version: str, stem: str) -> bool:
    """Return whether what follows `stem` is a wildcard; an `x` without a dot is a letter, as in `1.0.2x`."""
    return version.endswith("*") or version[len(stem)] in ".-" or stem.isdecimal()


def compare(one: str, other: str, by: Order = Order.NATURAL) -> int:
    """Return -1, 0 or 1: `one` is earlier than, as early as, or later than `other`."""
    first, second = key(one, by), key(other, by)
    return (first > second) - (first < second)


def is_of(version: str, family: str) -> bool:
    """Return whether `version` is one of `family`, a version with a wildcard at its end: `4.x`, `7.0.*`, `1.2*`."""
    stem = unwild(family)
    if stem == family:
        return False
    if family.endswith("*") and version.lower().startswith(family.lower().rstrip("*")):
        return True
    parts = list(_numbers(stem))
    return list(_numbers(version))[: len(parts)] == parts


@lru_cache(maxsize=16384)
def key(version: str, by: Order) -> Key:
    """Return what stands for `version` in comparisons by one order."""
    return _KEYS[by](version[:_MOST])


def _numbers(version: str) -> Iterator[str]:
    return (found[0].lstrip("0") or "0" for found in _TOKEN.finditer(version.lower()) if found[0] not in {"v", "*"})


def _natural(version: str) -> Key:
    return (*_natural_items(version, {}), _STOP)


def _maven(version: str) -> Key:
    return (*_natural_items(version, _MAVEN), _STOP)


def _gem(version: str) -> Key:
    """Every word comes before the release."""
    items = _natural_items(version, {})
    return (*((_BEFORE if rank == _WORD else rank, number, word) for rank, number, word in items), _STOP)


def _natural_items(version: str, words: dict[str, str]) -> Iterator[tuple[int, int, str]]:
    """Yield an item for each number and word; noughts before a word or the end say nothing and are left out."""
    noughts = 0
    for word in _tokens(version):
        if word.isdigit() and not int(word):
            noughts += 1
            continue
        item = _item(words.get(word, word))
        if item[0] in {_NUMBER, _LAST}:
            yield from ((_NUMBER, 0, ""),) * noughts
        noughts = 0
        yield item


def _tokens(version: str) -> list[str]:
    text = version.lower()
    for phrase, short in _PHRASES:
        text = phrase.sub(short, text)
    found = [word for word in _TOKEN.findall(text) if word not in _RELEASED]
    return found[1:] if found[:1] == ["v"] else found


def _item(word: str) -> tuple[int, int, str]:
    if word == "*":
        return _LAST, 0, ""
    if word.isdigit():
        return _NUMBER, int(word), ""
    return (_BEFORE, 0, word) if word in _EARLIER else (_WORD, 0, _SAME.get(word, word))


def _semver(version: str) -> Key:
    found = _SEMVER.fullmatch(version)
    if found is None:
        return _natural(version)
    core = _stripped([(_NUMBER, int(part), "") for part in found[1].split(".")])
    if found[2] is None:
        return (*core, _STOP)
    return (*core, *map(_identifier, found[2].split(".")), (-3, 0, ""))  # fewer identifiers come first


def _identifier(text: str) -> tuple[int, int, str]:
    return (-2, int(text), "") if text.isdigit() else (-1, 0, text)


def _stripped(items: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    while items and items[-1][1] == 0:
        items.pop()
    return items


def _python(version: str) -> Key:
    found = _PEP440.fullmatch(version)
    if found is None:
        return 0, *_natural(version)
    early, later, developing = found[3], found[5], found[6]
    items = _stripped([(_NUMBER, int(part), "") for part in found[2].split(".")])
    if early:
        items.append((_EARLY[early.lower()], _value(found[4]), ""))
    elif developing and later is None:
        items.append((_UNBEGUN, 0, ""))
    if later is not None:
        items.append((_WORD, _value(later), ""))
    if developing:
        items.append((_DEVELOPING, _value(found[7]), ""))
    return int(found[1] or 0), *items, _STOP, *_natural_items(found[8] or "", {}), _STOP


def _value(text: str | None) -> int:
    return int(text or 0)


def _debian(version: str) -> Key:
    found = _EPOCH.fullmatch(version.strip())
    epoch, rest = (_value(found[1]), found[2]) if found else (0, version)
    upstream, dash, revision = rest.rpartition("-")
    return epoch, tuple(_dpkg(upstream if dash else rest)), tuple(_dpkg(revision if dash else "0"))


def _dpkg(part: str) -> Iterator[int]:
    """Yield numbers that compare as dpkg does: `~` before the end, the end before letters, letters before others."""
    for words, digits in _PAIR.findall(part):
        if words or digits:
            yield from (-1 if c == "~" else ord(c) if c.isalpha() else ord(c) + 0x110000 for c in words)
            yield 0
            yield _value(digits)
    yield 0


def _rpm(version: str) -> Key:
    found = _EPOCH.fullmatch(version.strip())
    epoch, rest = (_value(found[1]), found[2]) if found else (0, version)
    upstream, _, release = rest.partition("-")
    return epoch, tuple(_segments(upstream)), tuple(_segments(release)) if release else ()


def _segments(part: str) -> Iterator[tuple[int, int, str]]:
    for word in _RPM_TOKEN.findall(part):
        if word == "~":
            yield -1, 0, ""
        elif word == "^":
            yield _END, 0, ""
        else:
            yield (_NUMBER, int(word), "") if word.isdigit() else (_WORD, 0, word)
    yield 0, 0, ""


def _none(version: str) -> Key:
    return (version.lower(),)


_KEYS: Final[dict[Order, Callable[[str], Key]]] = {
    Order.NATURAL: _natural,
    Order.SEMVER: _semver,
    Order.MAVEN: _maven,
    Order.GEM: _gem,
    Order.PYTHON: _python,
    Order.DEBIAN: _debian,
    Order.RPM: _rpm,
    Order.NONE: _none,
}


def newest(versions: Iterable[str], by: Order) -> str | None:
    """Return the latest of `versions`, None where there is none."""
    return max(versions, key=lambda version: key(version, by), default=None)
