"""An advisory by its signed link: looking changes nothing, sending the form answers. No account, no JavaScript."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from citysec.advisories.acknowledge import acknowledge, reply
from citysec.advisories.link import Links
from citysec.errors import InvalidInput, NotShared, Problem
from citysec.tables.advisories import Advisory
from citysec.tables.register import Constituent, Contact
from citysec.web import context
from citysec.web.console.frame import field, show
from citysec.web.console.rows import answers_of
from citysec.web.context import AppContext
from citysec.web.public.body import body_of
from citysec.web.views import AdvisoryView, ThanksView

PATH: Final = "/a/{token}"
_CHOOSE: Final = "Choose where you stand."


@dataclass(frozen=True, slots=True)
class Letter:
    """An advisory in the hands of who may answer it: a contact by its link, or an account."""

    advisory: Advisory
    constituent: Constituent
    contact_id: str | None = None
    account: str | None = None
    may_answer: bool = True


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (web.get(PATH, by_link), web.post(PATH, answer_by_link))


async def by_link(request: web.Request) -> web.Response:
    """Show the advisory."""
    return await show_letter(request, await _find(request))


async def answer_by_link(request: web.Request) -> web.Response:
    """Keep the recipient's answer and thank for it."""
    return await answer_letter(request, await _find(request))


async def show_letter(
    request: web.Request,
    letter: Letter,
    *,
    choice: str = "",
    name: str = "",
    note: str = "",
    problems: tuple[Problem, ...] = (),
) -> web.Response:
    """Show an advisory with the form for its answer, filled with what was sent and could not be used."""
    async with context.of(request).database.reading() as db:
        answers = await answers_of(db, [letter.advisory.id])
    view = AdvisoryView(
        recipient=letter.constituent.name,
        advisory=body_of(letter.advisory),
        answer=answers.get(letter.advisory.id),
        may_answer=letter.may_answer,
        incident_id=letter.advisory.incident_id if letter.account else "",
        choice=choice,
        name=name,
        note=note,
        problems=problems,
    )
    return await show(request, view, status=422 if problems else 200)


async def answer_letter(request: web.Request, letter: Letter) -> web.Response:
    """Keep what the form says and thank for it; what cannot be used is shown again with the reason."""
    choice, name, note = [await field(request, at) for at in ("choice", "name", "note")]
    try:
        given = reply(choice, contact_id=letter.contact_id, account=letter.account, name=name, note=note)
    except InvalidInput as err:
        problems = tuple(Problem("choice", _CHOOSE) if p.at == "answer" else p for p in err.problems)
        return await show_letter(request, letter, choice=choice, name=name, note=note, problems=problems)
    async with context.of(request).database.writing() as db:
        await acknowledge(db, letter.advisory.id, given)
        answers = await answers_of(db, [letter.advisory.id])
    said = answers[letter.advisory.id]
    view = ThanksView(recipient=letter.constituent.name, advisory=body_of(letter.advisory), answer=said)
    return await show(request, view)


async def _find(request: web.Request) -> Letter:
    """Return the advisory that the link of the address opens.

    Raises:
        NotShared: we did not make the link, or its advisory or contact is not there any more.
    """
    app = context.of(request)
    link = Links(app.key, app.settings.base_url).read(request.match_info["token"])
    async with app.database.reading() as db:
        advisory, contact = await db.get(Advisory, link.advisory_id), await db.get(Contact, link.contact_id)
        if advisory is None or contact is None or not contact.active:
            raise NotShared("an advisory")
        return Letter(advisory, await db.get_one(Constituent, contact.constituent_id), contact_id=contact.id)
