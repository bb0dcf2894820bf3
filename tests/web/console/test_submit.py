"""Handing in a text or a mail: what is in it is shown, and only what somebody confirms is stored."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from aiohttp import FormData
from sqlmodel import select

from citysec.access.policy import Role
from citysec.db import Database
from citysec.feeds import submit
from citysec.tables import Assertion, Asset, AssetOwner, AuditEntry, Outbox, Reject, StixObject
from citysec.tlp import TLP
from tests import city
from tests.web import feeding
from tests.web.console import visit
from tests.web.console.visit import Answer, Visit

TEXT = """The kit is at hxxps://pay[.]parking-fines[.]top/login and on 203.0.113[.]77.
Mails come from fines[@]parking-fines[.]top.
The real page of Camden is hxxps://www[.]camden[.]example/parking; see also https://blog.vendor.org/kit for more.
"""
KIT = "[url:value = 'https://pay.parking-fines.top/login']"
HOST = "[ipv4-addr:value = '203.0.113.77']"
OURS = "[url:value = 'https://www.camden.example/parking']"
CHOSEN = {"step": "save", "tlp": "TLP:GREEN", "confidence": "95", "label": "phishing", "threat": "Fake fines"}


@pytest.fixture
async def place(db: Database) -> AsyncGenerator[city.Site, None]:
    """A city with feeds, where Camden has registered its name."""
    camden = await city.constituent(db, "camden")
    await city.account(db, "ann", Role.ANALYST, clearance=TLP.AMBER)
    await city.account(db, "liz", Role.LEAD, "camden")
    async with db.writing() as session:
        session.add(
            Asset(id=1, kind="domain", value="camden.example", scope="tree", key_kind="name", key="example.camden")
        )
        await session.flush()
        at = datetime(2026, 6, 1, tzinfo=UTC)
        session.add(AssetOwner(ref="C-1", asset_id=1, constituent_id=camden, registered_at=at))
    async with feeding.served(db) as site:
        yield site


@pytest.fixture
async def ann(place: city.Site) -> AsyncGenerator[Visit, None]:
    """An analyst of the city."""
    async with visit.signed_in(place, "ann") as reader:
        yield reader


async def _save(reader: Visit, *keys: str, **more: str) -> Answer:
    form = FormData({"content": base64.b64encode(TEXT.encode()).decode()} | CHOSEN | more)
    for key in keys:
        form.add_field("take", key)
    return await reader.send("/submit", form)


async def _all(db: Database, row: type[Any]) -> Sequence[Any]:
    async with db.reading() as session:
        return (await session.exec(select(row))).all()


def _ticked(text: str) -> dict[str, bool]:
    boxes = re.findall(r'name="take" value="([^"]*)"( checked)?', text)
    return {unescape(key): bool(checked) for key, checked in boxes}


async def test_what_is_in_it_is_shown_and_nothing_is_stored(ann: Visit, db: Database):
    before = [await _all(db, row) for row in (StixObject, AuditEntry, Outbox, Reject)]
    text = (await ann.post("/submit", text=TEXT, step="check")).text
    assert "5 indicators found" in text
    for said in ("hxxps://pay[.]parking-fines[.]top/login", "203[.]0[.]113[.]77", "line 1", "Mails come from"):
        assert said in text
    assert [await _all(db, row) for row in (StixObject, AuditEntry, Outbox, Reject)] == before


async def test_what_is_ours_and_mere_links_are_not_ticked(ann: Visit):
    async with ann.client.post("/submit", data={"csrf": ann.csrf, "text": TEXT, "step": "check"}) as answer:
        text = await answer.text()
    assert _ticked(text) == {
        KIT: True, HOST: True, "[email-addr:value = 'fines@parking-fines.top']": True, OURS: False,
        "[url:value = 'https://blog.vendor.org/kit']": False,
    }  # fmt: skip
    assert "<strong>Camden</strong>" in text
    assert "its host belongs to" in text


async def test_what_is_ticked_is_stored_as_it_was_judged(ann: Visit, db: Database):
    answer = await _save(ann, KIT, HOST, "[ipv4-addr:value = '192.0.2.1']")
    assert (answer.status, answer.location) == (303, "/feeds/by-hand?done=submit")
    assert {row.pattern for row in await _all(db, StixObject)} == {KIT, HOST}
    said = await _all(db, Assertion)
    assert {(a.feed, a.tlp, a.name, tuple(a.labels)) for a in said} == {
        ("by-hand", TLP.GREEN, "Fake fines", ("phishing",))
    }
    assert {work.kind for work in await _all(db, Outbox)} == {"correlate", "share"}


async def test_it_counts_as_long_as_was_chosen_else_as_usual_for_its_kind(ann: Visit, db: Database):
    await _save(ann, KIT)
    await _save(ann, HOST, days="7")
    usual, chosen = sorted(await _all(db, Assertion), key=lambda said: said.object_id)
    assert (usual.until, usual.lasts_s) == (None, 30 * 86400)
    assert chosen.until - chosen.seen_at == timedelta(days=7)


async def test_who_stored_it_is_in_the_audit_chain_without_the_values(ann: Visit, db: Database):
    await _save(ann, KIT)
    (entry,) = [e for e in await _all(db, AuditEntry) if e.action == "feed.submit"]
    assert (entry.actor, entry.data["entries"], entry.data["tlp"]) == ("ann", 1, "TLP:GREEN")
    assert "parking" not in str(entry.data)


async def test_what_feeds_say_already_is_named(ann: Visit):
    await _save(ann, KIT)
    text = (await ann.post("/submit", text=TEXT, step="check")).text
    assert text.count('href="/feeds/by-hand"') == 1


async def test_what_is_known_above_the_own_clearance_is_not_named(ann: Visit):
    await _save(ann, KIT, tlp="TLP:RED")
    assert 'href="/feeds/by-hand"' not in (await ann.post("/submit", text=TEXT, step="check")).text


async def test_a_mail_is_read_from_a_file_that_is_not_utf8(ann: Visit):
    mail = b"From: a@b.example\r\nTo: c@d.example\r\nSubject: x\r\n\r\ncaf\xe9: hxxp://evil[.]example/\xe9\r\n"
    form = FormData({"step": "check", "text": ""})
    form.add_field("file", mail, filename="x.eml", content_type="message/rfc822")
    assert "hxxp://evil[.]example" in (await ann.send("/submit", form)).text


async def test_the_text_comes_back_to_be_changed(ann: Visit):
    text = (await _save(ann, KIT, step="edit")).text
    assert "Mails come from fines[@]parking-fines[.]top." in text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"text": " \n"}, "Paste a text, or choose a file."),
        ({"text": "All is well."}, "No indicator was found in it."),
        ({"text": "x" * (submit.LONGEST + 1)}, "Use at most 256 KiB"),
        ({"content": "%%%"}, "The form came back broken."),
    ],
)
async def test_what_cannot_be_used_is_refused_with_the_reason(ann: Visit, fields: dict[str, str], said: str):
    answer = await ann.post("/submit", step="check", **fields)
    assert (answer.status, said in answer.text) == (422, True)


@pytest.mark.parametrize(
    ("keys", "more", "said"),
    [
        ([], {}, "Tick at least one indicator."),
        ([KIT], {"tlp": "TLP:PURPLE"}, "Choose label, kind, confidence and time from the lists."),
        ([KIT], {"confidence": "101"}, "Choose label, kind, confidence and time from the lists."),
        ([KIT], {"label": "nonsense"}, "Choose label, kind, confidence and time from the lists."),
        ([KIT], {"days": "8"}, "Choose label, kind, confidence and time from the lists."),
        ([KIT], {"threat": "x" * 201}, "Use at most 200 characters."),
    ],
)
async def test_a_choice_that_is_not_complete_is_asked_for_again(
    ann: Visit, db: Database, keys: list[str], more: dict[str, str], said: str
):
    answer = await _save(ann, *keys, **more)
    assert (answer.status, said in answer.text) == (422, True)
    assert await _all(db, StixObject) == []


async def test_what_somebody_wrote_is_shown_as_text(ann: Visit):
    async with ann.client.post(
        "/submit", data={"csrf": ann.csrf, "text": "<script>alert(1)</script> evil[.]example", "step": "check"}
    ) as answer:
        assert "<script>alert" not in await answer.text()


async def test_it_is_not_for_a_borough_s_people(place: city.Site):
    async with visit.signed_in(place, "liz") as liz:
        assert [(await liz.get("/submit")).status, (await liz.post("/submit", text=TEXT)).status] == [403, 403]
