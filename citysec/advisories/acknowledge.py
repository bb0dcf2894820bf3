"""Acknowledge: a constituent answers an advisory; the first answer stops the clock, all are kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.access import audit
from citysec.advisories.deliveries import cancel
from citysec.advisories.record import changed
from citysec.errors import InvalidInput, NotShared, Problem
from citysec.tables.advisories import Acknowledgement, Advisory
from citysec.tables.columns import now
from citysec.tables.incidents import Incident
from citysec.tables.register import Constituent, Contact
from citysec.timeline import write

_LONGEST: Final = {"name": 200, "note": 4000}


class Answer(StrEnum):
    """What a constituent may answer."""

    RECEIVED = "received"
    IN_HAND = "in-hand"
    NOT_OURS = "not-ours"


_SAYS: Final = {
    Answer.RECEIVED: "received it",
    Answer.IN_HAND: "has it in hand",
    Answer.NOT_OURS: "says that it is not theirs: the register or the match needs a look",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer; by a contact through its link, or by an account in the console or over the API."""

    answer: Answer
    contact_id: str | None = None
    account: str | None = None
    name: str = ""
    note: str = ""


def reply(
    answer: str, *, contact_id: str | None = None, account: str | None = None, name: str = "", note: str = ""
) -> Reply:
    """Return the answer that a form or request holds.

    Raises:
        InvalidInput: for each of `answer`, `name`, `note` that is not acceptable.
    """
    texts = {"name": name.strip(), "note": note.strip()}
    problems = [
        Problem(place, f"at most {longest} characters") for place, longest in _LONGEST.items()
        if len(texts[place]) > longest
    ]  # fmt: skip
    if answer not in set(Answer):
        problems.insert(0, Problem("answer", f"one of {', '.join(Answer)}"))
    if problems:
        raise InvalidInput(problems)
    return Reply(answer=Answer(answer), contact_id=contact_id, account=account, **texts)


async def acknowledge(db: AsyncSession, advisory_id: str, given: Reply) -> Acknowledgement:
    """Keep an answer; the first one calls off the reminders. The same answer sent twice is kept once.

    Raises:
        NotShared: there is no such advisory to a constituent, or the contact is not one of that constituent.
    """
    advisory = await db.get(Advisory, advisory_id)
    if advisory is None or not await _addressed(db, advisory, given.contact_id):
        raise NotShared(f"advisory {advisory_id}")
    previous = await _previous(db, advisory, given)
    if previous is not None and _same(previous, given):
        return previous
    kept = Acknowledgement(
        advisory_id=advisory.id,
        contact_id=given.contact_id,
        account=given.account,
        answer=given.answer,
        name=given.name or None,
        note=given.note or None,
        at=now(),
    )
    db.add(kept)
    await cancel(db, [advisory.id], "It was answered before this was sent.", from_reminder=1)
    await _record(db, advisory, given)
    return kept


async def _addressed(db: AsyncSession, advisory: Advisory, contact_id: str | None) -> bool:
    if advisory.constituent_id is None or contact_id is None:
        return advisory.constituent_id is not None
    contact = await db.get(Contact, contact_id)
    return contact is not None and contact.constituent_id == advisory.constituent_id


async def _previous(db: AsyncSession, advisory: Advisory, given: Reply) -> Acknowledgement | None:
    """Return the last answer by the same hand."""
    answers = select(Acknowledgement).where(
        col(Acknowledgement.advisory_id) == advisory.id,
        col(Acknowledgement.contact_id) == given.contact_id,
        col(Acknowledgement.account) == given.account,
    )
    return (await db.exec(answers.order_by(col(Acknowledgement.id).desc()).limit(1))).first()


def _same(kept: Acknowledgement, given: Reply) -> bool:
    return (kept.answer, kept.name or "", kept.note or "") == (given.answer, given.name, given.note)


async def _record(db: AsyncSession, advisory: Advisory, given: Reply) -> None:
    """Write timeline and audit, and tell live views; that something is not theirs goes to the city's board too."""
    incident = await db.get_one(Incident, advisory.incident_id)
    constituent = await db.get_one(Constituent, advisory.constituent_id)
    actor = given.account or f"contact:{given.contact_id}"
    who = f"{constituent.name} ({given.name})" if given.name else constituent.name
    data = {"advisory": advisory.id, "answer": given.answer, "note": given.note}
    write(db, incident, "acknowledged", f"{who} {_SAYS[given.answer]}.", actor=actor, data=data)
    if given.answer is Answer.NOT_OURS:
        outbox.announce(db, "incident", incident.id)
    changed(db, advisory)
    await audit.record(db, actor, "advisory.acknowledge", f"advisory:{advisory.id}", {"answer": given.answer})
