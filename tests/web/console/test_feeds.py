"""One feed's page: how it stands, and what may be done with it by whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from sqlmodel import select

from citysec.access.policy import Role
from citysec.db import Database
from citysec.errors import FeedUnreachable
from citysec.feeds import history, standing
from citysec.feeds.ingest import Outcome
from citysec.tables import AuditEntry, Feed, Outbox, Reject, StixObject
from citysec.tables.columns import now
from tests import city
from tests.web import feeding
from tests.web.console import visit
from tests.web.console.visit import Visit

ACTIONS = ("poll", "accept", "replay", "enable", "disable")


@pytest.fixture
async def place(db: Database) -> AsyncGenerator[city.Site, None]:
    """A city with two feeds."""
    await city.constituent(db, "camden")
    await city.account(db, "eve", Role.COORDINATOR)
    await city.account(db, "ann", Role.ANALYST)
    await city.account(db, "liz", Role.LEAD, "camden")
    async with feeding.served(db) as site:
        yield site


@pytest.fixture
async def eve(place: city.Site) -> AsyncGenerator[Visit, None]:
    """The coordinator."""
    async with visit.signed_in(place, "eve") as reader:
        yield reader


async def _feed(db: Database) -> Feed:
    async with db.reading() as session:
        return await session.get_one(Feed, "list")


async def test_the_page_says_what_the_feed_is_how_it_stands_and_what_it_sent(eve: Visit):
    text = (await eve.get("/feeds/list")).text
    for said in ("CC0-1.0", "every 1 h", "The last list was not believed", "12,345", "answered 503"):
        assert said in text
    assert "nonsense" in text
    assert "<desc" in text
    assert 'href="/feeds/list"' in (await eve.get("/feeds")).text


async def test_a_feed_that_has_failed_often_rests_and_the_page_says_until_when(eve: Visit, db: Database):
    await eve.post("/feeds/list/enable")
    async with db.writing() as session:
        for _ in range(standing.RESTS_AFTER - 1):
            await standing.failed(session, feeding.LIST, FeedUnreachable("p.example answered 503"), at=now(), jitter=1)
    assert "It rests" not in (await eve.get("/feeds/list")).text
    async with db.writing() as session:
        await standing.failed(session, feeding.LIST, FeedUnreachable("p.example answered 503"), at=now(), jitter=1)
    text = " ".join((await eve.get("/feeds/list")).text.split())
    assert f"The last {standing.RESTS_AFTER} polls failed:" in text
    assert "It rests, and is asked once" in text


async def test_what_a_publisher_sent_is_shown_as_text(eve: Visit):
    async with eve.client.get("/feeds/list") as answer:
        assert "&lt;b&gt;&amp;&lt;/b&gt;" in await answer.text()


async def test_a_poll_under_way_is_shown_with_what_it_has_brought_so_far(eve: Visit, db: Database):
    async with db.writing() as session:
        run = await history.begin(session, "list", now())
        await history.progress(session, run, "list", Outcome(stored=5000, known=20))
    assert "5,020 objects so far, 5,000 of them new" in (await eve.get("/feeds/list")).text


async def test_open_pages_are_told_of_progress(eve: Visit, db: Database):
    async with eve.client.get("/events") as stream:
        async with db.writing() as session:
            await history.progress(session, await history.begin(session, "list", now()), "list", Outcome(stored=1))
        async with asyncio.timeout(10):
            assert b"changed" in await stream.content.readuntil(b"\r\n\r\n")


async def test_polling_now_is_work_for_the_service(eve: Visit, db: Database):
    answer = await eve.post("/feeds/list/poll")
    assert (answer.status, answer.location) == (303, "/feeds/list?done=poll")
    async with db.reading() as session:
        (work,) = (await session.exec(select(Outbox).where(Outbox.kind == "poll"))).all()
    assert work.payload["feed"] == "list"
    assert "in a moment" in (await eve.get(answer.location)).text


async def test_a_feed_is_switched_on_and_off(eve: Visit, db: Database):
    await eve.post("/feeds/list/enable")
    assert (await _feed(db)).enabled
    assert "Switch off" in (await eve.get("/feeds/list")).text
    await eve.post("/feeds/list/disable")
    assert not (await _feed(db)).enabled
    assert "Switch on" in (await eve.get("/feeds/list")).text


async def test_a_held_list_is_accepted(eve: Visit, db: Database):
    await eve.post("/feeds/list/accept")
    feed = await _feed(db)
    assert (feed.held, feed.accepted) == (None, True)


async def test_what_was_refused_is_tried_again(eve: Visit, db: Database):
    await eve.post("/feeds/list/replay")
    async with db.reading() as session:
        kept = (await session.exec(select(Reject.excerpt))).all()
        stored = (await session.exec(select(StixObject.pattern))).all()
    assert (stored, kept) == (["[ipv4-addr:value = '198.51.100.7']"], ["<b>&</b>"])


async def test_what_people_do_is_in_the_audit_chain(eve: Visit, db: Database):
    for action in ACTIONS:
        await eve.post(f"/feeds/list/{action}")
    async with db.reading() as session:
        query = select(AuditEntry.action).where(AuditEntry.actor == "eve", AuditEntry.subject == "feed:list")
        assert set(await session.exec(query)) == {f"feed.{action}" for action in ACTIONS}


async def test_an_analyst_polls_but_does_not_switch(place: city.Site, db: Database):
    async with visit.signed_in(place, "ann") as ann:
        text = (await ann.get("/feeds/list")).text
        assert "Poll now" in text
        assert "Switch on" not in text
        assert [(await ann.post(f"/feeds/list/{action}")).status for action in ACTIONS] == [303, 303, 303, 403, 403]


async def test_feeds_are_not_for_a_borough_s_people(place: city.Site, db: Database):
    async with visit.signed_in(place, "liz") as liz:
        assert (await liz.get("/feeds/list")).status == 403
        assert {(await liz.post(f"/feeds/{name}/poll")).status for name in ("list", "nothing")} == {403}


async def test_without_the_form_s_token_nothing_is_done(eve: Visit, db: Database):
    assert (await eve.post("/feeds/list/enable", csrf="guessed")).status == 403
    assert not (await _feed(db)).enabled


async def test_nobody_polls_what_is_handed_in(eve: Visit):
    text = (await eve.get("/feeds/by-hand")).text
    assert "people hand its files in" in text
    assert "Poll now" not in text


async def test_what_is_no_feed_is_absent(eve: Visit, db: Database):
    async with db.writing() as session:
        session.add(Feed(name="orphan"))
    for name in ("orphan", "nothing", "List", "x" * 99):
        assert (await eve.get(f"/feeds/{name}")).status == 404
        assert (await eve.post(f"/feeds/{name}/poll")).status == 404
    assert (await eve.post("/feeds/list/burn")).status == 404


async def test_nothing_is_done_by_getting(eve: Visit):
    for action in ACTIONS:
        assert (await eve.get(f"/feeds/list/{action}")).status == 405
