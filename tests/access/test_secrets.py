"""Keys, sessions, tokens: what is random, what is kept, what ends."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select, update

from citysec import settings
from citysec.access import accounts, keys, sessions, tokens
from citysec.access.policy import Role, Scope
from citysec.db import Database
from citysec.errors import InvalidInput, SettingsError
from citysec.tables import Session, Token
from citysec.tables.columns import now
from tests import city


def test_the_secret_is_made_once_and_for_its_owner_only(tmp_path: Path):
    found = settings.read({}, data_dir=tmp_path / "new")
    keys.ensure(found)
    first = keys.signing_key(found)
    keys.ensure(found)
    assert keys.signing_key(found) == first
    assert stat.S_IMODE((tmp_path / "new" / "secret.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [None, b"short"])
def test_a_missing_or_broken_secret_is_a_fault_of_the_settings(tmp_path: Path, content: bytes | None):
    if content is not None:
        (tmp_path / "secret.key").write_bytes(content)
    with pytest.raises(SettingsError, match=r"secret\.key"):
        keys.signing_key(settings.read({}, data_dir=tmp_path))


@given(st.binary(max_size=100))
def test_what_is_sealed_can_be_unsealed_with_the_same_key_only(payload: bytes):
    text = keys.sealed(keys.derived(city.KEY, "a"), payload)
    assert keys.unsealed(keys.derived(city.KEY, "a"), text) == payload
    assert keys.unsealed(keys.derived(city.KEY, "b"), text) is None


@given(st.text())
def test_what_was_never_sealed_cannot_be_unsealed(text: str):
    assert keys.unsealed(city.KEY, text) is None


async def test_a_session_is_found_until_it_ends(db: Database):
    ada = await city.account(db, "ada", Role.ANALYST)
    async with db.writing() as session:
        opened = await sessions.begin(session, ada.id, hours=1)
        found = await sessions.find(session, opened.cookie)
        assert found is not None
        assert found.principal.name == "ada"
        await sessions.end(session, opened.cookie)
        assert await sessions.find(session, opened.cookie) is None


async def test_a_session_expires_and_is_removed_by_the_next(db: Database):
    ada = await city.account(db, "ada", Role.ANALYST)
    async with db.writing() as session:
        old = await sessions.begin(session, ada.id, hours=-1)
        assert await sessions.find(session, old.cookie) is None
        await sessions.begin(session, ada.id, hours=1)
        assert len((await session.exec(select(Session))).all()) == 1


async def test_the_database_knows_neither_cookies_nor_tokens(db: Database):
    ada = await city.account(db, "ada", Role.ANALYST)
    issued = await city.token(db, "ada")
    async with db.writing() as session:
        opened = await sessions.begin(session, ada.id, hours=1)
        rows = [*(await session.exec(select(Session))), *(await session.exec(select(Token)))]
    assert not any(secret in str(row) for row in rows for secret in (opened.cookie, issued))


async def test_a_token_carries_its_scopes_and_notes_its_use(db: Database):
    await city.account(db, "siem", Role.MACHINE)
    issued = await city.token(db, "siem", Scope.TAXII_READ)
    principal = await tokens.find(db, issued)
    assert principal is not None
    assert principal.scopes == {Scope.TAXII_READ}
    async with db.reading() as session:
        assert (await session.exec(select(Token.used_at))).one() is not None


async def test_tokens_of_nobody_expired_ones_and_those_of_disabled_accounts_are_worth_nothing(db: Database):
    await city.account(db, "a", Role.MACHINE)
    await city.account(db, "b", Role.MACHINE)
    expired, disabled = await city.token(db, "a"), await city.token(db, "b")
    async with db.writing() as session:
        await session.exec(update(Token).values(expires_at=now() - timedelta(seconds=1)))
        await accounts.disable(session, "b", actor="t")
    assert [await tokens.find(db, t) for t in ("cs_none", expired, disabled)] == [None, None, None]


async def test_a_token_for_nothing_is_refused(db: Database):
    with pytest.raises(InvalidInput, match="scope"):
        async with db.writing() as session:
            await tokens.issue(session, "ada", (), actor="t")
