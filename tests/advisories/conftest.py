"""A small town: two boroughs that share a service, a feed, and what it takes to make incidents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel, select

from citysec.advisories import advice
from citysec.advisories.compose import Desk
from citysec.advisories.content import Call
from citysec.advisories.deadlines import Deadline
from citysec.advisories.publish import Policy, publish
from citysec.db import Database
from citysec.tables import (
    Accountable,
    Advisory,
    Asset,
    AssetOwner,
    Constituent,
    Contact,
    Delivery,
    Feed,
    Incident,
    IncidentMatch,
    Match,
    Service,
    StixObject,
)
from citysec.tlp import TLP

NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)
INDICATOR = "indicator--6770298f-0fd8-471a-ab8c-1c658a46574e"
DEADLINE = Deadline(timedelta(hours=3), (timedelta(hours=1), timedelta(hours=2)))
POLICY = Policy(
    desk=Desk(
        city="London",
        advice=advice.load(Path(__file__).parents[2] / "playbooks" / "advice.toml"),
        call=Call(name="Duty desk", phone="020 7946 0000"),
        feeds={"sparrow": "Sparrow Watch"},
    ),
    deadlines=dict.fromkeys(("low", "medium", "high", "critical"), DEADLINE),
)


@dataclass
class Town:
    """What happens in the town, one method a fact."""

    db: Database
    numbers: dict[str, int] = field(default_factory=dict)

    def next(self, of: str) -> int:
        self.numbers[of] = self.numbers.get(of, 0) + 1
        return self.numbers[of]

    async def add(self, *rows: SQLModel) -> None:
        async with self.db.writing() as session:
            for row in rows:
                session.add(row)
                await session.flush()

    async def rows(self, table: type[Any], **where: object) -> Sequence[Any]:
        async with self.db.reading() as session:
            return (await session.exec(select(table).filter_by(**where))).all()

    async def asset(self, value: str, *owners: str, service: str | None = None, kind: str = "ipv4") -> int:
        number = self.next("asset")
        links = [
            AssetOwner(ref=f"A{number}-{o}", asset_id=number, constituent_id=o, service_id=service, registered_at=NOON)
            for o in owners
        ]
        await self.add(Asset(id=number, value=value, key=value, kind=kind, key_kind=kind), *links)
        return number

    async def match(self, asset: int, **facts: Any) -> str:
        number = self.next("match")
        given: dict[str, Any] = {"confidence": 60, "tlp": TLP.GREEN, "indicator_value": f"203.0.113.{number}"} | facts
        row = Match(
            id=f"m{number}",
            indicator_id=f"{INDICATOR[:-3]}{number:03d}",
            object_id=1,
            asset_id=asset,
            relation="equal",
            path="ipv4-addr:value",
            certain=True,
            feed="sparrow",
            matched_at=NOON,
            **given,
        )
        await self.add(row)
        return row.id

    async def incident(self, constituent: str | None, *matches: str, **facts: Any) -> str:
        number = self.next("incident")
        given: dict[str, Any] = {"tlp": TLP.GREEN, "severity": "high", "kind": "command-and-control"} | facts
        row = Incident(
            id=f"i{number}",
            ref=f"LDN-2026-{number:04d}",
            constituent_id=constituent,
            threat=INDICATOR,
            title="Sparrow",
            state="open",
            confidence=60,
            aware_at=NOON,
            updated_at=NOON,
            **given,
        )
        await self.add(
            row, *(IncidentMatch(incident_id=row.id, match_id=m, kind="phishing", criticality=3) for m in matches)
        )
        return row.id

    async def grow(self, incident: str, asset: str = "198.51.100.8", owner: str = "camden") -> None:
        """Another asset is touched by the same threat."""
        match = await self.match(await self.asset(asset, owner))
        await self.add(IncidentMatch(incident_id=incident, match_id=match, kind="phishing", criticality=3))

    async def change(self, row_of: type[Any], key: str, **values: object) -> None:
        async with self.db.writing() as session:
            row = await session.get_one(row_of, key)
            for name, value in values.items():
                setattr(row, name, value)

    async def publish(self, incident: str, actor: str = "ada") -> list[str]:
        async with self.db.writing() as session:
            return await publish(session, incident, actor=actor, policy=POLICY)

    async def stage(self, function: Callable[..., Awaitable[None]], payload: dict[str, Any], *rest: Any) -> None:
        async with self.db.writing() as session:
            await function(session, payload, *rest)

    async def advisories(self) -> Sequence[Advisory]:
        return sorted(await self.rows(Advisory), key=lambda row: (row.incident_id, row.revision))

    async def deliveries(self, **where: object) -> Sequence[Delivery]:
        return sorted(await self.rows(Delivery, **where), key=lambda row: (row.queued_at, row.contact_id))


async def settle(town: Town) -> None:
    """Camden (a mailbox and a webhook) and Brent (a mailbox), both accountable for a service, cleared for TLP:AMBER."""
    people = [("camden", "Camden"), ("brent", "Brent")]
    await town.add(
        *(Constituent(id=i, slug=i, name=n, kind="borough", sector="local-government", clearance=2) for i, n in people),
        Contact(id="c1", constituent_id="camden", name="Ada", channel="email", address="soc@camden.example"),
        Contact(
            id="c2", constituent_id="camden", name="SOAR", channel="webhook", address="https://soar.camden.example/in"
        ),
        Contact(id="b1", constituent_id="brent", name="Bo", channel="email", address="soc@brent.example"),
        Contact(id="b2", constituent_id="brent", name="Gone", channel="email", address="x@brent.example", active=False),
        Service(id="tax", slug="council-tax", name="Council tax payments"),
        Accountable(service_id="tax", constituent_id="camden"),
        Accountable(service_id="tax", constituent_id="brent"),
        Feed(name="sparrow"),
        StixObject(
            id=1,
            stix_id=INDICATOR,
            type="indicator",
            spec_version="2.1",
            version=NOON,
            tlp=1,
            content_hash="",
            text="{}",
            received_at=NOON,
        ),
    )


@pytest.fixture
async def town(db: Database) -> Town:
    """The town before anything happens (`settle`)."""
    town = Town(db)
    await settle(town)
    return town


@pytest.fixture
async def camden(town: Town) -> str:
    """An open incident of Camden with one match of its address 198.51.100.7."""
    return await town.incident("camden", await town.match(await town.asset("198.51.100.7", "camden")))
