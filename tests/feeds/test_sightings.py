"""Sightings renew what feeds say of indicators, as far as their readers may know of them."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest

from citysec.db import Database
from citysec.feeds import poll, standing
from citysec.feeds.definition import BundleFeed
from citysec.feeds.ingest import ingest
from citysec.feeds.portion import Portion
from citysec.tables import StixObject
from citysec.tables.columns import now
from citysec.tlp import MARKING_IDS, TLP
from tests.feeds.stix import STIX, bundle, indicator
from tests.feeds.stored import counting, days_pass, ends, entry, rows, take, work

ADDRESS = "198.51.100.1"


@pytest.fixture
def feed(bundle_feed: BundleFeed) -> BundleFeed:
    """A feed whose word counts for ten days."""
    return bundle_feed.model_copy(update={"lifetime_days": 10, "tlp": TLP.GREEN})


@pytest.fixture
async def two(enrolled: Database, feed: BundleFeed) -> tuple[BundleFeed, BundleFeed]:
    """Two feeds with rows: `test` and `other`."""
    other = feed.model_copy(update={"name": "other"})
    async with enrolled.writing() as db:
        await standing.enrol(db, {"other": other}, now())
    return feed, other


def _days_ago(days: float) -> str:
    return (now() - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _old(days: float) -> dict[str, Any]:
    at = _days_ago(days)
    return indicator(1, created=at, modified=at, valid_from=at)


def _sighting(days: float, number: int = 1, **more: Any) -> dict[str, Any]:
    at, name = _days_ago(days), indicator(number)["id"].replace("indicator", "sighting")
    said = {"type": "sighting", "spec_version": "2.1", "id": name, "created": at, "modified": at}
    return said | {"sighting_of_ref": indicator(1)["id"]} | more


async def _take(database: Database, feed: BundleFeed, *objects: dict[str, Any]) -> None:
    for batch in poll.batches(STIX, Portion(BytesIO(bundle(*objects)))):
        async with database.writing() as db:
            await ingest(db, feed, batch)


async def test_what_was_seen_again_counts_again(enrolled: Database, feed: BundleFeed):
    await _take(enrolled, feed, _old(20))
    assert await counting(enrolled) == set()
    before = await work(enrolled)
    await _take(enrolled, feed, _sighting(2))
    assert (await counting(enrolled), await work(enrolled) - before) == ({ADDRESS}, 1)


async def test_a_sighting_of_what_counts_anyway_or_is_older_is_no_news(enrolled: Database, feed: BundleFeed):
    old = _old(5)
    await _take(enrolled, feed, old)
    before, end = await work(enrolled), (await ends(enrolled))[ADDRESS]
    await _take(enrolled, feed, _sighting(1), _sighting(7, 2), old)
    later = (await ends(enrolled))[ADDRESS]
    assert later is not None
    assert end is not None
    assert (later - end, await work(enrolled)) == (timedelta(days=4), before)


async def test_a_sighting_of_one_feed_renews_the_word_of_all(enrolled: Database, two: tuple[BundleFeed, BundleFeed]):
    for feed in two:
        await _take(enrolled, feed, _old(20))
    await _take(enrolled, two[1], _sighting(1))
    assert [await counting(enrolled, feed.name) for feed in two] == [{ADDRESS}] * 2


@pytest.mark.parametrize(("label", "renewed"), [(TLP.CLEAR, True), (TLP.GREEN, True), (TLP.AMBER, False)])
async def test_a_sighting_says_nothing_to_those_who_may_not_know_of_it(
    enrolled: Database, two: tuple[BundleFeed, BundleFeed], label: TLP, renewed: bool
):
    await _take(enrolled, two[0], _old(20))
    await _take(enrolled, two[1], _sighting(1, object_marking_refs=[MARKING_IDS[label]]))
    assert await counting(enrolled) == ({ADDRESS} if renewed else set())


async def test_a_sighting_may_come_before_its_indicator(enrolled: Database, feed: BundleFeed):
    await _take(enrolled, feed, _sighting(1), _sighting(3, 2))
    await _take(enrolled, feed, _old(20))
    assert await counting(enrolled) == {ADDRESS}


async def test_a_word_that_comes_after_the_sighting_counts_from_it(
    enrolled: Database, two: tuple[BundleFeed, BundleFeed]
):
    old = _old(20)
    await _take(enrolled, two[0], old, _sighting(1))
    before = await work(enrolled)
    await _take(enrolled, two[1], old)
    assert [await counting(enrolled, feed.name) for feed in two] == [{ADDRESS}] * 2
    assert await work(enrolled) - before == 1


async def test_an_entry_that_comes_after_the_sighting_counts_from_it(
    enrolled: Database, two: tuple[BundleFeed, BundleFeed]
):
    old = entry(ADDRESS, seen=now() - timedelta(days=20))
    await take(enrolled, two[0], old)
    (made,) = await rows(enrolled, StixObject)
    await _take(enrolled, two[0], _sighting(1, sighting_of_ref=made.stix_id))
    await take(enrolled, two[1], old)
    assert [await counting(enrolled, feed.name) for feed in two] == [{ADDRESS}] * 2


@pytest.mark.parametrize("labels", [(TLP.RED, TLP.GREEN), (TLP.GREEN, TLP.RED)])
async def test_of_a_sighting_that_several_repeat_the_widest_label_holds(
    enrolled: Database, two: tuple[BundleFeed, BundleFeed], labels: tuple[TLP, TLP]
):
    await _take(enrolled, two[0], _old(20))
    sighting = _sighting(1)
    for feed, label in zip(two, labels, strict=True):
        await _take(enrolled, feed.model_copy(update={"tlp": label}), sighting)
    assert await counting(enrolled) == {ADDRESS}


async def test_what_is_seen_in_the_future_was_seen_now(enrolled: Database, feed: BundleFeed):
    await _take(enrolled, feed, _old(20), _sighting(-1000))
    await days_pass(enrolled, 12)
    assert await counting(enrolled) == set()


@pytest.mark.parametrize("void", [{"revoked": True}, {"count": 0}])
async def test_what_was_not_seen_after_all_renews_nothing(enrolled: Database, feed: BundleFeed, void: dict[str, Any]):
    await _take(enrolled, feed, _old(20), _sighting(1, **void))
    await _take(enrolled, feed, _sighting(1, 2, **void), _old(20))
    assert await counting(enrolled) == set()


async def test_how_often_it_was_seen_does_not_matter(enrolled: Database, feed: BundleFeed):
    await _take(enrolled, feed, _old(20), _sighting(1, count=7))
    assert await counting(enrolled) == {ADDRESS}
