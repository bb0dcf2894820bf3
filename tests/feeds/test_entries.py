"""Lists: one indicator for each observable whoever lists it, and what it means that something is on a list no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from citysec.db import Database
from citysec.feeds import poll, standing, trust
from citysec.feeds.authored import Author
from citysec.feeds.definition import BundleFeed, Semantics
from citysec.feeds.formats import Draft, Entry, Subject, stix
from citysec.feeds.formats.values import value
from citysec.feeds.ingest import Batch, Outcome, delist, ingest
from citysec.tables import Assertion, Feed, IndicatorKey, Outbox, Reject, StixObject
from citysec.tables.columns import now
from tests.feeds.stix import STIX, bundle, indicator

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def entry(text: str, **more: Any) -> Entry:
    return Entry(at="line 1", key=value(text).pattern, **more)


@pytest.fixture
def listing(bundle_feed: BundleFeed) -> BundleFeed:
    """A feed that lists all that counts, and is believed at the first word."""
    return bundle_feed.model_copy(update={"semantics": Semantics.SNAPSHOT, "confirmations": 1, "labels": ("c2",)})


async def _take(database: Database, feed: BundleFeed, *entries: Entry) -> Outcome:
    async with database.writing() as db:
        return await ingest(db, feed, Batch(entries=entries))


async def _list(database: Database, feed: BundleFeed, *texts: str) -> int:
    """Read a whole list; return how many are gone by that."""
    began = now()
    await _take(database, feed, *map(entry, texts))
    async with database.writing() as db:
        return await delist(db, feed, began)


async def _all(database: Database, row: type[Any]) -> list[Any]:
    async with database.reading() as db:
        return list((await db.exec(select(row))).all())


async def _work(database: Database) -> int:
    return sum(len(w.payload["objects"]) for w in await _all(database, Outbox) if w.kind == "correlate")


async def test_one_observable_of_several_lists_is_one_indicator(enrolled: Database, listing: BundleFeed):
    other = listing.model_copy(update={"name": "other", "labels": ()})
    async with enrolled.writing() as db:
        await standing.enrol(db, {"other": other}, now())
    assert await _take(enrolled, listing, entry("Evil.example"), entry("evil.example.")) == Outcome(stored=1, known=1)
    assert await _take(enrolled, other, entry("evil.example", labels=("phishing",))) == Outcome(known=1)
    (held,), (key,) = await _all(enrolled, StixObject), await _all(enrolled, IndicatorKey)
    assert (held.pattern, key.key) == ("[domain-name:value = 'evil.example']", "example.evil")
    assert {(a.feed, *a.labels) for a in await _all(enrolled, Assertion)} == {("test", "c2"), ("other", "phishing")}


async def test_the_object_that_stands_for_it_is_legal_stix(enrolled: Database, listing: BundleFeed):
    await _take(
        enrolled, listing, entry("192.0.2.1"), Entry(at="1", subject=Subject.VULNERABILITY, key="CVE-2026-0001")
    )
    texts = [held.text for held in await _all(enrolled, StixObject)]
    assert [type(item) for text in texts for item in stix.parse(text.encode())] == [Draft, Draft]
    stix2 = pytest.importorskip("stix2")
    assert {stix2.parse(text).type for text in texts} == {"indicator", "vulnerability"}


async def test_the_same_list_again_causes_no_work(enrolled: Database, listing: BundleFeed):
    await _list(enrolled, listing, "192.0.2.1", "192.0.2.2")
    before = await _work(enrolled)
    assert await _list(enrolled, listing, "192.0.2.1", "192.0.2.2") == 0
    assert (before, await _work(enrolled)) == (2, 2)


async def test_further_facts_are_kept_and_trouble_nobody(enrolled: Database, listing: BundleFeed):
    await _take(enrolled, listing, entry("192.0.2.1", facts={"port": 1}))
    await _take(enrolled, listing, entry("192.0.2.1", facts={"port": 2}, seen=NOON))
    (said,) = await _all(enrolled, Assertion)
    assert said.facts == {"port": 2, "seen": NOON.isoformat()}
    assert await _work(enrolled) == 1


async def test_what_a_list_lacks_is_gone_when_that_is_confirmed(enrolled: Database, listing: BundleFeed):
    careful = listing.model_copy(update={"confirmations": 2})
    await _list(enrolled, careful, "192.0.2.1", "192.0.2.2")
    assert [await _list(enrolled, careful, "192.0.2.1") for _ in range(3)] == [0, 1, 0]
    assert await _work(enrolled) == 3


async def test_what_comes_back_is_listed_again(enrolled: Database, listing: BundleFeed):
    await _list(enrolled, listing, "192.0.2.1", "192.0.2.2")
    await _list(enrolled, listing, "192.0.2.1")
    assert sum(a.gone_at is not None for a in await _all(enrolled, Assertion)) == 1
    await _list(enrolled, listing, "192.0.2.1", "192.0.2.2")
    assert all(a.gone_at is None for a in await _all(enrolled, Assertion))
    assert await _work(enrolled) == 4


async def test_a_list_that_shrinks_too_much_waits_for_a_person(enrolled: Database, listing: BundleFeed):
    await _list(enrolled, listing, *(f"192.0.2.{n}" for n in range(100)))
    assert await _list(enrolled, listing, "192.0.2.1") == 0
    (row,) = await _all(enrolled, Feed)
    assert "from 100 to 1" in row.held
    async with enrolled.writing() as db:
        await standing.accept(db, "test")
    assert await _list(enrolled, listing, "192.0.2.1") == 99
    (row,) = await _all(enrolled, Feed)
    assert (row.held, row.accepted) == (None, False)


async def test_nobody_else_can_say_what_our_objects_are(enrolled: Database, listing: BundleFeed):
    await _take(enrolled, listing, entry("192.0.2.1"))
    (held,) = await _all(enrolled, StixObject)
    echo = held.text
    for text, outcome in (
        (echo, Outcome(known=1)),
        (echo.replace("192.0.2.1", "192.0.2.9"), Outcome(refused=1)),
        (echo.replace('"malicious-activity"', '"benign"'), Outcome(refused=1)),
        (echo.replace('"pattern_type"', '"revoked":true,"pattern_type"'), Outcome(refused=1)),
    ):
        (draft,) = stix.parse(text.encode())
        assert isinstance(draft, Draft)
        async with enrolled.writing() as db:
            assert await ingest(db, listing, Batch(drafts=[draft])) == outcome
    assert "did not make it" in (await _all(enrolled, Reject))[0].reason


async def test_two_installations_make_two_objects_of_one_thing():
    one, other = Author(uuid4()), Author(uuid4())
    assert one.ref != other.ref
    assert one.stix_id(entry("192.0.2.1")) != other.stix_id(entry("192.0.2.1"))


@given(st.uuids(), st.text())
def test_the_ids_are_those_of_the_standard(namespace: UUID, key: str):
    found = Author(namespace).stix_id(Entry(at="1", key=key))
    assert found == f"indicator--{uuid5(namespace, f'indicator {key}')}"


async def test_of_what_a_stream_says_twice_the_newest_counts(enrolled: Database, bundle_feed: BundleFeed):
    feed = bundle_feed.model_copy(update={"lifetime_days": 30})
    newest, oldest = (entry("192.0.2.1", seen=now() - timedelta(days=days), name=f"{days}") for days in (1, 60))
    await _take(enrolled, feed, newest, oldest)
    (said,) = await _all(enrolled, Assertion)
    assert (said.name, said.until > now()) == ("1", True)


async def test_a_publisher_may_end_sooner_what_it_says(enrolled: Database, bundle_feed: BundleFeed):
    feed, over = bundle_feed.model_copy(update={"lifetime_days": 30}), now() - timedelta(hours=1)
    await _take(enrolled, feed, entry("192.0.2.1"))
    await _take(enrolled, feed, entry("192.0.2.1", until=over))
    (said,) = await _all(enrolled, Assertion)
    assert said.until == over


async def test_a_stream_of_entries_decays_from_when_it_was_last_seen(enrolled: Database, bundle_feed: BundleFeed):
    short = bundle_feed.model_copy(update={"lifetime_days": 10})
    await _take(enrolled, short, entry("192.0.2.1", seen=NOON), entry("192.0.2.2", seen=NOON, until=NOON))
    ends = {a.until for a in await _all(enrolled, Assertion)}
    assert ends == {datetime(2026, 6, 12, tzinfo=UTC), NOON}


@pytest.mark.parametrize(
    ("sure", "floor", "speed", "days"),
    [(100, 0, 1, 10), (100, 50, 1, 5), (100, 50, 2, 2.5), (40, 50, 1, 0), (0, 0, 1, 0)],
)
def test_confidence_decays_as_in_misps_polynomial(
    bundle_feed: BundleFeed, sure: int, floor: int, speed: float, days: float
):
    feed = bundle_feed.model_copy(update={"lifetime_days": 10, "floor": floor, "decay_speed": speed})
    assert trust.decayed(feed, sure, "[url:value = 'x']", NOON) == NOON + timedelta(days=days)


async def test_a_list_of_new_versions_has_not_shrunk(enrolled: Database, listing: BundleFeed):
    for day in (1, 2):
        began = now()
        page = bundle(*(indicator(n, modified=f"2026-02-0{day}T00:00:00.000Z") for n in range(1, 101)))
        async with enrolled.writing() as db:
            for batch in poll.batches(STIX, BytesIO(page), None):
                await ingest(db, listing, batch)
            await delist(db, listing, began)
    (row,) = await _all(enrolled, Feed)
    assert row.held is None


@pytest.mark.parametrize(
    ("pattern", "days"),
    [("[url:value = 'x']", 3), (" ( [ file:name = 'x'] )", 10), ("", 10), ("[urls:value = 'x']", 10)],
)
def test_each_kind_of_observable_may_have_its_own_lifetime(bundle_feed: BundleFeed, pattern: str, days: int):
    feed = bundle_feed.model_copy(update={"lifetime_days": 10, "lifetimes": {"url": 3.0}})
    assert trust.decayed(feed, 50, pattern, NOON) == NOON + timedelta(days=days)
