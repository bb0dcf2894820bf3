"""The mail."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from citysec.advisories.compose import withdrawn
from citysec.advisories.render import WIDTH, Letter, mail, subject
from tests.advisories.test_compose import FACTS, NOON, ROW, told

CONTENT = told(FACTS)
assert CONTENT is not None
LETTER = Letter(
    city="London",
    recipient="Camden",
    content=CONTENT,
    revision=1,
    published_at=NOON,
    answer_by=NOON + timedelta(hours=1),
    reminder=0,
    url="https://citysec.example/a/" + "t" * 108,
)


class Reader(HTMLParser):
    """Collects what a mail program would load, and the text that it would show."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.shown = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "background"}]

    def handle_data(self, data: str) -> None:
        self.shown += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


@pytest.mark.parametrize("part", ["text", "html"])
def test_both_parts_say_what_when_where_what_to_do_and_whom_to_call(part: str):
    said = mail(LETTER)
    text = " ".join((said.text if part == "text" else read(said.html).shown).split())
    for fact in (
        "TLP:GREEN", "LDN-2026-0001", "Camden", "3 June 2026 at 13:00 UTC", "198.51.100.7", "Council tax payments",
        "198[.]51[.]100[.]0/24", "It is likely (60 of 100)", "Sparrow Watch", "Find the machine behind the address",
        "UK GDPR, Article 33", "6 June 2026 at 12:00 UTC", "Duty desk",
    ):  # fmt: skip
        assert fact in text


def test_the_text_has_72_columns_and_the_link_is_whole():
    lines = mail(LETTER).text.splitlines()
    assert LETTER.url in lines
    assert [line for line in lines if len(line) > WIDTH] == [LETTER.url]


def test_the_text_has_no_holes():
    for letter in (LETTER, replace(LETTER, answer_by=None)):
        assert "\n\n\n" not in mail(letter).text


def test_the_page_loads_nothing_and_its_only_link_is_the_answer():
    assert read(mail(LETTER).html).addresses == [LETTER.url]


def test_foreign_text_is_text_in_the_page():
    content = told(replace(FACTS, evidence=(replace(ROW, indicator="<img src=x>", asset="<b>"),)))
    assert content is not None
    html = mail(replace(LETTER, content=content)).html
    assert "<img" not in html
    assert "&lt;img src=x&gt;" in html


def test_hostile_addresses_are_no_links():
    content = told(replace(FACTS, evidence=(replace(ROW, indicator="https://evil.example/a?b=c@d.example"),)))
    assert content is not None
    said = mail(replace(LETTER, content=content))
    assert "hxxps://evil[.]example/a?b=c[@]d[.]example" in re.sub(r"\n\s+", "", said.text)
    assert "https://evil" not in said.text + said.html


def test_the_subject_says_label_incident_and_urgency():
    assert subject(LETTER) == "[TLP:GREEN] [LDN-2026-0001] High: A machine of yours may be under an attacker's control"


@pytest.mark.parametrize(
    ("letter", "sort"),
    [
        (replace(LETTER, reminder=2), "Reminder 2: "),
        (replace(LETTER, revision=2, content=replace(CONTENT, change="New in this message: x.")), "Update: "),
        (replace(LETTER, revision=2, content=withdrawn(CONTENT), answer_by=None), "Withdrawn: "),
    ],
)
def test_reminders_updates_and_withdrawals_say_what_they_are(letter: Letter, sort: str):
    assert f"] {sort}High: " in subject(letter)
    assert sort in mail(letter).text
    assert sort in read(mail(letter).html).shown


def test_what_is_too_much_to_list_is_counted():
    many = tuple(replace(ROW, id=str(n), asset=f"host{n}") for n in range(60))
    content = told(replace(FACTS, evidence=many))
    assert content is not None
    assert "and 10 more" in mail(replace(LETTER, content=content)).text
