"""The API's manners: pages, refusals, doing things once."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from aiohttp import ClientSession
from sqlmodel import col, func, select, update

from citysec.access.policy import Role, Scope
from citysec.db import Database
from citysec.tables import Advisory, Assertion, AuditEntry, Incident, Outbox, TimelineEntry
from citysec.tlp import TLP
from tests import city
from tests.web.api.world import EVERYTHING, seed

JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def ada(site: city.Site) -> AsyncGenerator[ClientSession, None]:
    """The coordinator of a seeded city."""
    await seed(site.app.database, EVERYTHING)
    async with site.client(f"Bearer {await city.token(site.app.database, 'ada')}") as client:
        yield client


async def _get(client: ClientSession, path: str, **query: str) -> Any:
    async with client.get("/api/v1" + path, params=query) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def _post(client: ClientSession, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    async with client.post("/api/v1" + path, json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_me_says_who_asks(ada: ClientSession):
    me = await _get(ada, "/me")
    assert (me["name"], me["role"], me["clearance"], me["constituent"]) == ("ada", "coordinator", "TLP:RED", None)


async def test_pages_hold_every_incident_once(ada: ClientSession):
    seen: list[str] = []
    page = await _get(ada, "/incidents", limit="2")
    seen += [i["id"] for i in page["items"]]
    while page["next"]:
        page = await _get(ada, "/incidents", limit="2", cursor=page["next"])
        seen += [i["id"] for i in page["items"]]
    assert len(seen) == len(set(seen)) == len(EVERYTHING.happened)


async def test_a_cursor_is_good_for_its_own_list_only(ada: ClientSession):
    cursor = (await _get(ada, "/incidents", limit="1"))["next"]
    async with ada.get("/api/v1/matches", params={"cursor": cursor}) as answer:
        assert (answer.status, (await answer.json())["problems"][0]["at"]) == (422, "cursor")


async def test_filters_combine(ada: ClientSession):
    found = await _get(ada, "/incidents", constituent="camden", severity="high", state="open")
    assert {i["constituent"] for i in found["items"]} == {"camden"}
    assert (await _get(ada, "/incidents", updated_since="2026-06-01T12:00:01Z"))["items"] == []
    assert len((await _get(ada, "/incidents", parent="open-i0"))["items"]) == 4


@pytest.mark.parametrize(
    ("query", "place"),
    [("limit=0", "limit"), ("limit=1&limit=2", "limit"), ("colour=red", "colour"), ("state=lost", "state.0"),
     ("updated_since=2026-06-01T12:00:00", "updated_since"),
     ("updated_since=0001-01-01T00:00:00%2B23:00", "updated_since"),
     ("parent=%00", "parent")],
)  # fmt: skip
async def test_a_parameter_that_makes_no_sense_is_named(ada: ClientSession, query: str, place: str):
    async with ada.get(f"/api/v1/incidents?{query}") as answer:
        problem = await answer.json()
    assert (answer.status, answer.content_type) == (422, "application/problem+json")
    assert [p["at"] for p in problem["problems"]] == [place]


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [("text/plain", b"{}", 415), ("application/json", b"{", 422), ("application/json", b'{"text": ""}', 422),
     ("application/json", b'{"text": "x", "y": 1}', 422), ("application/json", b'{"text": "\\u0000"}', 422),
     ("application/json", b'"' + b"x" * (11 << 20) + b'"', 413), ("application/json", b"", 422)],
)  # fmt: skip
async def test_a_body_that_cannot_be_used_is_refused(ada: ClientSession, content_type: str, body: bytes, status: int):
    async with ada.post(
        "/api/v1/incidents/open-i1/notes", data=io.BytesIO(body), headers={"Content-Type": content_type}
    ) as answer:
        assert (answer.status, answer.content_type) == (status, "application/problem+json")


async def test_an_unchanged_resource_is_not_sent_again(ada: ClientSession):
    async with ada.get("/api/v1/incidents/open-i1") as first:
        etag = first.headers["ETag"]
    async with ada.get("/api/v1/incidents/open-i1", headers={"If-None-Match": f'"x", W/{etag}'}) as again:
        assert (again.status, await again.read()) == (304, b"")
    await _post(ada, "/incidents/open-i1/notes", {"text": "Called them."})
    async with ada.get("/api/v1/incidents/open-i1", headers={"If-None-Match": etag}) as changed:
        assert changed.status == 200


async def test_the_same_request_again_is_done_once(ada: ClientSession, db: Database):
    answers = [
        await _post(ada, "/incidents/open-i1/notes", {"text": "Once."}, **{"Idempotency-Key": "k1"}) for _ in range(3)
    ]
    assert answers[0] == answers[1] == answers[2]
    async with db.reading() as session:
        said = select(func.count()).where(TimelineEntry.text == "Once.")
        assert (await session.exec(said)).one() == 1


async def test_a_key_stands_for_one_request(ada: ClientSession):
    await _post(ada, "/incidents/open-i1/notes", {"text": "One."}, **{"Idempotency-Key": "k1"})
    status, problem = await _post(ada, "/incidents/open-i1/notes", {"text": "Two."}, **{"Idempotency-Key": "k1"})
    assert (status, problem["problems"][0]["at"]) == (422, "Idempotency-Key")


async def test_a_refused_request_leaves_nothing_behind_its_key(ada: ClientSession):
    key = {"Idempotency-Key": "k1"}
    assert (await _post(ada, "/incidents/open-i1/reopen", **key))[0] == 409
    assert (await _post(ada, "/incidents/open-i1/close", **{"Idempotency-Key": "k2"}))[0] == 200
    assert (await _post(ada, "/incidents/open-i1/reopen", **key))[0] == 200


async def test_requests_side_by_side_under_one_key_are_done_once(ada: ClientSession, db: Database):
    key = {"Idempotency-Key": "k"}
    await asyncio.gather(*(_post(ada, "/incidents/open-i1/notes", {"text": "Once."}, **key) for _ in range(5)))
    async with db.reading() as session:
        assert (await session.exec(select(func.count()).where(TimelineEntry.text == "Once."))).one() == 1


async def test_an_incident_moves_by_its_lifecycle_and_the_audit_knows_who(ada: ClientSession, db: Database):
    for step, state in (("contain", "contained"), ("close", "closed"), ("reopen", "open")):
        status, incident = await _post(ada, f"/incidents/open-i1/{step}", {"note": "So it is."})
        assert (status, incident["state"]) == (200, state)
    async with db.reading() as session:
        entries = (await session.exec(select(AuditEntry).where(AuditEntry.subject == "incident:open-i1"))).all()
    assert [(e.actor, e.action) for e in entries] == [
        ("ada", "incident.contain"), ("ada", "incident.close"), ("ada", "incident.reopen")
    ]  # fmt: skip


async def test_escalating_answers_with_the_city_incident(ada: ClientSession, db: Database):
    async with db.writing() as session:
        incident = await session.get_one(Incident, "SECRET-i3")
        incident.parent_id = None
        session.add(incident)
    status, raised = await _post(ada, "/incidents/SECRET-i3/escalate", {"reason": "It spreads."})
    assert (status, raised["constituent"]) == (200, None)
    assert (await _get(ada, "/incidents/SECRET-i3"))["parent"]["id"] == raised["id"]


async def test_advising_publishes(ada: ClientSession):
    status, published = await _post(ada, "/incidents/open-i1/advisories")
    assert status == 200
    assert published["advisories"]


async def test_the_public_is_told_corrected_and_told_that_it_is_withdrawn(ada: ClientSession, db: Database):
    path, words = "/incidents/open-i1/public", {"title": "Beware", "what": "Of fines."}
    assert (await _post(ada, path, words))[0] == 200
    assert (await _post(ada, path, words | {"change": "More of them."}))[0] == 200
    assert (await _post(ada, f"{path}/withdraw", {"reason": "It was ours."}))[0] == 200
    assert (await _post(ada, f"{path}/withdraw", {"reason": "Again."}))[0] == 409
    async with db.reading() as session:
        told = (await session.exec(select(Advisory).where(col(Advisory.constituent_id).is_(None)))).all()
    assert [(a.revision, a.content["withdrawn"]) for a in told] == [(1, False), (2, False), (3, True)]


async def test_an_advisory_is_acknowledged_by_its_constituent(ada: ClientSession, site: city.Site):
    token = await city.token(site.app.database, "lee")
    path = "/advisories/open-a1/acknowledgements"
    async with site.client(f"Bearer {token}") as lee:
        status, advisory = await _post(lee, path, {"answer": "in-hand", "note": "On it."})
        assert (status, advisory["acknowledgements"][-1]["answer"]) == (200, "in-hand")
        assert (await _post(lee, path.replace("open-a1", "SECRET-a3"), {"answer": "in-hand"}))[0] == 404


async def test_a_question_is_answered_once(ada: ClientSession, db: Database):
    path = "/questions/open-q1/answer"
    status, question = await _post(ada, path, {"answer": "approved", "note": "Go."})
    assert (status, question["answer"], question["answered_by"]) == (200, "approved", "ada")
    assert (await _post(ada, path, {"answer": "refused"}))[0] == 409
    async with db.reading() as session:
        assert (await session.exec(select(Outbox).where(Outbox.kind == "answer"))).one()


async def test_a_lead_answers_what_its_lead_was_asked(ada: ClientSession, site: city.Site):
    async with site.client(f"Bearer {await city.token(site.app.database, 'lee')}") as lee:
        assert (await _post(lee, "/questions/open-q1/answer", {"answer": "approved"}))[0] == 200
        assert (await _post(lee, "/questions/SECRET-q4/answer", {"answer": "approved"}))[0] == 404


@pytest.mark.parametrize("apply", ["false", "true"])
async def test_a_register_file_is_shown_first_and_applied_when_asked(ada: ClientSession, apply: str):
    file = "asset_id,organisation,sector,kind,value,scope,criticality\nN-1,Camden open,,ipv4,198.18.0.1,exact,high\n"
    async with ada.post(
        "/api/v1/assets/import", params={"apply": apply}, data=file, headers={"Content-Type": "text/csv"}
    ) as answer:
        plan = await answer.json()
    assert (plan["added_count"], plan["added"][0]["asset_id"]) == (1, "N-1")
    assert len((await _get(ada, "/assets", kind="ipv4"))["items"]) == (apply == "true")


async def test_a_bad_line_is_named(ada: ClientSession):
    file = "asset_id,organisation,sector,kind,value,scope,criticality\nN-1,Camden open,,ipv4,x,exact,high\n"
    async with ada.post("/api/v1/assets/import", data=file, headers={"Content-Type": "text/csv"}) as answer:
        assert answer.status == 422
        assert "2" in (await answer.json())["problems"][0]["at"]


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [(Role.LEAD, "/incidents/open-i1/close", 403), (Role.LEAD, "/incidents/open-i1/notes", 200),
     (Role.LEAD, "/incidents/SECRET-i3/notes", 404), (Role.MEMBER, "/feeds/f/poll", 403),
     (Role.MACHINE, "/incidents/open-i1/advisories", 403)],
)  # fmt: skip
async def test_a_constituent_does_what_its_role_allows(
    ada: ClientSession, site: city.Site, role: Role, path: str, status: int
):
    await city.account(site.app.database, "mia", role, "camden")
    async with site.client(f"Bearer {await city.token(site.app.database, 'mia')}") as mia:
        assert (await _post(mia, path, {"text": "Seen."} if path.endswith("notes") else None))[0] == status


async def test_a_token_does_no_more_than_its_scopes(ada: ClientSession, site: city.Site):
    token = await city.token(site.app.database, "ada", Scope.API_READ)
    async with site.client(f"Bearer {token}") as reader:
        await _get(reader, "/incidents")
        assert (await _post(reader, "/incidents/open-i1/close"))[0] == 403
    taxii = await city.token(site.app.database, "ada", Scope.TAXII_READ)
    async with site.client(f"Bearer {taxii}") as consumer, consumer.get("/api/v1/me") as answer:
        assert answer.status == 403


async def test_who_asks_without_saying_who_is_told_how(site: city.Site):
    async with site.client() as stranger, stranger.get("/api/v1/me") as answer:
        assert (answer.status, answer.content_type) == (401, "application/problem+json")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def _lower(db: Database, clearance: TLP) -> None:
    async with db.writing() as session:
        account = (await session.exec(select(city.Account).where(col(city.Account.name) == "ada"))).one()
        account.clearance = clearance
        session.add(account)


async def test_lowering_a_clearance_counts_at_once(ada: ClientSession, db: Database):
    await _lower(db, TLP.CLEAR)
    assert [i["tlp"] for i in (await _get(ada, "/incidents"))["items"]] == ["TLP:CLEAR"]


@pytest.mark.parametrize(("label", "shown"), [(TLP.CLEAR, 1), (TLP.RED, 0)])
async def test_a_new_asset_shows_its_history_before_it_is_applied(
    ada: ClientSession, db: Database, label: TLP, shown: int
):
    await _lower(db, TLP.AMBER)
    async with db.writing() as session:
        await session.exec(update(Assertion).values(tlp=label))
    text = "asset_id,organisation,sector,kind,value,scope,criticality\nU1,Camden open,government,url,https://open1.example/a,,low\n"
    async with ada.post("/api/v1/assets/import", data=text, headers={"Content-Type": "text/csv"}) as answer:
        history = {"asset_id": "U1", "now": 1, "possible": 0, "gone": 0, "lookalikes": 0}
        assert (await answer.json())["history"] == [history] * shown
