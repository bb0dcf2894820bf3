"""Numbers for monitoring, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import ColumnElement, func, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.tables.advisories import Delivery
from citysec.tables.columns import now
from citysec.tables.feeds import Feed
from citysec.tables.incidents import Incident
from citysec.tables.matches import Unmatchable
from citysec.tables.work import Outbox

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """The numbers of one process; those about stored things are read when somebody asks."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "citysec_http_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "citysec_http_seconds", "Time to answer.", ["route"], buckets=_BUCKETS_S, registry=self._registry
        )
        self._waiting = self._gauge("citysec_work_waiting", "Work items that are due and not done.", "kind")
        self._oldest = Gauge("citysec_work_oldest_seconds", "Age of the oldest work due.", registry=self._registry)
        self._incidents = self._gauge("citysec_incidents", "Incidents that are not closed.", "severity")
        self._deliveries = self._gauge("citysec_deliveries", "Deliveries by state.", "state")
        self._unmatchable = Gauge(
            "citysec_vulnerabilities_unmatchable",
            "Vulnerabilities of which no feed says which versions of which product have them.",
            registry=self._registry,
        )
        self._failures = self._gauge("citysec_feed_failures", "Failed polls since the last good one.", "feed")

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request by the template of its route, never by its path: paths are without number."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    async def text(self, db: AsyncSession) -> bytes:
        """Return everything, with what is stored as it is now."""
        at = now()
        waiting = select(Outbox.kind, func.count()).where(*_waits(at)).group_by(Outbox.kind)
        _set(self._waiting, await db.exec(waiting))
        self._oldest.set(await _oldest_s(db, at))
        opened = select(Incident.severity, func.count()).where(Incident.state != "closed").group_by(Incident.severity)
        _set(self._incidents, await db.exec(opened))
        _set(self._deliveries, await db.exec(select(Delivery.state, func.count()).group_by(Delivery.state)))
        self._unmatchable.set((await db.exec(select(func.count()).select_from(Unmatchable))).one())
        _set(self._failures, await db.exec(select(Feed.name, Feed.failures)))
        return generate_latest(self._registry)

    def _gauge(self, name: str, help_text: str, label: str) -> Gauge:
        return Gauge(name, help_text, [label], registry=self._registry)


def _set(gauge: Gauge, rows: Iterable[tuple[str, int]]) -> None:
    gauge.clear()
    for label, number in rows:
        gauge.labels(label).set(number)


def _waits(at: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return of which work it is true that it waits at `at`.

    What was due when it was written waits, even if it was written after `at`, while the question was on its way: else
    work could be missing between the end of one piece and its follow-up.
    """
    return col(Outbox.done_at).is_(None), or_(col(Outbox.due_at) <= at, col(Outbox.due_at) <= col(Outbox.created_at))


async def _oldest_s(db: AsyncSession, at: datetime) -> float:
    due_at = (await db.exec(select(func.min(col(Outbox.due_at))).where(*_waits(at)))).one()
    return max((at - due_at).total_seconds(), 0.0) if due_at else 0.0
