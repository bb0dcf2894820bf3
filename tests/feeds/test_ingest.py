"""From drafts to stored objects."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlmodel import col, select

from citysec.db import Database
from citysec.feeds import poll, standing
from citysec.feeds.definition import BundleFeed, Reliability
from citysec.feeds.ingest import BATCH, Outcome, ingest
from citysec.feeds.portion import Portion
from citysec.feeds.rejects import KEPT
from citysec.tables import Assertion, Feed, IndicatorKey, Outbox, Reject, StixObject
from citysec.tables.columns import now
from citysec.tlp import MARKING_IDS, TLP
from tests.feeds.stix import STIX, bundle, indicator, marking
from tests.feeds.stored import ends


async def _take(database: Database, feed: BundleFeed, *objects: dict[str, Any]) -> Outcome:
    total = Outcome()
    for batch in poll.batches(STIX, Portion(BytesIO(bundle(*objects)))):
        async with database.writing() as db:
            total += await ingest(db, feed, batch)
    return total


async def _all(database: Database, row: type[Any]) -> list[Any]:
    async with database.reading() as db:
        return list((await db.exec(select(row))).all())


async def _latest(database: Database) -> StixObject:
    async with database.reading() as db:
        return (await db.exec(select(StixObject).where(StixObject.latest))).one()


async def test_an_indicator_is_stored_with_text_keys_assertion_and_work(enrolled: Database, bundle_feed: BundleFeed):
    assert await _take(enrolled, bundle_feed, indicator(1)) == Outcome(stored=1)
    (held,), (key,) = await _all(enrolled, StixObject), await _all(enrolled, IndicatorKey)
    assert json.loads(held.text) == indicator(1)
    assert (key.object_id, key.kind, key.key, key.certain) == (held.id, "ip", "4/c6336401/32", True)
    assert [(a.object_id, a.feed) for a in await _all(enrolled, Assertion)] == [(held.id, "test")]
    work = {w.kind: w.payload for w in await _all(enrolled, Outbox)}
    assert work == {"correlate": {"objects": [held.id]}, "share": {"objects": [held.id]}}


async def test_the_same_page_twice_changes_nothing(enrolled: Database, bundle_feed: BundleFeed):
    page = [
        indicator(1),
        indicator(2),
        {"type": "domain-name", "id": indicator(3)["id"].replace("indicator", "domain-name"), "value": "a.example"},
        {"type": "broken"},
    ]
    await _take(enrolled, bundle_feed, *page)
    before = [await _all(enrolled, row) for row in (StixObject, IndicatorKey, Assertion, Outbox, Reject, Feed)]
    assert await _take(enrolled, bundle_feed, *page) == Outcome(known=3, refused=1)
    assert [await _all(enrolled, row) for row in (StixObject, IndicatorKey, Assertion, Outbox, Reject, Feed)] == before


async def test_one_broken_object_of_a_hundred_costs_one(enrolled: Database, bundle_feed: BundleFeed):
    page: list[dict[str, Any]] = [indicator(n) for n in range(1, 101)]
    page[40]["modified"] = "yesterday"
    assert await _take(enrolled, bundle_feed, *page) == Outcome(stored=99, refused=1)
    (reject,) = await _all(enrolled, Reject)
    assert (reject.feed, reject.at) == ("test", "/objects/40")
    assert "modified" in reject.reason


@pytest.mark.parametrize("seed", range(4))
async def test_the_newest_version_counts_whatever_the_order(enrolled: Database, bundle_feed: BundleFeed, seed: int):
    versions = [
        indicator(1, modified=f"2026-01-0{day}T00:00:00.000Z", pattern=f"[ipv4-addr:value = '192.0.2.{day}']")
        for day in range(1, 6)
    ]
    random.Random(seed).shuffle(versions)
    for version in versions:
        await _take(enrolled, bundle_feed, version)
    latest = await _latest(enrolled)
    assert latest.version.day == 5
    assert [(k.object_id, k.key) for k in await _all(enrolled, IndicatorKey)] == [(latest.id, "4/c0000205/32")]
    assert len(await _all(enrolled, StixObject)) == 5


async def test_a_revoked_indicator_leaves_the_index_and_is_correlated(enrolled: Database, bundle_feed: BundleFeed):
    await _take(enrolled, bundle_feed, indicator(1))
    await _take(enrolled, bundle_feed, indicator(1, modified="2026-02-01T00:00:00.000Z", revoked=True))
    assert await _all(enrolled, IndicatorKey) == []
    revoked = await _latest(enrolled)
    assert {"objects": [revoked.id]} in [w.payload for w in await _all(enrolled, Outbox) if w.kind == "correlate"]


async def test_the_same_version_with_other_content_is_refused(enrolled: Database, bundle_feed: BundleFeed):
    await _take(enrolled, bundle_feed, indicator(1, name="first"))
    assert await _take(enrolled, bundle_feed, indicator(1, name="second")) == Outcome(refused=1)
    assert (await _latest(enrolled)).name == "first"
    assert "other content" in (await _all(enrolled, Reject))[0].reason


async def test_a_pattern_that_cannot_be_read_is_kept_with_the_reason(enrolled: Database, bundle_feed: BundleFeed):
    await _take(enrolled, bundle_feed, indicator(1, pattern="[ipv4-addr:value = "))
    await _take(enrolled, bundle_feed, indicator(2, pattern="alert tcp any", pattern_type="snort"))
    broken, foreign = await _all(enrolled, StixObject)
    assert broken.pattern_error
    assert foreign.pattern_error is None
    assert await _all(enrolled, IndicatorKey) == []


@pytest.mark.parametrize(
    ("marked", "own", "effective"),
    [
        ([], -1, TLP.GREEN),
        ([MARKING_IDS[TLP.CLEAR]], TLP.CLEAR, TLP.CLEAR),
        ([MARKING_IDS[TLP.CLEAR], MARKING_IDS[TLP.AMBER]], TLP.AMBER, TLP.AMBER),
        ([marking(8, "amber")["id"]], TLP.AMBER, TLP.AMBER),
        ([marking(9, "green")["id"]], TLP.RED, TLP.RED),
    ],
)
async def test_the_label_is_the_objects_own_else_the_feeds(
    enrolled: Database, bundle_feed: BundleFeed, marked: list[str], own: int, effective: int
):
    feed = bundle_feed.model_copy(update={"tlp": TLP.GREEN})
    await _take(enrolled, feed, indicator(1, object_marking_refs=marked), marking(8, "amber"))
    async with enrolled.reading() as db:
        held = (await db.exec(select(StixObject).where(StixObject.type == "indicator"))).one()
        said = await db.get_one(Assertion, (held.id, "test"))
    assert (held.tlp, said.tlp) == (own, effective)


async def test_a_definition_that_comes_late_sets_the_label(enrolled: Database, bundle_feed: BundleFeed):
    late = marking(9, "green")
    await _take(enrolled, bundle_feed, indicator(1, object_marking_refs=[late["id"]]))
    await _take(enrolled, bundle_feed, late)
    async with enrolled.reading() as db:
        held = (await db.exec(select(StixObject).where(StixObject.type == "indicator"))).one()
        said = await db.get_one(Assertion, (held.id, "test"))
        work = (await db.exec(select(Outbox.payload).where(Outbox.kind == "correlate"))).all()
    assert (held.tlp, said.tlp) == (TLP.GREEN, TLP.GREEN)
    assert work == [{"objects": [held.id]}] * 2


async def test_a_second_feed_says_the_same_on_its_own_terms(enrolled: Database, bundle_feed: BundleFeed):
    other = bundle_feed.model_copy(
        update={"name": "other", "tlp": TLP.CLEAR, "reliability": Reliability.A, "confidence": 90}
    )
    async with enrolled.writing() as db:
        await standing.enrol(db, {"other": other}, now())
    await _take(enrolled, bundle_feed, indicator(1, confidence=None), indicator(2, confidence=80))
    assert await _take(enrolled, other, indicator(1, confidence=None), indicator(2, confidence=80)) == Outcome(known=2)
    said = {(a.feed, a.tlp, a.confidence) for a in await _all(enrolled, Assertion)}
    assert said == {("test", 2, 25), ("other", 0, 90), ("test", 2, 40), ("other", 0, 80)}
    assert len([w for w in await _all(enrolled, Outbox) if w.kind == "correlate"]) == 2


async def test_without_an_end_each_feeds_word_decays_by_its_own_lifetime(enrolled: Database, bundle_feed: BundleFeed):
    other = bundle_feed.model_copy(update={"name": "other", "lifetime_days": 20})
    async with enrolled.writing() as db:
        await standing.enrol(db, {"other": other}, now())
    await _take(enrolled, bundle_feed.model_copy(update={"lifetime_days": 10}), indicator(1))
    await _take(enrolled, other, indicator(1))
    address, day = "198.51.100.1", datetime(2026, 1, 1, tzinfo=UTC)
    for feed, days in (("test", 10), ("other", 20)):
        assert await ends(enrolled, feed) == {address: day + timedelta(days=days)}
    await _take(enrolled, bundle_feed, indicator(1))
    assert await ends(enrolled) == {address: None}


async def test_relationships_that_indicate_are_correlated_others_only_shared(
    enrolled: Database, bundle_feed: BundleFeed
):
    common = {"pattern": None, "valid_from": None, "pattern_type": None, "source_ref": indicator(1)["id"]}
    for number, kind in ((2, "indicates"), (3, "related-to")):
        relation = (
            indicator(number) | common | {"type": "relationship", "relationship_type": kind, "target_ref": "x--1"}
        )
        relation = {k: v for k, v in relation.items() if v is not None}
        await _take(enrolled, bundle_feed, relation | {"id": relation["id"].replace("indicator", "relationship")})
    assert [w.kind for w in await _all(enrolled, Outbox)].count("correlate") == 1


async def test_a_character_no_database_takes_costs_one_object(enrolled: Database, bundle_feed: BundleFeed):
    assert await _take(enrolled, bundle_feed, indicator(1, name="a\0b"), indicator(2, name="\\u0000")) == Outcome(
        stored=1, refused=1
    )


async def test_rejects_are_bounded_and_counted(enrolled: Database, bundle_feed: BundleFeed):
    await _take(enrolled, bundle_feed, *({"type": "broken", "id": str(n)} for n in range(KEPT + 50)))
    assert len(await _all(enrolled, Reject)) == KEPT
    assert (await _all(enrolled, Feed))[0].rejects == KEPT + 50


async def test_a_large_page_is_cut_and_each_work_is_small(enrolled: Database, bundle_feed: BundleFeed):
    many = 2 * BATCH + 201
    assert await _take(enrolled, bundle_feed, *(indicator(n) for n in range(1, many + 1))) == Outcome(stored=many)
    sizes = [len(w.payload["objects"]) for w in await _all(enrolled, Outbox) if w.kind == "share"]
    assert sizes == [BATCH, BATCH, 201]
    async with enrolled.reading() as db:
        assert (await db.exec(select(col(Feed.objects)))).one() == many
