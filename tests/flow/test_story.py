"""The acceptance story, through public surfaces only, on both databases."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlmodel import col, select

from citysec import service, settings
from citysec.cli.admin import Sample, initialise
from citysec.cli.instance import Instance, free_port
from citysec.db import Database
from citysec.feeds.ingest import Outcome
from citysec.feeds.poll import import_file
from citysec.feeds.publishers import definitions
from citysec.tables import Incident, Outbox
from citysec.tables.columns import now
from tests.flow.city import PASSWORD, Campaign, Running, installed, running, subscribed
from tests.waiting import until

BACKENDS = [pytest.param("sqlite"), pytest.param("postgresql", marks=pytest.mark.postgres)]
SHARED, SHARING = "192.0.2.130", {"camden", "haringey", "islington"}
"""The address of a service of sample London, and who answers for the service."""
STRATEGY = Path(__file__).parents[2] / "playbooks" / "strategy.toml"


@pytest.fixture(params=BACKENDS)
async def london(request: pytest.FixtureRequest, tmp_path: Path) -> Instance:
    """London, freshly installed."""
    database = {}
    if request.param == "postgresql":
        database = {"CITYSEC_DATABASE_URL": request.getfixturevalue("postgres_url")}
    return await installed(tmp_path / "london", ["--sample", "london"], **database)


@pytest.fixture
async def publisher(tmp_path: Path) -> AsyncGenerator[Running, None]:
    """Another citysec that publishes."""
    instance = await installed(tmp_path / "publisher")
    async with running(instance) as served:
        yield served


async def test_from_news_to_answers(london: Instance, publisher: Running):
    threat = Campaign("Glasswing loader")
    threat.sign("[ipv4-addr:value = '198.18.3.130']")
    threat.sign("[ipv4-addr:value ISSUBSET '198.18.25.16/31']")
    threat.sign("[ipv4-addr:value = '198.18.5.130']", valid_until="2026-05-19T00:00:00.000Z")
    await threat.publish(publisher)
    await subscribed(london, publisher, "news")
    async with running(london) as city:
        await until(lambda: len(city.mails.mails) == 2, timeout_s=90)
        await city.settled()
        assert {slug: len(mails) for slug, mails in city.told().items()} == {"barnet": 1, "newham": 1}
        assert set(await city.incidents()) == {"barnet", "newham"}
        await _each_is_explained(city)
        await _an_answer_is_kept(city, "barnet")

        threat.sign("[domain-name:value = 'vpn.hackney.gov.uk']")
        await threat.publish(publisher)
        await until(lambda: "hackney" in city.told(), timeout_s=90)
        await city.settled()
        await _the_city_is_concerned_once(city, {"barnet", "newham", "hackney"})
        assert {slug: len(mails) for slug, mails in city.told().items()} == {"barnet": 1, "newham": 1, "hackney": 1}
    verdict = json.loads(await london.run("audit", "verify"))
    assert verdict["ok"] is True
    assert verdict["entries"] > 10


async def _each_is_explained(city: Running) -> None:
    for constituent, incidents in (await city.incidents()).items():
        (incident,) = incidents
        matches = await city.all(f"/incidents/{incident['id']}/matches")
        assert matches, constituent
        for match in matches:
            assert {"indicator_id", "relation", "path", "indicator_value", "feed", "confidence", "tlp"} <= set(match)


async def _an_answer_is_kept(city: Running, slug: str) -> None:
    """Open the signed link of a mail without any account: looking changes nothing, sending answers."""
    (mail,) = [m for m in city.mails.mails if f"@{slug}." in m.to]
    (link,) = set(re.findall(r"http://\S+/a/\S+", mail.text))
    (incident,) = (await city.incidents())[slug]
    async with aiohttp.ClientSession() as anybody:
        async with anybody.get(link) as page:
            assert page.status == 200
        assert await _answers(city, incident["id"]) == []
        async with anybody.post(link, data={"choice": "in-hand", "name": "Ada"}) as page:
            assert page.status == 200
    assert await _answers(city, incident["id"]) == ["in-hand"]


async def _answers(city: Running, incident_id: str) -> list[str]:
    advisories = [a for a in await city.all("/advisories") if a["incident_id"] == incident_id]
    return [answer["answer"] for a in advisories for answer in a["acknowledgements"]]


async def _the_city_is_concerned_once(city: Running, constituents: set[str]) -> None:
    incidents = await city.incidents()
    (parent,) = incidents.pop(None)
    assert set(incidents) == constituents
    assert {i["parent"]["id"] for (i,) in incidents.values()} == {parent["id"]}


async def test_who_has_answered_is_not_reminded_and_who_has_not_is(london: Instance, publisher: Running):
    _decide(london, _impatient(STRATEGY.read_text()))
    threat = Campaign("Glasswing loader")
    threat.sign("[ipv4-addr:value = '198.18.3.130']")
    threat.sign("[ipv4-addr:value = '198.18.25.130']")
    await threat.publish(publisher)
    await subscribed(london, publisher, "news")
    async with running(london) as city:
        await until(lambda: len(city.mails.mails) == 2, timeout_s=90)
        await _an_answer_is_kept(city, "barnet")
        await until(lambda: len(city.told()["newham"]) > 1, timeout_s=90)
        assert len(city.told()["barnet"]) == 1


async def test_a_service_that_three_boroughs_share_is_the_city_s_affair_at_once(london: Instance):
    _decide(london, re.sub("constituents = 3 ", "constituents = 9 ", STRATEGY.read_text()))
    threat = Campaign("Glasswing loader")
    threat.sign(f"[ipv4-addr:value = '{SHARED}']")
    async with running(london) as city:
        await threat.publish(city)
        await until(lambda: len(city.mails.mails) == len(SHARING), timeout_s=90)
        await city.settled()
        await _the_city_is_concerned_once(city, SHARING)
        ((parent,),) = [found for slug, found in (await city.incidents()).items() if slug is None]
        opened, *_ = await city.all(f"/incidents/{parent['id']}/timeline")
        assert "“Shared digital service”, which several constituents share" in opened["text"]
        assert {slug: len(mails) for slug, mails in city.told().items()} == dict.fromkeys(SHARING, 1)


def _decide(london: Instance, strategy: str) -> None:
    """Have the city follow another strategy than the one that is shipped."""
    folder = london.data / "playbooks"
    folder.mkdir(exist_ok=True)
    (folder / "strategy.toml").write_text(strategy)


def _impatient(strategy: str) -> str:
    """Return the strategy with clocks of seconds instead of hours."""
    soon = re.sub(r"remind_minutes = \[.*?\]", "remind_minutes = [0.25]", strategy)
    return re.sub(r"answer_minutes = \d+", "answer_minutes = 10", soon)


async def test_real_bundles_are_kept_whole_and_touch_nobody(tmp_path: Path, shared_data: Path):
    found = settings.read({}, data_dir=tmp_path / "city", port=0, smtp_port=free_port())
    await initialise(found, Sample.LONDON, PASSWORD)
    feed = definitions(found)["by-hand"]
    async with service.running(found) as running:
        for entry in _bundles(shared_data):
            total = Outcome()
            async for outcome in import_file(running.database, feed, _plain(shared_data, entry, tmp_path), 1 << 30):
                total += outcome
            assert total.stored + total.known + total.refused == entry["count"]["objects"], entry["file"]
        await until(lambda: _quiet(running.database), timeout_s=120)
        async with running.database.reading() as db:
            assert (await db.exec(select(Incident))).all() == []


def _bundles(folder: Path) -> list[dict[str, Any]]:
    return [entry for entry in json.loads((folder / "COUNTS.json").read_text()) if entry["kind"] == "stix"]


def _plain(folder: Path, entry: dict[str, Any], scratch: Path) -> Path:
    """Return the file of an entry, unpacked where it is packed."""
    if not entry["file"].endswith(".gz"):
        return folder / entry["file"]
    file = scratch / "bundle.json"
    file.write_bytes(gzip.decompress((folder / entry["file"]).read_bytes()))
    return file


async def _quiet(database: Database) -> bool:
    """Whether no work is waiting but what is planned for later."""
    due = select(Outbox.id).where(col(Outbox.done_at).is_(None), col(Outbox.due_at) <= now())
    async with database.reading() as db:
        return (await db.exec(due.limit(1))).first() is None
