"""What constituents and the public are told, how it reached them and what they answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from citysec.advisories.content import Content
from citysec.errors import Problem
from citysec.tlp import TLP, parse
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
        reference: the incident's number: advisories of several incidents have the same title.
        recipient: without a slug it is the public.
        verdict: what the TLP gate decided; `reason` says why, as a sentence; `removed` names what was left out.
        revision: from 1; above 1 it is a correction, or, `withdrawn`, says that nothing of it holds.
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
    reference: str = ""
    revision: int = 1
    withdrawn: bool = False
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisoryBody:
    """An advisory as its recipient or the public reads it: what it says, and when it was said.

    Args:
        content: cut to the reader.
        revision: from 1; above 1 it is a correction.
    """

    content: Content
    published_at: datetime
    answer_due: datetime | None = None
    revision: int = 1

    @property
    def tlp(self) -> TLP:
        """The label of what is told."""
        return parse(self.content.tlp)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisoryView:
    """An advisory with its answer; the form POSTs to the same address: fields `choice` (an answer), `name`, `note`.

    Args:
        answer: given before, where there is one; the form then changes it.
        may_answer: false where the reader may only look.
        incident_id: for readers with an account, the incident it is about; empty for a link's.
        choice: what was sent with a form that is shown again, as are `name` and `note`.
        problems: `at` names the field.
    """

    template: ClassVar[str] = "advisory.html"
    recipient: str
    advisory: AdvisoryBody
    answer: AnswerView | None = None
    may_answer: bool = True
    incident_id: str = ""
    choice: str = ""
    name: str = ""
    note: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThanksView:
    """After the answer to an advisory."""

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
