"""What is kept of observations, as long as the settings say so."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import select

from citysec.correlate import kept, telemetry
from citysec.db import Database
from citysec.patterning import compile  # noqa: A004
from citysec.tables import Match, Observed, Sighting
from tests.correlate.city import City, indicator
from tests.correlate.reporting import LATER, NOON, populated, seen, tell
from tests.steps import steps

A, B = "[domain-name:value = 'a.example']", "[ipv4-addr:value = '192.0.2.1']"


@pytest.fixture
async def either(each_db: Database) -> City:
    """Two boroughs, in each kind of database."""
    return await populated(each_db)


async def test_what_is_kept_meets_indicators_that_come_later(either: City):
    await tell(either, seen(domain="a.example", count=2), keep=True)
    await tell(either, seen(ip="192.0.2.77"), body="brent", keep=True)
    await either.say(indicator(1, A), indicator(2, "[ipv4-addr:value = '192.0.2.0/24']"))
    await either.work()
    async with either.db.reading() as session:
        found = (await session.exec(select(Match.constituent_id, Sighting.count).join(Sighting))).all()
    assert set(found) == {("camden", 2), ("brent", 1)}


async def test_what_was_counted_when_it_came_is_not_counted_again(town: City):
    await town.say(indicator(1, A))
    await tell(town, seen(domain="a.example"), keep=True)
    await town.repeat()
    await town.work()
    async with town.db.reading() as session:
        assert (await session.exec(select(Sighting.count))).all() == [1]


async def test_observations_of_several_batches_fulfil_a_pattern_together_while_they_are_kept(town: City):
    await town.say(indicator(1, f"({A} AND {B}) WITHIN 60 SECONDS"))
    assert await tell(town, seen(domain="a.example"), keep=True) == 0
    assert await tell(town, seen(0.5, ip="192.0.2.1"), body="brent", keep=True) == 0
    assert await tell(town, seen(0.5, ip="192.0.2.1"), keep=True) == 1


async def test_nothing_raw_is_written_unless_it_is_kept(town: City, tmp_path: Path):
    await town.say(indicator(1, A))
    await tell(town, seen(domain="a.example"), seen(domain="innocent.example"))
    assert b"a.example" in _bytes(tmp_path)
    assert b"innocent" not in _bytes(tmp_path)


def _bytes(folder: Path) -> bytes:
    """Return the database's files, the log of its last writes among them."""
    return b"".join(path.read_bytes() for path in folder.glob("citysec.db*"))


async def test_what_was_kept_is_wiped_when_its_time_is_over(town: City, tmp_path: Path):
    await tell(town, seen(domain="innocent.example"), keep=True)
    async with town.db.writing() as session:
        await telemetry.forget(session, LATER + timedelta(hours=3), keep_hours=2)
    async with town.db.reading() as session:
        assert (await session.exec(select(Observed))).all() == []
    async with town.db.reading() as session:
        await (await session.connection()).execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    assert b"innocent" not in _bytes(tmp_path)


async def test_of_what_each_has_kept_the_newest_is_looked_at_again(either: City, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kept, "_MOST", 2)
    await tell(either, seen(9, domain="a.example"), keep=True, body="brent")
    for minute in (3, 1, 2):
        await tell(either, seen(minute, domain="a.example"), keep=True)
    await either.say(indicator(1, A))
    await either.work("correlate")
    async with either.db.reading() as session:
        last = (await session.exec(select(Sighting.last_seen))).all()
    assert sorted(last) == [NOON + timedelta(minutes=2), NOON + timedelta(minutes=9)]


@pytest.mark.parametrize("pattern", [A, B, "[ipv4-addr:value = '192.0.2.0/24']", f"{A} OR {B}"])
async def test_what_is_kept_of_other_things_costs_an_indicator_nothing(town: City, pattern: str):
    atoms, costs = compile(pattern).atoms, list[int]()
    for part in range(2):
        records = (seen(ip=f"10.{part}.{n // 250}.{n % 250}", domain=f"n{n}.example") for n in range(2000))
        await tell(town, *records, keep=True)
        costs.append(await steps(town.db, lambda session: kept.speaking_of(session, atoms)))
    assert costs[1] <= costs[0] + 1
