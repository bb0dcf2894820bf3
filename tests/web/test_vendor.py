"""What others wrote is here exactly as its manifest says, and carries nobody else's brand."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

from citysec.web import render
from tests.conftest import ROOT

MANIFEST = tomllib.loads((ROOT / "citysec/web/vendoring/MANIFEST.toml").read_text())
FILES: dict[str, str] = {path: digest for package in MANIFEST["package"] for path, digest in package["files"].items()}
VENDOR = render.STATIC / "vendor"


@pytest.mark.parametrize("path", FILES)
def test_a_vendored_file_has_the_hash_of_the_manifest(path: str):
    assert hashlib.sha256((ROOT / path).read_bytes()).hexdigest() == FILES[path]


def test_every_vendored_file_is_in_the_manifest():
    found = {str(f.relative_to(ROOT)) for folder in (VENDOR, ROOT / "tests/web/axe") for f in folder.iterdir()}
    assert found == set(FILES)


def test_the_recipe_fetches_the_versions_of_the_manifest():
    recipe = Path(ROOT / "citysec/web/vendoring/fetch.sh").read_text()
    assert all(f"{package['name']}@{package['version']}" in recipe for package in MANIFEST["package"])


@pytest.mark.parametrize("brand", ["GDS Transport", "@font-face", "crown", "#1d70b8", "#00703c", "#0f7a52"])
def test_the_style_sheets_carry_nothing_of_the_government_brand(brand: str):
    sheets = (VENDOR / "govuk.css").read_text() + (render.STATIC / "citysec.css").read_text()
    assert brand not in sheets
