"""An advisory's stored content as pages show it."""

from __future__ import annotations

from citysec.advisories.content import Content, from_json
from citysec.tables.advisories import Advisory
from citysec.tlp import TLP
from citysec.web.views import AdvisoryBody, TouchedAsset


def body_of(advisory: Advisory) -> AdvisoryBody:
    """Return what `advisory` says, cut to its recipient as it was when it was published."""
    content = from_json(advisory.content)
    return AdvisoryBody(
        reference=content.reference,
        title=content.title,
        severity=content.severity,
        tlp=TLP(advisory.tlp),
        published_at=advisory.published_at,
        what=_what(content),
        assets=tuple(TouchedAsset(value=t.value or t.service, service=t.service) for t in content.touched),
        since=content.since,
        how_sure=content.how_sure,
        todo=content.todo,
        answer_due=advisory.answer_by,
        call_name=content.call.name,
        call_phone=content.call.phone,
        call_mail=content.call.mail,
        left_out=content.left_out,
        revision=advisory.revision,
    )


def _what(content: Content) -> str:
    return f"{content.change} {content.what}" if content.change else content.what
