"""Inventories in the register: a new one takes the place of the last of the same owner and service."""

import pytest

from citysec.constituency import register
from citysec.constituency.inventories import Place, plan_inventory
from citysec.constituency.inventory import Inventory
from citysec.constituency.lines import parse, render
from citysec.constituency.plan import Mode
from citysec.db import Database
from citysec.errors import InvalidInput
from citysec.observable import software
from citysec.tables import Constituent, Service

OLD, NEW, SAME = "pkg:npm/a@1", "pkg:npm/a@2", "pkg:npm/b@1"


@pytest.fixture
async def city(db: Database) -> Database:
    """Camden and two services."""
    async with db.writing() as session:
        session.add(Constituent(id="c", slug="camden", name="Camden", kind="borough", sector="local-government"))
        session.add(Service(slug="parking", name="Parking", criticality=4))
        session.add(Service(slug="tax", name="Tax", criticality=5))
    return db


async def take(db: Database, *names: str, service: str = "parking", exposed: bool = False) -> None:
    """Apply an inventory."""
    inventory = Inventory(tuple(map(software, names)), 0)
    async with db.writing() as session:
        plan = await plan_inventory(session, Place(owner="camden", service=service, exposed=exposed), inventory)
        await register.apply(session, plan, "test")


async def stands(db: Database) -> set[tuple[str, str | None, int, bool | None]]:
    """Return the register."""
    async with db.reading() as session:
        return {
            (line.asset.key, line.service, line.criticality, line.exposed) for line in await register.export(session)
        }


async def test_a_new_inventory_takes_the_place_of_the_last(city: Database):
    await take(city, OLD, SAME)
    await take(city, SAME, service="tax")
    await take(city, NEW, SAME, exposed=True)
    parking = {(NEW, "parking", 4, True), (SAME, "parking", 4, True)}
    assert await stands(city) == parking | {(SAME, "tax", 5, False)}


async def test_what_people_registered_there_stays_theirs(city: Database):
    header = "asset_id,organisation,sector,kind,value,scope,criticality,service,exposed"
    text = f"{header}\nmine,Camden,,software,{SAME},,5,parking,yes\n"
    async with city.writing() as session:
        await register.apply(session, await register.plan_import(session, parse(text)), "test")
    await take(city, OLD, SAME)
    await take(city, OLD)
    assert await stands(city) == {(OLD, "parking", 4, False), (SAME, "parking", 5, True)}


async def test_a_replaced_file_leaves_inventories_alone(city: Database):
    await take(city, OLD)
    async with city.writing() as session:
        text = "asset_id,organisation,sector,kind,value,scope,criticality\nA1,Camden,,domain,a.example,,3\n"
        await register.apply(session, await register.plan_import(session, parse(text), Mode.REPLACE), "test")
    assert {key for key, *_ in await stands(city)} == {OLD, "example.a"}


async def test_what_is_exported_is_imported_as_it_is(city: Database):
    await take(city, OLD, SAME, exposed=True)
    async with city.reading() as session:
        lines = await register.export(session)
        text = render(
            lines,
            (*["asset_id", "organisation", "sector", "kind", "value", "scope", "criticality", "service", "exposed"],),
        )
        assert (await register.plan_import(session, parse(text))).is_empty


@pytest.mark.parametrize("place", [Place(owner="nobody"), Place(owner="camden", service="none")])
async def test_unknown_owners_and_services_are_refused(city: Database, place: Place):
    async with city.reading() as session:
        with pytest.raises(InvalidInput):
            await plan_inventory(session, place, Inventory((software(OLD),), 0))
