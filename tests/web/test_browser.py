"""Every page in a real browser: accessible in light and dark, nothing blocked by its own policy, no sideways scroll."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from tests.web import gallery
from tests.web.looking import WIDER, violations

if TYPE_CHECKING:
    from playwright.async_api import Browser

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(browser: Browser, shown: str, scheme: Literal["light", "dark"]):
    page = await browser.new_page(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    faults: dict[str, object] = {}
    for address in gallery.pages():
        await page.goto(shown + address)
        faults[address] = await violations(page)
    assert {address: found for address, found in faults.items() if found} == {}


async def test_no_page_is_wider_than_the_narrowest_screen(browser: Browser, shown: str):
    page = await browser.new_page(viewport={"width": 320, "height": 640})
    wide = [a for a in gallery.pages() if await page.goto(shown + a) and await page.evaluate(WIDER)]
    assert wide == []


async def test_the_browser_has_nothing_to_complain_about(browser: Browser, shown: str):
    page = await browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for address in [*gallery.pages(), "/live"]:
        await page.goto(shown + address)
    assert complaints == []


async def test_an_advisory_can_be_answered_without_javascript(browser: Browser, shown: str):
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{shown}/a/token")
    await page.get_by_label("We are acting on it").check()
    await page.get_by_label("Your name").fill("J. Marsh")
    await page.get_by_role("button", name="Send answer").click()
    assert await page.locator("pre").inner_text() == "choice=in-hand name=J. Marsh note="


async def test_a_page_updates_itself_and_keeps_what_is_being_written(browser: Browser, shown: str):
    page = await browser.new_page()
    await page.goto(f"{shown}/live")
    await page.get_by_label("Add a note").fill("half a sentence")
    await page.request.post(f"{shown}/live/close")
    await page.locator("#live .state--closed").first.wait_for()
    assert await page.get_by_label("Add a note").input_value() == "half a sentence"
