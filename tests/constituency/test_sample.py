"""Sample London."""

from __future__ import annotations

from ipaddress import ip_network

from sqlmodel import col, func, select, update

from citysec.constituency.register import export
from citysec.constituency.sample import FOLDER, Loaded, load_sample
from citysec.db import Database
from citysec.observable import Kind
from citysec.tables import Accountable, Constituent, Contact, Outbox, Service

HARMLESS = [
    ip_network(text) for text in ("198.18.0.0/15", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]


async def test_it_holds_every_borough_on_its_own_tile(london: Database):
    async with london.reading() as session:
        boroughs = (await session.exec(select(Constituent).where(Constituent.kind == "borough"))).all()
    assert len({(one.grid_col, one.grid_row) for one in boroughs if one.abbreviation and one.gss_code}) == 33


async def test_every_constituent_has_one_contact_that_no_mail_can_reach(london: Database):
    async with london.reading() as session:
        query = select(Constituent.slug, Contact.address).where(Contact.constituent_id == Constituent.id)
        contacts = (await session.exec(query)).all()
        assert len(contacts) == (await session.exec(select(func.count()).select_from(Constituent))).one()
    assert all(address == f"security@{slug}.citysec.example" for slug, address in contacts)


async def test_exactly_one_service_is_shared_by_three_boroughs(london: Database):
    async with london.reading() as session:
        query = select(Service.slug, Constituent.slug).where(
            Service.id == Accountable.service_id,
            Constituent.id == Accountable.constituent_id,
            Constituent.kind == "borough",
        )
        pairs = (await session.exec(query)).all()
    services = {slug: {borough for service, borough in pairs if service == slug} for slug, _ in pairs}
    shared = {slug: boroughs for slug, boroughs in services.items() if len(boroughs) == 3}
    assert shared == {"shared-digital": {"camden", "islington", "haringey"}}


async def test_every_address_is_kept_for_documentation_or_benchmarks(london: Database):
    async with london.reading() as session:
        networks = [ip_network(one.asset.value) for one in await export(session) if one.asset.kind is Kind.IP]
    assert networks
    for network in networks:
        assert any(network.version == one.version and network.subnet_of(one) for one in HARMLESS)  # type: ignore[arg-type]


async def test_shared_names_have_several_owners(london: Database):
    async with london.reading() as session:
        lines = await export(session)
    owners = {value: sum(one.asset.value == value for one in lines) for value in ("nhs.net", "london.gov.uk")}
    assert owners["nhs.net"] > 20
    assert owners["london.gov.uk"] == 4


async def test_loading_it_again_adds_nothing_and_keeps_what_was_changed(london: Database):
    async with london.writing() as session:
        await session.exec(update(Constituent).where(col(Constituent.slug) == "camden").values(clearance=4))
        before = (await session.exec(select(func.count()).select_from(Outbox))).one()
        assert await load_sample(session, "ada") == Loaded(0, 0, 0, 0)
        assert (await session.exec(select(func.count()).select_from(Outbox))).one() == before
        assert (await session.exec(select(Constituent.clearance).where(Constituent.slug == "camden"))).one() == 4


def test_the_notices_of_its_sources_are_kept_beside_it():
    notice = (FOLDER / "NOTICE.txt").read_text(encoding="utf-8")
    assert "Open Government Licence" in notice
    assert "Copyright 2019 After the Flood Ltd." in notice
