"""Answers, and the clock that they stop."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from citysec.access import audit
from citysec.advisories.acknowledge import Reply, acknowledge, reply
from citysec.advisories.channels import mail
from citysec.advisories.clock import remind
from citysec.advisories.deliver import Post, deliver
from citysec.advisories.link import Link, Links
from citysec.errors import InvalidInput, NotShared
from citysec.tables import Acknowledgement, Advisory, Change, Constituent, Delivery, Incident, Outbox, TimelineEntry
from tests.advisories.channels.receivers import MailSink
from tests.advisories.conftest import NOON, POLICY, Town

LINKS = Links(b"k" * 32, "https://citysec.example")


@pytest.fixture
async def advisory(town: Town, camden: str) -> str:
    """An advisory of Camden that has been sent to its mailbox; the webhook is still queued."""
    (told,) = await town.publish(camden)
    (row,) = await town.rows(Delivery, contact_id="c1")
    await town.change(Delivery, row.id, state="sent")
    return told


async def answer(town: Town, advisory: str, given: Reply) -> None:
    async with town.db.writing() as session:
        await acknowledge(session, advisory, given)


async def tick(town: Town, advisory: str, number: int) -> None:
    await town.stage(remind, {"advisory": advisory, "reminder": number}, POLICY.deadlines)


async def test_silence_is_reminded_where_the_message_has_arrived_and_the_clock_goes_on(town: Town, advisory: str):
    await tick(town, advisory, 1)
    assert [(d.contact_id, d.state) for d in await town.deliveries(reminder=1)] == [("c1", "queued")]
    clock = [w for w in await town.rows(Outbox, kind="clock") if w.payload["reminder"] == 2]
    (row,) = await town.rows(Advisory)
    assert [w.due_at for w in clock] == [row.published_at + timedelta(hours=2)]


async def test_a_reminder_that_is_due_twice_is_sent_once(town: Town, advisory: str):
    await tick(town, advisory, 1)
    await tick(town, advisory, 1)
    assert len(await town.deliveries(reminder=1)) == 1
    assert len(await town.rows(Outbox, kind="clock")) == 2


async def test_after_the_last_reminder_it_is_overdue_and_the_city_is_told(town: Town, advisory: str):
    for number in (1, 2, 3, 3):
        await tick(town, advisory, number)
    (row,) = await town.rows(Advisory)
    assert (row.reminders, row.overdue_at is not None) == (2, True)
    (line,) = await town.rows(TimelineEntry, kind="overdue")
    assert line.text.startswith("Camden has not answered by ")
    assert [c for c in await town.rows(Change, subject="incident") if c.constituent_id is None]


async def test_the_first_answer_calls_off_queued_reminders_and_stops_the_clock(town: Town, advisory: str):
    await tick(town, advisory, 1)
    await answer(town, advisory, reply("in-hand", contact_id="c1", name="Ada"))
    await tick(town, advisory, 2)
    assert [(d.reminder, d.state) for d in await town.deliveries(contact_id="c1")] == [(0, "sent"), (1, "cancelled")]
    assert (await one_advisory(town)).reminders == 1


async def one_advisory(town: Town) -> Advisory:
    (row,) = await town.rows(Advisory)
    return row


async def test_a_first_message_that_is_still_queued_goes_out_all_the_same(town: Town, advisory: str):
    await answer(town, advisory, reply("received", contact_id="c1"))
    (row,) = await town.deliveries(contact_id="c2")
    assert row.state == "queued"


async def test_a_reminder_that_was_on_its_way_is_stopped_by_the_answer(town: Town, advisory: str):
    await tick(town, advisory, 1)
    (row,) = await town.deliveries(reminder=1)
    await answer(town, advisory, reply("received", contact_id="c1"))
    await town.change(Delivery, row.id, state="queued")  # as a reminder queued at the same moment would be
    async with MailSink().listening() as sink:
        await deliver(town.db, {"delivery": row.id}, Post("London", {"email": partial(mail.send, sink.relay)}, LINKS))
    assert sink.mails == []


@pytest.mark.parametrize("way", ["superseded", "closed"])
async def test_nobody_is_reminded_of_what_is_past(town: Town, advisory: str, camden: str, way: str):
    if way == "closed":
        await town.change(Incident, camden, closed_at=NOON)
    else:
        await town.grow(camden)
        await town.publish(camden)
    await tick(town, advisory, 1)
    assert await town.deliveries(reminder=1) == []


async def test_every_answer_is_kept_but_the_same_one_only_once(town: Town, advisory: str):
    for given in ("received", "received", "in-hand"):
        await answer(town, advisory, reply(given, contact_id="c1"))
    await answer(town, advisory, reply("in-hand", account="ada"))
    kept = await town.rows(Acknowledgement)
    assert [(k.answer, k.contact_id, k.account) for k in kept] == [
        ("received", "c1", None),
        ("in-hand", "c1", None),
        ("in-hand", None, "ada"),
    ]


async def test_the_timeline_and_the_audit_say_who_answered_what(town: Town, advisory: str):
    await answer(town, advisory, reply("in-hand", contact_id="c1", name="Ada", note="Firewall rule 12 is in place."))
    (line,) = await town.rows(TimelineEntry, kind="acknowledged")
    assert (line.text, line.actor) == ("Camden (Ada) has it in hand.", "contact:c1")
    assert line.data["note"] == "Firewall rule 12 is in place."
    async with town.db.reading() as session:
        assert (await audit.first_broken(session))[1] is None


async def test_not_ours_goes_to_the_citys_board_too(town: Town, advisory: str):
    await answer(town, advisory, reply("not-ours", contact_id="c1"))
    assert [c for c in await town.rows(Change, subject="incident") if c.constituent_id is None]


async def test_a_contact_of_another_constituent_cannot_answer(town: Town, advisory: str):
    with pytest.raises(NotShared):
        await answer(town, advisory, reply("received", contact_id="b1"))
    with pytest.raises(NotShared):
        await answer(town, "nothing", reply("received", contact_id="c1"))
    assert await town.rows(Acknowledgement) == []


def test_an_answer_that_is_none_and_texts_without_end_are_refused_with_their_places():
    with pytest.raises(InvalidInput) as caught:
        reply("maybe", name="n" * 201, note="n" * 4001)
    assert [problem.at for problem in caught.value.problems] == ["answer", "name", "note"]


def test_a_link_tells_who_answers_what():
    link = Link("a" * 32, "c" * 32)
    assert LINKS.read(LINKS.token(link)) == link
    assert LINKS.url(link) == f"https://citysec.example/a/{LINKS.token(link)}"


@pytest.mark.parametrize("forged", ["", "x", "ä", LINKS.token(Link("a", "c"))[:-1], "A" + LINKS.token(Link("a", "c"))])
def test_a_link_that_we_did_not_make_is_not_shared(forged: str):
    with pytest.raises(NotShared):
        LINKS.read(forged)


def test_a_link_of_another_installation_is_not_shared():
    with pytest.raises(NotShared):
        LINKS.read(Links(b"x" * 32, "").token(Link("a", "c")))


async def test_a_constituent_is_named_in_reminders_by_its_name(town: Town, advisory: str):
    await town.change(Constituent, "camden", name="London Borough of Camden")
    await tick(town, advisory, 1)
    (line,) = await town.rows(TimelineEntry, kind="reminded")
    assert line.text == "London Borough of Camden has not answered: reminder 1 of 2."
