"""What constituents' machines report, over HTTP."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession
from sqlmodel import select

from citysec.access.policy import Role
from citysec.db import Database
from citysec.incidents.triage import triage
from citysec.tables import Constituent, Incident, Match, Outbox, Sighting
from citysec.tables.columns import now
from citysec.tlp import TLP
from tests import city
from tests.correlate.city import City, indicator

AT = "2026-05-01T10:00:00Z"
As = Callable[[str], AbstractAsyncContextManager[ClientSession]]
RECORDS: list[dict[str, Any]] = [
    {"seen_at": AT, "domain": "evil.example", "count": 2},
    {"seen_at": AT, "domain": "good.example"},
    {"seen_at": "2026-05-01T11:00:00+01:00", "url": "http://EVIL.example/a"},
    {"seen_at": AT, "dst_ip": "198.51.100.7"},
    {"seen_at": "2026-05-01T10:00:00", "ip": "198.51.100.7"},
]


@pytest.fixture
def db(each_db: Database) -> Database:
    """Each of the two databases."""
    return each_db


@pytest.fixture
async def said(db: Database) -> City:
    """Two boroughs; feeds say that a name and a block do harm, and under TLP:RED that another name does."""
    town = City(db)
    async with db.writing() as session:
        for slug in ("camden", "brent"):
            session.add(Constituent(id=slug, slug=slug, name=slug.title(), kind="borough", sector="government"))
    await town.say(indicator(1, "[domain-name:value = 'evil.example']"))
    await town.say(indicator(2, "[ipv4-addr:value = '198.51.100.0/24']"), feed="blocks", tlp=TLP.AMBER)
    await town.say(indicator(3, "[domain-name:value = 'secret.example']"), feed="red", tlp=TLP.RED)
    await city.account(db, "camden-siem", Role.MACHINE, "camden")
    await city.account(db, "brent-siem", Role.MACHINE, "brent")
    await city.account(db, "eve", Role.COORDINATOR, clearance=TLP.RED)
    return town


@pytest.fixture
def as_(site: city.Site, db: Database, said: City) -> As:
    """A client of an account."""

    @asynccontextmanager
    async def client(name: str) -> AsyncGenerator[ClientSession, None]:
        async with site.client(f"Bearer {await city.token(db, name)}") as session:
            yield session

    return client


async def send(client: ClientSession, body: Any, kind: str = "application/json", **query: str) -> tuple[int, Any]:
    """Post observations."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    path = "/api/v1/observations"
    async with client.post(path, data=data, params=query, headers={"Content-Type": kind}) as answer:
        return answer.status, await answer.json()


async def listed(client: ClientSession) -> list[Any]:
    async with client.get("/api/v1/sightings") as answer:
        return (await answer.json())["items"]


async def test_what_touches_an_indicator_is_kept_with_how_often_and_when(as_: As):
    async with as_("camden-siem") as camden:
        status, answer = await send(camden, RECORDS)
        assert (status, answer["received"], answer["rejected"], answer["matched"]) == (200, 4, 1, 2)
        seen = {one["indicator_value"]: (one["count"], one["first_seen"]) for one in answer["sightings"]}
        assert seen == {"evil.example": (3, AT), "198.51.100.0/24": (1, AT)}
        assert [one["at"] for one in answer["rejects"]] == ["/4"]
        assert {one["indicator_value"] for one in await listed(camden)} == {"evil.example", "198.51.100.0/24"}


async def test_a_batch_that_comes_again_counts_nothing_twice(as_: As, db: Database):
    async with as_("camden-siem") as camden:
        assert await send(camden, RECORDS) == await send(camden, RECORDS)
    async with db.reading() as session:
        assert sorted((await session.exec(select(Sighting.count))).all()) == [1, 3]


async def test_one_report_under_one_key_counts_once(as_: As):
    body, headers = {"value": "evil.example"}, {"Idempotency-Key": "one"}
    async with as_("camden-siem") as camden:
        for _ in range(2):
            async with camden.post("/api/v1/sightings", json=body, headers=headers) as answer:
                assert (await answer.json())["matched"] == 1
        assert [one["count"] for one in await listed(camden)] == [1]


