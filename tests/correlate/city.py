"""A city with boroughs, assets and a feed, whose correlation a test sets going and looks at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.constituency import prefixes, register
from citysec.correlate.match import correlate_objects
from citysec.correlate.relook import relook
from citysec.correlate.retro import correlate_assets, rejudge_assets
from citysec.correlate.rules import Relation
from citysec.db import Database
from citysec.feeds.definition import BundleFeed
from citysec.feeds.formats import Draft, Entry, Subject, stix
from citysec.feeds.ingest import Batch, ingest
from citysec.observable import AssetKind, registered
from citysec.tables import Assertion, Asset, AssetOwner, Constituent, Feed, Match, Outbox
from citysec.tables.columns import now
from citysec.tables.feeds import NEW_DOMAIN
from citysec.tlp import TLP

_STAGES = {"correlate": correlate_objects, "retro": correlate_assets, "rejudge": rejudge_assets, "relook": relook}


def indicator(number: int, pattern: str, **more: Any) -> dict[str, Any]:
    """Return an indicator; its first version unless `modified` says otherwise."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{number:08d}-1111-4111-8111-111111111111",
        "created": "2024-01-01T00:00:00.000Z",
        "modified": "2024-01-01T00:00:00.000Z",
        "pattern": pattern,
        "pattern_type": "stix",
        "valid_from": "2024-01-01T00:00:00Z",
    } | more


def named(name: str) -> Entry:
    """Return a record of a list of names."""
    return Entry(at=name, subject=Subject.INDICATOR, key=f"[domain-name:value = '{name}']")


