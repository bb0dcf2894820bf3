"""One feed: how it stands, and what people have done with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from aiohttp import web
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import policy
from citysec.access.policy import Action, Principal
from citysec.errors import NotShared
from citysec.feeds import assertions, history, orders, rejects, standing, submit, trust
from citysec.feeds.definition import Definition, FileFeed, TAXIIFeed
from citysec.feeds.formats import FORMATS
from citysec.feeds.rejects import Reason
from citysec.tables.feeds import Feed, PollRun
from citysec.web import context
from citysec.web import views as v
from citysec.web.chart import SLOTS, Outcome, chart
from citysec.web.console.frame import back, show
from citysec.web.console.live import follow
from citysec.web.console.operate import state, suspicion
from citysec.web.context import AppContext

PATH: Final = "/feeds/{feed:[a-z0-9-]+}"
REASONS: Final = 10
_ACTIONS: Final = {
    "poll": Action.POLL,
    "accept": Action.POLL,
    "replay": Action.POLL,
    "enable": Action.SWITCH,
    "disable": Action.SWITCH,
}


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (web.get(PATH, feed), web.post(f"{PATH}/{{action:{'|'.join(_ACTIONS)}}}", act))


async def feed(request: web.Request) -> web.Response:
    """Show the feed; the page renews itself while it is polled."""
    principal = context.principal(request)
    policy.demand(principal, Action.READ_CITY)
    definition, events = _definition(request), await follow(request)
    async with context.of(request).database.reading() as db:
        view = await _view(db, principal, definition)
    return await show(request, view, events=events)


async def act(request: web.Request) -> web.Response:
    """Do what the address says."""
    principal, action = context.principal(request), request.match_info["action"]
    policy.demand(principal, _ACTIONS[action])
    definition = _definition(request)
    async with context.of(request).database.writing() as db:
        if await db.get(Feed, definition.name) is None:
            raise NotShared(f"feed {definition.name}")
        await _do(db, definition, action, principal.name)
    raise back(f"/feeds/{definition.name}", action)


async def _do(db: AsyncSession, definition: Definition, action: str, actor: str) -> None:
    match action:
        case "poll":
            await orders.poll(db, definition.name, actor)
        case "enable":
            await orders.enable(db, definition, actor)
        case "disable":
            await orders.disable(db, definition.name, actor)
        case "accept":
            await orders.accept(db, definition.name, actor)
        case _:
            await orders.replay(db, definition, actor)


def _definition(request: web.Request) -> Definition:
    found = context.of(request).feeds.get(request.match_info["feed"])
    if found is None:
        raise NotShared(f"feed {request.match_info['feed']}")
    return found


async def _view(db: AsyncSession, principal: Principal, definition: Definition) -> v.FeedView:
    name = definition.name
    row = await db.get(Feed, name) or Feed(name=name)
    runs, reasons = await history.newest(db, name, SLOTS), await rejects.by_reason(db, name)
    listed, gone = await assertions.counted(db, name)
    again = sum(one.again for one in reasons)
    return v.FeedView(
        facts=_facts(definition),
        health=_health(definition, row),
        counts=v.FeedCounts(listed=listed, gone=gone, objects=row.objects, rejects=row.rejects),
        polls=[_poll(run) for run in runs if run.ended_at],
        chart=chart([_drawn(run) for run in reversed(runs) if run.ended_at]),
        running=next((_poll(run) for run in runs if run.ended_at is None), None),
        rejects=[_reject(one) for one in reasons[:REASONS]],
        reasons=len(reasons),
        again=again,
        actions=_offered(principal, definition, row, again),
        may_submit=name == submit.FEED and policy.may(principal, Action.SUBMIT),
    )


def _offered(principal: Principal, definition: Definition, row: Feed, again: int) -> frozenset[str]:
    """Return what `principal` may do with a feed that stands like this."""
    return frozenset(a for a in _possible(definition, row, again) if policy.may(principal, _ACTIONS[a]))


def _possible(definition: Definition, row: Feed, again: int) -> Iterator[str]:
    """Yield what can be done with a feed that stands like this."""
    if not _by_hand(definition):
        yield "poll"
        yield "disable" if row.enabled else "enable"
    if row.held is not None:
        yield "accept"
    if again:
        yield "replay"


def _by_hand(definition: Definition) -> bool:
    return isinstance(definition, FileFeed) and definition.by_hand


def _facts(feed: Definition) -> v.FeedFacts:
    return v.FeedFacts(
        name=feed.name,
        title=feed.title,
        publisher=feed.publisher,
        licence=feed.licence,
        homepage=feed.homepage,
        kind=feed.kind,
        format=FORMATS[feed.format.name].title.partition(";")[0],
        origin=_origin(feed),
        schedule=_schedule(feed),
        reliability=feed.reliability.value,
        confidence=feed.confidence,
        tlp=feed.tlp,
        lifetime=_lifetime(feed),
        semantics=feed.semantics.value,
        labels=feed.labels,
    )


def _origin(feed: Definition) -> str:
    if isinstance(feed, TAXIIFeed):
        return f"{feed.url} ({feed.collection})"
    on_disk = isinstance(feed, FileFeed) and feed.path is not None
    return feed.url or ("A file on this machine" if on_disk else "")


def _schedule(feed: Definition) -> str:
    if feed.every_s is not None:
        return f"every {_span(feed.every_s)}"
    if feed.cron is not None:
        return f"{feed.cron} (UTC)"
    return "by hand" if _by_hand(feed) else "only when somebody asks"


def _span(seconds: float) -> str:
    """Return a length of time as people say it: `15 min`, `2 h`, `7 days`."""
    for size, least, unit in ((86400, 172800, "days"), (3600, 3600, "h"), (60, 60, "min")):
        if seconds >= least and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _lifetime(feed: Definition) -> str:
    days = trust.days(feed)
    said = "no end" if days is None else f"{days:g} {'day' if days == 1 else 'days'}"
    kinds = ", ".join(f"{kind} {length:g}" for kind, length in sorted(feed.lifetimes.items()))
    said = f"{said} ({kinds})" if kinds else said
    return f"{said}, until confidence has fallen to {feed.floor}" if feed.floor else said


def _health(definition: Definition, row: Feed) -> v.FeedHealthView:
    return v.FeedHealthView(
        state=state(definition, row),
        last_success_at=row.succeeded_at,
        next_poll_at=row.next_at if row.enabled else None,
        failures=row.failures,
        resting_until=standing.resting_until(row),
        error=row.error or "",
        held=suspicion(row),
        accepted=row.accepted,
        silent_since=row.stale_since,
    )


def _poll(run: PollRun) -> v.PollRow:
    return v.PollRow(
        started_at=run.started_at,
        ended_at=run.ended_at,
        stored=run.stored,
        known=run.known,
        refused=run.refused,
        gone=run.gone,
        error=run.error or "",
    )


def _drawn(run: PollRun) -> Outcome:
    return Outcome(at=run.started_at, new=run.stored, gone=run.gone, failed=run.error is not None)


def _reject(one: Reason) -> v.RejectRow:
    return v.RejectRow(times=one.times, reason=one.reason, at=one.at, excerpt=one.excerpt, received_at=one.received_at)