async def test_what_is_wrong_with_the_whole_or_its_type_is_said(as_: As):
    async with as_("camden-siem") as camden:
        assert (await send(camden, b"nothing"))[0] == 422
        assert (await send(camden, b"<x/>", "text/xml"))[0] == 415
        assert (await send(camden, RECORDS, tlp="TLP:PURPLE"))[0] == 422


async def test_nobody_sees_what_anothers_machines_saw(as_: As):
    async with as_("camden-siem") as camden, as_("brent-siem") as brent, as_("eve") as eve:
        await send(camden, RECORDS)
        assert await listed(brent) == []
        assert (await send(brent, RECORDS, constituent="camden"))[0] == 422
        assert {one["constituent"] for one in await listed(eve)} == {"camden"}


async def test_the_answer_tells_nothing_of_indicators_above_the_clearance(as_: As):
    records = [{"seen_at": AT, "domain": "secret.example"}]
    async with as_("camden-siem") as camden, as_("eve") as eve:
        _, answer = await send(camden, records)
        assert (answer["received"], answer["matched"], answer["sightings"]) == (1, 0, [])
        assert await listed(camden) == []
        assert [one["indicator_value"] for one in await listed(eve)] == ["secret.example"]


async def test_the_citys_team_says_whose_machines_saw_it(as_: As):
    async with as_("eve") as eve:
        assert (await send(eve, RECORDS))[0] == 422
        assert (await send(eve, RECORDS, constituent="nobody"))[0] == 422
        assert (await send(eve, RECORDS, constituent="camden"))[1]["matched"] == 2


async def test_what_was_seen_becomes_an_incident_of_that_constituent(as_: As, db: Database):
    async with as_("camden-siem") as camden:
        await send(camden, RECORDS)
    async with db.writing() as session:
        for work in (await session.exec(select(Outbox).where(Outbox.kind == "triage"))).all():
            await triage(session, work.payload, city.INCIDENTS)
    async with db.reading() as session:
        incidents = (await session.exec(select(Incident))).all()
    assert {(i.constituent_id, i.kind, i.title) for i in incidents} == {
        ("camden", "command-and-control", "Command and control: evil.example"),
        ("camden", "command-and-control", "Command and control: 198.51.100.0/24"),
    }


async def test_one_sighting_may_be_reported_by_value_or_by_indicator(as_: As, db: Database):
    async with as_("camden-siem") as camden:
        for body in (
            {"value": "evil[.]example", "count": 3, "note": "On a laptop."},
            {"indicator": indicator(1, "")["id"]},
        ):
            async with camden.post("/api/v1/sightings", json=body | {"seen_at": AT}) as answer:
                assert (answer.status, (await answer.json())["matched"]) == (200, 1)
        (one,) = await listed(camden)
        assert (one["count"], one["note"]) == (4, "On a laptop.")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"value": "evil.example", "indicator": "indicator--x"},
        {"indicator": indicator(3, "")["id"]},
        {"value": "not a value"},
        {"value": "evil.example", "seen_at": "2999-01-01T00:00:00Z"},
    ],
)
async def test_what_is_no_sighting_is_refused(as_: As, body: dict[str, Any]):
    async with as_("camden-siem") as camden, camden.post("/api/v1/sightings", json=body) as answer:
        assert answer.status == 422


async def test_a_match_that_was_sighted_names_no_asset(as_: As):
    async with as_("camden-siem") as camden:
        await send(camden, RECORDS[:1])
        async with camden.get("/api/v1/matches") as answer:
            (match,) = (await answer.json())["items"]
    assert (match["asset"], match["sighted_at"], match["relation"]) == (None, "camden", "sighted")


async def test_what_is_seen_after_its_incident_was_closed_is_news(as_: As, db: Database):
    async with as_("camden-siem") as camden:
        await send(camden, RECORDS[:1])
        await _triaged(db)
        async with db.writing() as session:
            incident = (await session.exec(select(Incident))).one()
            incident.state, incident.open_key, incident.closed_at = "closed", None, now()
        await send(camden, [{"seen_at": AT, "domain": "evil.example"}])
        assert await _triaged(db) == 0  # of old: it changes nothing
        later = now().isoformat()
        await send(camden, [{"seen_at": later, "domain": "evil.example"}])
    assert await _triaged(db) == 1
    async with db.reading() as session:
        assert len((await session.exec(select(Incident))).all()) == 2
        assert len((await session.exec(select(Match))).all()) == 1