@dataclass
class City:
    """What was registered and said; nothing is correlated before `work`."""

    db: Database

    async def own(self, owner: str, kind: str, *values: str, scope: str = "exact") -> list[int]:
        """Register assets and return their ids."""
        rows = [
            {"asset_id": value, "organisation": owner, "kind": kind, "value": value, "scope": scope} for value in values
        ]
        ids = await self.own_all(rows)
        return [ids[value] for value in values]

    async def own_all(self, rows: list[dict[str, str]]) -> dict[str, int]:
        """Register assets as the generator writes them, and return the id of each row's asset."""
        ids: dict[str, int] = {}
        async with self.db.writing() as session:
            for row in rows:
                owner = row["organisation"]
                await session.merge(Constituent(id=owner, slug=owner, name=owner, kind="body", sector="any"))
                ids[row["asset_id"]] = asset_id = await _asset(session, row)
                session.add(
                    AssetOwner(ref=row["asset_id"], asset_id=asset_id, constituent_id=owner, registered_at=now())
                )
            await _changed(session, list(ids.values()))
        return ids

    async def disown(self, *asset_ids: int) -> None:
        """Take the owners of assets away."""
        async with self.db.writing() as session:
            for owner in await session.exec(select(AssetOwner).where(col(AssetOwner.asset_id).in_(asset_ids))):
                await session.delete(owner)
            await _changed(session, list(asset_ids))

    async def announce(self, *lines: str, source: str = "RouteViews", dated: date = date(2026, 11, 22)) -> None:
        """Put a table of announced prefixes in the place of the one that there is."""
        async with self.db.reading() as session:
            change = await prefixes.plan(session, lambda: lines, source, dated)
        await prefixes.apply(self.db, change, lambda: lines, "ada")

    async def say(
        self, *objects: dict[str, Any], feed: str = "feed", tlp: TLP = TLP.GREEN, confidence: int = 50
    ) -> None:
        """Have a feed say these objects."""
        drafts = [i for i in stix.parse(json.dumps(objects).encode()) if isinstance(i, Draft)]
        await self._bring(feed, tlp, confidence, Batch(drafts))

    async def news(self, *names: str, feed: str = "new-names", confidence: int = 30) -> None:
        """Have a feed say that these names are new."""
        async with self.db.writing() as session:
            await session.merge(Feed(name=feed, says=NEW_DOMAIN))
        entries = [named(name) for name in names]
        await self._bring(feed, TLP.GREEN, confidence, Batch(entries=entries))

    async def record(self, *entries: Entry, feed: str = "cves", tlp: TLP = TLP.CLEAR) -> None:
        """Have a feed that is no STIX list these."""
        await self._bring(feed, tlp, 90, Batch(entries=entries))

    async def delist(self, feed: str) -> None:
        """Have a feed list nothing any more."""
        async with self.db.writing() as session:
            said = (await session.exec(select(Assertion).where(Assertion.feed == feed))).all()
            for assertion in said:
                assertion.gone_at = now()
            outbox.add(session, "correlate", {"objects": [assertion.object_id for assertion in said]})

    async def _bring(self, feed: str, tlp: TLP, confidence: int, batch: Batch) -> None:
        terms = {"tlp": tlp.label, "confidence": confidence, "reliability": "A"}
        says = BundleFeed(kind="stix-bundle", name=feed, title=feed, publisher=feed, licence="none", **terms)  # pyright: ignore[reportArgumentType]
        async with self.db.writing() as session:
            if await session.get(Feed, feed) is None:
                session.add(Feed(name=feed))
                await session.flush()
            await ingest(session, says, batch)

    async def work(self, *kinds: str) -> None:
        """Do what is due of these kinds, all of correlation if none is named."""
        due = select(Outbox).where(col(Outbox.kind).in_(kinds or _STAGES), col(Outbox.done_at).is_(None))
        async with self.db.writing() as session:
            for work in (await session.exec(due.where(col(Outbox.due_at) <= now()))).all():
                work.done_at = now()
                await _STAGES[work.kind](session, work.payload)

    async def repeat(self) -> None:
        """Do again all of correlation that was done before, as after a crash."""
        done = select(Outbox).where(col(Outbox.kind).in_(_STAGES), col(Outbox.done_at).is_not(None))
        async with self.db.writing() as session:
            for work in (await session.exec(done)).all():
                await _STAGES[work.kind](session, work.payload)

    async def matches(self) -> list[Match]:
        """Return all matches, the newest last."""
        async with self.db.reading() as session:
            return list(await session.exec(select(Match).order_by(col(Match.indicator_id), col(Match.asset_id))))

    async def pairs(self) -> set[tuple[str, int]]:
        """Return indicator and asset of the open matches that are no lookalikes."""
        real = (match for match in await self.matches() if match.relation != Relation.LOOKALIKE)
        return {(match.indicator_id, match.asset_id or 0) for match in real if match.closed_at is None}

    async def waiting(self, kind: str) -> list[Outbox]:
        """Return the work of that kind that is not done."""
        async with self.db.reading() as session:
            undone = select(Outbox).where(col(Outbox.kind) == kind, col(Outbox.done_at).is_(None))
            return list(await session.exec(undone.order_by(col(Outbox.created_at))))

    async def to_triage(self) -> list[str]:
        """Return the matches handed to triage so far, and take them off its list."""
        found = [match_id for work in await self.waiting("triage") for match_id in work.payload["matches"]]
        async with self.db.writing() as session:
            for work in await session.exec(select(Outbox).where(col(Outbox.kind) == "triage")):
                work.done_at = now()
        return found


async def _changed(session: AsyncSession, asset_ids: list[int]) -> None:
    session.add(Outbox(kind="retro", payload={"assets": asset_ids}, created_at=now(), due_at=now()))
    await register.revise(session)


async def _asset(session: AsyncSession, row: dict[str, str]) -> int:
    """Return the id of a row's asset, which may have owners already."""
    canonical = registered(AssetKind(row["kind"]), row["value"])
    asset = Asset(kind=row["kind"], value=row["value"], scope=row["scope"], key_kind=canonical.kind, key=canonical.key)
    same = (col(Asset.kind) == asset.kind, col(Asset.key) == asset.key, col(Asset.scope) == asset.scope)
    known = (await session.exec(select(Asset).where(*same))).first()
    session.add(known or asset)
    await session.flush()
    return (known or asset).id or 0
