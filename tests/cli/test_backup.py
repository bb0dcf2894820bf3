"""`citysec backup` and `citysec restore`."""

from __future__ import annotations

import io
import sqlite3
import stat
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from citysec.errors import InvalidInput, SettingsError
from tests.cli.conftest import Run
from tests.cli.line import app


def _contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def archive(data: Path, run: Run, tmp_path: Path) -> Path:
    """A backup of an installation with a feed and a playbook folder of its own and an engine's database."""
    (data / "feeds").mkdir()
    own = 'name = "own"\ntitle = "Own"\npublisher = "Us"\nlicence = "none"\nkind = "stix-bundle"\n'
    (data / "feeds" / "own.toml").write_text(own)
    (data / "playbooks" / "old").mkdir(parents=True)
    (data / "playbooks" / "old" / "strategy.toml").write_text("")
    with closing(sqlite3.connect(data / "citysec-runs.db")) as runs:
        runs.execute("CREATE TABLE run (id TEXT)")
    assert run("backup", str(tmp_path / "all.tar.gz")).exit_code == 0
    return tmp_path / "all.tar.gz"


def test_what_is_backed_up_is_restored_elsewhere(archive: Path, data: Path, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    assert CliRunner().invoke(app, ["restore", str(archive), "--data", str(elsewhere)]).exit_code == 0
    own = {"feeds/own.toml", "playbooks/old/strategy.toml"}
    assert set(_contents(elsewhere)) == {"citysec.db", "citysec-runs.db", "secret.key", *own}
    assert (elsewhere / "secret.key").read_bytes() == (data / "secret.key").read_bytes()
    assert CliRunner().invoke(app, ["doctor", "--data", str(elsewhere)]).exit_code == 0


def test_a_backup_is_for_its_owner_only(archive: Path):
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600


def test_a_backup_while_somebody_writes_holds_what_was_committed(data: Path, run: Run, tmp_path: Path):
    with closing(sqlite3.connect(data / "citysec.db", isolation_level=None)) as writer:
        writer.execute("INSERT INTO meta VALUES ('a', 'committed')")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO meta VALUES ('b', 'not yet')")
        assert run("backup", str(tmp_path / "b.tar.gz")).exit_code == 0
    CliRunner().invoke(app, ["restore", str(tmp_path / "b.tar.gz"), "--data", str(tmp_path / "c")])
    with closing(sqlite3.connect(tmp_path / "c" / "citysec.db")) as copy:
        assert copy.execute("SELECT name FROM meta WHERE name IN ('a', 'b')").fetchall() == [("a",)]


def test_nothing_is_overwritten_without_force(archive: Path, data: Path, run: Run):
    assert isinstance(run("backup", str(archive)).exception, SettingsError)
    assert isinstance(run("restore", str(archive)).exception, SettingsError)
    assert run("backup", str(archive), "--force").exit_code == 0
    assert run("restore", str(archive), "--force").exit_code == 0


def test_a_database_in_use_is_not_replaced(archive: Path, data: Path, run: Run):
    with closing(sqlite3.connect(data / "citysec.db")) as service:
        service.execute("SELECT * FROM meta").fetchall()
        assert "stop the service" in str(run("restore", str(archive), "--force").exception)


@pytest.mark.parametrize("end", [-200, 500, 0])
def test_a_damaged_backup_changes_nothing(archive: Path, data: Path, run: Run, end: int):
    archive.write_bytes(archive.read_bytes()[:end])
    before = _contents(data)
    assert isinstance(run("restore", str(archive), "--force").exception, InvalidInput)
    assert _contents(data) == before


@pytest.mark.parametrize("name", ["../escape", "/escape", "feeds/../../escape", "citysec.db-wal", "feeds"])
def test_names_that_are_none_of_ours_are_refused(run: Run, tmp_path: Path, name: str):
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as tar:
        for member, text in (("manifest.json", f'{{"made_at": "", "files": {{"{name}": ""}}}}'), (name, "x")):
            info = tarfile.TarInfo(member)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    assert isinstance(run("restore", str(tmp_path / "bad.tar.gz")).exception, InvalidInput)
    assert not (tmp_path / "escape").exists()


def test_without_a_database_there_is_nothing_to_back_up(run: Run, tmp_path: Path):
    assert isinstance(run("backup", str(tmp_path / "x.tar.gz")).exception, SettingsError)
    assert not (tmp_path / "x.tar.gz").exists()
