"""`citysec accounts`, `citysec tokens`, `citysec collections`."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import pytest
from sqlmodel import SQLModel, select
from typer.testing import CliRunner, Result

from citysec.access import tokens
from citysec.access.door import Door
from citysec.db import Database
from citysec.errors import Conflict, InvalidInput
from citysec.tables import Account, Collection, Grant
from tests.cli.line import app


@pytest.fixture
def data(tmp_path: Path, sqlite_url: str) -> Path:
    """A data directory with an empty database."""
    return tmp_path


def _url(data: Path) -> str:
    return f"sqlite+aiosqlite:///{data / 'citysec.db'}"


def _run(data: Path, *arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, [*arguments, "--data", str(data)], input=typed)


def _add(data: Path, name: str = "ada", typed: str = "correct horse battery\n") -> Result:
    return _run(data, "accounts", "add", name, "--role", "coordinator", "--password-stdin", typed=typed)


def _row(data: Path, table: type[SQLModel]) -> SQLModel:
    async def read() -> SQLModel:
        async with Database.opened(_url(data)) as db, db.reading() as session:
            return (await session.exec(select(table))).one()

    return asyncio.run(read())


def test_an_account_signs_in_with_the_password_from_standard_input(data: Path):
    assert _add(data).exit_code == 0

    async def enter() -> str:
        async with Database.opened(_url(data)) as db:
            return (await Door().enter(db, "ada", "correct horse battery", "")).name

    assert asyncio.run(enter()) == "ada"


def test_a_short_password_or_a_taken_name_is_refused(data: Path):
    assert isinstance(_add(data, typed="short\n").exception, InvalidInput)
    _add(data)
    assert isinstance(_add(data).exception, Conflict)


def test_an_account_without_password_has_none(data: Path):
    _run(data, "accounts", "add", "siem", "--role", "machine", "--clearance", "green")
    row = _row(data, Account)
    assert isinstance(row, Account)
    assert (row.password_hash, row.clearance) == (None, 1)


def test_accounts_are_listed_and_disabled(data: Path):
    _add(data)
    assert _run(data, "accounts", "disable", "ada").exit_code == 0
    assert "disabled" in _run(data, "accounts", "list").stdout


def test_a_token_is_printed_and_nothing_else(data: Path):
    _add(data)
    printed = _run(data, "tokens", "issue", "ada", "--scope", "api:read", "--scope", "taxii:read").stdout

    async def holder() -> str:
        async with Database.opened(_url(data)) as db:
            found = await tokens.find(db, printed.strip())
            return found.name if found else ""

    assert asyncio.run(holder()) == "ada"


def test_a_collection_s_id_is_printed_and_rights_are_given(data: Path):
    _add(data)
    made = _run(data, "collections", "add", "main", "--title", "Main", "--tlp", "TLP:AMBER",
                "--filter", "types=indicator,malware", "--filter", "min_confidence=40")  # fmt: skip
    assert uuid.UUID(made.stdout.strip()).version == 4
    assert _run(data, "collections", "grant", "main", "ada", "--read").exit_code == 0
    collection, grant = _row(data, Collection), _row(data, Grant)
    assert isinstance(collection, Collection)
    assert isinstance(grant, Grant)
    assert collection.filter == {"types": ["indicator", "malware"], "min_confidence": 40}
    assert (grant.can_read, grant.can_write) == (True, False)


@pytest.mark.parametrize("wanted", ["types", "colour=red", "min_confidence=much"])
def test_a_filter_that_makes_no_sense_is_refused(data: Path, wanted: str):
    made = _run(data, "collections", "add", "main", "--title", "Main", "--tlp", "RED", "--filter", wanted)
    assert isinstance(made.exception, InvalidInput)
