"""What a TAXII request asks for: `added_after`, `limit`, `next`, `match[…]` (TAXII 2.1 §3.4). Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from citysec.errors import InvalidInput

Selector = Literal["first", "last", "all"]
Version = Selector | datetime

DEFAULT_LIMIT: Final = 1000
GREATEST_LIMIT: Final = 10_000
MOST_VALUES: Final = 1000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_SELECTORS: Final[Mapping[str, Selector]] = {"first": "first", "last": "last", "all": "all"}
_SPEC_VERSIONS: Final = ("2.0", "2.1")
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d{0,3})?(Z|[+ -]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)
_LIMIT: Final = re.compile(r"0*[1-9][0-9]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """One request.

    Args:
        added_after: microseconds since 1970; None is from the beginning.
        limit: objects of a page, not above ours.
        next: the cursor, as it came.
        spec_versions: none is, for each object, the latest that we have.
        versions: `("last",)` where nothing is said.
    """

    added_after: int | None = None
    limit: int = DEFAULT_LIMIT
    next: str | None = None
    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    spec_versions: tuple[str, ...] = ()
    versions: tuple[Version, ...] = ("last",)

    def identity(self) -> str:
        """Return what must be the same on every page of one walk: everything but `limit` and `next`."""
        lists = (self.ids, self.types, self.spec_versions, tuple(map(str, self.versions)))
        return repr((self.added_after, *map(sorted, lists)))


def parse(query: Mapping[str, Sequence[str]], fields: Collection[str]) -> Filters:
    """Return what `query` asks for.

    Unknown parameters and `match` fields that the endpoint does not have are ignored (§3.4).

    Args:
        query: parameter -> its values, as often as it is given.
        fields: the `match` fields of the endpoint.

    Raises:
        InvalidInput: a known parameter is given twice or is malformed; the problem names it.
    """
    values = {field: _values(query, f"match[{field}]") for field in fields}
    after, limit, cursor = (_single(query, name) for name in ("added_after", "limit", "next"))
    return Filters(
        added_after=None if after is None else microseconds(instant("added_after", after)),
        limit=DEFAULT_LIMIT if limit is None else _limit(limit),
        next=cursor,
        ids=values.get("id", ()),
        types=values.get("type", ()),
        spec_versions=_spec_versions(values.get("spec_version", ())),
        versions=_versions(values.get("version", ())),
    )


def instant(name: str, text: str) -> datetime:
    """Return the time that a parameter names: any offset, any number of decimals; beyond microseconds they are cut.

    Raises:
        InvalidInput: `text` is no time.
    """
    found = _TIME.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        seconds, decimals, offset = found.groups()
        offset = offset.replace(" ", "+")  # an unescaped plus arrives as a blank
        return datetime.fromisoformat(f"{seconds}.{(decimals or '0').ljust(6, '0')}{offset.upper()}").astimezone(UTC)
    except (ValueError, OverflowError) as err:
        raise InvalidInput.at(name, "is not a time like 2026-06-01T12:00:00.000000Z") from err


def microseconds(at: datetime) -> int:
    """Return the microseconds from 1970 to `at`."""
    return (at - EPOCH) // timedelta(microseconds=1)


def timestamp(microseconds_: int) -> str:
    """Return a date as TAXII writes it: UTC with exactly six decimals (§2)."""
    return written(EPOCH + timedelta(microseconds=microseconds_))


def written(at: datetime) -> str:
    """Return `at` in the same form."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def _single(query: Mapping[str, Sequence[str]], name: str) -> str | None:
    given = query.get(name, ())
    if len(given) > 1:
        raise InvalidInput.at(name, "is given more than once")
    if given and (not given[0] or "\0" in given[0]):
        raise InvalidInput.at(name, "is empty or not printable")
    return given[0] if given else None


def _values(query: Mapping[str, Sequence[str]], name: str) -> tuple[str, ...]:
    text = _single(query, name)
    values = tuple(text.split(",")) if text else ()
    if "" in values or len(set(values)) < len(values) or len(values) > MOST_VALUES:
        raise InvalidInput.at(name, f"wants 1 to {MOST_VALUES} different values, divided by commas")
    return values


def _limit(text: str) -> int:
    if not _LIMIT.fullmatch(text):
        raise InvalidInput.at("limit", "must be a whole number from 1")
    digits = text.lstrip("0")
    return min(int(digits), GREATEST_LIMIT) if len(digits) < 10 else GREATEST_LIMIT


def _spec_versions(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if value not in _SPEC_VERSIONS:
            raise InvalidInput.at("match[spec_version]", f"{value!r} is not one of {', '.join(_SPEC_VERSIONS)}")
    return values


def _versions(values: tuple[str, ...]) -> tuple[Version, ...]:
    if "all" in values and len(values) > 1:
        raise InvalidInput.at("match[version]", "`all` stands alone")
    versions: tuple[Version, ...] = tuple(_version(value) for value in values)
    return versions or ("last",)


def _version(text: str) -> Version:
    return _SELECTORS.get(text) or instant("match[version]", text)
