"""The console in a real browser, in front of a running service with sample London and its campaign."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from citysec.constituency.sample import FOLDER
from tests.flow.city import PASSWORD, Running, installed, running
from tests.waiting import until
from tests.web.looking import WIDER, violations

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

pytestmark = pytest.mark.browser
MAILS = 8
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture
async def london(tmp_path: Path) -> AsyncGenerator[Running, None]:
    """London, where a campaign has just become known and everybody concerned has been told."""
    instance = await installed(tmp_path / "london", ["--sample", "london"])
    async with running(instance) as city:
        await instance.run("feeds", "import", str(FOLDER / "campaign.json"), "--feed", "by-hand")
        await until(lambda: len(city.mails.mails) >= MAILS, timeout_s=90)
        await city.settled()
        yield city


@asynccontextmanager
async def _desk(browser: Browser, city: Running) -> AsyncGenerator[tuple[Page, list[str]], None]:
    """Sign the coordinator in; give the page, and what the browser complains about."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    page, complaints = await context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(city.url)
    await page.get_by_label("Name").fill("watcher")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.locator("main").get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="City board").wait_for()
    yield page, complaints
    await context.close()


async def _addresses(city: Running) -> list[str]:
    """Return one address of every page, with much to show."""
    ids = {name: [i["id"] for i in await city.all(f"/{name}")] for name in ("questions", "advisories")}
    incidents = await city.incidents()
    shared, own = incidents.pop(None), next(iter(incidents.values()))
    return [
        "/", "/?severity=low", "/feeds", "/feeds/by-hand", "/submit", "/audit", "/advisories/", "/nowhere",
        _link(city).removeprefix(city.url),
        f"/incidents/{shared[0]['id']}", f"/incidents/{shared[0]['id']}/public",
        f"/incidents/{own[0]['id']}", f"/constituents/{own[0]['constituent']}",
        *(f"/questions/{key}" for key in ids["questions"][:1]), *(f"/advisory/{key}" for key in ids["advisories"][:1]),
    ]  # fmt: skip


def _link(city: Running) -> str:
    """Return the signed link of the first mail."""
    found = re.search(rf"{re.escape(city.url)}/a/\S+", city.mails.mails[0].text)
    assert found is not None
    return found[0]


async def _waiting(city: Running) -> dict[str, Any]:
    """Return a question that waits for the coordinator, the most urgent first."""
    asked: Sequence[dict[str, Any]] = [q for q in await city.all("/questions") if q["answer"] is None]
    return min(asked, key=lambda question: question["due_at"])


async def test_a_question_is_answered_and_the_run_goes_on_before_the_reader_s_eyes(browser: Browser, london: Running):
    asked = await _waiting(london)
    async with _desk(browser, london) as (page, complaints), _desk(browser, london) as (other, _):
        await other.goto(f"{london.url}/incidents/{asked['incident_id']}")
        step = other.locator("#runs .step", has=other.locator(f'[href="/questions/{asked["id"]}"]'))
        await step.get_by_text("Waiting for an answer").wait_for()
        await page.goto(f"{london.url}/incidents/{asked['incident_id']}")
        await page.locator(f'#questions [href="/questions/{asked["id"]}"]').click()
        await page.get_by_label("Approve").check()
        await page.get_by_label("Note").fill("Agreed with the duty officer.")
        await page.get_by_role("button", name="Send answer").click()
        await page.get_by_text("Your answer is recorded").wait_for()
        await step.get_by_text("Done").wait_for(timeout=60_000)
        await other.locator("#timeline").get_by_text("Agreed with the duty officer.").wait_for()
        assert complaints == []


async def test_a_mail_s_link_is_answered_without_account_or_javascript(browser: Browser, london: Running):
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(_link(london))
    await page.get_by_label("We are acting on it").check()
    await page.get_by_label("Your name").fill("J. Marsh")
    await page.get_by_role("button", name="Send answer").click()
    await page.get_by_role("heading", name="Thank you, we have your answer").wait_for()
    async with _desk(browser, london) as (desk, complaints):
        answered = next(iter(await london.all("/advisories?answered=true")))
        await desk.goto(f"{london.url}/incidents/{answered['incident_id']}")
        await desk.locator("#advisories").get_by_text("J. Marsh").wait_for()
        assert complaints == []


async def test_every_page_is_accessible_in_light_and_dark_and_fits_the_narrowest_screen(
    browser: Browser, london: Running
):
    faults: dict[str, object] = {}
    async with _desk(browser, london) as (page, complaints):
        for address in await _addresses(london):
            await page.set_viewport_size({"width": 1280, "height": 900})
            for scheme in SCHEMES:
                await page.emulate_media(color_scheme=scheme)
                await page.goto(london.url + address)  # anew: colours that fade from one to the other are neither
                faults[f"{address} {scheme}"] = await violations(page)
            await page.set_viewport_size({"width": 320, "height": 900})
            faults[f"{address} width"] = await page.evaluate(WIDER)
    assert {where: found for where, found in faults.items() if found} == {}
    assert [said for said in complaints if "404" not in said] == []  # one of the pages is not there
