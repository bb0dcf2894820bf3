"""What the public is told: a person's words, and nothing that is marked for fewer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import select

from citysec.advisories.announce import Statement, announce, draft, withdraw
from citysec.errors import Conflict, InvalidInput
from citysec.tables import Advisory, AuditEntry, Decision, Match, TimelineEntry
from citysec.tlp import TLP
from tests.advisories.conftest import Town

WORDS = Statement(
    "Beware of refund mails", "Mails that promise a refund of council tax are not from us.", ("Delete them.",)
)


async def told(town: Town, statement: Statement, incident_id: str) -> Advisory:
    async with town.db.writing() as session:
        return await announce(session, incident_id, statement, actor="ada")


async def an_incident(town: Town) -> str:
    return await town.incident("camden", await town.match(await town.asset("198.51.100.7", "camden")))


async def test_a_statement_is_kept_with_the_decision_that_lets_it_out(town: Town):
    incident = await an_incident(town)
    advisory = await told(town, WORDS, incident)
    assert (advisory.constituent_id, advisory.tlp, advisory.content["what"]) == (None, TLP.CLEAR, WORDS.what)
    async with town.db.reading() as session:
        (decision,) = (await session.exec(select(Decision))).all()
    assert (decision.recipient, decision.verdict, decision.advisory_id) == ("public", "allowed", advisory.id)


async def test_a_statement_that_names_what_has_matched_is_refused_with_the_place(town: Town):
    incident = await an_incident(town)
    async with town.db.reading() as session:
        value = (await session.exec(select(Match.indicator_value))).first() or ""
    with pytest.raises(InvalidInput, match=r"what: names .*, which is not for the public"):
        await told(town, Statement("Beware", f"Block {value.upper()} now."), incident)


async def test_a_statement_that_names_it_defanged_is_refused_too(town: Town):
    incident = await an_incident(town)
    with pytest.raises(InvalidInput, match=r"what: names 198\.51\.100\.7"):
        await told(town, replace(WORDS, what="Block 198[.]51[.]100(.)7 now."), incident)


async def test_a_certificate_is_known_by_its_digits_and_a_system_by_its_prefix(town: Town):
    asset = await town.asset(f"sha-1:{'ab' * 20}", "camden")
    incident = await town.incident("camden", await town.match(asset, prefix="192.0.2.0/24"))
    for secret in ("AB" * 20, "192.0.2.0/24"):
        with pytest.raises(InvalidInput, match="which is not for the public"):
            await told(town, replace(WORDS, what=f"Look for {secret}."), incident)


async def test_a_lookalike_is_known_by_its_name_and_a_brand_is_no_secret(town: Town):
    like = {"lookalike": {"name": "xn--cmden-4ve.example", "of": "camden council", "kind": "homoglyph"}}
    asset = await town.asset("Camden Council", "camden", kind="brand")
    page = await town.match(asset, indicator_value="https://xn--cmden-4ve.example/pay", tlp=TLP.AMBER, about=like)
    incident = await town.incident("camden", page)
    for secret in ("XN--cmden-4ve[.]example", "c\u0430mden.example"):
        with pytest.raises(InvalidInput, match="which is not for the public"):
            await told(town, replace(WORDS, what=f"Do not trust {secret}."), incident)
    await told(town, replace(WORDS, what="Camden Council sends no such mails."), incident)


async def test_of_one_body_s_incident_nothing_of_another_s_is_told(town: Town):
    city = await town.incident(None)
    here = await town.incident("camden", parent_id=city)
    await town.incident("brent", await town.match(await town.asset("198.51.100.99", "brent")), parent_id=city)
    with pytest.raises(InvalidInput, match="names 198"):
        await told(town, replace(WORDS, todo=("Block 198.51.100.99.",)), here)


async def test_an_empty_statement_is_refused_with_each_place(town: Town):
    with pytest.raises(InvalidInput) as caught:
        await told(town, Statement(" ", ""), await an_incident(town))
    assert [p.at for p in caught.value.problems] == ["title", "what"]


@pytest.mark.parametrize("todo", [("x",) * 11, ("x" * 401,)])
async def test_what_to_do_has_its_limits(town: Town, todo: tuple[str, ...]):
    with pytest.raises(InvalidInput) as caught:
        await told(town, replace(WORDS, todo=todo), await an_incident(town))
    assert [p.at for p in caught.value.problems] == ["todo"]


async def test_a_draft_says_what_would_be_published_and_is_kept_nowhere(town: Town):
    incident = await an_incident(town)
    async with town.db.writing() as session:
        drafted = await draft(session, incident, WORDS)
    assert await town.rows(Advisory) == []
    assert (await told(town, WORDS, incident)).content == drafted.content


async def test_a_further_statement_is_a_higher_revision(town: Town):
    incident = await an_incident(town)
    assert [(await told(town, WORDS, incident)).revision for _ in range(2)] == [1, 2]


async def test_who_writes_after_an_older_revision_is_refused(town: Town):
    incident = await an_incident(town)
    async with town.db.writing() as session:
        await announce(session, incident, WORDS, actor="ada", after=0)
        with pytest.raises(Conflict):
            await announce(session, incident, WORDS, actor="ben", after=0)
        await announce(session, incident, WORDS, actor="ben", after=1)


async def test_withdrawing_leaves_no_word_and_the_record_knows_why(town: Town):
    incident = await an_incident(town)
    await told(town, WORDS, incident)
    async with town.db.writing() as session:
        gone = await withdraw(session, incident, "It named a school.", actor="ada")
    assert (gone.revision, gone.content["withdrawn"]) == (2, True)
    assert WORDS.title not in str(gone.content)
    assert "school" not in str(gone.content)
    assert (await town.rows(TimelineEntry))[-1].text == "The public advisory was withdrawn: It named a school."
    (entry,) = await town.rows(AuditEntry, action="advisory.withdraw")
    assert entry.actor == "ada"


async def test_what_nobody_reads_cannot_be_withdrawn_and_may_be_told_again(town: Town):
    incident = await an_incident(town)
    async with town.db.writing() as session:
        with pytest.raises(Conflict):
            await withdraw(session, incident, "x", actor="ada")
        await announce(session, incident, WORDS, actor="ada")
        await withdraw(session, incident, "x", actor="ada")
        with pytest.raises(Conflict):
            await withdraw(session, incident, "x", actor="ada")
        assert (await announce(session, incident, WORDS, actor="ada")).revision == 3
