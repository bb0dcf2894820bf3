"""Who shares what with whom."""

from __future__ import annotations

from sqlmodel import select

from citysec.constituency.topology import SharedService, drawn_in, owners_of, services_of_assets, sharing
from citysec.db import Database
from citysec.tables import Asset, Constituent, Service


def _service(*constituents: str) -> SharedService:
    return SharedService("s", "s", "S", None, 3, frozenset(constituents))


def test_those_are_drawn_in_who_share_a_service_with_the_touched():
    services = [_service("camden", "islington"), _service("islington", "haringey"), _service("gla", "opdc")]
    assert drawn_in(services, {"camden"}) == {"islington"}
    assert drawn_in(services, {"camden", "islington"}) == {"haringey"}
    assert drawn_in(services, {"tfl"}) == set()


async def test_a_constituent_finds_the_services_it_shares(london: Database):
    async with london.reading() as session:
        camden = (await session.exec(select(Constituent.id).where(Constituent.slug == "camden"))).one()
        (shared,) = await sharing(session, [camden])
        assert (shared.slug, len(shared.constituents), camden in shared.constituents) == ("shared-digital", 3, True)
        assert await sharing(session, []) == ()


async def test_an_asset_names_its_owners_and_services(london: Database):
    async with london.reading() as session:
        asset = (await session.exec(select(Asset.id).where(Asset.value == "192.0.2.130"))).one()
        service = (await session.exec(select(Service.id).where(Service.slug == "shared-digital"))).one()
        assert asset is not None
        assert len((await owners_of(session, [asset]))[asset]) == 3
        assert await services_of_assets(session, [asset]) == {asset: {service}}
        assert await owners_of(session, [0]) == {}
