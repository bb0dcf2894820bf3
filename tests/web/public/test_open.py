"""What everybody may read: public advisories, TLP:CLEAR and nothing else, and the pages' own files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from yarl import URL

from citysec.advisories.announce import Statement, announce, withdraw
from citysec.advisories.content import Content
from citysec.tables import Advisory, Incident
from citysec.tlp import TLP
from citysec.web import render
from citysec.web.public.advisories import PAGE
from tests import city
from tests.web.console.visit import Visit

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


async def _told(town: city.Site, name: str, label: TLP, *, to: str | None = None, minute: int = 0) -> str:
    """Publish an advisory to the public, or to one constituent, about an incident of its own."""
    incident = Incident(
        id=f"about-{name}", ref=f"LDN-{name}", threat=name, kind="phishing", title=name, severity="high", state="open",
        confidence=50, tlp=TLP.AMBER, aware_at=NOON, updated_at=NOON,
    )  # fmt: skip
    content = Content(
        reference="LDN-1", title=name, severity="high", tlp=label.label, what=name, since=NOON, confidence=50,
        how_sure="Likely.",
    )  # fmt: skip
    row = Advisory(
        id=f"told-{name}", incident_id=incident.id, constituent_id=to, subject=name, content=content.to_json(),
        severity="high", tlp=label, published_at=NOON + timedelta(minutes=minute),
    )  # fmt: skip
    async with town.app.database.writing() as db:
        db.add(incident)
        await db.flush()
        db.add(row)
    return f"/advisories/{row.id}"


async def test_the_public_reads_what_is_clear(town: city.Site, stranger: Visit):
    path = await _told(town, "Beware", TLP.CLEAR)
    assert f'href="{path}"' in (await stranger.get("/advisories/")).text
    assert "Beware" in (await stranger.get(path)).text


@pytest.mark.parametrize(
    ("label", "to"), [(TLP.GREEN, None), (TLP.AMBER, None), (TLP.RED, None), (TLP.CLEAR, "open-c")]
)
async def test_the_public_reads_nothing_else(town: city.Site, stranger: Visit, label: TLP, to: str | None):
    path = await _told(town, "Hush", label, to=to)
    assert "Hush" not in (await stranger.get("/advisories/")).text
    assert (await stranger.get(path)).status == (await stranger.get("/advisories/none")).status == 404


async def test_every_address_of_an_advisory_leads_to_what_is_right_now(town: city.Site, stranger: Visit):
    async with town.app.database.writing() as db:
        first = await announce(db, "open-i1", Statement("Fake fines", "Do not pay them."), actor="ada")
        second = await announce(db, "open-i1", Statement("Fake bills", "Pay nothing.", change="Bills."), actor="ada")
    for address in (first.id, second.id):
        text = (await stranger.get(f"/advisories/{address}")).text
        assert "Fake bills" in text
        assert "Correction 1" in text
        assert "Fake fines" not in text
    listed = (await stranger.get("/advisories/")).text
    assert ("Fake bills" in listed, "Fake fines" in listed) == (True, False)


async def test_a_withdrawn_advisory_says_so_at_its_address_and_is_listed_no_more(town: city.Site, stranger: Visit):
    async with town.app.database.writing() as db:
        advisory = await announce(db, "open-i1", Statement("Fake fines", "Do not pay them."), actor="ada")
        await withdraw(db, "open-i1", "Camden was named.", actor="ada")
    text = (await stranger.get(f"/advisories/{advisory.id}")).text
    assert "This advisory was withdrawn" in text
    assert not [said for said in ("Fake fines", "Do not pay", "Camden") if said in text]
    assert "There is no public advisory" in (await stranger.get("/advisories/")).text


async def test_many_are_shown_in_pages_each_once(town: city.Site, stranger: Visit):
    for number in range(PAGE + 2):
        await _told(town, f"No-{number:02}", TLP.CLEAR, minute=number)
    first = (await stranger.get("/advisories/")).text
    rest = (await stranger.get(f"/advisories/?before={(NOON + timedelta(minutes=2)).timestamp()}")).text
    assert [n for n in range(PAGE + 2) if f"No-{n:02}<" in first] == list(range(2, PAGE + 2))
    assert [n for n in range(PAGE + 2) if f"No-{n:02}<" in rest] == [0, 1]


@pytest.mark.parametrize("before", ["x", "nan", "inf", "1e400", "-1e30", ""])
async def test_an_odd_start_of_the_list_is_no_fault(stranger: Visit, before: str):
    assert (await stranger.get(f"/advisories/?before={before}")).status == 200


async def test_static_files_are_kept_for_ever(stranger: Visit):
    async with stranger.client.get(render.static("citysec.css")) as answer:
        assert (answer.status, answer.content_type) == (200, "text/css")
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    ["../render.py", "%2e%2e/render.py", "..%2frender.py", "vendor/../../render.py", "%2Fetc%2Fpasswd", "none.css",
     "vendor", "vendor/", "%00.css", ".css", "x" * 5000 + ".css"],
)  # fmt: skip
async def test_static_files_are_those_of_pages_only(town: city.Site, stranger: Visit, name: str):
    async with stranger.client.get(URL(f"{town.url}/static/{name}", encoded=True)) as answer:
        assert answer.status == 404
