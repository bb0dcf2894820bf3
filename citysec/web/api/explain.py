"""Why a constituent was told of an indicator, or why not; who owns a value, and whether it has been seen."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from citysec.explanation import explain, lookup
from citysec.explanation.asked import LONGEST, read
from citysec.explanation.chain import Explanation, Noun, Outcome, Question, Step
from citysec.explanation.lookup import Answer
from citysec.explanation.observed import Trace
from citysec.explanation.seen import Seen
from citysec.explanation.told import Case
from citysec.tables.columns import now
from citysec.web.api.operation import Call, Nothing
from citysec.web.api.submissions import TouchedOut
from citysec.web.api.values import In, Label, Name, Out

_Value = Annotated[str, Field(min_length=1, max_length=LONGEST, pattern=r"^[^\x00]*$")]


class ExplainQuery(In):
    """What, and to whom."""

    indicator: Annotated[_Value, Field(description="STIX id, or any value, also one that was made harmless.")]
    constituent: Annotated[Name, Field(description="Slug.")]


class PointerOut(Out):
    """Something that a step is about, and that the reader may look at."""

    noun: Noun
    id: str
    name: str


class StepOut(Out):
    """One question with its answer."""

    question: Question
    outcome: Outcome
    sentence: str
    facts: dict[str, Any]
    pointers: list[PointerOut]


class ExplanationOut(Out):
    """The way of one indicator to the constituent, as far as it came."""

    indicator_id: Annotated[str | None, Field(description="Null where no indicator says what was asked for.")]
    name: str
    pattern: str
    told: bool
    reason: Annotated[StepOut | None, Field(description="Why it is not told now: the first `no`.")]
    steps: list[StepOut]


class ExplainedOut(Out):
    """Why a constituent was told, or why not; one explanation for each indicator, those that came furthest first."""

    constituent: str
    value: Annotated[str | None, Field(description="What was asked for in canonical form; null for a STIX id.")]
    explanations: list[ExplanationOut]


class LookupBody(In):
    """What to look up."""

    values: Annotated[list[_Value], Field(min_length=1, max_length=lookup.MOST)]


class WordOut(Out):
    """What one feed says, or has said, of an indicator."""

    feed: str
    tlp: Label
    confidence: int
    until: datetime | None
    gone_at: datetime | None


class SeenOut(Out):
    """An indicator, or a vulnerability, that speaks of the value."""

    id: str
    name: str
    relation: Annotated[
        str, Field(description="equal; contains: a block around it; within; host: of a URL; fits: LIKE, MATCHES.")
    ]
    since: datetime
    state: Annotated[str, Field(description="in-force, or why it does not count.")]
    until: datetime | None
    feeds: list[WordOut]
    labels: list[str]
    matches: Annotated[int, Field(description="Open ones.")]
    ended: Annotated[int, Field(description="Matches that are closed.")]
    incidents: Annotated[list[PointerOut], Field(description="The newest.")]


class ObservedOut(Out):
    """A constituent whose machines have observed the value, as far as observations are kept."""

    constituent: Annotated[str, Field(description="Slug.")]
    count: int
    first_seen: datetime
    last_seen: datetime


class AnswerOut(Out):
    """What there is to say of one value."""

    asked: str
    kind: str | None
    value: str | None
    problem: str
    touches: Annotated[list[TouchedOut], Field(description="Registered assets, the closest; `touched` counts all.")]
    touched: int
    warned: Annotated[list[str], Field(description="Warning lists that it is on.")]
    seen: Annotated[list[SeenOut], Field(description="The newest of each way; `known` counts all.")]
    known: int
    observed: Annotated[
        list[ObservedOut],
        Field(description="Whose machines saw it, the newest; `observers` counts all."),
    ]
    observers: int


class LookupOut(Out):
    """What there is to say of each value, in the order of the question."""

    items: list[AnswerOut]


async def explain_indicator(call: Call[ExplainQuery, Nothing]) -> ExplainedOut:
    """Explain why a constituent was told of an indicator, or why not."""
    found = await explain.constituent(call.db, call.principal, call.query.constituent)
    asked = read(call.query.indicator)
    case = Case(found, call.principal, call.app.incidents.possible_opens)
    explained = await explain.explain(call.db, asked, case, now())
    value = asked.found.value if asked.found else None
    return ExplainedOut(constituent=found.slug, value=value, explanations=[_explanation(one) for one in explained])


async def look_up(call: Call[Nothing, LookupBody]) -> LookupOut:
    """Say of up to 1,000 values what they are, whom they would touch, and whether they have ever been seen."""
    answers = await lookup.look_up(call.db, call.body.values, call.principal, now())
    return LookupOut(items=[_answer(one) for one in answers])


def _explanation(one: Explanation) -> ExplanationOut:
    return ExplanationOut(
        indicator_id=one.indicator_id,
        name=one.name,
        pattern=one.pattern,
        told=one.told,
        reason=_step(one.reason) if one.reason else None,
        steps=[_step(step) for step in one.steps],
    )


def _step(step: Step) -> StepOut:
    return StepOut(
        question=step.question,
        outcome=step.outcome,
        sentence=step.sentence,
        facts=dict(step.facts),
        pointers=[PointerOut.model_validate(pointer) for pointer in step.pointers],
    )


def _answer(answer: Answer) -> AnswerOut:
    found, prospect = answer.asked.found, answer.prospect
    return AnswerOut(
        asked=answer.asked.text,
        kind=found.kind if found else None,
        value=found.value if found else None,
        problem=answer.asked.problem,
        touches=[TouchedOut.model_validate(touched) for touched in (prospect.closest if prospect else ())],
        touched=prospect.count if prospect else 0,
        warned=list(prospect.warned) if prospect else [],
        seen=[_seen(one) for one in answer.seen.shown],
        known=answer.seen.count,
        observed=[_observed(trace) for trace in answer.observed[: lookup.SHOWN]],
        observers=len(answer.observed),
    )


def _observed(trace: Trace) -> ObservedOut:
    return ObservedOut(constituent=trace.slug, count=trace.count, first_seen=trace.first, last_seen=trace.last)


def _seen(one: Seen) -> SeenOut:
    return SeenOut(
        id=one.stix_id,
        name=one.name,
        relation=one.relation,
        since=one.since,
        state=one.state,
        until=one.until,
        feeds=[WordOut.model_validate(word) for word in one.words],
        labels=sorted({label for word in one.words for label in word.labels}),
        matches=one.matches,
        ended=one.ended,
        incidents=[PointerOut.model_validate(pointer) for pointer in one.incidents],
    )
