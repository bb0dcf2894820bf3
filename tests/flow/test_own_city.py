"""A city without a sample: from an empty register to the right contact's mail."""

from __future__ import annotations

from pathlib import Path

import pytest

from citysec.cli.instance import Instance
from tests.flow.city import Campaign, installed, running
from tests.waiting import until

REGISTER = {
    "constituents": """\
slug,name,kind,sector,clearance
bath,Bath Council,unitary-authority,local-government,TLP:AMBER
wells,Wells Council,district,local-government,TLP:AMBER
""",
    "contacts": """\
constituent,name,channel,address
bath,Security desk,email,security@bath.example
wells,Security desk,email,security@wells.example
""",
    "services": """\
slug,name,criticality,operator,accountable
council-tax,Council tax payments,high,Avon Shared Services,bath
""",
    "assets": """\
asset_id,organisation,sector,kind,value,scope,criticality,service
BATH-1,Bath Council,,ipv4,203.0.113.10,exact,critical,council-tax
WELLS-1,Wells Council,,ipv4,203.0.113.20,exact,critical,
""",
}


@pytest.fixture
async def somerset(tmp_path: Path) -> Instance:
    """Two councils, registered from nothing."""
    city = await installed(tmp_path / "somerset")
    for part, text in REGISTER.items():
        await _registered(city, part, text)
    return city


async def _registered(city: Instance, part: str, text: str) -> None:
    file = city.data / f"{part}.csv"
    file.write_text(text)
    await city.run("constituency", "import", str(file), "--apply")


async def test_the_contact_of_whom_it_concerns_is_told_and_nobody_else(somerset: Instance):
    threat = Campaign("Glasswing loader")
    threat.sign("[ipv4-addr:value = '203.0.113.10']")
    async with running(somerset) as city:
        await threat.publish(city)
        await until(lambda: city.mails.mails, timeout_s=90)
        await city.settled()
        assert [mail.to for mail in city.mails.mails] == ["security@bath.example"]

        shared = REGISTER["services"].replace("Services,bath", "Services,bath;wells")
        await _registered(somerset, "services", shared)
        await until(lambda: "wells" in city.told(), timeout_s=90)
        await city.settled()
        assert [mail.to for mail in city.mails.mails if "wells" in mail.to] == ["security@wells.example"]


async def test_a_contact_that_was_removed_is_told_nothing(somerset: Instance):
    await somerset.run("constituency", "remove", "contact", "bath", "security@bath.example", "--yes")
    threat = Campaign("Glasswing loader")
    for address in ("203.0.113.10", "203.0.113.20"):
        threat.sign(f"[ipv4-addr:value = '{address}']")
    async with running(somerset) as city:
        await threat.publish(city)
        await until(lambda: city.mails.mails, timeout_s=90)
        await city.settled()
        assert [mail.to for mail in city.mails.mails] == ["security@wells.example"]
        assert {"bath", "wells"} <= set(await city.incidents())
