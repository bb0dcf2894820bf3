"""Who may do what, and which rows they may know of.

Two questions, two kinds of answers. *May this role do that at all?* is the table `ROLES`: `demand` answers 403. *Which
rows exist for this reader?* is a condition for the query: what it leaves out is absent, hence 404.

The city's own team (coordinators, analysts, machines without a constituent) sees the city up to its clearance. A
constituent's people and machines see what is their own up to theirs; city incidents reach them only as the parent of
one of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, true
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import col, select

from citysec.errors import Forbidden
from citysec.tables.access import Account
from citysec.tables.advisories import Advisory
from citysec.tables.incidents import Incident, TimelineEntry
from citysec.tables.matches import Capped, Match
from citysec.tables.playbooks import Question, Run
from citysec.tables.register import Accountable, Asset, AssetOwner, Constituent, Service
from citysec.tables.sightings import Sighting
from citysec.tlp import TLP


class Role(StrEnum):
    """What an account is for."""

    COORDINATOR = "coordinator"
    ANALYST = "analyst"
    LEAD = "lead"
    MEMBER = "member"
    MACHINE = "machine"


class Scope(StrEnum):
    """What a token is good for; people have every scope."""

    API_READ = "api:read"
    API_WRITE = "api:write"
    TAXII_READ = "taxii:read"
    TAXII_WRITE = "taxii:write"


class Action(StrEnum):
    """What an operation does, for the table of roles."""

    READ = "read"
    READ_CITY = "read-city"
    READ_AUDIT = "read-audit"
    NOTE = "note"
    MOVE = "move"
    ADVISE = "advise"
    ANNOUNCE = "announce"
    ESCALATE = "escalate"
    ANSWER = "answer"
    ACKNOWLEDGE = "acknowledge"
    IMPORT = "import"
    POLL = "poll"
    SWITCH = "switch"
    SUBMIT = "submit"
    ALLOW = "allow"
    REPORT = "report"


_DEEDS: Final[Mapping[Action, str]] = {
    Action.READ_CITY: "read what concerns the whole city",
    Action.READ_AUDIT: "read the audit chain",
    Action.NOTE: "note something",
    Action.MOVE: "change the state of incidents",
    Action.ADVISE: "publish advisories",
    Action.ANNOUNCE: "tell the public",
    Action.ESCALATE: "raise incidents to the city",
    Action.ANSWER: "answer questions",
    Action.ACKNOWLEDGE: "acknowledge advisories",
    Action.IMPORT: "change the register",
    Action.POLL: "poll feeds",
    Action.SWITCH: "switch feeds on or off",
    Action.SUBMIT: "hand indicators in",
    Action.ALLOW: "change the list of allowed names",
    Action.REPORT: "report what machines saw",
}
"""Actions as a refusal says them."""

SERVICE: Final = "citysec"
"""Who does what the service does by itself; no account may be called so."""
CITY_ROLES: Final = frozenset({Role.COORDINATOR, Role.ANALYST, Role.MACHINE})
CONSTITUENT_ROLES: Final = frozenset({Role.LEAD, Role.MEMBER, Role.MACHINE})

UNVERIFIED: Final = TLP.GREEN
"""Where it is not sure whose an asset is, its owner is told of what touches it under this label at most."""

ROLES: Final[Mapping[Action, frozenset[Role]]] = {
    Action.READ: frozenset(Role),
    Action.READ_CITY: CITY_ROLES,
    Action.READ_AUDIT: frozenset({Role.COORDINATOR}),
    Action.NOTE: frozenset({Role.COORDINATOR, Role.ANALYST, Role.LEAD, Role.MEMBER, Role.MACHINE}),
    Action.MOVE: CITY_ROLES,
    Action.ADVISE: frozenset({Role.COORDINATOR, Role.MACHINE}),
    Action.ANNOUNCE: frozenset({Role.COORDINATOR}),
    Action.ESCALATE: CITY_ROLES,
    Action.ANSWER: frozenset({Role.COORDINATOR, Role.LEAD}),
    Action.ACKNOWLEDGE: frozenset({Role.COORDINATOR, Role.LEAD, Role.MEMBER}),
    Action.IMPORT: frozenset({Role.COORDINATOR, Role.ANALYST}),
    Action.POLL: frozenset({Role.COORDINATOR, Role.ANALYST}),
    Action.SWITCH: frozenset({Role.COORDINATOR}),
    Action.SUBMIT: frozenset({Role.COORDINATOR, Role.ANALYST}),
    Action.ALLOW: frozenset({Role.COORDINATOR, Role.ANALYST}),
    Action.REPORT: frozenset(Role),
}
"""Which roles may do what. A constituent's machine may do what the constituent's members may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Whoever asks.

    Args:
        constituent_id: None is the city's own team.
        clearance: the highest label to be shown: the account's, and at most its constituent's.
    """

    account_id: str
    name: str
    role: Role
    constituent_id: str | None
    clearance: TLP
    scopes: frozenset[Scope] = frozenset(Scope)

    @property
    def of_city(self) -> bool:
        """Whether the city's own team asks."""
        return self.constituent_id is None


