"""Delivering: sent once, tried again, given up in sight of everyone."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import partial

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from citysec.advisories import retry
from citysec.advisories.channels import mail, webhook
from citysec.advisories.channels.message import Message
from citysec.advisories.channels.webhook import Outlet
from citysec.advisories.deliver import Post, deliver
from citysec.advisories.link import Link, Links
from citysec.errors import DeliveryDeferred, NotShared
from citysec.guard import Guard
from citysec.tables import Change, Constituent, Contact, Delivery, TimelineEntry
from tests.advisories.channels.receivers import SECRET, Hook, MailSink
from tests.advisories.conftest import Town

LINKS = Links(b"k" * 32, "https://citysec.example")


@dataclass
class Outside:
    """A mail relay and a webhook's receiver, and the way to them."""

    sink: MailSink
    hook: Hook
    post: Post


@pytest.fixture
async def outside(town: Town) -> AsyncGenerator[Outside, None]:
    async with MailSink().listening() as sink, Hook().listening() as hook:
        await town.change(Contact, "c2", address=str(hook.url), secret=SECRET)
        channels = {
            "email": partial(mail.send, sink.relay),
            "webhook": partial(webhook.send, Outlet(Guard.of("127.0.0.1"), 5)),
        }
        yield Outside(sink, hook, Post("London", channels, LINKS))


async def attempt(town: Town, contact: str, post: Post) -> float | None:
    (delivery,) = await town.rows(Delivery, contact_id=contact)
    return await deliver(town.db, {"delivery": delivery.id}, post)


async def one(town: Town, contact: str) -> Delivery:
    (delivery,) = await town.rows(Delivery, contact_id=contact)
    return delivery


async def test_mail_and_webhook_arrive_and_are_recorded(town: Town, camden: str, outside: Outside):
    (advisory,) = await town.publish(camden)
    assert [await attempt(town, contact, outside.post) for contact in ("c1", "c2")] == [None, None]
    assert {(d.state, d.attempts) for d in await town.deliveries()} == {("sent", 1)}
    texts = [line.text for line in await town.rows(TimelineEntry, kind="delivery")]
    assert texts == ["Camden has been sent the advisory by email.", "Camden has been sent the advisory by webhook."]
    assert advisory in {change.subject_id for change in await town.rows(Change, subject="advisory")}


async def test_the_mail_has_a_link_that_only_its_reader_can_answer_with(town: Town, camden: str, outside: Outside):
    (advisory,) = await town.publish(camden)
    await attempt(town, "c1", outside.post)
    text = next(outside.sink.mails[0].iter_parts()).get_content()
    (token,) = [line.rpartition("/a/")[2] for line in text.splitlines() if "/a/" in line]
    assert LINKS.read(token) == Link(advisory, "c1")


async def test_machines_get_the_content_as_data(town: Town, camden: str, outside: Outside):
    (advisory,) = await town.publish(camden)
    await attempt(town, "c2", outside.post)
    ((key, got),) = outside.hook.got
    assert key == (await one(town, "c2")).id
    assert (got["type"], got["data"]["advisory"], got["data"]["revision"]) == ("advisory.published", advisory, 1)
    assert got["data"]["content"]["touched"][0]["value"] == "198.51.100.7"


async def test_what_is_sent_is_not_sent_again(town: Town, camden: str, outside: Outside):
    await town.publish(camden)
    await attempt(town, "c1", outside.post)
    assert await attempt(town, "c1", outside.post) is None
    assert len(outside.sink.mails) == 1


async def test_two_workers_with_the_same_delivery_send_the_same_message(town: Town, camden: str, outside: Outside):
    await town.publish(camden)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(2):
            tasks.create_task(attempt(town, "c1", outside.post))
    assert {mail["Message-ID"] for mail in outside.sink.mails} == {f"<{(await one(town, 'c1')).id}@city.example>"}


async def test_a_crash_between_sending_and_record_repeats_the_same_message(town: Town, camden: str, outside: Outside):
    await town.publish(camden)
    key = (await one(town, "c2")).id
    await attempt(town, "c2", outside.post)
    await town.change(Delivery, key, state="queued", sent_at=None)  # as the database stands after the crash
    await attempt(town, "c2", outside.post)
    assert [got for got, _ in outside.hook.got] == [key, key]


