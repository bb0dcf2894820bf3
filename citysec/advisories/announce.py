"""Announce: tell the public, in words that a person has signed off, and nothing that is marked for fewer.

Of each incident the public reads one advisory, the newest revision: saying more corrects it, and withdrawing it is a
revision, too. What was said before stays on record for the city's team.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import case, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import audit
from citysec.advisories import gate
from citysec.advisories.content import Content, from_json
from citysec.advisories.record import alone, changed
from citysec.advisories.words import refanged
from citysec.errors import Conflict, InvalidInput, NotShared, Problem
from citysec.lookalikes.alike import alike, readable
from citysec.observable import AssetKind
from citysec.tables.advisories import Advisory, Decision
from citysec.tables.columns import new_id, now
from citysec.tables.incidents import Incident, IncidentMatch
from citysec.tables.matches import Match
from citysec.tables.register import Asset
from citysec.timeline import write
from citysec.tlp import TLP

PUBLIC: Final = gate.Recipient(id="public", audience=gate.Audience.PUBLIC)
STEPS: Final = 10
"""How many things to do a statement may name."""
LONGEST_STEP: Final = 400
_LONGEST: Final = {"title": 200, "what": 4000, "change": 400}
_NEEDED: Final = ("title", "what")
_CERTIFICATE: Final = re.compile(r"(?:serial|md5|sha[0-9-]+):([0-9a-f]{8,})")
_WITHDRAWN: Final = "What it said no longer holds. Please do not act on it, and do not pass it on."


@dataclass(frozen=True, slots=True)
class Statement:
    """What a person says to the public: a title, what happened, what to do, in order, and what a correction changes."""

    title: str
    what: str
    todo: tuple[str, ...] = ()
    change: str = ""

    @property
    def texts(self) -> dict[str, str]:
        """Its parts by name."""
        parts = {"title": self.title, "what": self.what, "todo": "\n".join(self.todo), "change": self.change}
        return {name: text.strip() for name, text in parts.items()}


async def newest(db: AsyncSession, incident_id: str) -> Advisory | None:
    """Return what the public reads about an incident, or that it was withdrawn; None where it was told nothing."""
    revisions = select(Advisory).where(col(Advisory.incident_id) == incident_id, col(Advisory.constituent_id).is_(None))
    return (await db.exec(revisions.order_by(col(Advisory.revision).desc()).limit(1))).first()


async def draft(db: AsyncSession, incident_id: str, statement: Statement) -> Advisory:
    """Return the advisory that `announce` would publish now, stored nowhere: for somebody to look at before.

    Raises:
        NotShared: there is no such incident.
        InvalidInput: a part is missing or too long, or names what has matched: an indicator that is not TLP:CLEAR, or
            somebody's asset.
    """
    incident = await _incident(db, incident_id)
    problems = [*_faults(statement), *await _disclosures(db, incident, statement)]
    if problems:
        raise InvalidInput(problems)
    return _revision(incident, _content(incident, statement), await newest(db, incident_id))


async def announce(
    db: AsyncSession, incident_id: str, statement: Statement, *, actor: str, after: int | None = None
) -> Advisory:
    """Publish a statement about an incident: the first, or a correction of what the public reads about it now.

    Args:
        db: a transaction.
        incident_id: whose it is; a city incident or a constituent's.
        statement: the words.
        actor: who has signed them off.
        after: the revision that was newest when they were written, 0 for none; None takes any.

    Raises:
        NotShared, InvalidInput: as `draft`.
        Conflict: another revision is the newest.
    """
    before = await _turn(db, incident_id, after)
    advisory = await draft(db, incident_id, statement)
    said = "What the public reads was corrected" if before else "The public was told"
    await _issue(db, advisory, f"{said}: {advisory.subject}", actor)
    facts = {"revision": advisory.revision, "incident": incident_id}
    await audit.record(db, actor, "advisory.announce", f"advisory:{advisory.id}", facts)
    return advisory


async def withdraw(
    db: AsyncSession, incident_id: str, reason: str, *, actor: str, after: int | None = None
) -> Advisory:
    """Take back what the public reads about an incident; its page then says so, and no word of it is left there.

    Args:
        db: a transaction.
        incident_id: whose it is.
        reason: for the timeline and the audit, not for the public.
        actor: who takes it back.
        after: as in `announce`.

    Raises:
        NotShared: there is no such incident.
        Conflict: the public reads nothing about it, or another revision is the newest.
    """
    before = await _turn(db, incident_id, after)
    incident = await _incident(db, incident_id)
    if before is None or from_json(before.content).withdrawn:
        raise Conflict(f"the public reads nothing about incident {incident.ref}")
    gone = Statement("This advisory was withdrawn", _WITHDRAWN)
    advisory = _revision(incident, _content(incident, gone, withdrawn=True), before)
    await _issue(db, advisory, f"The public advisory was withdrawn: {reason}", actor)
    facts = {"revision": advisory.revision, "incident": incident_id, "reason": reason}
    await audit.record(db, actor, "advisory.withdraw", f"advisory:{advisory.id}", facts)
    return advisory


async def _incident(db: AsyncSession, incident_id: str) -> Incident:
    incident = await db.get(Incident, incident_id)
    if incident is None:
        raise NotShared(f"incident {incident_id}")
    return incident


async def _turn(db: AsyncSession, incident_id: str, after: int | None) -> Advisory | None:
    """Keep others from telling the public about this incident meanwhile, and return the newest revision."""
    await alone(db, [incident_id])
    before = await newest(db, incident_id)
    if after is not None and after != (before.revision if before else 0):
        raise Conflict("what the public reads has changed since you opened this page")
    return before


def _faults(statement: Statement) -> Iterator[Problem]:
    texts = statement.texts
    yield from (Problem(name, "must not be empty") for name in _NEEDED if not texts[name])
    for name, longest in _LONGEST.items():
        if len(texts[name]) > longest:
            yield Problem(name, f"at most {longest} characters, not {len(texts[name])}")
    if len(statement.todo) > STEPS:
        yield Problem("todo", f"at most {STEPS} steps, not {len(statement.todo)}")
    for number, step in enumerate(statement.todo, 1):
        if len(step) > LONGEST_STEP:
            yield Problem("todo", f"step {number} has {len(step)} characters; at most {LONGEST_STEP}")


async def _disclosures(db: AsyncSession, incident: Incident, statement: Statement) -> list[Problem]:
    """Return where the statement names an observable of this threat, here or elsewhere, that is not for the public."""
    root = incident.parent_id or incident.id
    family = select(Incident.id).where((col(Incident.id) == root) | (col(Incident.parent_id) == root))
    value = case((col(Asset.kind) == AssetKind.BRAND, ""), else_=func.coalesce(col(Asset.value), ""))
    query = (
        select(Match, value)  # a brand is what everybody knows
        .select_from(Match)
        .outerjoin(Asset, col(Asset.id) == col(Match.asset_id))
        .join(IncidentMatch, col(IncidentMatch.match_id) == col(Match.id))
        .where(col(IncidentMatch.incident_id).in_(family))
    )
    secret = set[str]()
    for match, asset in await db.exec(query):
        secret |= {*_forms(asset.lower()), match.prefix or ""}
        secret |= set[str]() if match.tlp <= TLP.CLEAR else {match.indicator_value.lower(), *_imitations(match.about)}
    secret.discard("")  # what was sighted touches no asset
    return [
        Problem(name, f"names {value}, which is not for the public")
        for name, text in statement.texts.items()
        for value in sorted(secret)
        if value in refanged(text.lower())
    ]


def _forms(asset: str) -> set[str]:
    """Return an asset and, of a certificate, its digits without the word before them; fewer would be any number."""
    certificate = _CERTIFICATE.fullmatch(asset)
    return {asset, certificate[1]} if certificate else {asset}


def _imitations(about: Mapping[str, Any]) -> set[str]:
    """Return the name of a lookalike, of which the indicator may be a page or a mailbox, in both of its spellings."""
    found = alike(about)
    return {found.name, readable(found.name)} if found else set()


def _content(incident: Incident, statement: Statement, *, withdrawn: bool = False) -> Content:
    texts = statement.texts
    return Content(
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
        change=texts["change"],
        withdrawn=withdrawn,
    )


def _revision(incident: Incident, content: Content, before: Advisory | None) -> Advisory:
    return Advisory(
        id=new_id(),
        incident_id=incident.id,
        revision=before.revision + 1 if before else 1,
        subject=content.title,
        content=content.to_json(),
        severity=content.severity,
        tlp=TLP.CLEAR,
        published_at=now(),
    )


async def _issue(db: AsyncSession, advisory: Advisory, said: str, actor: str) -> None:
    """Store the advisory with the decision that lets it out and a line of the timeline, and tell live views."""
    incident = await _incident(db, advisory.incident_id)
    db.add(advisory)
    await db.flush()
    _decide(db, incident, advisory)
    facts = {"advisory": advisory.id, "revision": advisory.revision, "public": True}
    write(db, incident, "advisory", said, actor=actor, data=facts)
    changed(db, advisory)


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
