"""`citysec constituency prefixes`: looking before importing, and everything undone again."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from citysec.db import Database
from tests.cli.line import app
from tests.correlate.city import City, indicator

TABLE = "# a day of routes\n0.0.0.0\t0\t64499\n198.51.100.0\t24\t64496\n198.51.100.64\t26\t64511\n"


@pytest.fixture
def data(tmp_path: Path, sqlite_url: str) -> Path:
    """A data directory in which Camden has an autonomous system, and a table beside it."""

    async def happen() -> None:
        async with Database.opened(sqlite_url) as db:
            city = City(db)
            await city.own("camden", "asn", "AS64496")
            await city.say(indicator(1, "[ipv4-addr:value = '198.51.100.7']"))
            await city.work()

    asyncio.run(happen())
    (tmp_path / "table.pfx2as").write_text(TABLE)
    return tmp_path


def run(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["constituency", "prefixes", *arguments, "--data", str(data)])


def imported(data: Path, *arguments: str, file: str = "table.pfx2as") -> Result:
    return run(data, "import", str(data / file), "--source", "RouteViews", "--date", "2026-11-22", *arguments)


def relations(data: Path) -> list[str]:
    """Return how the open matches touch their asset, after what waits was done."""

    async def look() -> list[str]:
        async with Database.opened(f"sqlite+aiosqlite:///{data / 'citysec.db'}") as db:
            await City(db).work()
            return [match.relation for match in await City(db).matches() if match.closed_at is None]

    return asyncio.run(look())


def test_an_import_shows_what_would_change_and_changes_nothing(data: Path):
    result = imported(data)
    assert result.exit_code == 0
    cells = next(line.split("│")[1:-1] for line in result.stdout.splitlines() if "AS64496" in line)
    assert [cell.strip() for cell in cells] == ["AS64496", "0 → 1", "0 → 2", "1", "1", "0"]
    assert "2 announcements; 1 registered system is concerned." in result.stdout
    assert "1 prefix is too wide" in result.stdout
    assert relations(data) == []
    assert "There is no table" in run(data, "show").stdout


def test_an_applied_table_counts_and_is_named(data: Path):
    assert "Applied." in imported(data, "--apply").stdout
    assert relations(data) == ["announced"]
    assert "RouteViews of 22 November 2026: 2 announcements" in run(data, "show").stdout


def test_a_packed_table_is_read(data: Path):
    (data / "table.gz").write_bytes(gzip.compress(TABLE.encode()))
    assert "Applied." in imported(data, "--apply", file="table.gz").stdout
    assert relations(data) == ["announced"]


def test_a_forgotten_table_counts_no_more(data: Path):
    imported(data, "--apply")
    assert relations(data) == ["announced"]
    assert "1 registered system is concerned" in run(data, "remove", "--yes").stdout
    assert relations(data) == []


def test_bad_lines_are_named_and_nothing_is_applied(data: Path):
    (data / "bad.csv").write_text("prefix,asn\n198.51.100.0/24,64496\n198.51.100.0/24\n192.0.2.0/33,1\n" + "x\n" * 30)
    result = imported(data, "--apply", file="bad.csv")
    assert result.exit_code == 1
    assert "line 3" in result.stderr
    assert "and 12 more lines" in result.stderr
    assert "There is no table" in run(data, "show").stdout
