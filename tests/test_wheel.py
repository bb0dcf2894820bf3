"""What is built holds all that the service needs, and runs outside the checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from citysec.cli.instance import Instance, free_port
from tests.conftest import ROOT

PLACES = {"citysec": "citysec", "feeds": "citysec/shipped/feeds", "playbooks": "citysec/shipped/playbooks"}
"""Folder of the checkout -> folder of the wheel."""
NEEDED = {
    "citysec/shipped/feeds/by-hand.toml",
    "citysec/shipped/playbooks/strategy.toml",
    "citysec/web/templates/base.html",
    "citysec/web/static/vendor/govuk.css",
    "citysec/advisories/templates/advisory.txt.j2",
    "citysec/migrations/versions/0001_first_schema.py",
    "citysec/constituency/london/assets.csv",
}
"""One of each kind."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def elsewhere(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, from where Python finds what the wheel holds before anything else."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "installed"))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # two commands run; the first compiles for both
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "elsewhere"


def _expected() -> Iterator[str]:
    """Yield what the checkout has, by its name in the wheel."""
    for folder, place in PLACES.items():
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                yield f"{place}/{file.relative_to(ROOT / folder).as_posix()}"


def test_everything_of_the_checkout_is_in_the_wheel(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    assert set(_expected()) - held == set()
    assert NEEDED - held == set()


async def test_the_wheel_sets_up_and_serves_from_anywhere(elsewhere: Path):
    where = [sys.executable, "-c", "import citysec; print(citysec.__file__)"]
    assert Path(subprocess.check_output(where, text=True)).parents[1].name == "installed"  # noqa: ASYNC221
    instance = Instance(elsewhere / "data")
    await instance.run("init", "--sample", "london")
    async with instance.serving(free_port()) as url, aiohttp.request("GET", f"{url}/sign-in") as page:
        assert page.status == 200
