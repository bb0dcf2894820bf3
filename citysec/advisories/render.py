"""Render an advisory as a mail: subject, text of 72 columns, HTML without anything from outside."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from citysec.advisories.content import Content
from citysec.advisories.words import count, defanged, moment

WIDTH: Final = 72
_COLOURS: Final = {
    "TLP:RED": "#ff2b2b",
    "TLP:AMBER+STRICT": "#ffc000",
    "TLP:AMBER": "#ffc000",
    "TLP:GREEN": "#33ff00",
    "TLP:CLEAR": "#ffffff",
}
"""FIRST TLP 2.0: the labels' colours, on black."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An advisory on its way to one contact.

    Args:
        recipient: the constituent's name.
        revision: 1 is the first; a higher one corrects it.
        reminder: 0 is the first message.
        url: the signed link by which to answer.
    """

    city: str
    recipient: str
    content: Content
    revision: int
    published_at: datetime
    answer_by: datetime | None
    reminder: int
    url: str


@dataclass(frozen=True, slots=True)
class Mail:
    """What a mail says."""

    subject: str
    text: str
    html: str


def mail(letter: Letter) -> Mail:
    """Return `letter` as a mail."""
    content = letter.content
    values = {"letter": letter, "content": content, "sort": _sort(letter), "colour": _COLOURS[content.tlp]}
    text, html = (_ENVIRONMENT.get_template(f"advisory.{kind}.j2").render(values) for kind in ("txt", "html"))
    return Mail(subject(letter), text, html)


def subject(letter: Letter) -> str:
    """Return the subject: label, incident, what sort of message, what it is about."""
    about = f"{letter.content.severity.capitalize()}: {letter.content.title}"
    sort = _sort(letter)
    return f"[{letter.content.tlp}] [{letter.content.reference}] {f'{sort}: ' if sort else ''}{about}"


def _sort(letter: Letter) -> str:
    if letter.content.withdrawn:
        return "Withdrawn"
    if letter.reminder:
        return f"Reminder {letter.reminder}"
    return "Update" if letter.revision > 1 else ""


def _wrapped(text: str, first: str = "", rest: str | None = None) -> str:
    """Return `text` in lines of at most `WIDTH` columns, the first beginning with `first` and the others with `rest`.

    Long words stay whole: a link that is broken is none.
    """
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


_FILTERS: Final = {"wrapped": _wrapped, "moment": moment, "defanged": defanged, "count": count}


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(cast("Any", _FILTERS))
    return environment


_ENVIRONMENT: Final = _environment()
