"""The page of lookalikes: what looks like whose, and letting a name pass."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from sqlmodel import col, select

from citysec.access.policy import Role
from citysec.db import Database
from citysec.tables import AuditEntry, Constituent
from citysec.tlp import TLP
from tests import city
from tests.correlate.city import City, indicator
from tests.web.console import visit
from tests.web.console.visit import Visit

NAME = "camdem.gov.uk"


@pytest.fixture
async def place(db: Database) -> AsyncGenerator[city.Site, None]:
    """A city in which somebody imitates Camden, as a green and a red report say."""
    await city.account(db, "ann", Role.ANALYST, clearance=TLP.AMBER)
    correlation = City(db)
    await correlation.own("camden", "domain", "camden.gov.uk")
    await correlation.say(indicator(1, f"[domain-name:value = '{NAME}']"))
    await correlation.say(indicator(2, "[domain-name:value = 'camdn.gov.uk']"), feed="secret", tlp=TLP.RED)
    await correlation.work()
    await correlation.work()
    async with db.writing() as session:
        camden = (await session.exec(select(Constituent).where(col(Constituent.slug) == "camden"))).one()
        camden.name = "Camden Council"
    await city.account(db, "liz", Role.LEAD, "camden")
    async with city.served(city.app_context(db)) as site:
        yield site


@pytest.fixture
async def ann(place: city.Site) -> AsyncGenerator[Visit, None]:
    """An analyst of the city."""
    async with visit.signed_in(place, "ann") as reader:
        yield reader


async def test_a_name_is_shown_with_what_it_looks_like_and_whose_that_is(ann: Visit):
    text = (await ann.get("/lookalikes")).text
    for said in ("1 name", "camdem[.]gov[.]uk", "camden.gov.uk", "neighbour on the keyboard", "Camden Council"):
        assert said in text
    assert "camdn" not in text  # above the own clearance


async def test_an_allowed_name_is_listed_with_who_and_why_until_it_is_taken_off(ann: Visit, db: Database):
    answer = await ann.post("/lookalikes/allow", name="CAMDEM.gov.uk", note="Theirs, since 2019")
    assert (answer.status, answer.location) == (303, "/lookalikes?done=allow")
    await City(db).work()
    text = (await ann.get("/lookalikes")).text
    assert "No name that a feed speaks of" in text
    assert "Theirs, since 2019" in text
    for _ in range(2):
        assert (await ann.post("/lookalikes/disallow", name=NAME)).status < 400
    await City(db).work()
    text = (await ann.get("/lookalikes")).text
    assert "No name is allowed" in text
    assert "1 name" in text
    async with db.reading() as session:
        entries = (await session.exec(select(AuditEntry).where(col(AuditEntry.action).startswith("lookalike.")))).all()
    assert [(e.action, e.actor, e.subject) for e in entries] == [
        ("lookalike.allow", "ann", f"lookalike:{NAME}"), ("lookalike.disallow", "ann", f"lookalike:{NAME}")
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "why"), [("", "is not a domain name"), ("gov.uk", "is a public suffix")])
async def test_what_cannot_be_allowed_is_refused_with_the_form_as_it_was(ann: Visit, name: str, why: str):
    answer = await ann.post("/lookalikes/allow", name=name, note="Because")
    assert answer.status == 422
    assert why in answer.text
    assert 'value="Because"' in answer.text


async def test_it_is_for_the_citys_team_only(place: city.Site):
    async with visit.signed_in(place, "liz") as liz:
        for answer in (await liz.get("/lookalikes"), await liz.post("/lookalikes/allow", name=NAME)):
            assert answer.status == 403