async def _triaged(db: Database) -> int:
    async with db.writing() as session:
        waiting = (await session.exec(select(Outbox).where(Outbox.kind == "triage", Outbox.done_at == None))).all()  # noqa: E711
        for work in waiting:
            work.done_at = now()
            await triage(session, work.payload, city.INCIDENTS)
    return len(waiting)


async def test_the_same_is_found_whatever_the_form(as_: As):
    rows = "seen_at,count,domain,url,dst_ip,ip\n" + "".join(
        ",".join(str(one.get(name, "")) for name in ("seen_at", "count", "domain", "url", "dst_ip", "ip")) + "\n"
        for one in RECORDS
    )
    forms = {
        "application/json": json.dumps({"observations": RECORDS}).encode(),
        "application/x-ndjson": "\n".join(map(json.dumps, RECORDS)).encode(),
        "text/csv": rows.encode(),
        "application/stix+json": json.dumps(_bundle()).encode(),
    }
    found: list[Any] = []
    async with as_("camden-siem") as camden:
        for kind, body in forms.items():
            _, answer = await send(camden, body, kind)
            found.append([{k: v for k, v in one.items() if k != "match"} for one in answer["sightings"]])
    assert found[0]
    assert found == [found[0]] * 4


def _bundle() -> dict[str, Any]:
    """The same observations, in 2.0's and in 2.1's way."""
    observed: dict[str, Any] = {
        "type": "observed-data",
        "first_observed": AT,
        "last_observed": AT,
        "number_observed": 1,
    }
    name = {"type": "domain-name", "value": "evil.example", "id": "domain-name--1"}
    return {
        "type": "bundle",
        "objects": [
            observed | {"number_observed": 2, "objects": {"0": name}},
            observed | {"object_refs": ["domain-name--1"]},
            name,
            observed | {"objects": {"0": {"type": "ipv4-addr", "value": "198.51.100.7"}}},
        ],
    }


async def test_the_same_batch_at_the_same_moment_counts_nothing_twice(as_: As, db: Database):
    async with as_("camden-siem") as camden:
        answers = await asyncio.gather(*(send(camden, RECORDS) for _ in range(4)))
    assert {status for status, _ in answers} <= {200, 409}
    async with db.reading() as session:
        assert sorted((await session.exec(select(Sighting.count))).all()) == [1, 3]


async def test_different_batches_at_the_same_moment_are_all_counted(as_: As, db: Database):
    batches = [[{"seen_at": f"2026-05-01T10:00:0{n}Z", "domain": "evil.example"}] for n in range(6)]
    async with as_("camden-siem") as camden:
        assert {status for status, _ in await asyncio.gather(*(send(camden, one) for one in batches))} == {200}
    async with db.reading() as session:
        assert (await session.exec(select(Sighting.count))).all() == [6]


async def test_a_body_may_be_packed_but_not_longer_than_is_allowed(as_: As):
    async with as_("camden-siem") as camden:
        for body, status in ((RECORDS, 200), ([{"domain": "a" * 11_000_000}], 413)):
            packed, kind = gzip.compress(json.dumps(body).encode()), {"Content-Type": "application/json"}
            headers = kind | {"Content-Encoding": "gzip"}
            async with camden.post("/api/v1/observations", data=packed, headers=headers) as answer:
                assert answer.status == status


async def test_nothing_that_touches_no_indicator_is_logged_or_answered(
    as_: As, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)  # the service lets libraries say less
    raw = "raw" * 5
    async with as_("camden-siem") as camden:
        for body in (
            [{"seen_at": AT, "domain": f"{raw}.example"}, {"seen_at": AT, "ip": raw}, {"seen_at": raw, "domain": raw}],
            {"objects": [{"type": "observed-data", "objects": {raw: raw}, "first_observed": raw}]},
            {"objects": [{"type": "observed-data", "object_refs": raw, "number_observed": raw}]},
            {"observations": raw},
        ):
            _, answer = await send(camden, body)
            assert raw not in json.dumps(answer)
        async with camden.post("/api/v1/sightings", json={"value": f"{raw} {raw}"}) as answer:
            assert raw not in await answer.text()
    assert raw not in caplog.text + "".join(capfd.readouterr())
