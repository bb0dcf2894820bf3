"""A changed definition reaches what is stored, in both directions."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import col, select

from citysec import outbox
from citysec.db import Database
from citysec.errors import SettingsError
from citysec.feeds import restate
from citysec.feeds.definition import BundleFeed, Reliability, Semantics
from citysec.feeds.ingest import Batch, ingest
from citysec.tables import Assertion, Outbox
from citysec.tables.columns import now
from citysec.tlp import MARKING_IDS, TLP
from tests.feeds.stored import counting, days_pass, entry, rows, take, whole, work

ONE, OTHER = "192.0.2.1", "192.0.2.2"


async def _restate(database: Database, feed: BundleFeed) -> int:
    """Let the service start with this definition and do what follows; return how much work that was."""
    known = {feed.name: feed}
    async with database.writing() as db:
        await restate.begin(db, known)
    async with database.writing() as db:
        todo = (await db.exec(select(Outbox).where(Outbox.kind == "restate", col(Outbox.done_at).is_(None)))).all()
        for each in todo:
            await restate.restate(db, each.payload, known)
            each.done_at = now()
    return len(todo)


@pytest.mark.parametrize("listed", [True, False])
async def test_a_shorter_lifetime_ends_and_a_longer_one_revives_what_is_stored(
    enrolled: Database, bundle_feed: BundleFeed, listed: bool
):
    month, week = (bundle_feed.model_copy(update={"lifetime_days": days}) for days in (30, 7))
    await (whole(enrolled, month, ONE) if listed else take(enrolled, month, entry(ONE)))
    await _restate(enrolled, month)
    await days_pass(enrolled, 10)
    before = await work(enrolled)
    for feed, found, handed_on in ((week, set[str](), 1), (week, set[str](), 1), (month, {ONE}, 2)):
        await _restate(enrolled, feed)
        assert (await counting(enrolled), await work(enrolled) - before) == (found, handed_on)


@pytest.mark.parametrize(
    ("change", "terms"),
    [
        ({"reliability": Reliability.A}, {ONE: (TLP.AMBER, 50), OTHER: (TLP.GREEN, 40)}),
        ({"tlp": TLP.RED}, {ONE: (TLP.RED, 25), OTHER: (TLP.GREEN, 20)}),
        ({"confidence": 90}, {ONE: (TLP.AMBER, 45), OTHER: (TLP.GREEN, 20)}),
    ],
)
async def test_label_and_confidence_are_those_of_the_present_definition(
    enrolled: Database, bundle_feed: BundleFeed, change: dict[str, Any], terms: dict[str, tuple[int, int]]
):
    marked = entry(OTHER, confidence=40, marking_refs=(MARKING_IDS[TLP.GREEN],))
    await take(enrolled, bundle_feed, entry(ONE), marked)
    await _restate(enrolled, bundle_feed.model_copy(update=change))
    said = {(a.tlp, a.confidence) for a in await rows(enrolled, Assertion)}
    changed = said - {(TLP.AMBER, 25), (TLP.GREEN, 20)}
    assert (said, await work(enrolled, "share")) == (set(terms.values()), 2 + len(changed))


async def test_what_has_not_changed_is_no_work(enrolled: Database, bundle_feed: BundleFeed):
    await take(enrolled, bundle_feed, entry(ONE))
    assert await _restate(enrolled, bundle_feed) == 0
    assert await _restate(enrolled, bundle_feed.model_copy(update={"title": "Other", "every_s": 60})) == 0


async def test_much_is_done_in_parts(enrolled: Database, bundle_feed: BundleFeed):
    many = [entry(f"198.{n >> 16}.{n >> 8 & 255}.{n & 255}") for n in range(outbox.NAMED + 1)]
    async with enrolled.writing() as db:
        await ingest(db, bundle_feed, Batch(entries=many))
    assert await _restate(enrolled, bundle_feed.model_copy(update={"lifetime_days": 7})) == 2
    assert {a.lasts_s for a in await rows(enrolled, Assertion)} == {7 * 86400}


async def test_what_is_gone_stays_gone(enrolled: Database, bundle_feed: BundleFeed):
    feed = bundle_feed.model_copy(update={"semantics": Semantics.SNAPSHOT, "confirmations": 1})
    await whole(enrolled, feed, ONE, OTHER)
    await whole(enrolled, feed, ONE)
    await _restate(enrolled, feed.model_copy(update={"lifetime_days": 7}))
    assert await counting(enrolled) == {ONE}


async def test_who_has_read_an_older_definition_leaves_it_to_others(enrolled: Database, bundle_feed: BundleFeed):
    newer, newest = (bundle_feed.model_copy(update={"lifetime_days": days}) for days in (7, 5))
    await take(enrolled, bundle_feed, entry(ONE))
    async with enrolled.writing() as db:
        await restate.begin(db, {"test": newer})
        (work,) = (await db.exec(select(Outbox).where(Outbox.kind == "restate"))).all()
        with pytest.raises(SettingsError, match="has changed"):
            await restate.restate(db, work.payload, {"test": bundle_feed})
        await restate.begin(db, {"test": newest})
        await restate.restate(db, work.payload, {"test": newer})
    (said,) = await rows(enrolled, Assertion)
    assert said.lasts_s is None