async def test_a_relay_that_is_down_for_a_while_gets_the_mail_when_it_is_back(town: Town, camden: str):
    await town.publish(camden)
    sink = MailSink()
    async with sink.listening():
        pass
    post = Post("London", {"email": partial(mail.send, sink.relay)}, LINKS)
    waits = [await attempt(town, "c1", post) for _ in range(3)]
    assert waits == [30, 60, 120]
    assert "mail relay" in ((await one(town, "c1")).error or "")
    async with sink.listening():
        assert await attempt(town, "c1", post) is None
    assert len(sink.mails) == 1
    assert ((await one(town, "c1")).state, (await one(town, "c1")).error) == ("sent", None)


async def test_a_receiver_that_asks_for_time_gets_it_and_then_the_same_message(
    town: Town, camden: str, outside: Outside
):
    await town.publish(camden)
    outside.hook.answers.append(web.Response(status=503, headers={"Retry-After": "600"}))
    assert await attempt(town, "c2", outside.post) == 600
    assert await attempt(town, "c2", outside.post) is None
    first, second = outside.hook.got
    assert first == second
    assert (await one(town, "c2")).attempts == 2


async def test_a_mailbox_that_is_refused_makes_a_dead_letter_in_the_timeline(town: Town, camden: str, outside: Outside):
    await town.publish(camden)
    outside.sink.rcpt = deque(["550 no such mailbox"])
    assert await attempt(town, "c1", outside.post) is None
    assert (await one(town, "c1")).state == "dead"
    (line,) = await town.rows(TimelineEntry, kind="delivery")
    assert line.text == "The advisory to Camden by email is dead after 1 attempt."
    assert line.data["audience"] == "city"


async def test_after_the_last_attempt_the_letter_is_dead(town: Town, camden: str):
    async def down(_message: Message) -> None:
        raise DeliveryDeferred("down")

    await town.publish(camden)
    post = Post("London", {"email": down}, LINKS)
    waits = [await attempt(town, "c1", post) for _ in range(retry.ATTEMPTS)]
    assert waits[-1] is None
    assert None not in waits[:-1]
    assert (await one(town, "c1")).state == "dead"


async def test_an_unknown_channel_is_a_dead_letter_with_its_name(town: Town, camden: str):
    await town.publish(camden)
    await attempt(town, "c1", Post("London", {}, LINKS))
    assert (await one(town, "c1")).error == "there is no channel 'email'"


@pytest.mark.parametrize(
    ("row", "key", "values"), [(Contact, "c1", {"active": False}), (Constituent, "camden", {"clearance": 0})]
)
async def test_a_decision_that_no_longer_holds_stops_the_message(
    town: Town, camden: str, outside: Outside, row: type, key: str, values: dict[str, object]
):
    await town.publish(camden)
    await town.change(row, key, **values)
    await attempt(town, "c1", outside.post)
    assert (await one(town, "c1")).state == "cancelled"
    assert outside.sink.mails == []


async def test_what_left_although_it_was_called_off_meanwhile_is_recorded_as_sent(town: Town, camden: str):
    async def slow(_message: Message) -> None:
        await town.change(Delivery, (await one(town, "c1")).id, state="cancelled")

    await town.publish(camden)
    await attempt(town, "c1", Post("London", {"email": slow}, LINKS))
    assert (await one(town, "c1")).state == "sent"


async def test_an_update_is_an_answer_to_the_first_mail(town: Town, camden: str, outside: Outside):
    await town.publish(camden)
    await attempt(town, "c1", outside.post)
    await town.grow(camden)
    await town.publish(camden)
    _, second = await town.deliveries(contact_id="c1")
    await deliver(town.db, {"delivery": second.id}, outside.post)
    first, update = outside.sink.mails
    assert update["In-Reply-To"] == first["Message-ID"]
    assert "Update: " in update["Subject"]


async def test_an_unknown_delivery_is_an_error(town: Town, outside: Outside):
    with pytest.raises(NotShared):
        await deliver(town.db, {"delivery": "nothing"}, outside.post)


@given(st.integers(1, 50), st.none() | st.floats(0, 1e9))
def test_waits_end_and_stay_within_half_a_minute_and_four_hours(attempts: int, asked: float | None):
    wait = retry.wait_s(attempts, asked)
    if wait is None:
        assert attempts >= retry.ATTEMPTS
    else:
        assert 30 <= wait <= 4 * 3600
        assert wait >= min(asked or 0, 4 * 3600)


def test_all_attempts_together_take_hours():
    waits = [retry.wait_s(number) or 0 for number in range(1, retry.ATTEMPTS)]
    assert waits == sorted(waits)
    assert 4 * 3600 < sum(waits) < 24 * 3600
