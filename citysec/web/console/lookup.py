"""Looking up values, and explaining why a constituent was told of one or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlencode

from aiohttp import web
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import policy
from citysec.access.policy import Principal
from citysec.errors import Problem
from citysec.explanation import explain, lookup
from citysec.explanation.asked import LONGEST, Asked, read
from citysec.explanation.chain import Explanation, Noun, Outcome, Pointer, Question
from citysec.explanation.lookup import Answer
from citysec.explanation.seen import Seen
from citysec.explanation.told import Case
from citysec.tables.columns import now
from citysec.tables.register import Constituent
from citysec.web import context
from citysec.web import views as v
from citysec.web.console.frame import field, show
from citysec.web.context import AppContext

LOOKUP: Final = "/lookup"
EXPLAIN: Final = "/explain"
_EMPTY: Final = Problem("text", "Paste at least one value.")
_TOO_MANY: Final = Problem("text", f"Paste at most {lookup.MOST:,} values at once.")
_PAGES: Final = {
    Noun.FEED: "/feeds/{}",
    Noun.INCIDENT: "/incidents/{}",
    Noun.QUESTION: "/questions/{}",
    Noun.ADVISORY: "/advisory/{}",
}
"""Where what a step points at has a page of its own."""


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (web.get(LOOKUP, begin), web.post(LOOKUP, look_up), web.get(EXPLAIN, why))


async def begin(request: web.Request) -> web.Response:
    """Show the empty form, or what there is to say of the value in the address."""
    context.principal(request)
    value = request.query.get("value", "").replace("\0", "").strip()
    return await _looked_up(request, value, [value] if value else None)


async def look_up(request: web.Request) -> web.Response:
    """Show what there is to say of the values in the form."""
    context.principal(request)
    text = await field(request, "text")
    texts = list(dict.fromkeys(text.split()))
    problem = _EMPTY if not texts else _TOO_MANY if len(texts) > lookup.MOST else None
    if problem:
        view = v.LookupView(text=text, most=lookup.MOST, problems=(problem,))
        return await show(request, view, status=422)
    return await _looked_up(request, text, texts)


async def why(request: web.Request) -> web.Response:
    """Show the way from the feed to the constituent's answer."""
    reader = context.principal(request)
    text, slug = (request.query.get(name, "").replace("\0", "").strip() for name in ("indicator", "constituent"))
    asked = read(text[: LONGEST + 1])
    async with context.of(request).database.reading() as db:
        choices = await _choices(db, reader)
        slug = slug or (choices[0].slug if len(choices) == 1 else "")
        found = await explain.constituent(db, reader, slug) if slug else None
        chains: list[Explanation] = []
        if found is not None and text:
            case = Case(found, reader, context.of(request).incidents.possible_opens)
            chains = await explain.explain(db, asked, case, now())
    named = v.Named(slug=found.slug, name=found.name) if found else None
    value = asked.found.value if asked.found else ""
    shown = [_chain(one, reader) for one in chains]
    return await show(request, v.ExplainView(asked=text, value=value, constituent=named, choices=choices, chains=shown))


async def _looked_up(request: web.Request, text: str, texts: Sequence[str] | None) -> web.Response:
    rows = None
    if texts is not None:
        reader = context.principal(request)
        async with context.of(request).database.reading() as db:
            rows = [_row(one, reader) for one in await lookup.look_up(db, texts, reader, now())]
    return await show(request, v.LookupView(text=text, most=lookup.MOST, rows=rows))


async def _choices(db: AsyncSession, reader: Principal) -> list[v.Named]:
    query = select(Constituent.slug, Constituent.name).where(policy.constituents(reader))
    return [v.Named(slug=slug, name=name) for slug, name in await db.exec(query.order_by(col(Constituent.name)))]


def _row(answer: Answer, reader: Principal) -> v.LookupRow:
    found, prospect = answer.asked.found, answer.prospect
    closest = prospect.closest if prospect else ()
    slug = next((slug for touched in closest for slug in touched.slugs), "")
    return v.LookupRow(
        asked=answer.asked.text,
        kind=found.kind if found else "",
        value=found.value if found else "",
        problem=answer.asked.problem,
        touches=[v.TouchedRow(asset=t.asset, relation=t.relation, owners=", ".join(t.owners)) for t in closest],
        touched=prospect.count if prospect else 0,
        warned=prospect.warned if prospect else (),
        seen=[_seen(one, slug, reader) for one in answer.seen.shown],
        known=answer.seen.count,
        observed=[
            v.ObservedRow(constituent=one.name, count=one.count, last=one.last)
            for one in answer.observed[: lookup.SHOWN]
        ],
        observers=len(answer.observed),
        why=address(_name(answer.asked), slug),
    )


def _name(asked: Asked) -> str:
    return asked.found.value if asked.found else asked.text


def address(indicator: str, slug: str = "") -> str:
    """Return where the explanation of an indicator, or of a value, for a constituent is."""
    return f"{EXPLAIN}?{urlencode({'indicator': indicator} | ({'constituent': slug} if slug else {}))}"


def _seen(one: Seen, slug: str, reader: Principal) -> v.SeenRow:
    return v.SeenRow(
        name=one.name or one.stix_id,
        relation=one.relation,
        state=one.state,
        since=one.since,
        feeds=[_link(Pointer(Noun.FEED, word.feed, word.feed), reader) for word in one.words],
        matches=one.matches,
        ended=one.ended,
        incidents=[_link(pointer, reader) for pointer in one.incidents],
        why=address(one.stix_id, slug),
    )


def _chain(one: Explanation, reader: Principal) -> v.ChainView:
    told = next((step for step in one.steps if step.question is Question.TOLD), None)
    deciding = one.reason or told
    return v.ChainView(
        indicator_id=one.indicator_id or "",
        name=one.name,
        pattern=one.pattern,
        told=one.told,
        sent=told is not None and told.outcome is Outcome.YES,
        steps=[
            v.ChainStep(
                question=step.question,
                outcome=step.outcome,
                sentence=step.sentence,
                links=[_link(pointer, reader) for pointer in step.pointers],
                deciding=step is deciding,
            )
            for step in one.steps
        ],
    )


def _link(pointer: Pointer, reader: Principal) -> v.LinkView:
    if pointer.noun is Noun.ASSET:
        return v.LinkView(href=f"{LOOKUP}?{urlencode({'value': pointer.name})}", text=pointer.name)
    hidden = pointer.noun is Noun.FEED and not reader.of_city
    return v.LinkView(href="" if hidden else _PAGES[pointer.noun].format(pointer.id), text=pointer.name)
