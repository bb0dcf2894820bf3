"""What incidents say of themselves when what they rest on changes: names, labels, grades, also those of the city."""

from __future__ import annotations

from typing import Any

from sqlmodel import col, select

from citysec.db import Database
from citysec.incidents.escalate import escalate
from citysec.incidents.triage import triage
from citysec.tables import Incident, Match, Outbox
from citysec.tables.columns import now
from tests.incidents.conftest import CAMPAIGN, POLICY, Found, link, malware, say

RED = 4


async def change(db: Database, *matches: str, **changes: Any) -> None:
    """Have correlation find that these matches are otherwise."""
    async with db.writing() as session:
        for match in matches:
            row = await session.get_one(Match, match)
            for name, value in changes.items():
                setattr(row, name, value)
        await session.flush()
        await triage(session, {"matches": list(matches)}, POLICY)


async def settle(db: Database) -> None:
    """Do all the work of escalation that waits."""
    waiting = select(Outbox).where(col(Outbox.kind) == "escalate", col(Outbox.done_at).is_(None))
    async with db.writing() as session:
        for work in (await session.exec(waiting)).all():
            work.done_at = now()
            await escalate(session, work.payload, POLICY)


async def incidents(db: Database) -> dict[str | None, Incident]:
    """Return the open incidents by constituent; the city's own under None."""
    async with db.reading() as session:
        rows = (await session.exec(select(Incident).where(col(Incident.open_key).is_not(None)))).all()
        found = {i.constituent_id: i for i in rows}
        assert len(found) == len(rows), "more than one open incident of a constituent, or of the city"
        return found


async def test_a_name_goes_with_the_match_under_whose_label_it_was_told(city: Database, found: Found):
    await say(city, malware("Glasswing"), RED)
    secret = await found(1, tlp=RED)
    await found(1)
    strict = (await incidents(city))["barnet"]
    assert (strict.title, strict.tlp) == ("Command and control: Glasswing", RED)
    await change(city, secret, closed_at=now())
    wide = (await incidents(city))["barnet"]
    assert (wide.title, wide.tlp) == ("Command and control: 198.18.0.1", 1)


async def test_the_city_incident_is_as_severe_and_as_secret_as_the_worst_below_it(city: Database, found: Found):
    first, *_ = [await found(asset, confidence=10) for asset in (1, 2, 3)]
    await settle(city)
    assert (await incidents(city))[None].severity == "low"
    await change(city, first, confidence=90, tlp=RED)
    await settle(city)
    above = (await incidents(city))[None]
    assert (above.severity, above.tlp) == ("high", RED)


async def test_a_city_incident_takes_the_name_that_comes_after_it_and_stays_the_only_one(city: Database, found: Found):
    matches = [await found(asset, indicates=None, value="198.18.0.0/24") for asset in (1, 2, 3)]
    await settle(city)
    before = (await incidents(city))[None]
    await say(city, malware("Glasswing"))
    async with city.reading() as session:
        indicators = [(await session.get_one(Match, match)).indicator_id for match in matches]
    for number, indicator in enumerate(indicators):
        relation = link(indicator)
        relation.id, relation.stix_id = 6000 + number, f"relationship--late-{number}"
        await say(city, relation)
    await change(city, *matches)
    await settle(city)
    after = await incidents(city)
    assert (after[None].id, after[None].threat, after[None].title) == (
        before.id, CAMPAIGN, "Command and control: Glasswing",
    )  # fmt: skip
    assert {i.parent_id for who, i in after.items() if who} == {before.id}


async def test_the_city_incident_does_not_tell_what_is_whose(city: Database, found: Found):
    for asset in (1, 2, 3):
        await found(asset)
    await settle(city)
    named = await incidents(city)
    assert (named["barnet"].title, named[None].title) == ("Command and control: 198.18.0.1", "Command and control")
