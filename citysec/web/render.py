"""From views to pages: the Jinja2 environment, its filters, and the functions that handlers call."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final, cast

from jinja2 import Environment, FileSystemLoader, PackageLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup

from citysec.advisories.words import defanged
from citysec.errors import Problem
from citysec.tlp import TLP
from citysec.web import words
from citysec.web.views import Page, View

STATIC: Final = Path(__file__).parent / "static"
_TEMPLATES: Final = Path(__file__).parent / "templates"

_BOROUGH: Final = re.compile(r"\b(?:London|Royal|Metropolitan) Borough of ")
_REVERSING: Final = {sign: f"\\u{sign:04x}" for sign in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_MINUTE: Final = 60
_TIME: Final = Markup('<time datetime="%s" title="%s">%s</time>')


def page(frame: Page, view: View) -> str:
    """Return the HTML of `view` within `frame`."""
    return render(view.template, page=frame, view=view)


def render(name: str, **context: object) -> str:
    """Return template `name` filled with `context`; a name that the context lacks is an error."""
    return environment().get_template(name).render(**context)


@cache
def environment() -> Environment:
    """Return the environment of all templates: everything is escaped, nothing may be missing."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=legible,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    # Jinja's annotations admit only its own filters and globals.
    filters, names = cast("dict[str, object]", made.filters), cast("dict[str, object]", made.globals)
    ours = (when, ago, until, tlp, severity, shape, plural, sentence, short, fault, refused, defanged)
    filters.update({function.__name__: function for function in ours})
    names.update(component=component, static=static, words=words)
    return made


def legible(said: object) -> object:
    """Return what a page says with the characters that reverse what follows them written out, as Python escapes them.

    They are invisible, and make a name that ends in `fdp.exe` look as if it ended in `exe.pdf`.

    Source:
        Unicode Standard Annex #9 §2.1 to §2.4 for embeddings, overrides and isolates.
    """
    return said.translate(_REVERSING) if isinstance(said, str) else said


def when(at: datetime) -> Markup:
    """Return `at` for people and machines: 23 Nov 2026, 04:10 UTC."""
    utc = at.astimezone(UTC)
    return _time(utc, _plain(utc))


def ago(at: datetime, now: datetime) -> Markup:
    """Return roughly how long before `now` `at` was, for instance `3 h ago`; the exact time is in the title."""
    passed = now - at
    return _time(at, "just now" if passed < timedelta(minutes=1) else f"{_rough(passed)} ago")


def until(at: datetime, now: datetime) -> Markup:
    """Return how long after `now` `at` is, for instance `in 2 h 10 min`, or by how much it is overdue."""
    left = at - now
    return _time(at, f"in {_span(left)}" if left > timedelta(0) else f"overdue by {_span(-left)}")


@cache
def tlp(level: TLP) -> Markup:
    """Return the label in the colours that FIRST gives it."""
    name = level.name.partition("_")[0].lower()
    return Markup('<span class="tlp tlp--{}">{}</span>').format(name, level.label)


@cache
def severity(word: str) -> Markup:
    """Return the severity as a tag with its mark."""
    return Markup('<span class="tag tag--{}">{}{}</span>').format(word, shape(word), words.SEVERITIES[word])


@cache
def shape(word: str) -> Markup:
    """Return the mark of a severity as a drawing that assistive technology skips."""
    return Markup(
        '<svg class="shape" viewBox="0 0 12 12" aria-hidden="true" focusable="false"><path d="{}"/></svg>'
    ).format(words.SHAPES[word])


def plural(count: int, one: str, many: str = "") -> str:
    """Return the count with its noun: `1 match`, `1,204 matches`; `many` is `one` with an s by default."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def sentence(text: str) -> str:
    """Return `text` as it stands at the beginning of a line: `local-government` becomes `Local government`."""
    spaced = text.replace("-", " ")
    return spaced[:1].upper() + spaced[1:]


def short(text: str) -> str:
    """Return `text` with boroughs by their bare names: `London Borough of Camden` becomes `Camden`."""
    return _BOROUGH.sub("", text)


def fault(problems: Iterable[Problem], at: str) -> Mapping[str, str] | None:
    """Return what is wrong at field `at`, as the components of GOV.UK Frontend want to be told."""
    return next(({"text": problem.message} for problem in problems if problem.at == at), None)


def refused(status: int) -> tuple[str, str]:
    """Return heading and explanation of a refusal; a rare status is told like the common one of its class."""
    return words.ERRORS.get(status) or words.ERRORS[400 if status < 500 else 500]


@cache
def static(name: str) -> str:
    """Return the address of a static file; it changes with the file, so browsers may keep what they have."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


def component(name: str, params: Mapping[str, object]) -> Markup:
    """Return a component of GOV.UK Frontend, for instance `error-summary`, drawn by its own macro."""
    macro = "govuk" + "".join(part.capitalize() for part in name.split("-"))
    module = _components().get_template(f"govuk_frontend_jinja/components/{name}/macro.html").module
    return cast("Callable[[Mapping[str, object]], Markup]", getattr(module, macro))(params)


@cache
def _components() -> Environment:
    # The macros of GOV.UK Frontend read parameters that were not given, so this environment cannot be a strict one.
    loader = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
    return Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, auto_reload=False)


def _time(at: datetime, text: str) -> Markup:
    utc = at.astimezone(UTC)
    return _TIME % (f"{utc:%Y-%m-%dT%H:%M:%SZ}", _plain(utc), text)


def _plain(utc: datetime) -> str:
    return f"{utc.day} {utc:%b %Y, %H:%M} UTC"


def _span(length: timedelta) -> str:
    hours, minutes = divmod(int(length.total_seconds()) // _MINUTE, 60)
    return f"{hours} h {minutes} min" if minutes and 0 < hours < 6 else _rough(length)


def _rough(length: timedelta) -> str:
    minutes = max(int(length.total_seconds()) // _MINUTE, 1)
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"
