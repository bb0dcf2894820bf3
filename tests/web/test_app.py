"""What holds for every answer of the service, whatever it answers."""

from __future__ import annotations

import base64

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from citysec.access.policy import Role, Scope
from citysec.web.middleware import SECURITY_HEADERS
from tests import city
from tests.city import Site


def _basic(name: str, password: str = city.PASSWORD) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/nowhere", "/api/v1/nowhere", "/taxii2/nowhere/"])
async def test_every_answer_carries_the_security_headers_and_an_id(site: Site, path: str):
    async with site.client() as client, client.get(path) as answer:
        assert SECURITY_HEADERS.keys() <= answer.headers.keys()
        assert answer.headers["X-Request-Id"]
        assert "Server" not in answer.headers


async def test_it_is_alive_and_ready(site: Site):
    async with site.client() as client, client.get("/healthz") as alive, client.get("/readyz") as ready:
        assert (alive.status, ready.status) == (200, 200)


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/nowhere", "text/html"),
        ("/api/v1/nowhere", "application/problem+json"),
    ],
)
async def test_a_refusal_speaks_the_language_of_its_part(site: Site, path: str, content_type: str):
    async with site.client() as client, client.get(path) as answer:
        assert (answer.status, answer.content_type) == (404, content_type)


async def test_a_wrong_method_names_the_right_ones(site: Site):
    async with site.client() as client, client.post("/healthz") as answer:
        assert answer.status == 405
        assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("sent", ["Basic ???", "Basic eA==", _basic("ada", "wrong"), "Bearer cs_x", "Digest x", ""])
async def test_wrong_credentials_are_refused_with_a_challenge(site: Site, sent: str):
    await city.account(site.app.database, "ada", Role.ANALYST)
    async with site.client() as client, client.get("/taxii2/", headers={"Authorization": sent}) as answer:
        assert answer.status == 401
        assert "Basic" in answer.headers["WWW-Authenticate"]


async def test_numbers_are_for_this_machine_and_the_city_s_own(site: Site):
    await city.constituent(site.app.database, "camden")
    await city.account(site.app.database, "ada", Role.MACHINE)
    await city.account(site.app.database, "lee", Role.MACHINE, "camden")
    far = {"X-Forwarded-For": "198.51.100.1"}
    statuses: list[int] = []
    async with site.client() as client:
        for headers in ({}, far, far | {"Authorization": _basic("ada")}, far | {"Authorization": _basic("lee")}):
            async with client.get("/metrics", headers=headers) as answer:
                statuses.append(answer.status)
    assert statuses == [200, 404, 200, 404]


async def test_requests_are_counted_by_route(site: Site):
    async with site.client() as client, client.get("/healthz"), client.get("/metrics") as answer:
        assert 'citysec_http_requests_total{method="GET",route="/healthz",status="200"} 1.0' in await answer.text()


async def test_guessing_over_http_is_braked(site: Site):
    async with site.client(_basic("ada", "wrong")) as client:
        for _ in range(10):
            async with client.get("/taxii2/") as answer:
                assert answer.status == 401
        async with client.get("/taxii2/") as answer:
            assert answer.status == 429
            assert int(answer.headers["Retry-After"]) > 0


async def test_a_token_works_under_both_names_of_its_scheme(site: Site):
    await city.account(site.app.database, "siem", Role.MACHINE)
    issued = await city.token(site.app.database, "siem", Scope.TAXII_READ)
    for scheme in ("Bearer", "Token", "bearer"):
        async with site.client(f"{scheme} {issued}") as client, client.get("/taxii2/nowhere/") as answer:
            assert answer.status == 404


async def test_what_fails_is_logged_without_the_address_of_a_working_link(site: Site):
    async with site.app.database.writing() as db:
        await (await db.connection()).execute(text("DROP TABLE session"))
    with capture_logs() as said:
        async with site.client() as client, client.get("/a/secret", cookies={"citysec": "x"}) as answer:
            assert answer.status == 500
    (failed,) = (line for line in said if line["event"] == "request.failed")
    assert failed["route"] == "/a/{token}"
    assert "/a/secret" not in str(failed)
