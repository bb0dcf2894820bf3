"""What constituents' own machines saw, on pages."""

from __future__ import annotations

from sqlmodel import col, select

from citysec.tables import IncidentMatch, Match
from tests import city
from tests.web.console.visit import Visit


async def test_a_constituents_page_lists_what_its_own_machines_saw(lee: Visit):
    text = (await lee.get("/constituents/camden")).text
    assert "Seen by their own machines" in text
    assert "open[.]example" in text


async def test_an_incident_says_how_often_it_was_seen_and_when(lee: Visit, town: city.Site):
    seen = select(Match.id).where(Match.constituent_id == "open-c", col(Match.id).startswith("open-")).limit(1)
    async with town.app.database.writing() as session:
        match = (await session.exec(seen)).one()
        session.add(IncidentMatch(incident_id="open-i1", match_id=match, kind="phishing", criticality=4))
    text = " ".join((await lee.get("/incidents/open-i1")).text.split())
    assert "saw it once, on 1 June 2026 at 12:00 UTC" in text
