"""What constituents and the public are told, how it reached them and what they answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from citysec.errors import Problem
from citysec.tlp import TLP
from citysec.web.views.frame import Named


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """One sending over one channel; `error` says why it is not there yet, `at` is when it was queued or sent."""

    channel: str
    address: str
    state: str
    at: datetime
    attempts: int = 1
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerView:
    """What a recipient answered."""

    choice: str
    by: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisoryRow:
    """An advisory as staff and its recipient see it in lists.

    Args:
        verdict: what the TLP gate decided; `reason` says why, as a sentence; `removed` names what was left out.
        url: where this reader opens it, None where it cannot be opened.
    """

    id: str
    title: str
    recipient: Named
    severity: str
    tlp: TLP
    verdict: str
    reason: str
    removed: tuple[str, ...] = ()
    sent_at: datetime | None = None
    deliveries: tuple[DeliveryView, ...] = ()
    answer: AnswerView | None = None
    answer_due: datetime | None = None
    reminders: int = 0
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedAsset:
    """One asset of the recipient that an advisory is about."""

    value: str
    service: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisoryBody:
    """What an advisory says, to its recipient and to the public.

    Args:
        what: one paragraph.
        how_sure: confidence in words, with its ground.
        todo: what to do now, in order.
        call_name: whom to call, with `call_phone` and `call_mail`; empty parts are left out.
        left_out: that something was held back because of its marking; empty when nothing was.
        revision: from 1; above 1 it is a correction.
    """

    reference: str
    title: str
    severity: str
    tlp: TLP
    published_at: datetime
    what: str
    assets: tuple[TouchedAsset, ...]
    since: datetime | None
    how_sure: str
    todo: tuple[str, ...]
    answer_due: datetime | None = None
    call_name: str = ""
    call_phone: str = ""
    call_mail: str = ""
    left_out: str = ""
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisoryView:
    """`GET /a/<token>`; the form POSTs there: fields `choice` (an answer), `name`, `note`. No account needed.

    Args:
        answer: given before, where there is one; the form then changes it.
        choice: what was sent with a form that is shown again, as are `name` and `note`.
        problems: `at` names the field.
    """

    template: ClassVar[str] = "advisory.html"
    recipient: str
    advisory: AdvisoryBody
    answer: AnswerView | None = None
    choice: str = ""
    name: str = ""
    note: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThanksView:
    """After `POST /a/<token>`."""

    template: ClassVar[str] = "thanks.html"
    recipient: str
    advisory: AdvisoryBody
    answer: AnswerView


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAdvisoryRow:
    """A public advisory in the list."""

    id: str
    title: str
    severity: str
    published_at: datetime
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAdvisoriesView:
    """`GET /advisories/`: TLP:CLEAR only, newest first."""

    template: ClassVar[str] = "public_advisories.html"
    advisories: tuple[PublicAdvisoryRow, ...]
    next_page: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAdvisoryView:
    """`GET /advisories/<id>`: TLP:CLEAR only, and without assets."""

    template: ClassVar[str] = "public_advisory.html"
    id: str
    advisory: AdvisoryBody
