"""An advisory by its signed link: looking changes nothing, answering stops the reminders, and nobody else gets in."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from citysec.advisories import clock
from citysec.advisories.link import Link, Links
from citysec.tables import Acknowledgement, Advisory, Contact, Outbox, TimelineEntry
from citysec.tables.columns import now
from tests import city
from tests.web.console.visit import Visit


def _path(town: city.Site, advisory: str = "open-a4", contact: str = "open-k4") -> str:
    links = Links(town.app.key, town.app.settings.base_url)
    return links.url(Link(advisory, contact)).removeprefix(town.app.settings.base_url)


@pytest.fixture
async def unanswered(town: city.Site) -> str:
    """The path of an advisory that waits for its answer."""
    async with town.app.database.writing() as db:
        for given in (await db.exec(select(Acknowledgement))).all():
            await db.delete(given)
        advisory = await db.get_one(Advisory, "open-a4")
        advisory.answer_by = now()
    return _path(town)


async def _overdue(town: city.Site) -> bool:
    """Let the time for an answer pass; return whether the coordinator is told that there is none."""
    async with town.app.database.writing() as db:
        await clock.remind(db, {"advisory": "open-a4", "reminder": 1}, town.app.advisories.deadlines)
    async with town.app.database.reading() as db:
        return (await db.get_one(Advisory, "open-a4")).overdue_at is not None


async def _answers(town: city.Site) -> list[tuple[str, str | None]]:
    async with town.app.database.reading() as db:
        return [(a.answer, a.contact_id) for a in (await db.exec(select(Acknowledgement))).all()]


async def test_looking_changes_nothing(town: city.Site, stranger: Visit, unanswered: str):
    for _ in range(2):
        answer = await stranger.get(unanswered)
        assert answer.status == 200
        assert "Tell us where you stand" in answer.text
    async with stranger.client.head(unanswered) as head:
        assert head.status == 200
    assert await _answers(town) == []


async def test_an_answer_is_kept_and_thanked_for_by_name(town: city.Site, stranger: Visit, unanswered: str):
    answer = await stranger.post(unanswered, choice="in-hand", name="J. Marsh", note="Isolated at 03:20.")
    assert answer.status == 200
    assert "J. Marsh for Camden open" in answer.text
    assert "Isolated at 03:20." in answer.text
    assert await _answers(town) == [("in-hand", "open-k4")]


async def test_without_a_name_the_answer_is_the_contact_s(stranger: Visit, unanswered: str):
    assert "open for Camden open" in (await stranger.post(unanswered, choice="received")).text


async def test_an_answer_stops_the_clock(town: city.Site, stranger: Visit, unanswered: str):
    await stranger.post(unanswered, choice="received")
    assert not await _overdue(town)
    async with town.app.database.reading() as db:
        assert (await db.exec(select(Outbox.kind).where(col(Outbox.kind).in_(["clock", "deliver"])))).all() == []


async def test_without_one_the_clock_goes_on(town: city.Site, stranger: Visit, unanswered: str):
    await stranger.get(unanswered)
    assert await _overdue(town)


async def test_the_city_reads_the_answer_in_the_timeline(town: city.Site, stranger: Visit, unanswered: str):
    await stranger.post(unanswered, choice="not-ours", name="J. Marsh")
    async with town.app.database.reading() as db:
        told = (await db.exec(select(TimelineEntry.text).where(col(TimelineEntry.kind) == "acknowledged"))).one()
    assert told.startswith("Camden open (J. Marsh) says that it is not theirs")


async def test_an_incomplete_form_comes_back_with_what_was_typed(town: city.Site, stranger: Visit, unanswered: str):
    answer = await stranger.post(unanswered, name="J. Marsh", note="x" * 4001)
    assert answer.status == 422
    for told in ("Choose where you stand.", "at most 4000 characters", 'value="J. Marsh"', "x" * 4001):
        assert told in answer.text
    assert await _answers(town) == []


async def test_the_same_answer_twice_is_kept_once(town: city.Site, stranger: Visit, unanswered: str):
    for _ in range(2):
        await stranger.post(unanswered, choice="received")
    assert len(await _answers(town)) == 1


@pytest.mark.parametrize("place", [3, 20, -5])
async def test_a_tampered_link_opens_nothing(stranger: Visit, unanswered: str, place: int):
    letters = list(unanswered)
    letters[place] = "A" if letters[place] != "A" else "B"
    for path in ("".join(letters), unanswered[:-1], unanswered + "A", "/a/x"):
        assert (await stranger.get(path)).status == 404
        assert (await stranger.post(path, choice="received")).status == 404


async def test_a_link_of_another_installation_opens_nothing(town: city.Site, stranger: Visit):
    token = Links(bytes(32), town.app.settings.base_url).token(Link("open-a4", "open-k4"))
    assert (await stranger.get(f"/a/{token}")).status == 404


async def test_a_link_ends_with_its_contact(town: city.Site, stranger: Visit, unanswered: str):
    async with town.app.database.writing() as db:
        (await db.get_one(Contact, "open-k4")).active = False
    assert (await stranger.get(unanswered)).status == 404


async def test_a_link_does_not_sign_anybody_in(stranger: Visit, unanswered: str):
    answer = await stranger.get(unanswered)
    assert "Sign out" not in answer.text
    assert (await stranger.get("/constituents/camden")).status == 303
