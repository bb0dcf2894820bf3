"""The frame around every page, and the small values that several pages share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from citysec.errors import Problem
from citysec.tlp import TLP


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A constituent by the name to show and the slug of its page."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CappedRow:
    """An indicator touches more of a constituent than is kept as matches; `value` is its, `why` an explanation's."""

    value: str
    owner: Named
    kept: int
    touched: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who is signed in; `constituent` is set for readers who belong to one."""

    name: str
    role: str
    constituent: Named | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The frame around every view.

    Args:
        path: of the request, for marking the present place in the navigation; `query` without the question mark.
        reader: None where nobody is signed in.
        csrf: token that every POST form carries in its field `csrf`; empty where the page has no such form.
        events: address of a server-sent event stream whose every event `changed` means that this page, fetched
            again, would look different; None where the page does not update itself.
        notice: one sentence about what the reader has just done.
    """

    city: str
    now: datetime
    path: str
    query: str = ""
    reader: Reader | None = None
    csrf: str = ""
    events: str | None = None
    notice: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How many of those asked have answered."""

    given: int
    asked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRow:
    """An incident as one line of a list.

    Args:
        ref: what people call it, for instance `LDN-2026-0042`.
        city_wide: one threat at several constituents or at a shared service.
        constituents: those concerned that this reader may know of.
        deadline: the next thing that falls due; `deadline_for` says what, for instance `answer from Camden`.
    """

    id: str
    ref: str
    title: str
    severity: str
    state: str
    tlp: TLP
    opened_at: datetime
    constituents: tuple[Named, ...]
    answers: Answers
    city_wide: bool = False
    deadline: datetime | None = None
    deadline_for: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRow:
    """A question that waits for an answer; `whose` is the constituent's name, empty for the city's own incident."""

    id: str
    title: str
    incident_id: str
    incident: str
    severity: str
    due_at: datetime
    whose: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInView:
    """`GET /sign-in` and the refused `POST`: fields `name`, `password`, `next`.

    Args:
        next: the local path to go to afterwards.
        problems: `at` names the field, or is empty.
    """

    template: ClassVar[str] = "sign_in.html"
    name: str = ""
    next: str = "/"
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorView:
    """Any refusal; `status` is 400 or more, `detail` what else the reader may know."""

    template: ClassVar[str] = "error.html"
    status: int
    detail: str = ""
    problems: tuple[Problem, ...] = ()
    request_id: str = ""
