"""`citysec sightings`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from citysec.db import Database
from citysec.tables import Constituent
from tests.cli.line import app
from tests.correlate.city import City, indicator

LINES = (
    '{"seen_at": "2026-05-01T10:00:00Z", "domain": "evil.example"}\n{"seen_at": 1777629600, "domain": "good.example"}\n'
)


@pytest.fixture
def data(tmp_path: Path, sqlite_url: str) -> Path:
    """A data directory with Camden, and an indicator."""

    async def fill() -> None:
        async with Database.opened(sqlite_url) as db:
            async with db.writing() as session:
                session.add(Constituent(id="c", slug="camden", name="Camden", kind="borough", sector="government"))
            await City(db).say(indicator(1, "[domain-name:value = 'evil.example']"))

    asyncio.run(fill())
    return tmp_path


def _run(data: Path, *arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, ["sightings", *arguments, "--data", str(data)], input=typed)


def test_what_a_file_tells_is_listed_afterwards(data: Path):
    result = _run(data, "import", "-", "--constituent", "camden", typed=LINES)
    assert (result.exit_code, "2 observations, 0 rejected, 1 indicators seen" in result.output) == (0, True), (
        result.output
    )
    listed = _run(data, "list").output
    assert "evil[.]example" in listed
    assert "good" not in listed


def test_the_same_file_again_counts_nothing_twice(data: Path):
    said = [_run(data, "import", "-", "--constituent", "camden", typed=LINES).output for _ in range(2)]
    assert ["taken in before" in one for one in said] == [False, True]


def test_what_cannot_be_used_is_named_by_its_place(data: Path):
    result = _run(
        data, "import", "-", "--constituent", "camden", "--format", "lines", typed='{"domain": "x.example"}\n'
    )
    assert (result.exit_code, "line 1" in result.output) == (1, True)


def test_nobody_is_a_constituent_by_a_name_that_is_unknown(data: Path):
    result = _run(data, "import", "-", "--constituent", "nowhere", typed=LINES)
    assert result.exit_code != 0
