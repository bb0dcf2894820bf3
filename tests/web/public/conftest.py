"""What is open to everybody, in the city of `tests.web.console`."""

from __future__ import annotations

from tests.web.console.conftest import stranger, town

__all__ = ["stranger", "town"]
