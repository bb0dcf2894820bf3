"""Whether a version of an indicator counts at an instant, and if not, why.

Source:
    STIX 2.1 §3.6 (revocation), §4.7 (`valid_from` ≤ t < `valid_until`), §10.9 (indicator types).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

PATTERN_LANGUAGE: Final = "stix"
_BENIGN: Final = "benign"


class Standing(StrEnum):
    """How an indicator stands; the values other than `in-force` are reasons for closing its matches."""

    IN_FORCE = "in-force"
    REVOKED = "revoked"
    BENIGN = "benign"
    NOT_EXECUTED = "not-executed"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"


_IN_FORCE: Final = Standing.IN_FORCE  # nearly all are, and read off its class a member takes as long as all else here


class Terms(msgspec.Struct, frozen=True, gc=False):
    """What a version of an indicator says about its own force; `types` are its indicator types and labels."""

    revoked: bool
    pattern_type: str | None
    valid_from: datetime | None
    valid_until: datetime | None
    types: Collection[str]


def standing(terms: Terms, at: datetime) -> Standing:
    """Return how the indicator stands at `at`.

    Patterns in other languages are kept and shared, not executed; what its creator calls benign is no threat.
    """
    if terms.revoked:
        return Standing.REVOKED
    if _BENIGN in terms.types:
        return Standing.BENIGN
    if terms.pattern_type != PATTERN_LANGUAGE:
        return Standing.NOT_EXECUTED
    if terms.valid_from is not None and at < terms.valid_from:
        return Standing.NOT_YET_VALID
    if terms.valid_until is not None and terms.valid_until <= at:
        return Standing.EXPIRED
    return _IN_FORCE
