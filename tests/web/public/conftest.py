"""What is open to everybody, in the city of `tests.web.console`."""

from __future__ import annotations

from tests.web.console.conftest import stranger, town, town_database

__all__ = ["stranger", "town", "town_database"]
