"""A constituent's own page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from citysec.tlp import TLP
from citysec.web.views.advisory import AdvisoryRow
from citysec.web.views.frame import CappedRow, IncidentRow, Named


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRow:
    """A registered asset.

    Args:
        criticality: of the service it carries, 1 to 5, 5 the gravest.
        verified: whether somebody has made sure whose it is.
        also_of: other owners that this reader may know of.
    """

    kind: str
    value: str
    scope: str
    service: str
    criticality: int
    verified: bool = True
    also_of: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRow:
    """Whom to tell at a constituent, and how; `active` is false where that way is not used."""

    name: str
    role: str
    channel: str
    address: str
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SightingRow:
    """What its own machines saw of one indicator on one day.

    Args:
        value: the indicator, made harmless.
        why: address of the explanation.
    """

    day: str
    value: str
    seen: str
    tlp: TLP
    why: str
    certain: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstituentView:
    """`GET /constituents/<slug>`.

    Args:
        incidents: its open ones.
        advisories: newest first; those without an answer are set apart by the page.
        sightings: what its own machines saw, the newest.
        assets: the first page of them, `assets_total` counts all.
        capped: indicators that touch more of them than is kept as matches.
    """

    template: ClassVar[str] = "constituent.html"
    slug: str
    name: str
    kind: str
    sector: str
    clearance: TLP
    incidents: tuple[IncidentRow, ...]
    advisories: tuple[AdvisoryRow, ...]
    assets: tuple[AssetRow, ...]
    contacts: tuple[ContactRow, ...]
    assets_total: int
    sightings: tuple[SightingRow, ...] = ()
    capped: tuple[CappedRow, ...] = ()
