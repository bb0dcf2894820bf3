"""Signing in with a browser, and what somebody else's page cannot make it do."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from aiohttp import ClientSession
from sqlmodel import select

from citysec import settings
from citysec.access.policy import Role
from citysec.db import Database
from citysec.tables import AuditEntry, Session
from citysec.web import credentials
from tests import city

FORM = {"name": "ada", "password": city.PASSWORD, "next": "/audit"}
ELSEWHERE = {"Origin": "https://elsewhere.example"}


@pytest.fixture
async def browser(site: city.Site) -> AsyncGenerator[ClientSession, None]:
    """A browser at a city where `ada` coordinates."""
    await city.account(site.app.database, "ada", Role.COORDINATOR)
    async with site.client() as client:
        yield client


async def _sign_in(browser: ClientSession) -> str:
    """Sign in and return the token that forms carry."""
    async with browser.post("/sign-in", data=FORM, headers={"Sec-Fetch-Site": "same-origin"}) as page:
        assert page.status == 200
        token = re.search(r'name="csrf" value="([^"]+)"', await page.text())
    assert token is not None
    return token[1]


async def test_a_sign_in_leads_where_the_reader_wanted(browser: ClientSession, site: city.Site):
    async with browser.post("/sign-in", data=FORM, allow_redirects=False) as answer:
        cookie = answer.cookies["citysec"]
        assert (answer.status, answer.headers["Location"]) == (303, "/audit")
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Lax", "/", "")
    async with site.app.database.reading() as db:
        assert "account.sign-in" in (await db.exec(select(AuditEntry.action))).all()


async def test_signing_out_ends_the_session_everywhere(browser: ClientSession, site: city.Site):
    token = await _sign_in(browser)
    async with browser.post("/sign-out", data={"csrf": token}, allow_redirects=False) as answer:
        assert answer.status == 303
    async with site.app.database.reading() as db:
        assert (await db.exec(select(Session))).all() == []
    async with browser.get("/audit", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?next=%2Faudit")


@pytest.mark.parametrize("headers", [ELSEWHERE, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_nobody_else_s_page_signs_a_reader_in(browser: ClientSession, headers: dict[str, str]):
    async with browser.post("/sign-in", data=FORM, headers=headers) as answer:
        assert answer.status == 403
        assert not answer.cookies


@pytest.mark.parametrize(
    ("csrf", "headers", "status"),
    [
        ("right", {}, 303), ("", {}, 403), ("wrong", {}, 403), ("right", ELSEWHERE, 403),
        ("", {"X-CSRF-Token": "right"}, 303), ("", {"X-CSRF-Token": "wrong"}, 403),
    ],
)  # fmt: skip
async def test_what_a_cookie_may_do_needs_the_form_s_token(
    browser: ClientSession, csrf: str, headers: dict[str, str], status: int
):
    token = await _sign_in(browser)
    sent = {name: value.replace("right", token) for name, value in headers.items()}
    form = {"csrf": csrf.replace("right", token)}
    async with browser.post("/sign-out", data=form, headers=sent, allow_redirects=False) as answer:
        assert answer.status == status


async def test_the_api_takes_a_cookie_and_asks_it_for_the_token_too(browser: ClientSession):
    token = await _sign_in(browser)
    async with browser.get("/api/v1/me") as answer:
        assert (answer.status, (await answer.json())["name"]) == (200, "ada")
    for headers, status in (({}, 403), ({"X-CSRF-Token": token}, 404)):
        async with browser.post("/api/v1/incidents/none/close", headers=headers) as answer:
            assert answer.status == status


async def test_credentials_in_the_header_need_no_token_and_win_over_the_cookie(browser: ClientSession, site: city.Site):
    await _sign_in(browser)
    await city.account(site.app.database, "siem", Role.MACHINE)
    bearer = {"Authorization": f"Bearer {await city.token(site.app.database, 'siem')}"}
    async with browser.get("/api/v1/me", headers=bearer) as answer:
        assert (await answer.json())["name"] == "siem"
    async with browser.post("/api/v1/incidents/none/close", headers=bearer) as answer:
        assert answer.status == 404


async def test_pages_take_no_credentials_but_the_cookie(browser: ClientSession, site: city.Site):
    bearer = {"Authorization": f"Bearer {await city.token(site.app.database, 'ada')}"}
    async with browser.get("/audit", headers=bearer, allow_redirects=False) as answer:
        assert answer.status == 303


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        ({"public_url": "https://city.example"}, "__Host-citysec"),
        ({"public_url": "https://city.example", "secure_cookies": False}, "citysec"),
        ({}, "citysec"),
    ],
)  # fmt: skip
async def test_over_https_the_cookie_can_be_set_by_this_host_only(db: Database, chosen: dict[str, object], name: str):
    app = replace(city.app_context(db), settings=settings.read({}, **chosen))
    assert credentials.cookie_name(app) == name
