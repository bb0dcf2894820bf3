"""Every page, full and empty: sound HTML that needs nothing which the content security policy forbids."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from citysec.web import render
from citysec.web.views import ErrorView, Named
from tests.web import gallery, samples
from tests.web.sample_names import ago

PAGES = gallery.pages()


class Outline(HTMLParser):
    """The tags of a page with their attributes, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.fixture(params=sorted(PAGES))
def outline(request: pytest.FixtureRequest) -> Outline:
    return Outline(PAGES[request.param])


def test_a_page_has_one_heading_one_main_and_a_skip_link_to_it(outline: Outline):
    assert len(outline.all("h1")) == 1
    assert [main["id"] for main in outline.all("main")] == ["main"]
    assert outline.all("a")[0]["href"] == "#main"


def test_a_page_has_nothing_inline(outline: Outline):
    names = {name for _, attributes in outline.tags for name in attributes}
    assert not outline.all("style")
    assert not [name for name in names if name == "style" or name.startswith(("on", "hx-on"))]
    assert all("src" in script for script in outline.all("script"))


def test_ids_are_unique(outline: Outline):
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_links_within_the_page_lead_somewhere(outline: Outline):
    ids = {attributes.get("id") for _, attributes in outline.tags}
    inner = {(a.get("href") or "")[1:] for a in outline.all("a") if (a.get("href") or "").startswith("#")}
    assert inner <= ids


@pytest.mark.parametrize("address", [a for a in PAGES if 'name="csrf"' in PAGES[a]])
def test_every_form_that_posts_carries_the_token(address: str):
    forms = re.findall(r'<form[^>]*method="post".*?</form>', PAGES[address], re.DOTALL)
    assert forms
    assert all('name="csrf" value="c5rf"' in form for form in forms)


def test_nobody_gets_a_script_on_a_page_that_does_not_update_itself():
    assert not [address for address, html in PAGES.items() if "<script" in html]


def test_a_page_that_updates_itself_fetches_its_own_address():
    frame, view = samples.full()["/"]
    html = render.page(replace(frame, events="/events?since=7", query="severity=high"), view)
    assert 'data-hx-sse:connect="/events?since=7"' in html
    assert 'data-hx-get="/?severity=high" data-hx-select="#live"' in html


def test_the_reason_for_an_incident_is_a_sentence():
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", PAGES["/incidents/city"]))
    assert (
        "Early Warning says 198.18.7.9 is a command-and-control server (confidence 80 of 100, TLP:AMBER, valid until "
        "29 Nov 2026, 04:10 UTC); it equals the address registered by Camden for "
    ) in text


def test_a_tile_says_in_words_what_its_colour_says():
    assert 'aria-label="Camden, CMD: 2 open incidents, worst high"' in PAGES["/"]
    assert 'aria-label="Barnet, BRN: no open incidents"' in PAGES["/"]


def test_the_filter_of_the_board_shows_what_was_chosen():
    assert '<option value="low" selected>' in PAGES["/bare/filtered"]


def test_a_name_from_outside_cannot_become_markup():
    frame, view = samples.full()["/constituents/camden"]
    html = render.page(frame, replace(view, name="<script>alert(1)</script>"))
    assert "<script>" not in html


def test_a_recipient_without_an_account_sees_no_console():
    html = PAGES["/a/token"]
    assert "Sign out" not in html
    assert 'action="/a/token"' in html


def test_a_lead_sees_the_own_page_in_the_navigation_and_not_the_board():
    html = PAGES["/incidents/camden"]
    assert 'href="/constituents/camden"' in html
    assert "City board" not in html


def test_many_names_are_cut_short():
    frame, view = samples.full()["/incidents/city"]
    many = tuple(Named(slug=f"body-{n}", name=f"Body {n}") for n in range(9))
    assert "and 3 more" in render.page(frame, replace(view, constituents=many, opened_at=ago(hours=2)))


def test_a_refusal_says_what_the_reader_may_know():
    frame, _ = samples.full()["/errors/404"]
    html = render.page(frame, ErrorView(status=409, detail="incident LDN-2026-0007 is closed: it cannot contain"))
    assert "<p>Incident LDN-2026-0007 is closed: it cannot contain.</p>" in html


def test_an_advisory_tells_legal_clocks_and_defangs_what_is_hostile():
    html = PAGES["/a/token"]
    assert "Report a personal data breach" in html
    assert "203[.]0[.]113[.]77" in html
    assert "And 12 more." in html


def test_a_withdrawn_advisory_no_longer_says_how_sure_we_are():
    html = PAGES["/a/token/withdrawn"]
    assert ">Withdrawn<" in html
    assert "How sure we are" not in html


def test_a_feed_that_is_handed_in_is_not_said_to_have_failed():
    row = PAGES["/feeds"].partition("Files imported by hand")[2].partition("</tr>")[0]
    assert "Imported by hand" in row
    assert "Not polled" in row
    assert "Never" not in row


def test_a_question_with_more_than_a_day_left_waits_behind_one_line():
    html = PAGES["/"]
    assert html.index("1 more with more than a day left") < html.index("Write down the lessons")
