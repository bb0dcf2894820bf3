"""Lists: one indicator for each observable whoever lists it, and what it means that something is on a list no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.db import Database
from citysec.feeds import standing
from citysec.feeds.authored import Author
from citysec.feeds.definition import BundleFeed, Semantics
from citysec.feeds.formats import Draft, Entry, Subject, stix
from citysec.feeds.ingest import Batch, Outcome, ingest
from citysec.tables import Assertion, IndicatorKey, Reject, StixObject
from citysec.tables.columns import now
from tests.feeds.stored import ends, entry, rows, take, work

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def listing(bundle_feed: BundleFeed) -> BundleFeed:
    """A feed that lists all that counts, and is believed at the first word."""
    return bundle_feed.model_copy(update={"semantics": Semantics.SNAPSHOT, "confirmations": 1, "labels": ("c2",)})


async def test_one_observable_of_several_lists_is_one_indicator(enrolled: Database, listing: BundleFeed):
    other = listing.model_copy(update={"name": "other", "labels": ()})
    async with enrolled.writing() as db:
        await standing.enrol(db, {"other": other}, now())
    assert await take(enrolled, listing, entry("Evil.example"), entry("evil.example.")) == Outcome(stored=1, known=1)
    assert await take(enrolled, other, entry("evil.example", labels=("phishing",))) == Outcome(known=1)
    (held,), (key,) = await rows(enrolled, StixObject), await rows(enrolled, IndicatorKey)
    assert (held.pattern, key.key) == ("[domain-name:value = 'evil.example']", "example.evil")
    assert {(a.feed, *a.labels) for a in await rows(enrolled, Assertion)} == {("test", "c2"), ("other", "phishing")}


async def test_the_object_that_stands_for_it_is_legal_stix(enrolled: Database, listing: BundleFeed):
    await take(enrolled, listing, entry("192.0.2.1"), Entry(at="1", subject=Subject.VULNERABILITY, key="CVE-2026-0001"))
    texts = [held.text for held in await rows(enrolled, StixObject)]
    assert [type(item) for text in texts for item in stix.parse(text.encode())] == [Draft, Draft]
    stix2 = pytest.importorskip("stix2")
    assert {stix2.parse(text).type for text in texts} == {"indicator", "vulnerability"}


async def test_further_facts_are_kept_and_trouble_nobody(enrolled: Database, listing: BundleFeed):
    await take(enrolled, listing, entry("192.0.2.1", facts={"port": 1}))
    await take(enrolled, listing, entry("192.0.2.1", facts={"port": 2}, seen=NOON))
    (said,) = await rows(enrolled, Assertion)
    assert (said.facts, said.seen_at) == ({"port": 2}, NOON)
    assert await work(enrolled) == 1


async def test_nobody_else_can_say_what_our_objects_are(enrolled: Database, listing: BundleFeed):
    await take(enrolled, listing, entry("192.0.2.1"))
    (held,) = await rows(enrolled, StixObject)
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
    assert "did not make it" in (await rows(enrolled, Reject))[0].reason


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
    await take(enrolled, feed, newest, oldest)
    (said,) = await rows(enrolled, Assertion)
    assert (said.name, said.seen_at) == ("1", newest.seen)


async def test_a_publisher_may_end_sooner_what_it_says(enrolled: Database, bundle_feed: BundleFeed):
    feed, over = bundle_feed.model_copy(update={"lifetime_days": 30}), now() - timedelta(hours=1)
    await take(enrolled, feed, entry("192.0.2.1"))
    await take(enrolled, feed, entry("192.0.2.1", until=over))
    (said,) = await rows(enrolled, Assertion)
    assert said.until == over


async def test_a_stream_of_entries_decays_from_when_it_was_last_seen(enrolled: Database, bundle_feed: BundleFeed):
    short = bundle_feed.model_copy(update={"lifetime_days": 10})
    await take(enrolled, short, entry("198.51.100.1", seen=NOON), entry("198.51.100.2", seen=NOON, until=NOON))
    assert await ends(enrolled) == {"198.51.100.1": datetime(2026, 6, 12, tzinfo=UTC), "198.51.100.2": NOON}
