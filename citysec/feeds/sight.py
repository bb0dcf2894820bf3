"""What constituents' machines saw, as STIX sightings of ours: told to whoever their label allows.

There is one object for each indicator, constituent, label and day; that more was seen of it is a version of it. It
names the constituent only where the label keeps it with the city: above TLP:AMBER.

Source:
    STIX 2.1 §5.2 (sighting), §4.5 (identity).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox, tlp
from citysec.feeds import standing
from citysec.feeds.authored import Author
from citysec.feeds.definition import Definition
from citysec.feeds.formats import Draft
from citysec.feeds.ingest import Batch, ingest, the_author
from citysec.tables.columns import now
from citysec.tables.feeds import StixObject
from citysec.tables.matches import Match
from citysec.tables.register import Constituent
from citysec.tables.sightings import FEED, Sighting
from citysec.tlp import TLP

AT_ONCE: Final = 500
MOST_COUNTED: Final = 999_999_999
"""The greatest `count` of a sighting."""
_encoder: Final = msgspec.json.Encoder(order="sorted")


async def sight(db: AsyncSession, payload: Mapping[str, Any], definitions: Mapping[str, Definition]) -> None:
    """Write the sightings of a constituent that have changed as STIX, and let that renew what is said of indicators.

    Args:
        db: the stage's transaction.
        payload: `{"constituent": constituent.id}`.
        definitions: of feeds; without one named `telemetry` nothing is written.
    """
    feed = definitions.get(FEED)
    rows = await _changed(db, payload["constituent"])
    if feed is None or not rows:
        return
    at, maker = now(), await the_author(db)
    await standing.enrol(db, {feed.name: feed}, at)
    body = await db.get_one(Constituent, payload["constituent"])
    drafts = [sighting(maker, row, match, body) for row, match in rows]
    names = [] if await _is_named(db, maker, body) else [identity(maker, body, at)]
    await ingest(db, feed, Batch(own=[*names, *drafts]))
    for row, _ in rows:
        row.written_at = row.last_told_at
    if len(rows) == AT_ONCE:
        outbox.add(db, "sight", payload)


async def _changed(db: AsyncSession, constituent_id: str) -> Sequence[tuple[Sighting, Match]]:
    """Return the sightings that have not been written as they stand, with their matches."""
    unwritten = or_(col(Sighting.written_at).is_(None), col(Sighting.written_at) < col(Sighting.last_told_at))
    query = (
        select(Sighting, Match)
        .join(Match, col(Match.id) == col(Sighting.match_id))
        .where(col(Match.constituent_id) == constituent_id, unwritten)
        .order_by(col(Sighting.id))
    )
    return (await db.exec(query.limit(AT_ONCE))).all()


async def _is_named(db: AsyncSession, maker: Author, body: Constituent) -> bool:
    found = await db.exec(select(StixObject.id).where(StixObject.stix_id == _identity_id(maker, body)).limit(1))
    return found.first() is not None


def sighting(maker: Author, row: Sighting, match: Match, body: Constituent) -> Draft:
    """Return the STIX sighting that `row` stands for; it names `body` only where its label keeps it with the city.

    The label of the match may have risen since `row` was told.
    """
    label = max(TLP(row.tlp), TLP(match.tlp))
    name = f"sighting {match.indicator_id} {body.id} {row.day} {row.tlp}"
    about: dict[str, Any] = {
        "first_seen": _written(row.first_seen),
        "last_seen": _written(row.last_seen),
        "count": min(row.count, MOST_COUNTED),
        "sighting_of_ref": match.indicator_id,
    }
    if label > TLP.AMBER:
        about["where_sighted_refs"] = [_identity_id(maker, body)]
    return _draft(
        maker, maker.id_of("sighting", name), about, tlp.MARKING_IDS[label], (row.first_told_at, row.last_told_at)
    )


def identity(maker: Author, body: Constituent, at: datetime) -> Draft:
    """Return the STIX identity of a constituent, which stays with the city."""
    about = {"name": body.name, "identity_class": "organization"}
    return _draft(maker, _identity_id(maker, body), about, tlp.MARKING_IDS[TLP.AMBER_STRICT], (at, at))


def _identity_id(maker: Author, body: Constituent) -> str:
    return maker.id_of("identity", f"constituent {body.id}")


def _draft(
    maker: Author, stix_id: str, about: Mapping[str, Any], label: str, times: tuple[datetime, datetime]
) -> Draft:
    kind, (created, modified) = stix_id.partition("--")[0], times
    head = {"type": kind, "spec_version": "2.1", "id": stix_id, "created_by_ref": maker.ref}
    dates = {"created": _written(created), "modified": _written(modified), "object_marking_refs": [label]}
    text = _encoder.encode({**head, **dates, **about})
    return Draft(
        stix_id=stix_id,
        type=kind,
        spec_version="2.1",
        text=text.decode(),
        created=created,
        modified=modified,
        created_by_ref=maker.ref,
        name=about.get("name"),
        marking_refs=(label,),
        target_ref=about.get("sighting_of_ref"),
    )


def _written(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
