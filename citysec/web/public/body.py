"""An advisory's stored content as pages show it."""

from __future__ import annotations

from citysec.advisories.content import from_json
from citysec.tables.advisories import Advisory
from citysec.web.views import AdvisoryBody


def body_of(advisory: Advisory) -> AdvisoryBody:
    """Return what `advisory` says, cut to its recipient as it was when it was published."""
    return AdvisoryBody(
        content=from_json(advisory.content),
        published_at=advisory.published_at,
        answer_due=advisory.answer_by,
        revision=advisory.revision,
    )
