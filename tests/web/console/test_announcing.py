"""Telling the public from the console: written, looked at, confirmed, published; corrected, withdrawn."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from citysec.tables import Advisory
from tests import city
from tests.web.console import visit
from tests.web.console.visit import Visit

if TYPE_CHECKING:
    from playwright.async_api import Browser

PATH = "/incidents/open-i1/public"
WORDS = {"title": "Beware of fake fines", "what": "Do not pay <them>.", "todo": "Delete the text.\n\n Tell us. "}
PUBLISH = {"step": "publish", "confirm": "yes"}


async def _told(town: city.Site) -> list[Advisory]:
    async with town.app.database.reading() as db:
        return [a for a in (await db.exec(select(Advisory))).all() if a.constituent_id is None]


async def _publish(ada: Visit, revision: int = 0, **changed: str) -> visit.Answer:
    return await ada.post(PATH, **WORDS | PUBLISH | {"revision": str(revision)} | changed)


async def test_what_the_public_will_read_is_shown_before_and_nothing_published(ada: Visit, town: city.Site):
    assert f'href="{PATH}"' in (await ada.get("/incidents/open-i1")).text
    assert "Nothing of it may name a constituent" in (await ada.get(PATH)).text
    answer = await ada.post(PATH, **WORDS, revision="0", step="check")
    assert answer.status == 200
    for shown in ("Check what the public will read", "Beware of fake fines", "<li>Tell us.</li>", "TLP:CLEAR"):
        assert shown in answer.text
    assert await _told(town) == []


async def test_nothing_is_published_without_a_confirmation(ada: Visit, town: city.Site):
    answer = await _publish(ada, confirm="")
    assert answer.status == 422
    assert "Confirm that everybody may read this." in answer.text
    assert await _told(town) == []


async def test_what_was_confirmed_is_public_and_the_incident_says_so(ada: Visit, stranger: Visit, town: city.Site):
    answer = await _publish(ada)
    assert (answer.status, answer.location) == (303, "/incidents/open-i1?done=announce")
    (advisory,) = await _told(town)
    assert advisory.content["todo"] == ["Delete the text.", "Tell us."]
    incident = (await ada.get(answer.location)).text
    assert "The public can read it now." in incident
    assert "The public was told: Beware of fake fines" in incident
    assert incident.count(f'href="/advisories/{advisory.id}"') == 2
    assert "Do not pay <them>." in (await stranger.get(f"/advisories/{advisory.id}")).text


@pytest.mark.parametrize("step", ["check", "publish"])
async def test_what_cannot_be_published_comes_back_with_what_was_typed(ada: Visit, town: city.Site, step: str):
    answer = await _publish(ada, step=step, title="", what="See open1.example.")
    assert answer.status == 422
    for shown in (
        "Enter a title.",
        "Names open1.example, which is not for the public.",
        "See open1.example.",
        "Tell us.",
    ):
        assert shown in answer.text
    assert await _told(town) == []


async def test_one_can_go_back_and_change_it(ada: Visit):
    answer = await _publish(ada, step="edit")
    assert 'value="Beware of fake fines"' in answer.text
    assert "Delete the text.\n\n Tell us." in answer.text


async def test_who_is_named_is_said_before(ada: Visit):
    answer = await ada.post(PATH, **WORDS | {"what": "CAMDEN OPEN has been hit."}, step="check")
    assert "It names Camden open." in answer.text
    assert "It names" not in (await ada.post(PATH, **WORDS, step="check")).text


async def test_a_correction_begins_with_what_stands_and_takes_its_place(ada: Visit, town: city.Site):
    await _publish(ada)
    form = (await ada.get(PATH)).text
    assert "Correct what the public reads" in form
    assert 'value="Beware of fake fines"' in form
    assert 'name="revision" value="1"' in form
    await _publish(ada, revision=1, title="Beware of fake bills", change="They are bills.")
    assert [a.subject for a in await _told(town)] == ["Beware of fake fines", "Beware of fake bills"]


async def test_the_same_form_sent_twice_publishes_once(ada: Visit, town: city.Site):
    await _publish(ada)
    answer = await _publish(ada)
    assert answer.status == 409
    assert "Somebody has changed what the public reads" in answer.text
    assert 'name="revision" value="1"' in answer.text
    assert len(await _told(town)) == 1


async def test_it_is_withdrawn_with_a_reason(ada: Visit, stranger: Visit, town: city.Site):
    await _publish(ada)
    refused = await ada.post(f"{PATH}/withdraw", revision="1", note=" ")
    assert refused.status == 422
    assert "Say why, for the record." in refused.text
    answer = await ada.post(f"{PATH}/withdraw", revision="1", note="A school was named.")
    assert (answer.status, answer.location) == (303, "/incidents/open-i1?done=withdraw")
    first, _ = await _told(town)
    assert "This advisory was withdrawn" in (await stranger.get(f"/advisories/{first.id}")).text
    assert "The public advisory was withdrawn: A school was named." in (await ada.get("/incidents/open-i1")).text
    assert re.search("Tell the public.*This advisory was withdrawn", (await ada.get(PATH)).text, re.DOTALL)


async def test_what_was_corrected_meanwhile_is_not_withdrawn(ada: Visit, town: city.Site):
    await _publish(ada)
    await _publish(ada, revision=1)
    assert (await ada.post(f"{PATH}/withdraw", revision="1", note="Wrong.")).status == 409
    assert len(await _told(town)) == 2


@pytest.mark.browser
async def test_it_is_written_checked_published_and_withdrawn_without_javascript(browser: Browser, town: city.Site):
    await city.account(town.app.database, "eve", city.Role.COORDINATOR)
    page = await (await browser.new_context(java_script_enabled=False)).new_page()
    await page.goto(f"{town.url}/sign-in?next={PATH}")
    await page.get_by_label("Account name").fill("eve")
    await page.get_by_label("Password").fill(city.PASSWORD)
    await page.locator("main").get_by_role("button", name="Sign in").click()
    await page.get_by_label("Title").fill("Beware")
    await page.get_by_label("What happened").fill("One line.\nAnother.")
    await page.get_by_role("button", name="Check it before publishing").click()
    await page.get_by_label("Everybody may read all of this").check()
    await page.get_by_role("button", name="Publish to everybody").click()
    await page.get_by_text("The public can read it now.").wait_for()
    await page.get_by_role("button", name="Tell the public").click()
    assert await page.get_by_label("What happened").input_value() == "One line.\nAnother."
    await page.get_by_text("Withdraw it", exact=True).click()
    await page.get_by_label("Why is it withdrawn?").fill("Wrong.")
    await page.get_by_role("button", name="Yes, withdraw it").click()
    await page.get_by_role("link", name="What the public reads").first.click()
    await page.get_by_role("heading", name="This advisory was withdrawn").wait_for()


async def test_only_coordinators_tell_the_public(lee: Visit, town: city.Site):
    await city.account(town.app.database, "ann", city.Role.ANALYST)
    async with visit.signed_in(town, "ann") as ann:
        for reader in (lee, ann):
            assert f'href="{PATH}"' not in (await reader.get("/incidents/open-i1")).text
            assert (await reader.get(PATH)).status == 403
            assert (await reader.post(PATH, **WORDS | PUBLISH)).status == 403
            assert (await reader.post(f"{PATH}/withdraw", note="x")).status == 403
    assert await _told(town) == []


async def test_a_form_without_the_token_publishes_nothing(ada: Visit, town: city.Site):
    assert (await _publish(ada, csrf="guessed")).status == 403
    assert await _told(town) == []