def may(principal: Principal, action: Action) -> bool:
    """Return whether `principal`'s role allows `action` at all; on which rows is the filters' matter."""
    borrowed = principal.role is Role.MACHINE and not principal.of_city
    return (Role.MEMBER if borrowed else principal.role) in ROLES[action]


def demand(principal: Principal, action: Action) -> None:
    """Pass where `principal` may do `action`.

    Raises:
        Forbidden: the role does not allow it.
    """
    if not may(principal, action):
        raise Forbidden(f"the role {principal.role} may not {_DEEDS.get(action, action)}")


def incidents(principal: Principal, incident: type[Incident] = Incident) -> ColumnElement[bool]:
    """Return which `Incident` rows `principal` may read; a constituent's never include the city's own.

    Args:
        principal: who reads.
        incident: the table, or an alias of it.
    """
    return and_(_own(principal, col(incident.constituent_id)), col(incident.tlp) <= principal.clearance)


def parents(principal: Principal, incident: type[Incident] = Incident) -> ColumnElement[bool]:
    """Return of which city incidents `principal` may know title, severity and state, and nothing else.

    Args:
        principal: who reads.
        incident: the table, or an alias of it.
    """
    child = aliased(Incident)
    known = exists().where(col(child.parent_id) == col(incident.id), incidents(principal, child)).correlate(incident)
    return and_(known, col(incident.tlp) <= principal.clearance)


def advisories(principal: Principal) -> ColumnElement[bool]:
    """Return which `Advisory` rows `principal` may read."""
    return and_(_own(principal, col(Advisory.constituent_id)), col(Advisory.tlp) <= principal.clearance)


def public_advisories() -> ColumnElement[bool]:
    """Return which `Advisory` rows everybody may read: TLP:CLEAR, of each incident the newest revision."""
    newer = aliased(Advisory)
    superseded = exists().where(
        col(newer.incident_id) == col(Advisory.incident_id),
        col(newer.revision) > col(Advisory.revision),
        *_public(newer),
    )
    return and_(*_public(Advisory), ~superseded)


def public_revisions() -> ColumnElement[bool]:
    """Return which `Advisory` rows everybody could once read: those of `public_advisories` and what they replace."""
    return and_(*_public(Advisory))


def constituents(principal: Principal) -> ColumnElement[bool]:
    """Return which `Constituent` rows `principal` may know of."""
    return _own(principal, col(Constituent.id))


def services(principal: Principal) -> ColumnElement[bool]:
    """Return which `Service` rows `principal` may read: those it answers for, and those its assets carry."""
    if principal.of_city:
        return true()
    mine = select(Accountable.service_id).where(accountable(principal))
    carried = select(AssetOwner.service_id).where(owners(principal), col(AssetOwner.service_id).is_not(None))
    return or_(col(Service.id).in_(mine), col(Service.id).in_(carried))


