"""Whose it is, whether we have seen it, and why somebody was told: as pages."""

from __future__ import annotations

from dataclasses import replace

from citysec.explanation import lookup
from citysec.web import render
from tests.web import sample_lookup, samples
from tests.web.console.visit import Visit


async def test_what_is_pasted_is_answered_in_a_table(ada: Visit):
    answer = await ada.post("/lookup", text="open1[.]example\nnobody.example, what?")
    assert answer.status == 200
    assert "Camden open" in answer.text
    assert "open indicator" in answer.text
    assert "This is no address" in answer.text


async def test_what_is_no_value_is_not_said_to_be_unknown(ada: Visit):
    text = (await ada.post("/lookup", text="what?")).text
    assert text.count("Not looked up") == 2
    assert "Never" not in text


async def test_one_value_can_stand_in_the_address(lee: Visit):
    assert "Camden open" in (await lee.get("/lookup?value=open1.example")).text


async def test_nothing_and_too_much_are_refused(ada: Visit):
    too_much = " ".join(f"h{n}.example" for n in range(lookup.MOST + 1))
    assert (await ada.post("/lookup", text="")).status == 422
    assert (await ada.post("/lookup", text=too_much)).status == 422


async def test_the_incident_links_to_why_it_matched(ada: Visit):
    text = (await ada.get("/incidents/open-i1")).text
    assert "/explain?indicator=indicator--open1&constituent=camden" in text


async def test_the_chain_is_shown_with_its_reason(ada: Visit):
    text = (await ada.get("/explain?indicator=open1.example&constituent=camden")).text
    assert "has an advisory that has not been sent yet." in text
    assert "equals open1.example, registered by Camden open" in text
    assert "open-1" in text


async def test_a_borough_s_reader_need_not_say_of_whom(lee: Visit):
    assert "registered by Camden open" in (await lee.get("/explain?indicator=open1.example")).text


async def test_the_form_alone_asks_for_both(ada: Visit):
    answer = await ada.get("/explain")
    assert answer.status == 200
    assert "Brent SECRET" in answer.text


def test_what_waits_to_be_sent_is_not_said_to_have_been_told():
    told = sample_lookup.explained()
    chains = [replace(told.chains[0], sent=False, name="")]
    page = render.page(samples.frame("/explain"), replace(told, chains=chains))
    assert "has an advisory that has not been sent yet." in page
    assert "Indicator without a name" in page
