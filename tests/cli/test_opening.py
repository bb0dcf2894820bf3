"""The way into the database that commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from citysec.cli.opening import opened
from citysec.errors import SettingsError


async def test_a_folder_without_database_is_refused_with_the_command_that_helps(tmp_path: Path):
    with pytest.raises(SettingsError, match="citysec init"):
        async with opened(tmp_path):
            pass


async def test_the_environment_names_the_folder_and_the_option_wins(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CITYSEC_DATA_DIR", str(tmp_path / "elsewhere"))
    async with opened(tmp_path) as db, db.reading():
        pass
