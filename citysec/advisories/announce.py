"""Announce: tell the public, in words that a person has signed off, and nothing that is marked for fewer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import audit
from citysec.advisories import gate
from citysec.advisories.content import Content
from citysec.advisories.record import changed
from citysec.errors import InvalidInput, NotShared, Problem
from citysec.tables.advisories import Advisory, Decision
from citysec.tables.columns import new_id, now
from citysec.tables.incidents import Incident, IncidentMatch
from citysec.tables.matches import Match
from citysec.tables.register import Asset
from citysec.timeline import write
from citysec.tlp import TLP

PUBLIC: Final = gate.Recipient(id="public", audience=gate.Audience.PUBLIC)
_LONGEST: Final = {"title": 200, "what": 4000, "todo": 4000}


@dataclass(frozen=True, slots=True)
class Statement:
    """What a person says to the public: a title, what happened, and what to do, in order."""

    title: str
    what: str
    todo: tuple[str, ...] = ()

    @property
    def texts(self) -> dict[str, str]:
        """Its parts by name."""
        return {"title": self.title.strip(), "what": self.what.strip(), "todo": "\n".join(self.todo)}


async def announce(db: AsyncSession, incident_id: str, statement: Statement, *, actor: str) -> Advisory:
    """Publish a statement about an incident; each further one is a higher revision beside those before.

    Raises:
        NotShared: there is no such incident.
        InvalidInput: a part is missing or too long, or names what has matched: an indicator that is not TLP:CLEAR, or
            somebody's asset.
    """
    incident = await db.get(Incident, incident_id)
    if incident is None:
        raise NotShared(f"incident {incident_id}")
    problems = [*_faults(statement), *await _disclosures(db, incident, statement)]
    if problems:
        raise InvalidInput(problems)
    advisory = await _advisory(db, incident, statement)
    db.add(advisory)
    await db.flush()
    _decide(db, incident, advisory)
    write(db, incident, "advisory", f"The public was told: {advisory.subject}", actor=actor)
    changed(db, advisory)
    await audit.record(db, actor, "advisory.announce", f"advisory:{advisory.id}", {"revision": advisory.revision})
    return advisory


def _faults(statement: Statement) -> Iterator[Problem]:
    for name, text in statement.texts.items():
        if not text and name != "todo":
            yield Problem(name, "must not be empty")
        if len(text) > _LONGEST[name]:
            yield Problem(name, f"at most {_LONGEST[name]} characters")


async def _disclosures(db: AsyncSession, incident: Incident, statement: Statement) -> list[Problem]:
    """Return where the statement names an observable that the public may not know."""
    family = select(Incident.id).where((col(Incident.id) == incident.id) | (col(Incident.parent_id) == incident.id))
    query = (
        select(Match.indicator_value, Match.tlp, Asset.value)
        .join(Asset, col(Asset.id) == col(Match.asset_id))
        .join(IncidentMatch, col(IncidentMatch.match_id) == col(Match.id))
        .where(col(IncidentMatch.incident_id).in_(family))
    )
    secret = set[str]()
    for indicator, level, asset in await db.exec(query):
        secret |= {asset.lower()} if level <= TLP.CLEAR else {asset.lower(), indicator.lower()}
    return [
        Problem(name, f"names {value}, which is not for the public")
        for name, text in statement.texts.items()
        for value in sorted(secret)
        if value in text.lower()
    ]


async def _advisory(db: AsyncSession, incident: Incident, statement: Statement) -> Advisory:
    before = select(func.count()).where(
        col(Advisory.incident_id) == incident.id, col(Advisory.constituent_id).is_(None)
    )
    texts, at = statement.texts, now()
    content = Content(
        reference=incident.ref,
        title=texts["title"],
        kind=incident.kind,
        severity=incident.severity,
        tlp=TLP.CLEAR.label,
        what=texts["what"],
        since=incident.aware_at,
        confidence=incident.confidence,
        how_sure="",
        todo=statement.todo,
    )
    return Advisory(
        id=new_id(),
        incident_id=incident.id,
        revision=(await db.exec(before)).one() + 1,
        subject=content.title,
        content=content.to_json(),
        severity=incident.severity,
        tlp=TLP.CLEAR,
        published_at=at,
    )


def _decide(db: AsyncSession, incident: Incident, advisory: Advisory) -> None:
    verdict = gate.decide([gate.Field("statement", TLP.CLEAR, essential=True)], PUBLIC, about=None)
    db.add(
        Decision(
            advisory_id=advisory.id,
            incident_id=incident.id,
            recipient=PUBLIC.id,
            verdict=verdict.outcome,
            reason=verdict.reason,
            tlp=verdict.tlp,
            clearance=TLP.CLEAR,
            at=advisory.published_at,
        )
    )
