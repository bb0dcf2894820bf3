"""Mail, to a real SMTP server."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from citysec import settings
from citysec.advisories.channels import mail
from citysec.errors import DeliveryDeferred, DeliveryRefused
from tests.advisories.channels.receivers import MailSink, message


@pytest.fixture
async def sink() -> AsyncGenerator[MailSink, None]:
    async with MailSink().listening() as listening:
        yield listening


async def test_text_and_html_arrive_as_alternatives(sink: MailSink):
    await mail.send(sink.relay, message())
    (got,) = sink.mails
    assert got.get_content_type() == "multipart/alternative"
    text, html = got.iter_parts()
    assert (text.get_content().rstrip(), html.get_content().rstrip()) == ("Grüße", "<p>Grüße")
    assert got["Subject"] == "[TLP:GREEN] Ärger"


async def test_the_headers_say_who_when_and_that_a_machine_wrote_it(sink: MailSink):
    await mail.send(sink.relay, message())
    (got,) = sink.mails
    assert (got["From"], got["To"]) == ("citysec <desk@city.example>", "soc@camden.example")
    assert got["Date"] == "Wed, 03 Jun 2026 12:00:00 +0000"
    assert got["Auto-Submitted"] == "auto-generated"


async def test_the_same_message_sent_twice_has_the_same_id(sink: MailSink):
    await mail.send(sink.relay, message())
    await mail.send(sink.relay, message())
    assert [got["Message-ID"] for got in sink.mails] == [f"<{'d' * 64}@city.example>"] * 2


async def test_a_later_message_about_the_incident_is_an_answer_to_the_first(sink: MailSink):
    await mail.send(sink.relay, message(thread="f" * 64))
    assert sink.mails[0]["In-Reply-To"] == sink.mails[0]["References"] == f"<{'f' * 64}@city.example>"


@pytest.mark.parametrize("place", ["rcpt", "data"])
async def test_a_refusal_for_good_is_one_and_says_what_the_relay_said(sink: MailSink, place: str):
    setattr(sink, place, deque(["550 5.1.1 no such mailbox"]))
    with pytest.raises(DeliveryRefused, match=r"550: 5\.1\.1 no such mailbox"):
        await mail.send(sink.relay, message())


@pytest.mark.parametrize("place", ["rcpt", "data"])
async def test_a_refusal_for_now_is_tried_again(sink: MailSink, place: str):
    setattr(sink, place, deque(["451 4.7.1 greylisted"]))
    with pytest.raises(DeliveryDeferred, match="451"):
        await mail.send(sink.relay, message())


async def test_wrong_credentials_of_ours_do_not_condemn_the_receiver(sink: MailSink):
    sink.rcpt = deque(["530 5.7.0 authentication required"])
    with pytest.raises(DeliveryDeferred):
        await mail.send(sink.relay, message())


async def test_a_relay_that_is_not_there_is_tried_again(unused_tcp_port: int):
    relay = replace(MailSink().relay, port=unused_tcp_port)
    with pytest.raises(DeliveryDeferred, match="mail relay"):
        await mail.send(relay, message())


async def test_a_relay_without_the_tls_we_want_gets_nothing(sink: MailSink):
    with pytest.raises(DeliveryDeferred):
        await mail.send(replace(sink.relay, starttls=True), message())
    assert sink.mails == []


@pytest.mark.parametrize(
    "address", ["", "soc", "a@b.example\r\nBcc: x@y.example", "a@b.example, c@d.example", "@", "a@"]
)
async def test_what_is_no_mailbox_is_refused_before_anything_is_sent(sink: MailSink, address: str):
    with pytest.raises(DeliveryRefused, match="not a mail address"):
        await mail.send(sink.relay, message(address=address))
    assert sink.mails == []


@pytest.mark.parametrize(
    ("given", "tls", "starttls"),
    [
        ({}, False, None),
        ({"SMTP_USER": "u", "SMTP_PASSWORD": "p"}, False, True),
        ({"SMTP_TLS": "none", "SMTP_USER": "u"}, False, False),
        ({"SMTP_TLS": "starttls"}, False, True),
        ({"SMTP_TLS": "tls"}, True, False),
    ],
)
def test_a_password_wants_tls_unless_the_operator_says_otherwise(
    given: dict[str, str], *, tls: bool, starttls: bool | None
):
    relay = mail.Relay.of(settings.read({f"CITYSEC_{name}": value for name, value in given.items()}))
    assert (relay.tls, relay.starttls) == (tls, starttls)
