"""Block lists, from the file to the mail, and what it means that an address is on them no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from citysec.cli.instance import Instance
from tests.flow.city import FEED, Running, installed, running
from tests.flow.test_own_city import REGISTER
from tests.waiting import until

LIST = """\
kind = "document"
path = "../{name}.txt"
semantics = "snapshot"
confirmations = 1
labels = ["c2"]
format = "list"
"""
OURS, OTHERS = "203.0.113.10", [f"198.51.100.{n}" for n in range(1, 30)]


@pytest.fixture
async def city(tmp_path: Path) -> Instance:
    """A city with two lists to read, on which there is nothing yet."""
    city = await installed(tmp_path / "city")
    for part, text in REGISTER.items():
        (tmp_path / f"{part}.csv").write_text(text)
        await city.run("constituency", "import", str(tmp_path / f"{part}.csv"), "--apply")
    (city.data / "feeds").mkdir()
    for name in ("one", "two"):
        (city.data / "feeds" / f"{name}.toml").write_text(FEED.format(name=name) + LIST.format(name=name))
    return city


async def _listed(running: Running, name: str, *addresses: str) -> None:
    """Have a list read as it is now, and wait for what comes of it."""
    (running.instance.data / f"{name}.txt").write_text("# a list\n" + "\n".join((*addresses, *OTHERS)) + "\n")
    await running.instance.run("feeds", "poll", name)
    await running.settled()


async def test_two_lists_that_name_an_address_are_one_incident_until_neither_does(city: Instance):
    async with running(city) as here:
        await _listed(here, "one", OURS)
        await until(lambda: here.mails.mails, timeout_s=90)
        (incident,) = (await here.incidents())["bath"]
        assert "command-and-control" in incident["kind"]
        await _listed(here, "two", OURS)
        await _listed(here, "one")
        (same,) = (await here.incidents())["bath"]
        assert same["ref"] == incident["ref"]
        assert set(here.told()) == {"bath"}
        await _listed(here, "two")
        assert await here.incidents() == {}
        (match,) = await here.all("/matches")
        assert match["close_reason"] == "delisted"


async def test_a_list_that_has_nearly_vanished_is_not_believed(city: Instance):
    async with running(city) as here:
        await _listed(here, "one", OURS)
        (here.instance.data / "one.txt").write_text("192.0.2.1\n")
        await here.instance.run("feeds", "poll", "one")
        await here.settled()
        assert "bath" in await here.incidents()
        assert "feeds accept one" in await here.instance.run("feeds", "status")
        await here.instance.run("feeds", "accept", "one")
        await here.instance.run("feeds", "poll", "one")
        await here.settled()
        assert await here.incidents() == {}


async def test_a_changed_definition_holds_from_the_next_start(city: Instance):
    definition = city.data / "feeds" / "one.toml"
    async with running(city) as here:
        await _listed(here, "one", OURS)
        assert [match["tlp"] for match in await here.all("/matches")] == ["TLP:GREEN"]
    definition.write_text(definition.read_text().replace("TLP:GREEN", "TLP:RED"))
    async with running(city) as here:

        async def changed() -> bool:
            return [match["tlp"] for match in await here.all("/matches")] == ["TLP:RED"]

        await until(changed, timeout_s=90)
