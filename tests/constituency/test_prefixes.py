"""The table of announced prefixes in the database: all of it or nothing, and one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec
import pytest
from sqlalchemy import insert
from sqlmodel import col, func, select

from citysec.announced import META, origin, shares_of
from citysec.constituency import prefixes
from citysec.constituency.prefixes import Change
from citysec.db import Database
from citysec.errors import Conflict, InvalidInput
from citysec.tables import AnnouncedPrefix, Meta
from tests.correlate.city import City

TABLE = ("198.51.100.0\t24\t64496", "198.51.100.128\t25\t64511")


@pytest.fixture
async def either(each_db: Database) -> City:
    """A city with a registered system, on each of the two databases."""
    city = City(each_db)
    await city.own("camden", "asn", "AS64496")
    return city


async def planned(city: City, *lines: str) -> Change:
    async with city.db.reading() as db:
        return await prefixes.plan(db, lambda: lines, "RouteViews", date(2026, 11, 22))


async def stored(city: City) -> tuple[int, int]:
    """Return how many rows there are, and how many blocks are left to the system."""
    async with city.db.reading() as db:
        rows = (await db.exec(select(func.count()).select_from(AnnouncedPrefix))).one()
        return rows, sum(len(share.blocks) for share in (await shares_of(db, [64496])).get(64496, ()))


async def test_another_table_takes_the_place_of_the_one_before(either: City):
    await either.announce(*TABLE, "192.0.2.0\t24\t64496")
    assert await stored(either) == (3, 2)
    await either.announce(*TABLE)
    assert await stored(either) == (2, 1)


async def test_what_a_file_says_twice_is_one_announcement_and_certainty_outweighs(either: City):
    await either.announce("198.51.100.0\t24\t64496,64497", "198.51.100.0/24\t64496", "198.51.100.0\t24\t64496")
    async with either.db.reading() as db:
        rows = (await db.exec(select(AnnouncedPrefix).order_by(col(AnnouncedPrefix.system)))).all()
    assert [(row.system, row.certain) for row in rows] == [(64496, True), (64497, False)]


async def test_a_table_that_is_not_whole_does_not_count_and_is_cleared_away(either: City):
    change = await planned(either, *TABLE)

    def torn() -> Iterator[str]:
        yield from (f"203.0.{n >> 8}.{n & 255}\t32\t64496" for n in range(6000))
        raise EOFError

    with pytest.raises(EOFError):
        await prefixes.apply(either.db, change, torn, "ada")
    rows, blocks = await stored(either)
    assert (rows > 0, blocks) == (True, 0)
    async with either.db.reading() as db:
        assert await origin(db) is None
    await either.announce(*TABLE)
    assert await stored(either) == (2, 1)


async def test_who_is_overtaken_gives_up(either: City):
    await either.announce(*TABLE)
    async with either.db.writing() as db:
        present = await origin(db)
        assert present is not None
        later = msgspec.json.encode(msgspec.structs.replace(present, edition=99)).decode()
        await db.merge(Meta(name=META, value=later))
    with pytest.raises(Conflict):
        await prefixes.apply(either.db, await planned(either, *TABLE), lambda: TABLE, "ada")


async def test_a_table_that_is_taken_away_leaves_no_row(either: City):
    await either.announce(*TABLE)
    change = await prefixes.remove(either.db, "ada")
    assert [concern.system for concern in change.concerns] == [64496]
    assert await stored(either) == (0, 0)


async def test_a_table_that_comes_in_while_another_is_taken_away_is_whole(either: City):
    await either.announce(*TABLE)
    change = await planned(either, *TABLE)
    async with either.db.writing() as db:
        edition = await prefixes._next_edition(db)
        await db.exec(insert(AnnouncedPrefix).values(edition=edition, key="4/c0000200/24", system=64496, certain=True))
    await prefixes.remove(either.db, "ada")
    assert await stored(either) == (1, 0)
    await prefixes.apply(either.db, change, lambda: TABLE, "ada")
    assert await stored(either) == (2, 1)


async def test_a_system_that_nobody_registered_concerns_nobody(either: City):
    assert (await planned(either, "192.0.2.0\t24\t64499")).concerns == ()


async def test_an_empty_table_is_refused(either: City):
    with pytest.raises(InvalidInput, match="announces nothing"):
        await planned(either, "# nothing", "0.0.0.0\t0\t64496")
