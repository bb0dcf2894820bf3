"""The TAXII 2.1 server, seen by a real client and by itself."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from aiohttp import ClientSession
from taxii2client.common import TokenAuth
from taxii2client.v21 import Server, as_pages

from citysec.access.policy import Role, Scope
from citysec.tlp import TLP
from tests import city
from tests.share import stored

T = TypeVar("T")
ACCEPT = {"Accept": "application/taxii+json;version=2.1"}
ROOT = "/taxii2/city/collections/"


@pytest.fixture
async def taxii(site: city.Site) -> city.Site:
    """A served city with a feed and the collection `main`."""
    await stored.feed(site.app.database)
    await stored.collection(site.app.database)
    return site


@pytest.fixture
async def siem(taxii: city.Site) -> AsyncGenerator[ClientSession, None]:
    """A machine cleared to TLP:AMBER that may read `main`."""
    token = await stored.reader(taxii.app.database)
    async with taxii.client(f"Bearer {token}") as client:
        yield client


async def _get(client: ClientSession, path: str, **query: str) -> Any:
    async with client.get(path if path.startswith("/") else ROOT + path, params=query, headers=ACCEPT) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["Content-Type"] == "application/taxii+json;version=2.1"
        return await answer.json(content_type=None)


async def _status(client: ClientSession, path: str, **query: str) -> int:
    async with client.get(ROOT + path, params=query) as answer:
        assert answer.content_type == "application/taxii+json"
        error = await answer.json(content_type=None)
        assert answer.status == 200 or (error["title"] and error["http_status"] == str(answer.status))
        return answer.status


async def _names(client: ClientSession, **query: str) -> list[str]:
    envelope = await _get(client, "main/objects/", **query)
    return [o["name"] for o in envelope.get("objects", [])]


async def _as_client(site: city.Site, token: str, do: Callable[[Server], T]) -> T:
    """Use taxii2-client, which is synchronous, in a thread."""

    def work() -> T:
        server = Server(site.url + "/taxii2/", auth=TokenAuth(token))
        try:
            return do(server)
        finally:
            server.close()

    return await asyncio.to_thread(work)


async def test_a_real_client_discovers_and_pages_through_a_collection(taxii: city.Site):
    db = taxii.app.database
    for number in range(7):
        await stored.put(db, number)
    token = await stored.reader(db)

    def walk(server: Server) -> list[list[str]]:
        (collection,) = server.api_roots[0].collections
        pages = as_pages(collection.get_objects, per_request=3)
        return [[o["name"] for o in page["objects"]] for page in pages]

    pages = await _as_client(taxii, token, walk)
    assert pages == [["№ 0", "№ 1", "№ 2"], ["№ 3", "№ 4", "№ 5"], ["№ 6"]]


async def test_a_real_client_reads_manifest_object_and_versions(taxii: city.Site):
    db = taxii.app.database
    await stored.put(db, 1)
    await stored.put(db, 1, modified=stored.NOON + timedelta(hours=1))
    token, key = await stored.reader(db), stored.stix_id(1)

    def look(server: Server) -> list[Any]:
        collection = server.api_roots[0].collections[0]
        return [collection.get_manifest(), collection.get_object(key, version="all"), collection.object_versions(key)]

    manifest, found, listed = await _as_client(taxii, token, look)
    assert (len(manifest["objects"]), len(found["objects"]), len(listed["versions"])) == (1, 2, 2)


async def test_objects_leave_in_the_words_they_came_in(siem: ClientSession, taxii: city.Site):
    await stored.put(taxii.app.database, 1)
    async with siem.get(ROOT + "main/objects/") as answer:
        text = await answer.text()
    assert text.startswith('{"objects": [{"type": "indicator", "id": "')
    assert "№ 1" in text


async def test_an_empty_collection_is_an_empty_envelope_without_dates(siem: ClientSession):
    async with siem.get(ROOT + "main/objects/") as answer:
        assert await answer.text() == "{}"
        assert not [name for name in answer.headers if name.lower().startswith("x-taxii")]


async def test_who_polls_by_date_alone_loses_nothing(siem: ClientSession, taxii: city.Site):
    for number in range(5):
        await stored.put(taxii.app.database, number)
    seen: list[str] = []
    after = "1970-01-01T00:00:00.000000Z"
    while True:
        async with siem.get(ROOT + "main/objects/", params={"limit": "2", "added_after": after}) as answer:
            envelope = await answer.json(content_type=None)
            seen += [o["name"] for o in envelope.get("objects", [])]
            if not envelope.get("more"):
                break
            after = answer.headers["X-TAXII-Date-Added-Last"]
    assert seen == [f"№ {number}" for number in range(5)]


async def test_what_is_above_the_reader_s_clearance_does_not_exist(siem: ClientSession, taxii: city.Site):
    for number, label in enumerate(TLP):
        await stored.put(taxii.app.database, number, label=label)
    assert await _names(siem) == ["№ 0", "№ 1", "№ 2"]
    assert len((await _get(siem, "main/manifest/"))["objects"]) == 3
    assert await _status(siem, f"main/objects/{stored.stix_id(4)}/") == 404
    assert await _status(siem, f"main/objects/{stored.stix_id(4)}/versions/") == 404


async def test_pages_are_filled_up_and_more_is_exact(siem: ClientSession, taxii: city.Site):
    for number in range(6):
        await stored.put(taxii.app.database, number, label=TLP.RED if number % 2 else TLP.GREEN)
    first = await _get(siem, "main/objects/", limit="2")
    rest = await _get(siem, "main/objects/", limit="2", next=first["next"])
    assert (len(first["objects"]), first["more"], len(rest["objects"]), "more" in rest) == (2, True, 1, False)


async def test_the_last_version_is_the_last_that_the_reader_may_see(siem: ClientSession, taxii: city.Site):
    await stored.put(taxii.app.database, 1, label=TLP.GREEN)
    await stored.put(taxii.app.database, 1, label=TLP.RED, modified=stored.NOON + timedelta(hours=1))
    envelope = await _get(siem, "main/objects/")
    assert [o["modified"] for o in envelope["objects"]] == ["2026-06-01T12:00:00+00:00"]


async def test_after_a_revocation_that_the_reader_may_not_see_nothing_misleads(siem: ClientSession, taxii: city.Site):
    await stored.put(taxii.app.database, 1, label=TLP.GREEN)
    later = stored.NOON + timedelta(hours=1)
    await stored.put(taxii.app.database, 1, label=TLP.RED, modified=later, revoked=True)
    assert await _names(siem) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["2.1 late"]), ({"match[version]": "all"}, ["2.1", "2.1 late"]), ({"match[version]": "first"}, ["2.1"]),
        ({"match[version]": "2026-06-01T12:00:00Z"}, ["2.1"]), ({"match[version]": "2020-01-01T00:00:00Z"}, []),
        ({"match[spec_version]": "2.0"}, ["2.0"]), ({"match[spec_version]": "2.0,2.1"}, ["2.0", "2.1 late"]),
        ({"match[type]": "malware"}, []), ({"match[type]": "indicator,malware"}, ["2.1 late"]),
        ({"match[id]": stored.stix_id(1)}, ["2.1 late"]), ({"match[id]": stored.stix_id(2)}, []),
    ],
)  # fmt: skip
async def test_filters_choose(siem: ClientSession, taxii: city.Site, query: dict[str, str], found: list[str]):
    db, late = taxii.app.database, stored.NOON + timedelta(hours=1)
    await stored.put(db, 1, spec_version="2.0")
    await stored.put(db, 1)
    await stored.put(db, 1, modified=late)
    envelope = await _get(siem, "main/objects/", **query)
    objects = envelope.get("objects", [])
    assert [o["spec_version"] + " late" * (late.isoformat() == o["modified"]) for o in objects] == found


@pytest.mark.parametrize(
    "query", ["limit=0", "added_after=x", "next=x", "match[version]=all,last", "limit=1&limit=1", "match[id]="]
)
async def test_a_malformed_parameter_is_400(siem: ClientSession, query: str):
    assert await _status(siem, f"main/objects/?{query}") == 400


async def test_a_cursor_is_good_for_its_own_walk_only(siem: ClientSession, taxii: city.Site):
    db = taxii.app.database
    await stored.collection(db, "other")
    for number in range(3):
        await stored.put(db, number)
    cursor = (await _get(siem, "main/objects/", limit="1"))["next"]
    other = await stored.reader(db, "other", TLP.AMBER, "main", "other")
    assert await _status(siem, "main/objects/", next=cursor) == 200
    assert await _status(siem, "main/objects/", next=cursor, **{"match[type]": "indicator"}) == 400
    assert await _status(siem, "main/manifest/", next=cursor) == 400
    async with taxii.client(f"Bearer {other}") as client:
        assert await _status(client, "main/objects/", next=cursor) == 400


async def test_what_a_reader_has_no_right_to_looks_absent(siem: ClientSession, taxii: city.Site):
    secret = await stored.collection(taxii.app.database, "secret")
    listed = await _get(siem, "/taxii2/city/collections/")
    assert [c["alias"] for c in listed["collections"]] == ["main"]
    for name in ("secret", secret, "nowhere"):
        assert {await _status(siem, f"{name}/{part}") for part in ("", "objects/", "manifest/")} == {404}


async def test_a_collection_answers_to_its_id_and_its_alias(siem: ClientSession):
    by_alias = await _get(siem, "main/")
    assert await _get(siem, by_alias["id"] + "/") == by_alias
    assert (by_alias["can_read"], by_alias["can_write"]) == (True, False)


async def test_a_token_without_the_scope_reads_nothing(taxii: city.Site):
    await stored.reader(taxii.app.database)
    token = await city.token(taxii.app.database, "siem", Scope.API_READ)
    async with taxii.client(f"Bearer {token}") as client:
        assert await _get(client, "/taxii2/city/collections/") == {}


async def test_a_known_object_without_the_version_asked_for_is_an_empty_answer(siem: ClientSession, taxii: city.Site):
    await stored.put(taxii.app.database, 1)
    path = f"main/objects/{stored.stix_id(1)}/"
    assert await _get(siem, path, **{"match[version]": "2020-01-01T00:00:00Z"}) == {}


async def test_strangers_are_challenged_wherever_they_knock(taxii: city.Site):
    async with taxii.client() as stranger:
        for path in ("/taxii2/", ROOT + "main/", ROOT + "nowhere/", "/taxii2/nowhere/"):
            async with stranger.get(path) as answer:
                assert answer.status == 401
                assert "Basic" in answer.headers["WWW-Authenticate"]


async def test_basic_works_and_cookies_do_not(taxii: city.Site):
    await city.account(taxii.app.database, "ada", Role.COORDINATOR)
    async with taxii.client() as client:
        header = "Basic " + base64.b64encode(f"ada:{city.PASSWORD}".encode()).decode()
        async with client.get("/taxii2/", headers={"Authorization": header}) as answer:
            assert answer.status == 200
        async with client.get("/taxii2/", cookies={"citysec": "x"}) as answer:
            assert answer.status == 401


async def test_a_missing_slash_is_put_right(siem: ClientSession):
    async with siem.get("/taxii2/city/collections?a=b", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (308, "/taxii2/city/collections/?a=b")


@pytest.mark.parametrize(("accept", "status"), [("text/html", 406), ("*/*", 200), ("application/taxii+json", 200)])
async def test_the_type_is_negotiated(siem: ClientSession, accept: str, status: int):
    async with siem.get("/taxii2/", headers={"Accept": accept}) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (status, "application/taxii+json;version=2.1")


async def test_a_reader_adds_nothing(siem: ClientSession):
    async with siem.post(ROOT + "main/objects/", json={"objects": []}) as answer:
        assert answer.status == 403
    async with siem.post(ROOT + "nowhere/objects/", json={"objects": []}) as answer:
        assert answer.status == 404
