"""The demonstration plays to its end."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from citysec.cli.demo import demo
from citysec.errors import SettingsError

CONCERNED = ["barnet", "camden", "hackney", "haringey", "islington", "lewisham", "met-police", "newham"]


async def test_the_demonstration_tells_those_concerned_and_nobody_else(tmp_path: Path):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "citysec", "demo", "--once", "--port", "0", "--data", str(tmp_path / "demo"),
        env=os.environ | {"COLUMNS": "200"}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert out.decode().startswith("http://127.0.0.1:")
    told = sorted(word for line in err.decode().splitlines() for word in line.split() if word.startswith("security@"))
    assert told == [f"security@{slug}.citysec.example" for slug in CONCERNED]


def test_without_the_extra_that_it_needs_it_says_so_and_begins_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "aiosmtpd", None)
    with pytest.raises(SettingsError, match=r"citysec\[demo\]"):
        demo(tmp_path / "demo", 0)
    assert not (tmp_path / "demo").exists()
