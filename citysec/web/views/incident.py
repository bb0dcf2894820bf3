"""One incident with everything that explains it, and the questions that its playbook asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from citysec.errors import Problem
from citysec.tlp import TLP
from citysec.web.views.advisory import AdvisoryRow
from citysec.web.views.frame import Answers, CappedRow, IncidentRow, Named, QuestionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchView:
    """Why an incident exists: one indicator that touches one asset.

    Args:
        feed: title of the feed.
        value: the atom as the publisher wrote it.
        claim: what the publisher says it is, to follow "is", for instance `a command-and-control server`.
        service: the public service that the asset carries, empty when unknown.
        certain: false where the atom alone does not fulfil the indicator's pattern, or a warning list says so.
        warning_lists: titles of the lists that its value is on.
        why: address of the explanation; empty where there is no owner to explain it for.
        prefix: through which an autonomous system is touched; `according` is which table says that it announces that.
        lies: how the value lies to the prefix, as a verb with its preposition.
        said: of a vulnerability, which software has it and how urgent that is, in sentences; else empty.
        sighted: how often the owners' own machines saw it, and when, to follow "saw it"; else empty.
    """

    feed: str
    value: str
    claim: str
    tlp: TLP
    relation: str
    asset_kind: str
    asset: str
    owners: tuple[Named, ...]
    confidence: int
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    service: str = ""
    certain: bool = True
    warning_lists: tuple[str, ...] = ()
    prefix: str = ""
    lies: str = ""
    according: str = ""
    why: str = ""
    said: str = ""
    sighted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One step of a run.

    Args:
        question_id: where the step asks a person; `due_at` while it waits for the answer.
        detail: one sentence about how it went.
    """

    name: str
    state: str
    started_at: datetime
    ended_at: datetime | None = None
    detail: str = ""
    question_id: str | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One execution of a playbook for an incident, its steps in the order in which they began."""

    playbook: str
    version: str
    state: str
    started_at: datetime | None
    steps: tuple[StepView, ...]
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One line of what happened.

    Args:
        detail: a second sentence or a person's own words.
        public: address of the page where everybody reads what the line is about.
    """

    at: datetime
    actor: str
    text: str
    detail: str = ""
    public: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentView:
    """`GET /incidents/<id>`.

    Forms POST to `/incidents/<id>/contain`, `/close`, `/reopen` (field `note`) and `/notes` (field `note`).

    Args:
        summary: one or two sentences.
        severity_why: the reason for the severity, as a sentence.
        matches: the first of those stored, `matches_total` counts all; `capped` says where more is touched than stored.
        timeline: newest first; `timeline_cut` where there are older ones that are not among them.
        children: for a city incident, those of single constituents.
        parent: for a constituent's incident, the city incident above it.
        actions: which of `contain`, `close`, `reopen`, `note` this reader may do now.
        mend_by: by when what it rests on is to be mended, where the strategy says so.
        may_announce: whether this reader may tell the public about it.
        problems: `at` is the action that was refused.
        note: what was sent with a form that is shown again.
    """

    template: ClassVar[str] = "incident.html"
    id: str
    ref: str
    title: str
    summary: str
    severity: str
    severity_why: str
    state: str
    tlp: TLP
    opened_at: datetime
    constituents: tuple[Named, ...]
    matches: tuple[MatchView, ...]
    matches_total: int
    timeline: tuple[TimelineEntry, ...]
    answers: Answers
    city_wide: bool = False
    parent: IncidentRow | None = None
    children: tuple[IncidentRow, ...] = ()
    capped: tuple[CappedRow, ...] = ()
    runs: tuple[RunView, ...] = ()
    questions: tuple[QuestionRow, ...] = ()
    advisories: tuple[AdvisoryRow, ...] = ()
    deadline: datetime | None = None
    deadline_for: str = ""
    mend_by: datetime | None = None
    actions: tuple[str, ...] = ()
    may_announce: bool = False
    problems: tuple[Problem, ...] = ()
    note: str = ""
    timeline_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAnswer:
    """How a question was settled: `choice` is `approved`, `refused` or `expired`."""

    choice: str
    by: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionView:
    """`GET /questions/<id>`; the form POSTs there: fields `choice` (`approve` or `refuse`) and `note`.

    Args:
        title: the question in one line; `text` is what the playbook says about it.
        owner: the role asked.
        if_approved: what happens then, as a sentence; empty when unknown. Likewise the other two.
        may_answer: false where the reader may only look.
        choice: what was sent with a form that is shown again, as is `note`.
        problems: `at` names the field.
    """

    template: ClassVar[str] = "question.html"
    id: str
    title: str
    text: str
    playbook: str
    owner: str
    asked_at: datetime
    due_at: datetime
    incident: IncidentRow
    incident_summary: str
    if_approved: str = ""
    if_refused: str = ""
    if_expired: str = ""
    answer: QuestionAnswer | None = None
    may_answer: bool = True
    choice: str = ""
    note: str = ""
    problems: tuple[Problem, ...] = ()
