"""`citysec lookalikes`: what would hit and why, and the allow list."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from citysec.correlate import relook
from citysec.db import Database
from citysec.lookalikes import vocabulary
from citysec.settings import shipped
from tests.cli.line import app
from tests.correlate.city import City, indicator


@pytest.fixture
def data(tmp_path: Path, sqlite_url: str) -> Path:
    """A data directory in which Camden has a name and a brand, and a match of a lookalike."""

    async def happen() -> None:
        async with Database.opened(sqlite_url) as db:
            async with db.writing() as session:
                await relook.begin(session, vocabulary.load(shipped("playbooks") / vocabulary.FILE))
            city = City(db)
            await city.own("camden", "domain", "camden.gov.uk")
            await city.own("camden", "brand", "Camden Council")
            await city.say(indicator(1, "[domain-name:value = 'camdem.gov.uk']"))
            await city.work()
            await city.work()

    asyncio.run(happen())
    return tmp_path


def run(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["lookalikes", *arguments, "--data", str(data)])


def reasons(data: Path) -> list[str | None]:
    """Return how the matches ended, after what waits was done."""

    async def look() -> list[str | None]:
        async with Database.opened(f"sqlite+aiosqlite:///{data / 'citysec.db'}") as db:
            await City(db).work()
            return [match.close_reason for match in await City(db).matches()]

    return asyncio.run(look())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("camdem.gov.uk", "camden.gov.uk │ replacement"),
        ("c\u0430mden.gov.uk", "xn--cmden-4ve.gov.uk (c\u0430mden.gov.uk)"),
        ("camden-council-login.example", "camden council │ keyword"),
        ("camdem.example", "possible"),
        ("www.camden.gov.uk", "a name of somebody registered"),
        ("gov.uk", "a public suffix"),
        ("other.example", "no lookalike"),
    ],
)
def test_a_name_can_be_tried(data: Path, name: str, said: str):
    assert said in " ".join(run(data, "check", name).output.replace("┃", "│").split())


def test_a_name_is_judged_before_the_service_has_run(tmp_path: Path, sqlite_url: str):
    async def register() -> None:
        async with Database.opened(sqlite_url) as db:
            async with db.writing() as session:
                await relook.begin(session, vocabulary.load(shipped("playbooks") / vocabulary.FILE))
            await City(db).own("camden", "domain", "pay.camden.gov.uk")
            await City(db).own("camden", "brand", "Camden Council")

    asyncio.run(register())
    assert "camden.gov.uk │ replacement" in " ".join(run(tmp_path, "check", "camdem.gov.uk").output.split())
    assert "camden council │ keyword" in " ".join(run(tmp_path, "check", "camden-council-pay.example").output.split())
    assert "permutations of camden.gov.uk" in run(tmp_path, "of", "camden.gov.uk").output


def test_what_has_no_name_is_refused_and_the_rest_is_judged(data: Path):
    result = run(data, "check", "a b", "camdem.gov.uk", "192.0.2.1")
    assert result.exit_code == 2
    assert "No name, and not judged: 'a b', '192.0.2.1'." in " ".join(result.output.split())
    assert "replacement" in result.output
    assert run(data, "check", "").exit_code == 2


@pytest.mark.parametrize(
    "text", ["https://camdem.gov.uk/pay", "a@camdem.gov.uk", "hxxp://camdem[.]gov[.]uk", "CAMDEM.gov.uk."]
)
def test_the_name_in_what_people_paste_is_judged(data: Path, text: str):
    assert "camdem.gov.uk │ camden.gov.uk" in " ".join(run(data, "check", text).output.split())


def test_permutations_are_shown_by_kind(data: Path):
    short, whole = run(data, "of", "camden.gov.uk"), run(data, "of", "pay.camden.gov.uk", "--all")
    assert "omission" in short.output
    assert "permutations of camden.gov.uk" in short.output
    assert len(whole.output) > len(short.output)
    assert "permutations of camden council" in run(data, "of", "camden council").output


def test_what_nobody_has_registered_has_none(data: Path):
    result = run(data, "of", "brent.gov.uk")
    assert result.exit_code == 1
    assert "nobody has registered it" in result.output
    assert "No lookalikes of gov.uk are looked for" in run(data, "of", "gov.uk").output


def test_what_is_hosted_elsewhere_is_not_said_to_be_coming(data: Path, sqlite_url: str):
    async def host() -> None:
        async with Database.opened(sqlite_url) as db:
            await City(db).own("camden", "domain", "camden.sharepoint.example")
            await City(db).work()

    asyncio.run(host())
    assert "strangers may have others there" in " ".join(run(data, "of", "sharepoint.example").output.split())


def test_a_name_is_allowed_and_disallowed(data: Path):
    assert run(data, "allow", "camdem.gov.uk", "--note", "a printer's").exit_code == 0
    assert reasons(data) == ["allowed"]
    assert "a printer's" in run(data, "list").output
    assert "allowed by cli" in run(data, "check", "www.camdem.gov.uk").output
    assert run(data, "disallow", "camdem.gov.uk").exit_code == 0
    assert reasons(data) == [None]
    assert "a printer's" not in run(data, "list").output
