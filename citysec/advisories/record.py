"""What the parts of this package read and write alike: where an advisory stands, live views."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import db as database
from citysec import outbox
from citysec.tables.advisories import Acknowledgement, Advisory
from citysec.tables.incidents import Incident


async def alone(db: AsyncSession, incident_ids: Iterable[str]) -> None:
    """Wait until nobody else is publishing these incidents, and keep others waiting until the transaction ends.

    Other changes of the incidents go on.
    """
    for incident_id in sorted(incident_ids):  # in one order everywhere, or two would wait for each other
        await database.alone(db, incident_id)


async def latest(db: AsyncSession, incident: Incident) -> Advisory | None:
    """Return the newest revision of what the incident's constituent was told, None where it was not."""
    revisions = select(Advisory).where(
        col(Advisory.incident_id) == incident.id, col(Advisory.constituent_id) == incident.constituent_id
    )
    return (await db.exec(revisions.order_by(col(Advisory.revision).desc()).limit(1))).first()


async def answered(db: AsyncSession, advisory: Advisory) -> bool:
    """Return whether anyone has answered this revision."""
    answers = select(Acknowledgement.id).where(col(Acknowledgement.advisory_id) == advisory.id)
    return (await db.exec(answers.limit(1))).first() is not None


def changed(db: AsyncSession, advisory: Advisory) -> None:
    """Tell live views that `advisory`, its deliveries or its answers have changed."""
    outbox.announce(db, "advisory", advisory.id, advisory.constituent_id)
