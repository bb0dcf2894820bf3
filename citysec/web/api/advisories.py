"""Advisories: what constituents were told, how it reached them, what they answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import exists
from sqlmodel import col, or_, select
from sqlmodel.sql.expression import Select

from citysec.access import policy
from citysec.advisories.acknowledge import Answer, reply
from citysec.advisories.acknowledge import acknowledge as keep
from citysec.errors import NotShared
from citysec.tables.advisories import Acknowledgement, Advisory, Delivery
from citysec.tables.register import Constituent
from citysec.web.api.operation import Call, Nothing
from citysec.web.api.paging import Keyset, page
from citysec.web.api.values import In, Instant, Label, Name, Out, Page, Paging, Text


class DeliveryOut(Out):
    """One sending over one channel; `reminder` 0 is the first."""

    id: str
    channel: str
    reminder: int
    state: str
    attempts: int
    queued_at: datetime
    sent_at: datetime | None


class AcknowledgementOut(Out):
    """A constituent's answer."""

    answer: str
    name: str | None
    account: str | None
    note: str | None
    at: datetime


class AdvisoryOut(Out):
    """What one constituent was told about one incident; `constituent` null is the public."""

    id: str
    incident_id: str
    constituent: str | None
    revision: int
    subject: str
    severity: str
    tlp: Label
    published_at: datetime
    answer_by: datetime | None
    reminders: int
    overdue_at: datetime | None
    content: dict[str, Any]
    deliveries: list[DeliveryOut]
    acknowledgements: list[AcknowledgementOut]


class ReplyBody(In):
    """What the constituent says."""

    answer: Answer
    note: Annotated[Text, Field(max_length=4000)] = ""


class AdvisoryQuery(Paging):
    """Which advisories."""

    incident: Name | None = None
    answered: bool | None = None
    updated_since: Instant | None = None


_Row = tuple[Advisory, str | None]
_BY_AGE: Keyset[_Row] = Keyset(
    (col(Advisory.published_at), col(Advisory.id)), lambda row: (row[0].published_at, row[0].id)
)


async def list_advisories(call: Call[AdvisoryQuery, Nothing]) -> Page[AdvisoryOut]:
    """List advisories, answered or not."""
    query, statement = call.query, _select(call)
    answers = exists().where(col(Acknowledgement.advisory_id) == col(Advisory.id))
    if query.incident is not None:
        statement = statement.where(Advisory.incident_id == query.incident)
    if query.answered is not None:
        statement = statement.where(answers if query.answered else ~answers)
    if query.updated_since is not None:
        since = query.updated_since
        told, late = col(Advisory.published_at) >= since, col(Advisory.overdue_at) >= since
        statement = statement.where(or_(told, late, answers.where(col(Acknowledgement.at) >= since)))
    rows = await page(call, statement, _BY_AGE, lambda row: row)
    return Page(items=await _full(call, rows.items), next=rows.next)


async def get_advisory(call: Call[Nothing, Nothing]) -> AdvisoryOut:
    """One advisory."""
    return await _shown(call)


async def acknowledge(call: Call[Nothing, ReplyBody]) -> AdvisoryOut:
    """Answer for the constituent; the first answer stops the reminders."""
    advisory = await _shown(call)
    given = reply(call.body.answer, account=call.principal.name, note=call.body.note)
    await keep(call.db, advisory.id, given)
    await call.db.flush()
    return await _shown(call)


async def _shown(call: Call[Any, Any]) -> AdvisoryOut:
    rows = (await call.db.exec(_select(call).where(Advisory.id == call.path["id"]))).all()
    if not rows:
        raise NotShared
    return (await _full(call, rows))[0]


def _select(call: Call[Any, Any]) -> Select[Advisory, str]:
    return select(Advisory, Constituent.slug).outerjoin(Constituent).where(policy.advisories(call.principal))


async def _full(call: Call[Any, Any], rows: Sequence[_Row]) -> list[AdvisoryOut]:
    ids = [advisory.id for advisory, _ in rows]
    sent, answered = col(Delivery.advisory_id).in_(ids), col(Acknowledgement.advisory_id).in_(ids)
    deliveries: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in await call.db.exec(select(Delivery).where(sent).order_by(col(Delivery.queued_at))):
        deliveries[delivery.advisory_id].append(delivery)
    answers: dict[str, list[Acknowledgement]] = defaultdict(list)
    for answer in await call.db.exec(select(Acknowledgement).where(answered).order_by(col(Acknowledgement.id))):
        answers[answer.advisory_id].append(answer)
    return [
        AdvisoryOut.model_validate(
            {
                **advisory.model_dump(),
                "constituent": slug,
                "deliveries": deliveries[advisory.id],
                "acknowledgements": answers[advisory.id],
            }
        )
        for advisory, slug in rows
    ]
