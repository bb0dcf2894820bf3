"""What the public is told: a person's words, and nothing that is marked for fewer."""

from __future__ import annotations

import pytest
from sqlmodel import select

from citysec.advisories.announce import Statement, announce
from citysec.errors import InvalidInput
from citysec.tables import Advisory, Decision, Match
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


async def test_an_empty_statement_is_refused_with_each_place(town: Town):
    with pytest.raises(InvalidInput) as caught:
        await told(town, Statement(" ", ""), await an_incident(town))
    assert [p.at for p in caught.value.problems] == ["title", "what"]


async def test_a_further_statement_is_a_higher_revision(town: Town):
    incident = await an_incident(town)
    assert [(await told(town, WORDS, incident)).revision for _ in range(2)] == [1, 2]
