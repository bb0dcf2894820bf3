"""`citysec constituency`."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from citysec.constituency.sample import FOLDER
from citysec.db import Database
from tests.cli.line import app
from tests.correlate.city import City, indicator

HEADER = "asset_id,organisation,sector,kind,value,scope,criticality\n"
NEW = "A1,London Borough of Camden,local-government,domain,pay.camden.gov.uk,exact,critical\n"


@pytest.fixture
def data(tmp_path: Path, london_database: Path) -> Path:
    """A data directory with sample London."""
    shutil.copy(london_database, tmp_path / "citysec.db")
    return tmp_path


def _run(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["constituency", *arguments, "--data", str(data)])


def _file(data: Path, text: str) -> str:
    path = data / "register.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_import_shows_what_would_change_and_changes_nothing(data: Path):
    before = _run(data, "export").stdout
    shown = _run(data, "import", _file(data, HEADER + NEW))
    assert shown.exit_code == 0
    assert "pay.camden.gov.uk" in shown.stdout
    assert "1 added, 0 changed, 0 removed, 0 as before." in shown.stdout
    assert "run again with --apply" in shown.stdout
    assert _run(data, "export").stdout == before


def test_import_shows_what_new_assets_would_be_matched_with(data: Path):
    asyncio.run(_say(data, "[domain-name:value = 'pay.camden.gov.uk']"))
    shown = _run(data, "import", _file(data, HEADER + NEW)).stdout
    assert "1 hit on 1 new asset in 90 days, 1 of which count now." in " ".join(shown.split())
    assert "hit on" not in _run(data, "import", _file(data, HEADER + NEW), "--apply").stdout


def test_import_shows_apart_the_names_that_look_like_new_assets(data: Path):
    asyncio.run(_say(data, *(f"[domain-name:value = '{name}.example']" for name in ("bigbens", "bi9ben", "other"))))
    line = NEW.replace("domain,pay.camden.gov.uk", "domain,bigben.example")
    shown = " ".join(_run(data, "import", _file(data, HEADER + line)).stdout.split())
    assert "0 hits on 1 new asset in 90 days, 0 of which count now, and 2 names that look like it." in shown
    brand = line.replace("A1", "A2").replace("domain,bigben.example", "brand,Big Ben")
    assert "and 4 names that look like them." in " ".join(
        _run(data, "import", _file(data, HEADER + line + brand)).stdout.split()
    )


async def _say(data: Path, *patterns: str) -> None:
    async with Database.opened(f"sqlite+aiosqlite:///{data / 'citysec.db'}") as db:
        await City(db).say(*(indicator(number, pattern) for number, pattern in enumerate(patterns, 1)))
        await City(db).work()


def test_import_applies_when_told_to(data: Path):
    assert "Applied." in _run(data, "import", _file(data, HEADER + NEW), "--apply").stdout
    assert NEW in _run(data, "export").stdout


def test_replacing_removes_what_the_file_leaves_out_of_its_organisations(data: Path):
    _run(data, "import", _file(data, HEADER + NEW), "--apply", "--replace")
    exported = _run(data, "export").stdout.splitlines()
    assert [line for line in exported if "Borough of Camden" in line] == [NEW.strip()]
    assert any("Borough of Islington" in line for line in exported)


def test_bad_lines_are_named_on_stderr_and_nothing_is_applied(data: Path):
    before = _run(data, "export").stdout
    file = _file(data, HEADER + NEW + NEW + NEW.replace("A1", "A2").replace("Camden", "Cambden"))
    refused = _run(data, "import", file, "--apply")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert f"{file}: line 3, asset_id: A1 is on line 2 already" in refused.stderr
    assert _run(data, "export").stdout == before


def test_an_unknown_organisation_is_named_with_the_nearest(data: Path):
    refused = _run(data, "import", _file(data, HEADER + NEW.replace("Camden", "Cambden")))
    assert "did you mean 'London Borough of Camden'?" in refused.stderr


def test_export_with_services_is_the_sample_as_it_was_loaded(data: Path):
    assert _run(data, "export", "--services").stdout == (FOLDER / "assets.csv").read_text(encoding="utf-8")


def test_list_names_everybody_we_serve(data: Path):
    listed = _run(data, "list").stdout
    assert "Transport for London" in listed
    assert "TLP:AMBER+STRICT" in listed


def test_what_is_doubtful_is_verified_once_it_is_sure(data: Path):
    doubtful = _file(data, HEADER.replace("\n", ",verified\n") + NEW.replace("\n", ",no\n"))
    _run(data, "import", doubtful, "--apply")
    shown = _run(data, "verify", "A1").stdout
    assert "no → yes" in " ".join(shown.split())
    assert "run again with --apply" in shown
    _run(data, "verify", "A1", "--apply")
    assert "critical,yes" in next(row for row in _run(data, "export", "--verified").stdout.splitlines() if "A1" in row)


def test_who_verifies_says_what(data: Path):
    assert _run(data, "verify").exit_code == 2
    assert "there is no asset of this id" in _run(data, "verify", "A9").stderr
