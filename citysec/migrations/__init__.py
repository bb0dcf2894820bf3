"""Schema steps, numbered and append-only; `citysec db upgrade` walks them."""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
