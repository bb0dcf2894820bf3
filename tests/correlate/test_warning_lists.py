"""Warning lists that come, change and go: the stored matches follow, there and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import col, select

from citysec.access import audit
from citysec.correlate import warning_lists
from citysec.correlate.listing import Effect, ListType, read
from citysec.correlate.preview import Shift, preview
from citysec.correlate.warning_lists import Proposal
from citysec.correlate.warnings import current
from citysec.errors import InvalidInput
from citysec.incidents.triage import triage
from citysec.tables import AuditEntry, Incident, WarningEntry, WarningList
from tests.correlate.city import City, indicator
from tests.incidents.conftest import POLICY

SHARED, OTHER = "[ipv4-addr:value = '192.0.2.1']", "[ipv4-addr:value = '198.51.100.1']"
ADDRESSES = ("ip-src", "ip-dst")


def proposal(effect: Effect, *values: str, type_: str = "cidr", attributes: tuple[str, ...] = ADDRESSES) -> Proposal:
    """Return a list named `hosting`."""
    found = read(ListType(type_), attributes, values)
    what: dict[str, Any] = {"title": "Shared hosting", "version": "1", "description": "", "attributes": attributes}
    return Proposal(name="hosting", type=ListType(type_), effect=effect, reading=found, **what)


async def changed(city: City, change: Callable[..., Any], *given: Any, **more: Any) -> None:
    """Change a list and let the stored matches follow."""
    async with city.db.writing() as session:
        await change(session, *given, "ada", **more)
    await city.work()


async def imported(city: City, effect: Effect, *values: str, **more: Any) -> None:
    await changed(city, warning_lists.store, proposal(effect, *values, **more))


async def shifts(city: City, effect: Effect, *values: str) -> dict[Shift, int]:
    async with city.db.reading() as session:
        return dict(await preview(session, proposal(effect, *values)))


async def told(city: City) -> list[tuple[str | None, bool, list[str]]]:
    """Return how each match ended, whether it is certain, and which lists it is on."""
    return [(m.close_reason, m.certain, m.warning_lists) for m in await city.matches()]


async def hosted(city: City) -> City:
    """Camden owns an address on shared hosting and another; both are said to be bad."""
    await city.own("camden", "ipv4", "192.0.2.1", "198.51.100.1")
    await city.say(indicator(1, SHARED), indicator(2, OTHER))
    await city.work()
    await city.to_triage()
    return city


@pytest.fixture
async def camden(city: City) -> City:
    return await hosted(city)


async def test_a_list_ends_the_matches_that_stand_and_names_itself_and_is_undone(either: City):
    city = await hosted(either)
    await imported(city, Effect.SUPPRESS, "192.0.2.0/24")
    assert await told(city) == [("warning-list", True, ["hosting"]), (None, True, [])]
    ended = await city.to_triage()
    await city.say(indicator(3, SHARED))
    await city.work()
    assert len(await city.matches()) == 2  # what is listed does not come either
    await changed(city, warning_lists.switch, "hosting", enabled=False)
    assert await told(city) == [(None, True, [])] * 3
    assert set(ended) < set(await city.to_triage())
    await changed(city, warning_lists.switch, "hosting", enabled=True)
    assert len(await city.pairs()) == 1


async def test_a_removed_list_is_forgotten_and_its_matches_come_back(camden: City):
    await imported(camden, Effect.SUPPRESS, "192.0.2.0/24")
    await changed(camden, warning_lists.remove, "hosting")
    assert await told(camden) == [(None, True, []), (None, True, [])]
    async with camden.db.reading() as session:
        assert not (await session.exec(select(WarningList))).all()
        assert not (await session.exec(select(WarningEntry))).all()


async def test_another_class_is_another_judgement(camden: City):
    await imported(camden, Effect.DEMOTE, "192.0.2.0/24")
    assert await told(camden) == [(None, False, ["hosting"]), (None, True, [])]
    assert len(await camden.to_triage()) == 1
    await changed(camden, warning_lists.switch, "hosting", enabled=True, effect=Effect.ANNOTATE)
    assert await told(camden) == [(None, True, ["hosting"]), (None, True, [])]
    assert len(await camden.to_triage()) == 1


async def test_a_match_that_is_certain_again_is_news(camden: City):
    before = (await camden.matches())[0].matched_at
    await imported(camden, Effect.DEMOTE, "192.0.2.0/24")
    assert (await camden.matches())[0].matched_at == before
    await changed(camden, warning_lists.remove, "hosting")
    assert (await camden.matches())[0].matched_at > before


async def test_a_note_troubles_nobody(camden: City):
    await imported(camden, Effect.ANNOTATE, "192.0.2.1")
    assert (await told(camden))[0] == (None, True, ["hosting"])
    assert await camden.to_triage() == []


async def test_a_newer_list_judges_again_what_it_no_longer_has_and_what_is_new(camden: City):
    await imported(camden, Effect.SUPPRESS, "192.0.2.1")
    await imported(camden, Effect.SUPPRESS, "198.51.100.1")
    assert [reason for reason, _, _ in await told(camden)] == [None, "warning-list"]


async def test_a_list_of_names_judges_the_names_below_and_expressions_judge_all(camden: City):
    await camden.own("camden", "domain", "camden.gov.uk", scope="tree")
    await camden.say(indicator(3, "[url:value = 'https://a.sites.camden.gov.uk/x']"))
    await camden.work()
    for type_, value in (("hostname", "sites.camden.gov.uk"), ("substring", "uk/x"), ("regex", "^https://a")):
        await imported(camden, Effect.SUPPRESS, value, type_=type_, attributes=("url",))
        assert [reason for reason, _, _ in await told(camden)] == [None, None, "warning-list"]
        await changed(camden, warning_lists.remove, "hosting")
    assert len(await camden.pairs()) == 3


async def test_only_assets_that_something_listed_may_touch_are_judged_again(camden: City):
    async with camden.db.writing() as session:
        await warning_lists.store(session, proposal(Effect.SUPPRESS, "192.0.2.0/24", "203.0.113.0/24"), "ada")
    (work,) = await camden.waiting("rejudge")
    assert len(work.payload["assets"]) == 1


async def test_judging_twice_changes_nothing(camden: City):
    await imported(camden, Effect.SUPPRESS, "192.0.2.1")
    before = await camden.matches()
    await camden.repeat()
    assert await camden.matches() == before


async def test_a_preview_counts_what_would_change_and_changes_nothing(camden: City):
    assert await shifts(camden, Effect.SUPPRESS, "0.0.0.0/0") == {Shift.ENDS: 2}
    assert await shifts(camden, Effect.DEMOTE, "192.0.2.1", "203.0.113.0/24") == {Shift.POSSIBLE: 1}
    assert await shifts(camden, Effect.ANNOTATE, "192.0.2.1") == {Shift.NOTED: 1}
    assert len(await camden.pairs()) == 2
    await imported(camden, Effect.SUPPRESS, "192.0.2.1")
    assert await shifts(camden, Effect.DEMOTE, "198.51.100.1") == {Shift.OPENS: 1, Shift.POSSIBLE: 1}


async def test_a_preview_counts_lookalikes_and_nothing_of_names_that_are_only_new(camden: City):
    await camden.own("camden", "domain", "camden.gov.uk", "brent.gov.uk")
    await camden.news("brent.gov.uk", "brnet.gov.uk")
    await camden.say(indicator(3, "[domain-name:value = 'camdem.gov.uk' OR ipv4-addr:value = '192.0.2.1']"))
    await camden.work()
    await camden.work()
    names = ("camdem.gov.uk", "brent.gov.uk")
    async with camden.db.reading() as session:
        given = proposal(Effect.SUPPRESS, *names, type_="hostname", attributes=("domain",))
        assert dict(await preview(session, given)) == {Shift.ENDS: 1}
    await imported(camden, Effect.SUPPRESS, *names, type_="hostname", attributes=("domain",))
    ended = [match.indicator_value for match in await camden.matches() if match.close_reason == "warning-list"]
    assert ended == ["camdem.gov.uk"]
    async with camden.db.reading() as session:
        assert dict(await preview(session, proposal(Effect.ANNOTATE, "203.0.113.9"))) == {Shift.OPENS: 1}


async def test_a_preview_of_a_list_that_is_switched_off_promises_nothing(camden: City):
    await imported(camden, Effect.SUPPRESS, "192.0.2.1")
    await changed(camden, warning_lists.switch, "hosting", enabled=False)
    assert await shifts(camden, Effect.SUPPRESS, "0.0.0.0/0") == {}
    await imported(camden, Effect.SUPPRESS, "0.0.0.0/0")
    assert len(await camden.pairs()) == 2


async def test_the_lists_are_read_again_only_when_one_has_changed(camden: City):
    async with camden.db.writing() as session:
        first = await current(session)
        assert await current(session) is first
    await imported(camden, Effect.SUPPRESS, "203.0.113.1")
    async with camden.db.writing() as session:
        assert await current(session) is not first


async def test_every_change_is_in_the_audit(camden: City):
    await imported(camden, Effect.SUPPRESS, "203.0.113.1")
    await changed(camden, warning_lists.switch, "hosting", enabled=False)
    await changed(camden, warning_lists.remove, "hosting")
    async with camden.db.reading() as session:
        entries = (await session.exec(select(AuditEntry).order_by(col(AuditEntry.seq)))).all()
        assert await audit.first_broken(session) == (3, None)
    assert [entry.action for entry in entries] == ["warnings.import", "warnings.disable", "warnings.remove"]
    assert {(entry.actor, entry.subject) for entry in entries} == {("ada", "warning-list:hosting")}


async def test_a_list_that_does_not_exist_is_told(camden: City):
    with pytest.raises(InvalidInput, match="no warning list"):
        await changed(camden, warning_lists.remove, "hosting")


async def triaged(city: City) -> list[str]:
    """Have all matches triaged and return the states of the incidents, in their order."""
    ids = [match.id for match in await city.matches()]
    async with city.db.writing() as session:
        await triage(session, {"matches": ids}, POLICY)
    async with city.db.reading() as session:
        return list((await session.exec(select(Incident.state).order_by(col(Incident.ref)))).all())


@pytest.mark.parametrize("effect", [Effect.SUPPRESS, Effect.DEMOTE])
async def test_an_incident_ends_with_the_match_that_is_listed_and_comes_again_with_it(camden: City, effect: Effect):
    assert await triaged(camden) == ["open", "open"]
    await imported(camden, effect, "192.0.2.1")
    assert sorted(await triaged(camden)) == ["closed", "open"]
    await changed(camden, warning_lists.switch, "hosting", enabled=False)
    assert sorted(await triaged(camden)) == ["closed", "open", "open"]
