"""What was sighted follows warning lists that come, change and go later."""

from __future__ import annotations

from typing import Any

import pytest

from citysec.correlate import sighted, warning_lists
from citysec.correlate.listing import Effect
from citysec.correlate.meeting import Tally
from citysec.correlate.preview import Shift
from citysec.correlate.sighted import Telling
from citysec.correlate.warning_lists import Proposal
from citysec.db import Database
from citysec.tlp import TLP
from tests.correlate.city import City, indicator
from tests.correlate.reporting import LATER, populated, seen, tell
from tests.correlate.test_warning_lists import changed, imported, proposal, shifts, told, triaged

HERE, THERE = "192.0.2.1", "198.51.100.1"
ONE = f"[ipv4-addr:value = '{HERE}']"
TWO = f"[ipv4-addr:value = '{HERE}' OR ipv4-addr:value = '{THERE}']"
BLOCK = "[ipv4-addr:value = '192.0.2.0/24']"


@pytest.fixture
async def town(each_db: Database) -> City:
    """Two boroughs, in each kind of database."""
    return await populated(each_db)


async def saw(town: City, pattern: str, **fact: Any) -> None:
    """Have Camden's machines see something that an indicator speaks of."""
    await town.say(indicator(1, pattern))
    await town.work()
    assert await tell(town, seen(**(fact or {"ip": HERE}))) == 1
    await town.to_triage()


async def test_what_was_seen_ends_when_a_list_suppresses_it_and_comes_back_when_that_goes(town: City):
    await saw(town, ONE)
    before = (await town.matches())[0].matched_at
    await imported(town, Effect.SUPPRESS, HERE)
    assert await told(town) == [("warning-list", True, ["hosting"])]
    assert len(await town.to_triage()) == 1
    assert await tell(town, seen(ip=HERE)) == 0
    await changed(town, warning_lists.switch, "hosting", enabled=False)
    assert await told(town) == [(None, True, [])]
    assert len(await town.to_triage()) == 1
    assert (await town.matches())[0].matched_at > before


async def test_its_incident_ends_and_comes_again(town: City):
    await saw(town, ONE)
    assert await triaged(town) == ["open"]
    await imported(town, Effect.SUPPRESS, HERE)
    assert await triaged(town) == ["closed"]
    await changed(town, warning_lists.remove, "hosting")
    assert sorted(await triaged(town)) == ["closed", "open"]


async def test_what_a_list_demotes_is_possible_as_long_as_it_does(town: City):
    await saw(town, ONE)
    await imported(town, Effect.DEMOTE, HERE)
    assert await told(town) == [(None, False, ["hosting"])]
    await changed(town, warning_lists.switch, "hosting", enabled=True, effect=Effect.ANNOTATE)
    assert await told(town) == [(None, True, ["hosting"])]
    await changed(town, warning_lists.switch, "hosting", enabled=True, effect=Effect.SUPPRESS)
    await changed(town, warning_lists.switch, "hosting", enabled=True, effect=Effect.DEMOTE)
    assert await told(town) == [(None, False, ["hosting"])]
    await changed(town, warning_lists.remove, "hosting")
    assert await told(town) == [(None, True, [])]


@pytest.mark.parametrize("pattern", [TWO, BLOCK, f"{ONE} AND [domain-name:value = 'a.example']"])
async def test_where_it_is_not_known_what_was_seen_it_stays(town: City, pattern: str):
    await town.say(indicator(1, pattern))
    await town.work()
    assert await tell(town, seen(ip=HERE), seen(domain="a.example")) == 1
    for effect in (Effect.SUPPRESS, Effect.DEMOTE, Effect.ANNOTATE):
        assert await shifts(town, effect, HERE) == {}
        await imported(town, effect, HERE)
        assert await told(town) == [(None, True, [])]


async def test_a_block_that_a_list_has_as_a_whole_ends(town: City):
    await saw(town, BLOCK)
    await imported(town, Effect.SUPPRESS, "192.0.0.0/16")
    assert await told(town) == [("warning-list", True, ["hosting"])]
    await imported(town, Effect.SUPPRESS, HERE)
    assert await told(town) == [(None, False, ["hosting"])]


@pytest.mark.parametrize(
    ("pattern", "fact", "listed"),
    [
        (
            "[domain-name:value = 'a.example']",
            {"domain": "a.example"},
            {"type_": "hostname", "attributes": ("domain",)},
        ),
        ("[url:value = 'http://a.example/x']", {"url": "http://a.example/x"}, {"type_": "hostname", "attributes": ()}),
        ("[email-addr:value = 'x@a.example']", {"email": "x@a.example"}, {"type_": "hostname", "attributes": ()}),
    ],
)
async def test_names_addresses_of_pages_and_mailboxes_are_judged_as_when_they_are_seen(
    town: City, pattern: str, fact: dict[str, Any], listed: dict[str, Any]
):
    await saw(town, pattern, **fact)
    await imported(town, Effect.SUPPRESS, "a.example", **listed)
    assert [reason for reason, *_ in await told(town)] == ["warning-list"]
    assert await tell(town, seen(**fact)) == 0


async def test_what_feeds_have_dropped_since_comes_and_goes_as_well(town: City):
    await saw(town, ONE)
    await town.delist("feed")
    await town.work()
    await imported(town, Effect.SUPPRESS, HERE)
    assert [reason for reason, *_ in await told(town)] == ["warning-list"]
    await changed(town, warning_lists.remove, "hosting")
    assert [reason for reason, *_ in await told(town)] == [None]


async def test_what_its_creator_takes_back_does_not_come_back_with_the_list(town: City):
    await saw(town, ONE)
    await imported(town, Effect.SUPPRESS, HERE)
    await town.say(indicator(1, ONE, modified="2024-02-01T00:00:00.000Z", revoked=True))
    await town.work()
    await changed(town, warning_lists.remove, "hosting")
    assert [reason for reason, *_ in await told(town)] == ["revoked"]


async def test_judging_twice_changes_nothing(town: City):
    await saw(town, ONE)
    await imported(town, Effect.SUPPRESS, HERE)
    before = await town.matches()
    await town.repeat()
    assert await town.matches() == before


async def test_a_preview_counts_what_was_seen(town: City):
    await saw(town, ONE)
    for effect, shift in (
        (Effect.SUPPRESS, Shift.ENDS),
        (Effect.DEMOTE, Shift.POSSIBLE),
        (Effect.ANNOTATE, Shift.NOTED),
    ):
        assert await shifts(town, effect, HERE) == {shift: 1}
    await imported(town, Effect.SUPPRESS, HERE)
    assert await shifts(town, Effect.SUPPRESS, THERE) == {Shift.OPENS: 1}


async def test_only_what_may_be_listed_is_looked_at(town: City):
    await saw(town, ONE)
    given: Proposal = proposal(Effect.SUPPRESS, THERE)
    async with town.db.writing() as session:
        await warning_lists.store(session, given, "ada")
    assert await town.waiting("correlate") == []


@pytest.mark.parametrize("effect", Effect)
async def test_what_a_person_reports_is_judged_by_lists_too(town: City, effect: Effect):
    await town.say(indicator(1, ONE))
    await imported(town, effect, HERE)
    async with town.db.writing() as session:
        telling = Telling("camden", "lee", LATER)
        await sighted.record_one(session, indicator(1, ONE)["id"], Tally(0, 0, 1), telling, TLP.RED)
    certain = {Effect.SUPPRESS: [], Effect.DEMOTE: [False], Effect.ANNOTATE: [True]}
    assert [match.certain for match in await town.matches()] == certain[effect]
