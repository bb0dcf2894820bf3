"""Accounts and what they may be."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from citysec.access import accounts
from citysec.access.accounts import NewAccount
from citysec.access.policy import Role, Scope
from citysec.db import Database
from citysec.errors import Conflict, InvalidInput, NotShared
from citysec.tables import AuditEntry
from citysec.tlp import TLP
from tests import city


async def _add(db: Database, name: str, role: Role, borough: str | None) -> None:
    async with db.writing() as session:
        await accounts.add(
            session, NewAccount(name=name, role=role, clearance=TLP.GREEN, constituent=borough), actor="t"
        )


@pytest.mark.parametrize(
    ("name", "role", "borough", "place"),
    [
        ("ada", Role.LEAD, None, "role"),
        ("ada", Role.COORDINATOR, "camden", "role"),
        ("ada", Role.LEAD, "nowhere", "constituent"),
        ("a:da", Role.ANALYST, None, "name"),
        (" ", Role.ANALYST, None, "name"),
    ],
)
async def test_an_account_that_makes_no_sense_is_refused(
    db: Database, name: str, role: Role, borough: str | None, place: str
):
    await city.constituent(db, "camden")
    with pytest.raises(InvalidInput) as refused:
        await _add(db, name, role, borough)
    assert [p.at for p in refused.value.problems] == [place]


async def test_a_name_is_given_once(db: Database):
    await _add(db, "ada", Role.ANALYST, None)
    with pytest.raises(Conflict):
        await _add(db, "ada", Role.COORDINATOR, None)


async def test_nobody_sees_more_than_their_constituent_may(db: Database):
    await city.constituent(db, "camden", TLP.GREEN)
    row = await city.account(db, "lee", Role.LEAD, "camden", TLP.RED)
    async with db.reading() as session:
        principal = await accounts.principal(session, row, frozenset(Scope))
    assert principal is not None
    assert principal.clearance is TLP.GREEN


async def test_no_constituent_s_account_sees_what_is_red(db: Database):
    await city.constituent(db, "camden", TLP.RED)
    lee = await city.account(db, "lee", Role.LEAD, "camden", TLP.RED)
    ada = await city.account(db, "ada", Role.COORDINATOR, clearance=TLP.RED)
    async with db.reading() as session:
        found = [await accounts.principal(session, row, frozenset(Scope)) for row in (lee, ada)]
    assert [who.clearance for who in found if who] == [TLP.AMBER_STRICT, TLP.RED]


async def test_adding_and_disabling_are_audited(db: Database):
    await _add(db, "ada", Role.ANALYST, None)
    async with db.writing() as session:
        await accounts.disable(session, "ada", actor="t")
        await accounts.disable(session, "ada", actor="t")
    async with db.reading() as session:
        entries = (await session.exec(select(AuditEntry).order_by(col(AuditEntry.seq)))).all()
    assert [entry.action for entry in entries] == ["account.add", "account.disable"]


async def test_who_does_not_exist_cannot_be_disabled(db: Database):
    with pytest.raises(NotShared):
        async with db.writing() as session:
            await accounts.disable(session, "nobody", actor="t")
