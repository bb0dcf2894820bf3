"""The documents say what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from citysec.settings import Settings

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented_with_its_meaning(name: str):
    description = Settings.model_fields[name].description
    (line,) = [
        x for x in (DOCS / "operating.md").read_text().splitlines() if x.startswith(f"| `CITYSEC_{name.upper()}`")
    ]
    assert description
    assert description in line
