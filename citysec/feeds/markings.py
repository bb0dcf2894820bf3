"""The marking definitions we know, and the objects that had to wait for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import tlp
from citysec.feeds.formats import Draft, Entry
from citysec.feeds.formats.markings import marking_level
from citysec.feeds.formats.stix import parse
from citysec.tables import Assertion, StixObject
from citysec.tlp import TLP

_DEFINITION = "marking-definition"


def of_page(drafts: Iterable[Draft]) -> dict[str, TLP | None]:
    """Return the label that each marking definition among `drafts` stands for, None for statements."""
    return {draft.stix_id: marking_level(draft) for draft in drafts if draft.type == _DEFINITION}


async def known(
    db: AsyncSession, drafts: Iterable[Draft | Entry], of_page: Mapping[str, TLP | None]
) -> Mapping[str, TLP | None]:
    """Return the labels of all markings that `drafts` refer to and that `of_page` or the database define."""
    asked = {ref for draft in drafts for ref in draft.marking_refs if tlp.of_marking(ref) is None} - of_page.keys()
    if not asked:
        return of_page
    definitions = select(StixObject.text).where(col(StixObject.stix_id).in_(asked), StixObject.type == _DEFINITION)
    return {**_levels((await db.exec(definitions)).all()), **of_page}


async def waiting(db: AsyncSession, feed: str, of_page: Mapping[str, TLP | None]) -> list[Draft]:
    """Return what `feed` asserts under `TLP:RED` and what refers to a definition that is new with this page.

    Publishers may send a definition after the objects it marks; until it comes they are `TLP:RED`.
    """
    candidates = {stix_id for stix_id in of_page if tlp.of_marking(stix_id) is None}
    if not candidates:
        return []
    have = await db.exec(select(StixObject.stix_id).where(col(StixObject.stix_id).in_(candidates)))
    found: dict[str, Draft] = {}
    for stix_id in candidates.difference(have.all()):
        red = select(StixObject.text).join(Assertion, col(Assertion.object_id) == StixObject.id)
        red = red.where(Assertion.feed == feed, Assertion.tlp == TLP.RED, col(StixObject.text).contains(stix_id))
        found |= {draft.text: draft for draft in _drafts((await db.exec(red)).all())}
    return list(found.values())


def _levels(texts: Iterable[str]) -> dict[str, TLP | None]:
    return of_page(_drafts(texts))


def _drafts(texts: Iterable[str]) -> list[Draft]:
    return [draft for text in texts for draft in parse(text.encode()) if isinstance(draft, Draft)]
