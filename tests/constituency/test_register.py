"""The register in the database."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from sqlmodel import col, select

from citysec.access import audit
from citysec.constituency.lines import Line
from citysec.constituency.plan import Mode, Plan
from citysec.constituency.register import BATCH, REVISION, apply, export, plan_import
from citysec.db import Database
from citysec.errors import Conflict, InvalidInput
from citysec.settings import Settings
from citysec.tables import Asset, AssetOwner, Change, Constituent, Meta, Outbox, Service
from tests.constituency.lines import ORGANISATIONS, SECTORS, line, registers

CAMDEN, ISLINGTON, TFL = ORGANISATIONS


async def _people(db: Database) -> None:
    async with db.writing() as session:
        for name in ORGANISATIONS:
            session.add(Constituent(slug=name.split()[-1].lower(), name=name, kind="borough", sector=SECTORS[name]))
        session.add_all(Service(slug=slug, name=slug) for slug in ("tube", "bus"))


@pytest.fixture
async def people(db: Database) -> Database:
    """Three constituents and two services, no assets."""
    await _people(db)
    return db


async def _import(db: Database, lines: Sequence[Line], mode: Mode = Mode.MERGE) -> Plan[Line]:
    async with db.writing() as session:
        plan = await plan_import(session, lines, mode)
        await apply(session, plan, "ada")
        return plan


async def _exported(db: Database) -> list[Line]:
    async with db.reading() as session:
        return await export(session)


async def _retro(db: Database) -> list[list[int]]:
    async with db.reading() as session:
        work = (await session.exec(select(Outbox).where(Outbox.kind == "retro").order_by(col(Outbox.created_at)))).all()
    return [one.payload["assets"] for one in work]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> str:
    """A database with the people, for many examples."""
    file = shutil.copy(empty_database, tmp_path_factory.mktemp("register") / "citysec.db")
    url = f"sqlite+aiosqlite:///{file}"

    async def prepare() -> None:
        async with Database.opened(url) as db:
            await _people(db)

    asyncio.run(prepare())
    return url


class _Undone(Exception):
    pass


@given(registers(), registers())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_imported_is_exported(url: str, first: list[Line], second: list[Line]):
    async def exported() -> list[Line]:
        found: list[Line] = []
        async with Database.opened(url) as db:
            with suppress(_Undone):
                async with db.writing() as session:
                    for lines in (first, second):
                        await apply(session, await plan_import(session, lines, Mode.REPLACE), "ada")
                    found = await export(session)
                    raise _Undone
        return found

    named = {one.organisation for one in second}
    assert [one for one in asyncio.run(exported()) if one.organisation in named] == second


async def test_a_plan_changes_nothing(people: Database):
    async with people.writing() as session:
        assert len((await plan_import(session, [line()])).added) == 1
    assert await _exported(people) == []


async def test_an_asset_of_several_owners_is_one_row(people: Database):
    await _import(people, [line("A1", "nhs.net"), line("B1", "nhs.net", organisation=TFL)])
    async with people.reading() as session:
        assert len((await session.exec(select(Asset))).all()) == 1
        assert len((await session.exec(select(AssetOwner))).all()) == 2


async def test_ids_may_be_exchanged_and_keep_their_dates(people: Database):
    await _import(people, [line("A1", "a.example"), line("A2", "b.example")])
    async with people.reading() as session:
        before = dict((await session.exec(select(AssetOwner.ref, AssetOwner.registered_at))).all())
    swapped = [line("A1", "b.example"), line("A2", "a.example")]
    await _import(people, swapped)
    async with people.reading() as session:
        assert dict((await session.exec(select(AssetOwner.ref, AssetOwner.registered_at))).all()) == before
    assert await _exported(people) == swapped


async def test_new_changed_and_removed_assets_are_matched_again(people: Database):
    stored = [line("A1", "a.example"), line("A2", "b.example"), line("A3", "c.example")]
    await _import(people, stored)
    await _import(people, [stored[0], line("A2", "d.example")], Mode.REPLACE)
    async with people.reading() as session:
        ids = dict((await session.exec(select(Asset.value, Asset.id))).all())
    assert (await _retro(people))[1:] == [[ids["b.example"], ids["c.example"], ids["d.example"]]]


async def test_matching_again_comes_in_pieces(people: Database):
    await _import(people, [line(f"A{n}", f"n{n}.example") for n in range(BATCH + 1)])
    assert sorted(map(len, await _retro(people))) == [1, BATCH]


async def test_an_import_is_audited_announced_and_counted(people: Database):
    await _import(people, [line("A1"), line("B1", organisation=TFL)])
    await _import(people, [line("A1", criticality=5)])
    async with people.reading() as session:
        assert await audit.first_broken(session) == (2, None)
        assert len((await session.exec(select(Change).where(Change.subject == "constituent"))).all()) == 3
        assert (await session.get_one(Meta, REVISION)).value == "2"


async def test_importing_the_same_again_leaves_no_trace(people: Database):
    await _import(people, [line()])
    assert (await _import(people, [line()])).is_empty
    async with people.reading() as session:
        assert (await session.get_one(Meta, REVISION)).value == "1"
        assert await audit.first_broken(session) == (1, None)


async def test_a_plan_that_is_no_longer_true_is_a_conflict(people: Database):
    async with people.reading() as session:
        plan = await plan_import(session, [line()])
    await _import(people, [line("A2")])
    with pytest.raises(Conflict, match="plan again"):
        async with people.writing() as session:
            await apply(session, plan, "ada")
    assert await _exported(people) == [line("A2")]


async def test_a_file_without_services_keeps_those_there_are(people: Database):
    await _import(people, [line(service="tube")])
    await _import(people, [line(service=None, criticality=5)])
    assert await _exported(people) == [line(service="tube", criticality=5)]


async def test_one_bad_line_and_nothing_is_planned(people: Database):
    async with people.writing() as session:
        with pytest.raises(InvalidInput, match="did you mean"):
            await plan_import(session, [line("A1"), line("A2", organisation="London Borough of Cambden")])


async def test_a_large_register_is_imported_whole(people: Database, tmp_path: Path):
    lines = [line(f"A{n:05}", f"198.18.{n // 250}.{n % 250}", kind="ipv4") for n in range(5000)]
    await _import(people, lines)
    assert await _exported(people) == lines


@pytest.mark.postgres
async def test_postgresql_keeps_it_the_same_way(postgres_url: str):
    url = Settings(database_url=postgres_url).app_database
    async with Database.opened(url) as db:
        await _people(db)
        await _import(db, [line("A1", "a.example"), line("A2", "b.example"), line("A3", "c.example")])
        swapped = [line("A1", "b.example"), line("A2", "a.example"), line("a", "2001:db8::1", kind="ipv6")]
        await _import(db, swapped, Mode.REPLACE)
        assert await _exported(db) == swapped
        assert list(map(len, await _retro(db))) == [3, 4]
