"""A name that looks like yours: from a list of new domains to the mail, let pass, and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from citysec.cli.instance import Instance
from tests.flow.city import define, installed, running
from tests.flow.test_own_city import REGISTER
from tests.waiting import until

ASSETS = """\
asset_id,organisation,sector,kind,value,scope,criticality,service
BATH-1,Bath Council,,domain,bathandavon.gov.uk,tree,critical,
BATH-2,Bath Council,,brand,Bath Council,,high,
WELLS-1,Wells Council,,mail-domain,wells.gov.uk,,critical,
"""
NEW = "bathandavon.gov.uk", "pay.bathandavon.gov.uk", "bathandavom.gov.uk", "bathroom-sale.example", "shop.example"


@pytest.fixture
async def city(tmp_path: Path) -> Instance:
    """Two councils with names, and a list of new domains and one of threats to hand in."""
    city = await installed(tmp_path / "city")
    for part, text in {**REGISTER, "assets": ASSETS}.items():
        (tmp_path / f"{part}.csv").write_text(text)
        await city.run("constituency", "import", str(tmp_path / f"{part}.csv"), "--apply")
    define(city, "new", kind="document", format="list", says="new-domain", confidence=90)
    define(city, "threats", kind="document", format="list", confidence=90, labels=["phishing"])
    return city


async def _handed_in(city: Instance, feed: str, *names: str) -> None:
    file = city.data / f"{feed}.txt"
    file.write_text("".join(f"{name}\n" for name in names))
    await city.run("feeds", "import", str(file), "--feed", feed)


async def test_whose_name_it_looks_like_is_told_just_that(city: Instance):
    async with running(city) as here:
        await _handed_in(city, "new", *NEW)
        await until(lambda: here.mails.mails, timeout_s=90)
        await here.settled()
        (incident,) = (await here.incidents())["bath"]
        (match,) = await here.all("/matches")
        assert (incident["kind"], match["relation"]) == ("lookalike", "lookalike")
        assert incident["severity"] == "medium"  # of what is critical, and as sure: not its own, and only new
        (mail,) = here.mails.mails
        assert "A name that looks like yours" in mail.subject
        text = " ".join(mail.text.split())
        assert "bathandavom[.]gov[.]uk looks like yours, bathandavon.gov.uk" in text
        assert "nobody has called it a threat yet" in text
        await city.run("lookalikes", "allow", "bathandavom.gov.uk", "--note", "our own campaign")
        await until(lambda: len(here.mails.mails) == 2, timeout_s=90)
        await here.settled()
        assert await here.incidents() == {}
        await city.run("lookalikes", "disallow", "bathandavom.gov.uk")

        async def is_back() -> bool:
            return "bath" in await here.incidents()

        await until(is_back, timeout_s=90)


async def test_a_threat_by_a_name_like_ours_is_none_of_our_own(city: Instance):
    async with running(city) as here:
        await _handed_in(city, "threats", "bath-council-refund.example", "login.bathandavon.gov.uk")
        await until(lambda: len(here.mails.mails) == 2, timeout_s=90)
        await here.settled()
        kinds = {one["kind"]: one["severity"] for one in (await here.incidents())["bath"]}
        assert kinds == {"lookalike": "medium", "phishing": "critical"}
