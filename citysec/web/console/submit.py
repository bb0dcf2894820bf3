"""Handing in a text or a mail: paste it, look at what is in it, choose what to keep."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from citysec import submission, tlp
from citysec.access import policy
from citysec.access.policy import Action
from citysec.advisories.words import probability
from citysec.errors import InvalidInput, NotShared, Problem
from citysec.feeds import standing, submit, trust
from citysec.feeds.definition import Definition
from citysec.feeds.submit import Judgement
from citysec.submission import Candidate
from citysec.tables.columns import now
from citysec.tlp import TLP
from citysec.web import context, words
from citysec.web import views as v
from citysec.web.console.frame import back, field, show
from citysec.web.context import AppContext

PATH: Final = "/submit"
CONFIDENCES: Final = (95, 75, 50, 20)
LIKELY: Final = 75
LIFETIMES: Final = {
    "": "As usual for its kind",
    "7": "A week",
    "30": "30 days",
    "90": "90 days",
    "365": "A year",
    "1825": "Five years",
}
"""Days to choose from, and what people call them."""
LONGEST_NAME: Final = 200
_EMPTY: Final = Problem("text", "Paste a text, or choose a file.")
_NO_FIND: Final = Problem("text", "No indicator was found in it.")
_NOTHING: Final = Problem("take", "Tick at least one indicator.")
_BROKEN: Final = Problem("text", "The form came back broken. Hand the text in again.")
_UNKNOWN: Final = Problem("tlp", "Choose label, kind, confidence and time from the lists.")
_NAME: Final = Problem("threat", f"Use at most {LONGEST_NAME} characters.")


@dataclass(frozen=True, slots=True)
class _Choice:
    """The keys that are ticked, and what is said of all of them."""

    ticked: Collection[str]
    judged: v.Judged

    @classmethod
    def advised(cls, feed: Definition, found: Iterable[Candidate]) -> _Choice:
        """Return what the form begins with."""
        ticked = {c.proposal.entry.key for c in found if c.advised}
        return cls(ticked, v.Judged(tlp=feed.tlp.label, confidence=str(LIKELY)))

    @classmethod
    async def made(cls, request: web.Request) -> _Choice:
        """Return what was sent."""
        said = {name: await field(request, name) for name in ("tlp", "confidence", "label", "threat", "days")}
        ticked = {key for key in (await request.post()).getall("take", []) if isinstance(key, str)}
        return cls(ticked, v.Judged(**said))

    def faults(self, found: Iterable[Candidate]) -> tuple[Problem, ...]:
        """Return what keeps it from being stored."""
        judged, faults = self.judged, list[Problem]()
        if not any(c.proposal.entry.key in self.ticked for c in found):
            faults.append(_NOTHING)
        known = judged.tlp in _tlps() and judged.confidence in map(str, CONFIDENCES)
        if not known or judged.label not in {"", *submit.LABELS} or judged.days not in LIFETIMES:
            faults.append(_UNKNOWN)
        if len(judged.threat) > LONGEST_NAME:
            faults.append(_NAME)
        return tuple(faults)

    @property
    def judgement(self) -> Judgement:
        """What is said, once nothing is wrong with it."""
        judged = self.judged
        days = int(judged.days) if judged.days else None
        return Judgement(tlp.parse(judged.tlp), int(judged.confidence), judged.label, judged.threat, days)


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (web.get(PATH, begin), web.post(PATH, go_on))


async def begin(request: web.Request) -> web.Response:
    """Show the empty form."""
    _feed(request)
    return await _form(request, b"")


async def go_on(request: web.Request) -> web.Response:
    """Show what is in the text, show the form again, or store what is ticked."""
    feed, step = _feed(request), await field(request, "step")
    try:
        content = await _sent(request)
        if step == "edit":
            return await _form(request, content)
        found = await submission.look(context.of(request).database, content, context.principal(request).clearance)
        if not found:
            raise InvalidInput((_NO_FIND,))
    except InvalidInput as err:
        return await _form(request, await _pasted(request), err.problems)
    if step != "save":
        return await show(request, _check(feed, content, found, _Choice.advised(feed, found)))
    choice = await _Choice.made(request)
    if problems := choice.faults(found):
        return await show(request, _check(feed, content, found, choice, problems), status=422)
    agreed = submit.chosen((c.proposal for c in found), choice.ticked)
    async with context.of(request).database.writing() as db:
        await standing.enrol(db, {feed.name: feed}, now())
        await submit.save(db, feed, agreed, choice.judgement, context.principal(request).name)
    raise back(f"/feeds/{feed.name}", "submit")


def _feed(request: web.Request) -> Definition:
    """Return the feed that keeps what is handed in, for who may hand something in.

    Raises:
        Forbidden: the reader may not.
        NotShared: there is no such feed.
    """
    policy.demand(context.principal(request), Action.SUBMIT)
    feed = context.of(request).feeds.get(submit.FEED)
    if feed is None:
        raise NotShared(f"feed {submit.FEED}")
    return feed


async def _sent(request: web.Request) -> bytes:
    """Return what was handed in: what the form carries along, else the file, else the text.

    Raises:
        InvalidInput: nothing was.
    """
    if carried := await field(request, "content"):
        try:
            return base64.b64decode(carried, validate=True)
        except binascii.Error as err:
            raise InvalidInput((_BROKEN,)) from err
    content = await _file(request) or await _pasted(request)
    if not content.strip():
        raise InvalidInput((_EMPTY,))
    return content


async def _file(request: web.Request) -> bytes:
    found = (await request.post()).get("file")
    return found.file.read(submit.LONGEST + 1) if isinstance(found, web.FileField) else b""


async def _pasted(request: web.Request) -> bytes:
    return (await field(request, "text")).encode(errors="replace")


async def _form(request: web.Request, content: bytes, problems: tuple[Problem, ...] = ()) -> web.Response:
    text = content.decode(errors="replace")
    view = v.SubmitView(text=text, longest=submit.LONGEST >> 10, problems=problems)
    return await show(request, view, status=422 if problems else 200)


def _check(
    feed: Definition,
    content: bytes,
    found: Sequence[Candidate],
    choice: _Choice,
    problems: tuple[Problem, ...] = (),
) -> v.SubmitCheckView:
    return v.SubmitCheckView(
        content=base64.b64encode(content).decode(),
        feed=feed.title,
        candidates=[_row(one, choice.ticked) for one in found],
        judged=choice.judged,
        labels={"": "Not known", **{label: words.THREATS[label] for label in submit.LABELS}},
        tlps=_tlps(),
        confidences={str(sure): _said(feed, sure) for sure in CONFIDENCES},
        lifetimes=LIFETIMES,
        problems=problems,
    )


def _tlps() -> dict[str, str]:
    return {level.label: level.label for level in TLP}


def _said(feed: Definition, sure: int) -> str:
    return f"{probability(sure).capitalize()} ({sure}; counts as {trust.confidence(feed, sure)})"


def _row(candidate: Candidate, ticked: Collection[str]) -> v.CandidateRow:
    one, prospect = candidate.proposal, candidate.prospect
    closest = prospect.closest if prospect else ()
    return v.CandidateRow(
        key=one.entry.key,
        kind=one.kind.value,
        value=one.value,
        at=one.entry.at,
        sentence=one.entry.description or "",
        touches=[v.TouchedRow(asset=t.asset, relation=t.relation, owners=", ".join(t.owners)) for t in closest],
        touched=prospect.count if prospect else 0,
        warned=candidate.warned,
        known=candidate.known,
        ticked=one.entry.key in ticked,
    )
