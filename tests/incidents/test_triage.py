"""Matches become incidents."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import col, select

from citysec.access import audit
from citysec.db import Database
from citysec.errors import Conflict
from citysec.incidents.escalate import escalate, raise_to_city
from citysec.incidents.lifecycle import Step
from citysec.incidents.record import move
from citysec.incidents.triage import triage
from citysec.tables import AssetOwner, Incident, IncidentMatch, Match, Outbox, TimelineEntry
from citysec.tables.columns import now
from citysec.tlp import TLP
from tests.incidents.conftest import CAMPAIGN, POLICY, Found, link, malware, say


async def incidents(db: Database) -> list[Incident]:
    async with db.reading() as session:
        return list((await session.exec(select(Incident).order_by(col(Incident.ref)))).all())


async def work(db: Database, kind: str) -> list[dict[str, Any]]:
    async with db.reading() as session:
        return list((await session.exec(select(col(Outbox.payload)).where(col(Outbox.kind) == kind))).all())


async def escalated(db: Database, threat: str = CAMPAIGN) -> None:
    async with db.writing() as session:
        await escalate(session, {"threat": threat}, POLICY)


async def test_matches_of_one_root_cause_are_one_incident_with_one_response(city: Database, found: Found):
    await found(1)
    await found(1, value="198.18.0.0/24")
    (incident,) = await incidents(city)
    assert (incident.ref, incident.constituent_id, incident.severity) == (f"LDN-{now().year}-0001", "barnet", "high")
    assert await work(city, "respond") == [{"incident": incident.id}]


async def test_further_matches_are_told_together_later_unless_it_gets_worse(city: Database, found: Found):
    await found(1, confidence=10)
    await found(1, confidence=10)
    await found(1, confidence=10)
    async with city.reading() as session:
        waiting = (await session.exec(select(Outbox).where(col(Outbox.kind) == "advise"))).all()
    assert [w.due_at is not None for w in waiting] == [True]
    await found(1, confidence=90)
    assert len(await work(city, "advise")) == 2


async def test_a_name_that_only_looks_alike_is_an_incident_of_its_own(city: Database, found: Found):
    await found(1, value="barnet.example", relation="lookalike")
    await found(1)
    await found(1, value="bamet.example", relation="lookalike")
    alike, own = await incidents(city)
    assert (alike.kind, own.kind) == ("lookalike", "command-and-control")
    async with city.reading() as session:
        linked = await session.exec(select(col(IncidentMatch.kind)).where(col(IncidentMatch.incident_id) == own.id))
        assert sorted(linked) == ["command-and-control", "lookalike"]


async def test_a_lookalikes_incident_is_open_once(city: Database, found: Found):
    await found(1, value="barnet.example", relation="lookalike")
    await found(1, value="bamet.example", relation="lookalike")
    (incident,) = await incidents(city)
    async with city.writing() as session:
        await move(session, incident.id, Step.CLOSE, "ada", "taken down")
    await found(1, value="bernet.example", relation="lookalike")
    with pytest.raises(Conflict, match="same root cause"):
        async with city.writing() as session:
            await move(session, incident.id, Step.REOPEN, "ada", "again")


async def test_an_uncertain_match_opens_nothing(city: Database, found: Found):
    await found(1, certain=False)
    assert await incidents(city) == []


async def test_a_nameless_threat_is_its_observable_whoever_lists_it(city: Database, found: Found):
    await found(1, indicates=None)
    await found(1, indicates=None)
    assert [i.threat for i in await incidents(city)] == ["value:198.18.0.1"]


async def test_a_noisy_feed_does_not_open_an_incident_for_each_value(city: Database, found: Found):
    for number in range(20):
        await found(1, indicates=None, value=f"198.18.0.1/{number + 8}")
    assert len(await incidents(city)) == POLICY.bare_max + 1


async def test_an_asset_of_a_shared_service_concerns_all_who_answer_for_it(city: Database, found: Found):
    await found(9)
    assert {i.constituent_id for i in await incidents(city)} == {"camden", "ealing"}


async def test_triaging_the_same_match_twice_changes_nothing(city: Database, found: Found):
    match = await found(1)
    before = await incidents(city)
    async with city.writing() as session:
        await triage(session, {"matches": [match]}, POLICY)
    assert await incidents(city) == before


async def test_an_incident_whose_matches_all_end_is_closed_and_corrected(city: Database, found: Found):
    match = await found(1)
    async with city.writing() as session:
        row = await session.get_one(Match, match)
        row.closed_at, row.close_reason = now(), "revoked"
        await triage(session, {"matches": [match]}, POLICY)
    (incident,) = await incidents(city)
    assert (incident.state, incident.open_key) == ("closed", None)
    assert await work(city, "advise") == [{"incident": incident.id}]


async def test_one_threat_at_enough_constituents_is_the_citys_affair_once(city: Database, found: Found):
    for asset in (1, 2):
        await found(asset)
        await escalated(city)
    assert all(i.constituent_id for i in await incidents(city))
    for asset in (3, 4):
        await found(asset)
        await escalated(city)
    (parent,) = [i for i in await incidents(city) if i.constituent_id is None]
    assert {i.parent_id for i in await incidents(city) if i.constituent_id} == {parent.id}


async def test_a_shared_service_is_the_citys_affair_at_once(city: Database, found: Found):
    await found(9)
    await escalated(city)
    assert sum(i.constituent_id is None for i in await incidents(city)) == 1


async def test_a_person_may_raise_an_incident_to_the_city_once(city: Database, found: Found):
    await found(1)
    (incident,) = await incidents(city)
    for _ in range(2):
        async with city.writing() as session:
            await raise_to_city(session, incident.id, "it spreads", "ada", POLICY)
    assert sum(i.constituent_id is None for i in await incidents(city)) == 1


async def test_the_city_incident_closes_with_its_last_child(city: Database, found: Found):
    await found(9)
    await escalated(city)
    for child in [i for i in await incidents(city) if i.constituent_id]:
        async with city.writing() as session:
            await move(session, child.id, Step.CLOSE, "ada")
    assert {i.state for i in await incidents(city)} == {"closed"}


async def test_a_root_cause_may_come_back_but_an_old_incident_not_beside_it(city: Database, found: Found):
    await found(1)
    (first,) = await incidents(city)
    async with city.writing() as session:
        await move(session, first.id, Step.CLOSE, "ada")
    await found(1)
    assert [i.state for i in await incidents(city)] == ["closed", "open"]
    with pytest.raises(Conflict, match="is open for the same root cause"):
        async with city.writing() as session:
            await move(session, first.id, Step.REOPEN, "ada")


async def test_an_illegal_step_is_refused_with_the_state(city: Database, found: Found):
    await found(1)
    (incident,) = await incidents(city)
    with pytest.raises(Conflict, match="is open: it cannot reopen"):
        async with city.writing() as session:
            await move(session, incident.id, Step.REOPEN, "ada")


async def test_every_change_is_in_the_timeline_and_in_the_audit_chain(city: Database, found: Found):
    await found(1)
    (incident,) = await incidents(city)
    async with city.writing() as session:
        await move(session, incident.id, Step.CONTAIN, "ada", "host isolated")
    async with city.reading() as session:
        entries = (await session.exec(select(TimelineEntry).order_by(col(TimelineEntry.id)))).all()
        assert [(e.kind, e.actor) for e in entries] == [("opened", "citysec"), ("contain", "ada")]
        assert await audit.first_broken(session) == (2, None)


async def test_a_match_at_two_owners_is_in_both_incidents(city: Database, found: Found):
    match = await found(9)
    async with city.reading() as session:
        links = await session.exec(select(IncidentMatch).where(col(IncidentMatch.match_id) == match))
        assert len(links.all()) == 2


async def retriaged(db: Database, *matches: str, **changes: Any) -> None:
    async with db.writing() as session:
        for match in matches:
            row = await session.get_one(Match, match)
            for name, value in changes.items():
                setattr(row, name, value)
        await session.flush()
        await triage(session, {"matches": list(matches)}, POLICY)


async def test_a_doubtful_claim_is_not_made_sure_by_who_owns_the_same_and_answers_with_it(city: Database, found: Found):
    async with city.writing() as session:
        claim = AssetOwner(ref="c", asset_id=9, constituent_id="ealing", service_id="shared", registered_at=now())
        claim.verified = False
        session.add(claim)
    await found(9, tlp=TLP.AMBER)
    assert [incident.constituent_id for incident in await incidents(city)] == ["camden"]
    await found(9, indicates=None, tlp=TLP.GREEN)
    assert [incident.constituent_id for incident in await incidents(city)] == ["camden", "camden", "ealing"]


async def test_who_only_answers_for_a_service_does_not_learn_the_asset_by_the_title(city: Database, found: Found):
    await found(9, indicates=None)
    titles = {i.constituent_id: i.title for i in await incidents(city)}
    assert titles == {"camden": "Command and control: 198.18.0.9", "ealing": "Command and control"}
    await escalated(city, "value:198.18.0.9")
    assert "198.18" not in next(i.title for i in await incidents(city) if i.constituent_id is None)


@pytest.mark.parametrize(
    ("label", "title"), [(1, "Command and control: Glasswing"), (4, "Command and control: 198.18.0.1")]
)
async def test_a_threat_is_named_only_under_the_label_of_the_match(
    city: Database, found: Found, label: int, title: str
):
    await say(city, malware("Glasswing"), label)
    await found(1)
    assert [i.title for i in await incidents(city)] == [title]


async def test_a_title_is_not_as_long_as_what_a_feed_says(city: Database, found: Found):
    await say(city, malware("Glasswing " * 100), 1)
    await found(1)
    assert [len(i.title) for i in await incidents(city)] == [160]


async def test_a_match_that_is_marked_or_graded_anew_changes_its_incident_and_corrects(city: Database, found: Found):
    match = await found(1, confidence=10)
    await retriaged(city, match, tlp=4, confidence=95)
    (incident,) = await incidents(city)
    assert (incident.tlp, incident.confidence, incident.severity) == (4, 95, "high")
    assert await work(city, "advise") == [{"incident": incident.id}]


async def test_an_incident_takes_the_name_that_comes_after_it(city: Database, found: Found):
    match = await found(1, indicates=None)
    async with city.reading() as session:
        indicator = (await session.get_one(Match, match)).indicator_id
    await say(city, malware("Glasswing"))
    await say(city, link(indicator))
    await retriaged(city, match)
    assert [(i.threat, i.title) for i in await incidents(city)] == [(CAMPAIGN, "Command and control: Glasswing")]


async def test_what_a_person_has_closed_stays_closed_while_the_feed_repeats_itself(city: Database, found: Found):
    match = await found(9)
    await escalated(city)
    for incident in await incidents(city):
        if incident.constituent_id:
            async with city.writing() as session:
                await move(session, incident.id, Step.CLOSE, "ada", "false alarm")
    await retriaged(city, match, confidence=95)
    await escalated(city)
    assert {i.state for i in await incidents(city)} == {"closed"}


async def test_a_new_owner_of_a_touched_asset_gets_an_incident_and_a_former_one_loses_it(city: Database, found: Found):
    match = await found(1)
    async with city.writing() as session:
        owner = await session.get_one(AssetOwner, "A1")
        owner.constituent_id = "ealing"
    await retriaged(city, match)
    assert {i.constituent_id: i.state for i in await incidents(city)} == {"barnet": "closed", "ealing": "open"}


async def test_an_incident_is_graded_by_what_still_concerns_its_constituent(city: Database, found: Found):
    await found(1, confidence=10)
    strong = await found(1, confidence=90)
    await retriaged(city, strong, asset_id=2)  # another owner's address
    barnet, brent = await incidents(city)
    assert (barnet.severity, barnet.confidence) == ("low", 10)
    assert (brent.constituent_id, brent.confidence) == ("brent", 90)


async def test_what_the_city_knows_already_is_not_escalated_again(city: Database, found: Found):
    for asset in (1, 2, 3):
        await found(asset)
    await escalated(city)
    before = len(await work(city, "escalate"))
    await found(1)
    assert len(await work(city, "escalate")) == before
    await found(4)
    assert len(await work(city, "escalate")) == before + 1