def accountable(principal: Principal) -> ColumnElement[bool]:
    """Return which `Accountable` rows `principal` may read."""
    return _own(principal, col(Accountable.constituent_id))


def owners(principal: Principal) -> ColumnElement[bool]:
    """Return which `AssetOwner` rows `principal` may read: of a shared asset its own only."""
    return _own(principal, col(AssetOwner.constituent_id))


def assets(principal: Principal) -> ColumnElement[bool]:
    """Return which `Asset` rows `principal` may read."""
    if principal.of_city:
        return true()
    return exists().where(col(AssetOwner.asset_id) == col(Asset.id), owners(principal)).correlate(Asset)


def matches(principal: Principal) -> ColumnElement[bool]:
    """Return which `Match` rows `principal` may read."""
    cleared = col(Match.tlp) <= principal.clearance
    if principal.of_city:
        return cleared
    own = select(AssetOwner.asset_id).where(owners(principal))
    verified = col(Match.asset_id).in_(own.where(col(AssetOwner.verified)))
    green = and_(col(Match.tlp) <= UNVERIFIED, col(Match.asset_id).in_(own))
    return and_(cleared, or_(verified, green, col(Match.constituent_id) == principal.constituent_id))


def sightings(principal: Principal) -> ColumnElement[bool]:
    """Return which `Sighting` rows `principal` may read: of the city's constituents, or its own."""
    return exists().where(col(Match.id) == col(Sighting.match_id), matches(principal)).correlate(Sighting)


def told() -> ColumnElement[bool]:
    """Return which `AssetOwner` rows, joined to `Match` rows, are a ground for telling of them."""
    return or_(col(AssetOwner.verified), col(Match.tlp) <= UNVERIFIED)


def capped(principal: Principal) -> ColumnElement[bool]:
    """Return which `Capped` rows `principal` may read: its own constituent's, of indicators by a match that it may."""
    known = exists().where(col(Match.indicator_id) == col(Capped.indicator_id), matches(principal))
    return and_(_own(principal, col(Capped.constituent_id)), known)


def questions(principal: Principal) -> ColumnElement[bool]:
    """Return which `Question` rows `principal` may read: a constituent's those put to its lead."""
    visible = exists().where(col(Incident.id) == col(Question.incident_id), incidents(principal)).correlate(Question)
    return visible if principal.of_city else and_(visible, col(Question.owner) == Role.LEAD)


def runs(principal: Principal) -> ColumnElement[bool]:
    """Return which `Run` rows `principal` may read; the variables of a run may name anybody, so: the city's team."""
    if not principal.of_city:
        return false()
    return exists().where(col(Incident.id) == col(Run.incident_id), incidents(principal)).correlate(Run)


def timeline_entries(principal: Principal) -> ColumnElement[bool]:
    """Return which `TimelineEntry` rows of a readable incident `principal` may read.

    The words of the city's team may name anybody, so they stay with the team, as do entries marked for it.
    """
    if principal.of_city:
        return true()
    colleagues = select(Account.name).where(col(Account.constituent_id) == principal.constituent_id)
    actor, audience = col(TimelineEntry.actor), col(TimelineEntry.data)["audience"].as_string()
    service = or_(actor == SERVICE, actor.startswith("playbook:"), actor.startswith("contact:"))
    return and_(or_(service, actor.in_(colleagues)), func.coalesce(audience, "") != "city")


def audit_entries(principal: Principal) -> ColumnElement[bool]:
    """Return which `AuditEntry` rows `principal` may read: all or none."""
    return true() if may(principal, Action.READ_AUDIT) else false()


def _public(advisory: type[Advisory]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(advisory.constituent_id).is_(None), col(advisory.tlp) == TLP.CLEAR


def _own(principal: Principal, constituent_id: Mapped[str] | Mapped[str | None]) -> ColumnElement[bool]:
    return true() if principal.of_city else constituent_id == principal.constituent_id
