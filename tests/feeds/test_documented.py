"""The page about feeds says what every field means."""

from __future__ import annotations

import re

import pytest

from citysec.feeds.definition import BundleFeed, DocumentFeed, TAXIIFeed
from tests.conftest import ROOT


@pytest.mark.parametrize("kind", [BundleFeed, DocumentFeed, TAXIIFeed])
def test_every_field_is_documented(kind: type[BundleFeed | DocumentFeed | TAXIIFeed]):
    rows = re.findall(r"^\| ([^|]*) \|", (ROOT / "docs" / "feeds.md").read_text(encoding="utf-8"), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert set(kind.model_fields) <= named
