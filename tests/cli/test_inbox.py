"""The mail sink of the demonstration."""

from __future__ import annotations

from aiosmtpd.smtp import Envelope

from citysec.cli.inbox import Inbox


async def test_a_subject_that_is_folded_at_once_is_shown_without_the_blank():
    envelope, mails = Envelope(), Inbox()
    envelope.rcpt_tos = ["soc@camden.example"]
    envelope.content = b"Subject:\r\n [London] Phishing\r\nMessage-ID: <1@city>\r\n\r\nText\r\n"
    assert await mails.handle_DATA(None, None, envelope) == "250 kept"
    assert mails.mails[0].subject == "[London] Phishing"
