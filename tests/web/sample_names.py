"""The names and the hour that all samples share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from citysec.web.views import Named

NOW: Final = datetime(2026, 11, 23, 4, 10, tzinfo=UTC)
CAMDEN: Final = Named(slug="camden", name="Camden")
BRENT: Final = Named(slug="brent", name="Brent")
ISLINGTON: Final = Named(slug="islington", name="Islington")
BARTS: Final = Named(slug="barts-health-nhs-trust", name="Barts Health NHS Trust")
TFL: Final = Named(slug="transport-for-london", name="Transport for London")


def ago(*, hours: float = 0, minutes: float = 0) -> datetime:
    """Return the instant so long before `NOW`."""
    return NOW - timedelta(hours=hours, minutes=minutes)
