"""A small city with a feed, in which a test says what matched."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from citysec.db import Database
from citysec.incidents.grading import Policy
from citysec.incidents.severity import Severity, SeverityTable, severity
from citysec.incidents.triage import triage
from citysec.tables import (
    Accountable,
    Assertion,
    Asset,
    AssetOwner,
    Constituent,
    Feed,
    Match,
    Service,
    StixObject,
)
from citysec.tables.columns import now
from tests.city import REMEDY

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
L, M, H, C = Severity
TABLE = SeverityTable(bands=((70, (M, M, H, H, C)), (0, (L, L, L, M, M))), shifts={})
POLICY = Policy(
    grade=lambda criticality, confidence, kind: severity(criticality, confidence, kind, TABLE),
    ref_prefix="LDN",
    possible_opens=False,
    city_threshold=3,
    window=timedelta(hours=24),
    remedy=REMEDY,
    bare_max=2,
)
CAMPAIGN = "campaign--11111111-1111-4111-8111-111111111111"

Found = Callable[..., Awaitable[str]]


@pytest.fixture
async def city(db: Database) -> Database:
    """Four boroughs with an address each, and one address of a service that the last two share."""
    async with db.writing() as session:
        session.add(Feed(name="f"))
        for number, slug in enumerate(("barnet", "brent", "camden", "ealing"), 1):
            session.add(Constituent(id=slug, slug=slug, name=slug.title(), kind="borough", sector="local-government"))
            await session.flush()
            await _asset(session, number, f"198.18.0.{number}", slug)
        session.add(Service(id="shared", slug="shared", name="Shared digital service", criticality=4))
        await session.flush()
        session.add(Accountable(service_id="shared", constituent_id="camden"))
        session.add(Accountable(service_id="shared", constituent_id="ealing"))
        await _asset(session, 9, "198.18.0.9", "camden", service="shared")
    return db


async def _asset(session, number: int, value: str, owner: str, service: str | None = None) -> None:
    session.add(Asset(id=number, kind="ipv4", value=value, key_kind="ip", key=value))
    await session.flush()
    session.add(
        AssetOwner(ref=f"A{number}", asset_id=number, constituent_id=owner, service_id=service, registered_at=NOON)
    )


@pytest.fixture
def found(city: Database) -> Found:
    """Store that an indicator matched an asset, say what it indicates, and triage it; the match's id comes back."""
    count = 0

    async def record(
        asset: int,
        *,
        confidence: int = 80,
        certain: bool = True,
        indicates: str | None = CAMPAIGN,
        value: str = "",
        tlp: int = 1,
        relation: str = "equal",
    ) -> str:
        nonlocal count
        count += 1
        indicator = f"indicator--{count:08d}-1111-4111-8111-111111111111"
        async with city.writing() as session:
            await _say(session, _object(count, indicator, "indicator"))
            if indicates:
                link = _object(1000 + count, f"relationship--{count}", "relationship", indicator, indicates)
                await _say(session, link)
            match = Match(
                indicator_id=indicator, object_id=count, asset_id=asset, relation=relation, path="ipv4-addr:value",
                indicator_value=value or f"198.18.0.{asset}", certain=certain, feed="f", confidence=confidence, tlp=tlp,
                matched_at=now(),
            )  # fmt: skip
            session.add(match)
            await session.flush()
            await triage(session, {"matches": [match.id]}, POLICY)
            return match.id

    return record


async def say(db: Database, stored: StixObject, tlp: int = 1) -> None:
    """Store an object that the feed asserts under a label."""
    async with db.writing() as session:
        await _say(session, stored, tlp)


async def _say(session, stored: StixObject, tlp: int = 1) -> None:
    session.add(stored)
    await session.flush()
    session.add(Assertion(object_id=stored.id or 0, feed="f", tlp=tlp, confidence=80, seen_at=NOON))


def malware(name: str) -> StixObject:
    """What `CAMPAIGN` stands for, with a name."""
    return _object(5000, CAMPAIGN, "campaign", name=name)


def link(indicator: str) -> StixObject:
    """A relationship that says late what an indicator indicates."""
    return _object(6000, "relationship--late", "relationship", indicator, CAMPAIGN)


def _object(
    number: int, stix_id: str, kind: str, source: str | None = None, target: str | None = None, name: str | None = None
) -> StixObject:
    return StixObject(
        id=number,
        stix_id=stix_id,
        type=kind,
        name=name,
        spec_version="2.1",
        version=NOON,
        source_ref=source,
        target_ref=target,
        relationship_type="indicates" if source else None,
        tlp=1,
        content_hash=str(number),
        text="{}",
        received_at=NOON,
    )
