"""The pages about feeds and formats say what every field and option means."""

from __future__ import annotations

import re

import pytest

from citysec.feeds.definition import BundleFeed, DocumentFeed, TAXIIFeed
from citysec.feeds.formats import FORMATS
from tests.conftest import ROOT


@pytest.mark.parametrize("kind", [BundleFeed, DocumentFeed, TAXIIFeed])
def test_every_field_is_documented(kind: type[BundleFeed | DocumentFeed | TAXIIFeed]):
    rows = re.findall(r"^\| ([^|]*) \|", (ROOT / "docs" / "feeds.md").read_text(encoding="utf-8"), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert set(kind.model_fields) <= named


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_and_its_options_are_documented(name: str):
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert f"| `{name}` |" in page
    sections = [part for part in page.split("\n## ") if f"`{name}`" in part.partition("\n")[0]]
    options = {option for part in sections for option in re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)}
    assert set(FORMATS[name].options.__struct_fields__) <= options
