"""What every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real feeds with expected counts; the test is skipped where it is absent."""
    folder = Path(os.environ.get("CITYSEC_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the shared data folder, absent at {folder}")
    return folder
