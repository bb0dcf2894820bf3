"""The console's pages: who sees which, and where a reader is sent."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete

from citysec.tables import Acknowledgement, Advisory, Constituent, TimelineEntry
from citysec.web.console.incident import TIMELINE
from tests import city
from tests.web.api.world import NOON
from tests.web.console import visit
from tests.web.console.visit import Visit

PAGES = [
    "/", "/?severity=high&state=open&sector=government&waiting=answers", "/?from=999", "/constituents/camden",
    "/constituents/brent-secret", "/incidents/open-i0", "/incidents/open-i1", "/incidents/SECRET-i3",
    "/questions/SECRET-q0", "/questions/open-q1", "/advisory/open-a1", "/feeds", "/audit", "/audit?before=3",
    "/advisories/",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
async def test_the_coordinator_sees_every_page(ada: Visit, path: str):
    assert (await ada.get(path)).status == 200


async def test_the_board_counts_what_is_open_and_waits(ada: Visit):
    text = (await ada.get("/")).text
    assert "<strong>5</strong> open incidents" in text
    assert "5</strong> questions wait" in text


@pytest.mark.parametrize("path", ["/constituents/camden", "/incidents/open-i1"])
async def test_what_is_over_the_cap_is_counted_on_the_page(ada: Visit, lee: Visit, path: str):
    for reader in (ada, lee):
        assert "Capped: 1 of 1,234 are kept as matches" in (await reader.get(path)).text


async def test_an_unknown_filter_asks_for_nothing(ada: Visit):
    assert (await ada.get("/?severity=purple&state=x&from=-1&waiting=tea")).status == 200


async def test_a_lead_is_sent_home(lee: Visit):
    answer = await lee.get("/")
    assert (answer.status, answer.location) == (303, "/constituents/camden")


async def test_a_lead_sees_the_own_pages(lee: Visit):
    for path in ("/constituents/camden", "/incidents/open-i1", "/questions/open-q1", "/advisory/open-a1"):
        assert (await lee.get(path)).status == 200, path


@pytest.mark.parametrize("path", ["/feeds", "/audit"])
async def test_what_operators_look_at_is_not_for_leads(lee: Visit, path: str):
    assert (await lee.get(path)).status == 403


async def test_a_lead_learns_of_the_city_incident_above_but_gets_no_link_to_it(lee: Visit):
    text = (await lee.get("/incidents/open-i1")).text
    assert "Part of a city-wide incident" in text
    assert "names no playbook" not in text
    assert "/incidents/open-i0" not in text


async def test_questions_below_a_city_incident_say_whose_they_are(ada: Visit):
    text = (await ada.get("/incidents/open-i0")).text
    assert "Camden open: open-1 open title" in text


@pytest.mark.parametrize("path", ["/", "/incidents/open-i1", "/feeds", "/constituents/camden", "/advisory/open-a1"])
async def test_who_is_not_signed_in_is_asked_to_and_comes_back(stranger: Visit, path: str):
    answer = await stranger.get(path)
    assert answer.status == 303
    assert answer.location == f"/sign-in?next={path.replace('/', '%2F')}"


async def test_a_password_opens_the_page_that_was_asked_for(town: city.Site, stranger: Visit):
    await city.account(town.app.database, "eve", city.Role.COORDINATOR)
    answer = await stranger.post("/sign-in", name="eve", password=city.PASSWORD, next="/feeds")
    assert (answer.status, answer.location) == (303, "/feeds")
    assert (await stranger.get("/feeds")).status == 200


async def test_a_wrong_password_shows_the_form_again_without_it(town: city.Site, stranger: Visit):
    await city.account(town.app.database, "eve", city.Role.COORDINATOR)
    answer = await stranger.post("/sign-in", name="eve", password="hunter2", next="/feeds")
    assert answer.status == 401
    assert 'value="eve"' in answer.text
    assert "hunter2" not in answer.text


@pytest.mark.parametrize(
    "goal", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "javascript:x", "/\n/x", ""]
)
async def test_signing_in_leads_nowhere_else(ada: Visit, stranger: Visit, goal: str):
    shown = await ada.client.get("/sign-in", params={"next": goal}, allow_redirects=False)
    assert shown.headers["Location"] == "/"
    assert 'name="next" value="/"' in (await stranger.post("/sign-in", name="x", next=goal)).text


async def test_signing_out_ends_it(ada: Visit):
    assert (await ada.post("/sign-out")).location == "/sign-in"
    assert (await ada.get("/feeds")).status == 303


async def test_an_analyst_is_not_offered_what_the_role_may_not_do(town: city.Site):
    await city.account(town.app.database, "ann", city.Role.ANALYST)
    async with visit.signed_in(town, "ann") as ann:
        board, advisory, question = [
            (await ann.get(path)).text for path in ("/", "/advisory/open-a1", "/questions/open-q1")
        ]
    assert 'href="/audit"' not in board
    assert 'name="choice"' not in advisory + question


async def test_the_city_finds_the_way_back_from_an_advisory_and_up_from_an_incident(ada: Visit, lee: Visit):
    advisory, incident = (await ada.get("/advisory/open-a1")).text, (await ada.get("/incidents/open-i1")).text
    assert 'href="/incidents/open-i1"' in advisory
    assert "Answer from Camden open" in advisory
    assert incident.count('href="/incidents/open-i0"') == 2
    assert "Your answer" in (await lee.get("/advisory/open-a4")).text


async def test_a_choice_that_nothing_fits_says_so_in_a_quiet_city_too(ada: Visit, site: city.Site):
    text = (await ada.get("/?state=closed")).text
    assert "No incident fits this choice." in text


async def test_an_empty_city_says_what_to_do(site: city.Site):
    await city.account(site.app.database, "eve", city.Role.COORDINATOR)
    async with visit.signed_in(site, "eve") as eve:
        text = (await eve.get("/")).text
        feeds = (await eve.get("/feeds")).text
    assert "Nobody is registered yet" in text
    assert "citysec constituency import FILE" in text
    assert "citysec init --sample london" in text
    assert "No feeds are set up" in feeds


async def test_a_city_without_a_grid_lists_whom_it_serves(site: city.Site):
    await city.account(site.app.database, "eve", city.Role.COORDINATOR)
    async with site.app.database.writing() as db:
        db.add(Constituent(slug="bath", name="Bath Council", kind="unitary-authority", sector="local-government"))
    async with visit.signed_in(site, "eve") as eve:
        text = (await eve.get("/")).text
    assert "Whom we serve" in text
    assert "Local authorities" not in text


async def test_a_page_that_is_not_there_says_so_in_words(ada: Visit):
    answer = await ada.get("/nowhere")
    assert answer.status == 404
    assert "There is no such page" in answer.text
    assert "404: Not Found" not in answer.text


async def test_a_long_timeline_says_that_it_goes_on(town: city.Site, ada: Visit):
    assert "Older entries" not in (await ada.get("/incidents/open-i1")).text
    line: dict[str, Any] = {"incident_id": "open-i1", "at": NOON, "kind": "note", "actor": "ada"}
    async with town.app.database.writing() as db:
        db.add_all(TimelineEntry(text=f"line {n}", **line) for n in range(TIMELINE))
    text = (await ada.get("/incidents/open-i1")).text
    assert "Older entries" in text
    assert text.count(">line ") == TIMELINE


async def test_waiting_advisories_are_told_apart_by_their_incident(lee: Visit, town: city.Site):
    async with town.app.database.writing() as db:
        await db.exec(delete(Acknowledgement))
        advisory = await db.get_one(Advisory, "open-a1")
        advisory.answer_by = NOON
        advisory.content = advisory.content | {"reference": "LDN-2026-0117"}
    assert "<span>LDN-2026-0117</span>" in (await lee.get("/constituents/camden")).text
