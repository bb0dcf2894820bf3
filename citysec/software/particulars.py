"""What a match of a vulnerability says beyond its relation, and the same in sentences for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, cast

import msgspec


class Particulars(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why software has a vulnerability, and how urgent that is.

    Args:
        cve: the vulnerability.
        software: product and version, as people write them.
        versions: which of them have it, to stand behind a colon or in brackets: `from 7.2.0, before 7.2.7`.
        fixed: the first version without it, where that is known.
        exploited: whether it is among the known exploited ones; `exploited_since` is when it was listed.
        ransomware: known to be used in campaigns with ransomware.
        kev_due: by when CISA wants it mended.
        epss: likelihood of exploitation within 30 days, 0-1.
        cvss: the highest score, 0-10.
        by: who says which versions have it.
        why: what makes it no more than possible, as a sentence; empty where it is sure.
    """

    cve: str
    software: str
    versions: str = ""
    fixed: str | None = None
    exploited: bool = False
    exploited_since: date | None = None
    ransomware: bool = False
    kev_due: date | None = None
    epss: float | None = None
    cvss: float | None = None
    by: str | None = None
    why: str = ""

    def facts(self) -> dict[str, Any]:
        """Return it as a match keeps it; `particulars` is the way back."""
        return cast("dict[str, Any]", msgspec.to_builtins(self))


def particulars(facts: Mapping[str, Any]) -> Particulars | None:
    """Return what `Particulars.facts` wrote; None for matches of anything but vulnerabilities."""
    return msgspec.convert(facts, Particulars, strict=False) if "cve" in facts else None


def told(found: Particulars, *, certain: bool) -> str:
    """Return in a few sentences why software has a vulnerability and whether that is exploited."""
    has = "is affected by" if certain else "may be affected by"
    versions = f" ({found.versions})" if found.versions else ""
    fixed = f"; {found.fixed} is mended" if found.fixed and found.fixed not in found.versions else ""
    doubt = f" {found.why}" if found.why and not certain else ""
    return f"{found.software} {has} {found.cve}{versions}{fixed}.{doubt}{_urgency(found)}"


def _urgency(found: Particulars) -> str:
    if not found.exploited:
        return f" It is exploited within 30 days with a likelihood of {found.epss:.0%}." if found.epss else ""
    since = f" since {day(found.exploited_since)}" if found.exploited_since else ""
    return f" It is known to be exploited{since}{', also by ransomware' if found.ransomware else ''}."


def day(at: date | datetime) -> str:
    """Return a day as people write it."""
    return f"{at.day} {at:%B %Y}"
