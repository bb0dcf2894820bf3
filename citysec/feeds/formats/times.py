"""Instants as publishers write them, in aware UTC.

Source:
    RFC 3339 and ISO 8601 for dates and instants; RFC 5322 §3.3 for those of mails and RSS. That an instant without a
    zone is UTC, and that what lies outside 1970-2200, or is the very
    beginning of 1970, is none, are our rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from typing import Final

_SECONDS: Final = re.compile(r"[0-9]{1,11}")
_ZERO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2200
LONGEST: Final = 64
"""Most characters of an instant."""
_MILLISECONDS: Final = re.compile(r"[0-9]{13}")


def instant(value: object) -> datetime | None:
    """Return the instant that an ISO 8601 text or seconds since 1970 (a number or its text) say; None for all else."""
    if isinstance(value, str):
        return _of_text(value) if len(value) <= LONGEST else None
    return _since_1970(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


@lru_cache(maxsize=4096)
def _of_text(value: str) -> datetime | None:
    """Return the instant that a text says; publishers repeat them."""
    written = value.strip()
    return _since_1970(int(written)) if _SECONDS.fullmatch(written) else _iso(written)


def day(value: object) -> date | None:
    """Return the day that an ISO 8601 date or instant says; None for all else."""
    found = instant(value) if isinstance(value, str) else None
    return found.date() if found else None


def of_mail(value: str) -> datetime | None:
    """Return the instant that a text says in the form of mails (`Mon, 06 Sep 2021 16:45:00 GMT`) or of ISO 8601."""
    if len(value) > LONGEST:
        return None
    try:
        return _aware(parsedate_to_datetime(value.strip()))
    except (ValueError, OverflowError, IndexError, TypeError):
        return _iso(value.strip())


def reader(forms: tuple[str, ...] = ()) -> Callable[[str], datetime | None]:
    """Return what reads the instant that a cell of a table says, None where it says none; it remembers some thousand.

    It reads what `instant` reads, also with `UTC` behind it, and milliseconds since 1970. It is for texts of at most
    `LONGEST` characters: no longer one is an instant, and none should be kept in memory.

    Args:
        forms: what else a cell may say, in the language of `strptime`; they come first.
    """
    return lru_cache(maxsize=4096)(partial(_in_a_form, forms)) if forms else _in_a_cell


@lru_cache(maxsize=4096)
def _in_a_cell(value: str) -> datetime | None:
    value = _without_zone(value)
    if value[4:5] == "-":  # nearly all that comes
        return _iso(value)
    return instant(int(value) / 1000 if _MILLISECONDS.fullmatch(value) else value)


def _in_a_form(forms: tuple[str, ...], value: str) -> datetime | None:
    for form in forms:
        try:
            return _aware(datetime.strptime(_without_zone(value), form))  # noqa: DTZ007  # it is made aware here
        except (ValueError, OverflowError):
            continue
    return _in_a_cell(value)


def _without_zone(value: str) -> str:
    return value.strip().removesuffix("UTC").rstrip()


def _since_1970(seconds: float) -> datetime | None:
    try:
        return _aware(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def _iso(written: str) -> datetime | None:
    try:
        return _aware(datetime.fromisoformat(written))
    except (ValueError, OverflowError):
        return None


def _aware(found: datetime) -> datetime | None:
    """Return `found` in UTC; None where it is absurd, for instance the zero of a database."""
    if not _FIRST_YEAR <= found.year < _LAST_YEAR:
        return None
    at = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    return at if at > _ZERO else None
