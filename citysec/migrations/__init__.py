"""Schema steps, numbered and append-only; `citysec db upgrade` walks them."""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent

HEAD: Final = "0001"
"""The newest step: the schema that this version works with."""
