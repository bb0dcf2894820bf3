"""Texts and mails that are handed in: what is in them, and storing what was agreed on."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from citysec import submission, tlp
from citysec.errors import Conflict
from citysec.feeds import standing, submit
from citysec.feeds.submit import Judgement
from citysec.submission import Candidate
from citysec.tables.columns import now
from citysec.web.api.operation import Call, Nothing
from citysec.web.api.values import In, Out

_Level = Literal["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"]
_Label = Literal["phishing", "c2", "ransomware", "compromised", "malicious-activity"]
_NO_NUL: Final = r"^[^\x00]*$"


class SubmissionBody(In):
    """A text, and what to do with what is in it."""

    text: Annotated[
        str,
        Field(max_length=submit.LONGEST, pattern=_NO_NUL, description="A text, a web page, or a mail with its header."),
    ]
    apply: Annotated[bool, Field(description="Store it; without it what is found is only shown.")] = False
    keys: Annotated[
        list[str] | None, Field(max_length=submit.MOST, description="Which of it, by `key`; null is what is `advised`.")
    ] = None
    tlp: Annotated[_Level, Field(description="Who may learn of it.")] = "TLP:AMBER"
    confidence: Annotated[
        int, Field(ge=0, le=100, description="That it does harm; the feed's reliability weighs it.")
    ] = 75
    label: Annotated[_Label | None, Field(description="Kind of threat.")] = None
    threat: Annotated[str, Field(max_length=200, pattern=_NO_NUL, description="One name becomes one incident.")] = ""
    days: Annotated[
        int | None,
        Field(ge=1, le=submit.LONGEST_DAYS, description="For how long it counts; null is as usual for its kind."),
    ] = None


class TouchedOut(Out):
    """A registered asset that an indicator touches."""

    asset: str
    relation: str
    certain: bool
    owners: list[str]


class FoundOut(Out):
    """One indicator of the text."""

    key: str
    kind: str
    value: str
    at: str
    sentence: str
    advised: Annotated[
        bool,
        Field(description="Neither ours, nor a known false alarm, nor a mere link."),
    ]
    touches: Annotated[list[TouchedOut], Field(description="The closest; `touched` counts all.")]
    touched: int
    warned: Annotated[list[str], Field(description="Warning lists that it is on.")]
    known: Annotated[list[str], Field(description="Feeds that say so already.")]


class SubmissionOut(Out):
    """What is in the text, and how much of it was stored."""

    applied: bool
    stored: int
    found: list[FoundOut]


async def submit_text(call: Call[Nothing, SubmissionBody]) -> SubmissionOut:
    """Show the indicators in a text or mail, or store them under the name of the feed `by-hand`."""
    feed, body = call.app.feeds.get(submit.FEED), call.body
    if feed is None:
        raise Conflict(f"there is no feed {submit.FEED} to keep it")
    judgement = Judgement(tlp.parse(body.tlp), body.confidence, body.label or "", body.threat.strip(), body.days)
    found = await submission.look(call.app.database, body.text.encode(errors="replace"), call.principal.clearance)
    stored = 0
    if body.apply:
        keys = {c.proposal.entry.key for c in found if c.advised} if body.keys is None else set(body.keys)
        agreed = submit.chosen((c.proposal for c in found), keys)
        await standing.enrol(call.db, {feed.name: feed}, now())
        stored = (await submit.save(call.db, feed, agreed, judgement, call.principal.name)).stored
    return SubmissionOut(applied=body.apply, stored=stored, found=[_found(one) for one in found])


def _found(one: Candidate) -> FoundOut:
    closest = one.prospect.closest if one.prospect else ()
    return FoundOut(
        key=one.proposal.entry.key,
        kind=one.proposal.kind,
        value=one.proposal.value,
        at=one.proposal.entry.at,
        sentence=one.proposal.entry.description or "",
        advised=one.advised,
        touches=[TouchedOut.model_validate(touched) for touched in closest],
        touched=one.prospect.count if one.prospect else 0,
        warned=list(one.warned),
        known=list(one.known),
    )
