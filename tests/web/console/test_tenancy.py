"""No page tells a borough what is another's: whatever the data, over every page of the console."""

from __future__ import annotations

import re

import pytest
from aiohttp import web
from hypothesis import HealthCheck, example, given, settings
from sqlmodel import col, select

from citysec.db import Database
from citysec.tables import Advisory, Constituent, Feed, Incident, Question
from citysec.tlp import TLP
from citysec.web import console, public
from tests import city
from tests.web.api.test_tenancy import EVERYTHING
from tests.web.api.world import SECRET, WORLDS, World, clear, seed
from tests.web.console import visit
from tests.web.console.visit import Visit

SINGLE = (
    "/",
    "/sign-in",
    "/feeds",
    "/submit",
    "/audit",
    "/advisories/",
    "/lookup",
    "/lookalikes",
    "/possible",
    "/explain",
)
NAMED = {
    "/incidents/{}": col(Incident.id),
    "/incidents/{}/public": col(Incident.id),
    "/feeds/{}": col(Feed.name),
    "/questions/{}": col(Question.id),
    "/advisory/{}": col(Advisory.id),
    "/advisories/{}": col(Advisory.id),
    "/constituents/{}": col(Constituent.slug),
}
"""Pages about one thing, and what names it in their address."""
OTHERS = ("/static/", "/a/", "/events")
"""What is no page, or is opened by a secret."""


async def pages(db: Database) -> list[str]:
    """Return the address of every page that there is."""
    async with db.reading() as session:
        names = {path: (await session.exec(select(column))).all() for path, column in NAMED.items()}
    return [*SINGLE, *(path.format(name) for path, found in names.items() for name in found)]


async def test_every_page_is_among_those_looked_at(site: city.Site):
    routes = [
        r.path
        for part in (console, public)
        for r in part.routes(site.app)
        if isinstance(r, web.RouteDef) and r.method == "GET"
    ]
    pages = [path for path in routes if not path.startswith(OTHERS)]
    assert [p for p in pages if p not in SINGLE and re.sub(r"{[^}]+}", "{}", p) not in NAMED] == []


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(EVERYTHING)
@given(world=WORLDS)
async def test_whatever_the_data_no_page_shows_a_lead_what_is_another_s(site: city.Site, world: World):
    await clear(site.app.database)
    await seed(site.app.database, world)
    async with visit.signed_in(site, "lee") as lee:
        for path in await pages(site.app.database):
            answer = await lee.get(path)
            assert answer.status in (200, 303, 403, 404), path
            told = answer.text.replace(path, "")  # a refusal may repeat what was asked for
            assert SECRET.lower() not in told.lower(), path


@pytest.mark.parametrize("path", ["/constituents/{}", "/incidents/{}", "/questions/{}", "/advisory/{}"])
async def test_another_s_is_absent(lee: Visit, ada: Visit, path: str):
    key = {"/constituents/{}": "brent-secret", "/incidents/{}": "SECRET-i3", "/questions/{}": "SECRET-q3"}
    theirs = path.format(key.get(path, "SECRET-a3"))
    absent, hidden = await lee.get(path.format("nothing-of-the-kind")), await lee.get(theirs)
    assert (await ada.get(theirs)).status == 200
    assert hidden.status == absent.status == 404
    assert _same(hidden.text, theirs) == _same(absent.text, path.format("nothing-of-the-kind"))


async def test_what_is_marked_above_the_own_clearance_is_absent_too(lee: Visit):
    assert (await lee.get("/incidents/SECRET-i2")).status == 404


async def test_nobody_acts_on_another_s(lee: Visit):
    for path in ("/incidents/SECRET-i3/notes", "/questions/SECRET-q3", "/advisory/SECRET-a3"):
        assert (await lee.post(path, note="x", choice="received")).status == 404


async def test_an_analyst_s_board_shows_what_the_analyst_is_cleared_for(town: city.Site):
    await city.account(town.app.database, "ann", city.Role.ANALYST, clearance=TLP.GREEN)
    async with visit.signed_in(town, "ann") as ann:
        text = (await ann.get("/")).text
        assert "TLP:GREEN" in text
        assert "TLP:AMBER" not in text
        assert (await ann.get("/incidents/SECRET-i2")).status == 404


def _same(text: str, path: str) -> str:
    """Return a page without what differs between any two requests."""
    return re.sub(r"[0-9a-f]{16}|\d\d:\d\d(:\d\d)?Z?", "", text.replace(path, ""))
