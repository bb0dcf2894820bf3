"""`citysec warnings`: looking before importing, and everything undone again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from citysec.db import Database
from tests.cli.line import app
from tests.correlate.city import City, indicator

LIST: dict[str, Any] = {
    "name": "Shared hosting", "version": 3, "description": "Many use it.", "type": "cidr",
    "matching_attributes": ["ip-src"], "list": ["192.0.2.0/24", "nonsense"],
}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path, sqlite_url: str) -> Path:
    """A data directory in which Camden has a match on a shared address, and a warning list beside it."""

    async def happen() -> None:
        async with Database.opened(sqlite_url) as db:
            city = City(db)
            await city.own("camden", "ipv4", "192.0.2.1")
            await city.say(indicator(1, "[ipv4-addr:value = '192.0.2.1']"))
            await city.work()

    asyncio.run(happen())
    (tmp_path / "Shared Hosting.json").write_text(json.dumps(LIST))
    return tmp_path


def run(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["warnings", *arguments, "--data", str(data)])


def imported(data: Path, *arguments: str, file: str = "Shared Hosting.json") -> Result:
    return run(data, "import", str(data / file), *arguments)


def reasons(data: Path) -> list[str | None]:
    """Return how the matches ended, after what waits was done."""

    async def look() -> list[str | None]:
        async with Database.opened(f"sqlite+aiosqlite:///{data / 'citysec.db'}") as db:
            await City(db).work()
            return [match.close_reason for match in await City(db).matches()]

    return asyncio.run(look())


def test_an_import_shows_what_would_change_and_changes_nothing(data: Path):
    result = imported(data, "--class", "suppress")
    assert result.exit_code == 0
    row = next(line for line in result.stdout.splitlines() if "shared-hosting" in line)
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [
        "shared-hosting", "Shared hosting", "cidr", "suppress", "1", "1", "1", "0", "0", "0", "0",
    ]  # fmt: skip
    assert "shared-hosting: nonsense:" in result.stderr
    assert "--apply" in result.stdout
    assert reasons(data) == [None]
    assert "shared-hosting" not in run(data, "list").stdout


def test_a_list_that_is_applied_counts_until_it_is_disabled(data: Path):
    assert imported(data, "--class", "suppress", "--apply").exit_code == 0
    assert reasons(data) == ["warning-list"]
    assert run(data, "disable", "shared-hosting").exit_code == 0
    assert reasons(data) == [None]
    assert run(data, "enable", "shared-hosting").exit_code == 0
    assert reasons(data) == ["warning-list"]
    assert run(data, "remove", "shared-hosting").exit_code == 0
    assert reasons(data) == [None]


def test_a_newer_file_keeps_the_class_and_a_command_changes_it(data: Path):
    imported(data, "--class", "demote", "--apply")
    (data / "Shared Hosting.json").write_text(json.dumps(LIST | {"version": 4}))
    assert imported(data, "--apply").exit_code == 0
    assert {"4", "demote"} <= set(run(data, "list").stdout.split())
    run(data, "enable", "shared-hosting", "--class", "annotate")
    assert "annotate" in run(data, "list").stdout.split()


def test_a_value_can_be_asked_for(data: Path):
    assert run(data, "check", "192.0.2.9").stdout == "on no warning list\n"
    imported(data, "--class", "demote", "--apply")
    assert run(data, "check", "192.0.2.9").stdout == "demote: shared-hosting\n"
    assert run(data, "check", "http://192.0.2.9/x").stdout == "demote: shared-hosting\n"


def test_a_new_list_needs_a_class(data: Path):
    result = imported(data, "--apply")
    assert (result.exit_code, "--class" in result.stderr) == (1, True)


@pytest.mark.parametrize("change", [{"type": "odd"}, {"list": None}])
def test_one_bad_file_and_nothing_is_imported(data: Path, change: dict[str, Any]):
    (data / "bad.json").write_text(json.dumps(LIST | change))
    result = run(data, "import", str(data / "Shared Hosting.json"), str(data / "bad.json"), "--class", "suppress")
    assert result.exit_code == 1
    assert "bad.json" in result.stderr
    assert run(data, "list").stdout.count("shared") == 0


def test_a_list_in_its_folder_is_named_by_it_and_two_of_a_name_are_refused(data: Path):
    (data / "cdn").mkdir()
    (data / "cdn" / "list.json").write_text(json.dumps(LIST))
    imported(data, "--class", "annotate", "--apply", file="cdn/list.json")
    assert "cdn" in run(data, "list").stdout.split()
    twice = run(data, "import", str(data / "cdn" / "list.json"), str(data / "cdn" / "list.json"))
    assert (twice.exit_code, "several files" in twice.stderr) == (1, True)
