"""The city board."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import ColumnElement, case, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from citysec.access import policy
from citysec.access.policy import Action, Principal
from citysec.tables.advisories import Acknowledgement, Advisory
from citysec.tables.columns import now
from citysec.tables.feeds import Feed
from citysec.tables.incidents import Incident
from citysec.tables.matches import Match
from citysec.tables.playbooks import Question
from citysec.tables.register import Constituent
from citysec.web import context, words
from citysec.web.console.frame import offset, show
from citysec.web.console.live import follow
from citysec.web.console.possible import possible
from citysec.web.console.rows import incident_rows, question_rows
from citysec.web.context import AppContext
from citysec.web.render import sentence
from citysec.web.views import BoardFilter, BoardView, Body, FeedHealth, Sector, Tile

PAGE: Final = 50
STALE: Final = timedelta(days=1)
_RANK: Final = {severity: rank for rank, severity in enumerate(words.SEVERITIES)}


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (web.get("/", board),)


async def board(request: web.Request) -> web.Response:
    """Show the city; a constituent's people go to their own page."""
    principal, events = context.principal(request), await follow(request)
    async with context.of(request).database.reading() as db:
        if principal.constituent_id is not None:
            home = await db.get_one(Constituent, principal.constituent_id)
            raise web.HTTPSeeOther(f"/constituents/{home.slug}")
        policy.demand(principal, Action.READ_CITY)
        view = await _view(db, principal, _filter(request), offset(request))
    return await show(request, view, events=events)


async def _view(db: AsyncSession, principal: Principal, chosen: BoardFilter, start: int) -> BoardView:
    constituents = (await db.exec(select(Constituent).order_by(col(Constituent.name)))).all()
    troubles = await _troubles(db, principal)
    found = (await db.exec(_incidents(principal, chosen).offset(start).limit(PAGE + 1))).all()
    sectors = sorted({c.sector for c in constituents})
    return BoardView(
        tiles=tuple(_tiles(constituents, troubles)),
        sectors=tuple(_sectors(constituents, troubles)),
        open_incidents=await _count(db, Incident, policy.incidents(principal), col(Incident.open_key).is_not(None)),
        advisories_waiting=await _count(db, Advisory, policy.advisories(principal), *_unanswered()),
        questions_waiting=await _count(db, Question, policy.questions(principal), col(Question.answered_at).is_(None)),
        possible_matches=await _count(db, Match, policy.matches(principal), *possible()),
        feeds=await _feeds(db),
        incidents=await incident_rows(db, principal, found[:PAGE]),
        questions=await question_rows(db, principal),
        chosen=chosen,
        sector_options={s: sentence(s) for s in sectors},
        next_page=_next(chosen, start) if len(found) > PAGE else None,
    )


def _incidents(principal: Principal, chosen: BoardFilter) -> SelectOfScalar[Incident]:
    """Return the query for the chosen incidents: the city's own and those not below one, worst first."""
    order = case(_RANK, value=col(Incident.severity), else_=len(_RANK))
    query = select(Incident).where(policy.incidents(principal)).order_by(order, col(Incident.aware_at).desc())
    if chosen.state:
        query = query.where(col(Incident.state) == chosen.state)
    else:
        query = query.where(col(Incident.open_key).is_not(None))
    if chosen.severity:
        query = query.where(col(Incident.severity) == chosen.severity)
    if chosen.sector:
        bodies = select(Constituent.id).where(col(Constituent.sector) == chosen.sector)
        return query.where(col(Incident.constituent_id).in_(bodies))
    if chosen.waiting:
        waiting = select(Advisory.incident_id).where(*_unanswered())
        return query.where(col(Incident.id).in_(waiting))
    return query.where(col(Incident.parent_id).is_(None))


def _unanswered() -> tuple[ColumnElement[bool], ...]:
    answered = select(Acknowledgement.advisory_id)
    return (
        col(Advisory.constituent_id).is_not(None),
        col(Advisory.answer_by).is_not(None),
        col(Advisory.id).not_in(answered),
    )


async def _count(db: AsyncSession, table: type[Any], *where: ColumnElement[bool]) -> int:
    return (await db.exec(select(func.count()).select_from(table).where(*where))).one()


async def _troubles(db: AsyncSession, principal: Principal) -> dict[str, tuple[int, str]]:
    """Return constituent -> how many incidents are open there, and the worst severity among them."""
    query = (
        select(col(Incident.constituent_id), col(Incident.severity), func.count())
        .where(
            policy.incidents(principal),
            col(Incident.open_key).is_not(None),
            col(Incident.constituent_id).is_not(None),
        )
        .group_by(col(Incident.constituent_id), col(Incident.severity))
    )
    by_body: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for constituent_id, severity, count in await db.exec(query):
        by_body[constituent_id or ""].append((severity, count))
    return {
        body: (sum(count for _, count in found), min((s for s, _ in found), key=_RANK.__getitem__))
        for body, found in by_body.items()
    }


def _tiles(constituents: Sequence[Constituent], troubles: Mapping[str, tuple[int, str]]) -> Iterable[Tile]:
    for body in constituents:
        if body.grid_col is not None and body.grid_row is not None:
            count, worst = troubles.get(body.id, (0, None))
            yield Tile(
                slug=body.slug,
                name=body.name,
                abbreviation=(body.abbreviation or body.name[:3]).upper(),
                col=body.grid_col,
                row=body.grid_row,
                open_incidents=count,
                worst=worst,
            )


def _sectors(constituents: Sequence[Constituent], troubles: Mapping[str, tuple[int, str]]) -> Iterable[Sector]:
    sectors: dict[str, list[Body]] = defaultdict(list)
    for body in constituents:
        if body.grid_col is None:
            count, worst = troubles.get(body.id, (0, None))
            sectors[body.sector].append(Body(slug=body.slug, name=body.name, open_incidents=count, worst=worst))
    for name, bodies in sorted(sectors.items()):
        bodies.sort(key=lambda b: (_RANK.get(b.worst or "", len(_RANK)), b.name))
        yield Sector(name=name, bodies=tuple(bodies))


async def _feeds(db: AsyncSession) -> FeedHealth:
    feeds = (await db.exec(select(Feed).where(col(Feed.enabled)).order_by(col(Feed.name)))).all()
    failing = tuple(f.name for f in feeds if f.failures or _stale(f))
    successes = [f.succeeded_at for f in feeds if f.succeeded_at]
    return FeedHealth(
        working=len(feeds) - len(failing),
        total=len(feeds),
        failing=failing,
        last_success_at=max(successes, default=None),
    )


def _stale(feed: Feed) -> bool:
    return feed.succeeded_at is not None and feed.succeeded_at < now() - STALE


def _filter(request: web.Request) -> BoardFilter:
    """Return what the query string asks for; words that do not exist ask for nothing."""
    severity, state = request.query.get("severity", ""), request.query.get("state", "")
    waiting = request.query.get("waiting", "")
    return BoardFilter(
        severity=severity if severity in words.SEVERITIES else "",
        state=state if state in words.INCIDENT_STATES else "",
        sector=request.query.get("sector", ""),
        waiting=waiting if waiting == "answers" else "",
    )


def _next(chosen: BoardFilter, start: int) -> str:
    named = {"severity": chosen.severity, "state": chosen.state, "sector": chosen.sector, "waiting": chosen.waiting}
    return "/?" + urlencode({name: value for name, value in named.items() if value} | {"from": start + PAGE})
