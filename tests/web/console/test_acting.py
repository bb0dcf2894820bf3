"""Acting in the console: moving incidents, notes, answers; and what is refused, with the reason and what was typed."""

from __future__ import annotations

import pytest
from sqlmodel import col, func, select

from citysec.db import Database
from citysec.tables import Acknowledgement, AuditEntry, Incident, Outbox, Question, TimelineEntry
from citysec.web.console.frame import LONGEST_NOTE
from tests import city
from tests.web.console.visit import Visit

FORMS = [
    "/incidents/open-i1/notes", "/incidents/open-i1/close", "/questions/open-q1", "/advisory/open-a1", "/sign-out"
]  # fmt: skip
LONG = "x" * (LONGEST_NOTE + 1)


@pytest.fixture
def store(town: city.Site) -> Database:
    """The database behind the console."""
    return town.app.database


async def _state(store: Database, key: str = "open-i1") -> str:
    async with store.reading() as session:
        return (await session.get_one(Incident, key)).state


async def _timeline(store: Database) -> list[str]:
    async with store.reading() as session:
        query = select(TimelineEntry.text).where(col(TimelineEntry.incident_id) == "open-i1")
        return list((await session.exec(query.order_by(col(TimelineEntry.id)))).all())


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("token", ["", "guessed"])
async def test_a_form_without_the_token_changes_nothing(ada: Visit, store: Database, path: str, token: str):
    answer = await ada.post(path, csrf=token, note="x", choice="approve")
    assert answer.status == 403
    assert await _state(store) == "open"
    assert (await ada.get("/feeds")).status == 200


@pytest.mark.parametrize("header", [{"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_a_form_of_somebody_else_s_page_changes_nothing(ada: Visit, store: Database, header: dict[str, str]):
    fields = {"csrf": ada.csrf}
    async with ada.client.post("/incidents/open-i1/close", data=fields, headers=header) as answer:
        assert answer.status == 403
    assert await _state(store) == "open"


@pytest.mark.parametrize(
    ("steps", "state"),
    [(["contain"], "contained"), (["close"], "closed"), (["contain", "reopen"], "open"), (["close", "reopen"], "open")],
)
async def test_an_incident_moves_through_its_states(ada: Visit, store: Database, steps: list[str], state: str):
    for step in steps:
        answer = await ada.post(f"/incidents/open-i1/{step}", note="because")
        assert (answer.status, answer.location) == (303, f"/incidents/open-i1?done={step}")
    assert await _state(store) == state
    assert (await _timeline(store))[-1].endswith("ed: because")
    async with store.reading() as session:
        actions = (await session.exec(select(AuditEntry.action, AuditEntry.actor))).all()
    assert (f"incident.{steps[-1]}", "ada") in actions


async def test_what_was_done_is_said_after_the_redirect(ada: Visit):
    assert "The incident is closed." in (await ada.get("/incidents/open-i1?done=close")).text


async def test_an_illegal_step_is_refused_with_the_reason(ada: Visit, store: Database):
    answer = await ada.post("/incidents/open-i1/reopen")
    assert answer.status == 409
    assert "Incident open-1 is open: it cannot reopen" in answer.text
    assert await _state(store) == "open"


async def test_a_lead_may_not_close(lee: Visit, store: Database):
    assert (await lee.post("/incidents/open-i1/close")).status == 403
    assert await _state(store) == "open"


async def test_a_lead_s_note_is_in_the_timeline_of_both(lee: Visit, ada: Visit):
    answer = await lee.post("/incidents/open-i1/notes", note=" We have\r\nit in hand. ")
    assert answer.location == "/incidents/open-i1?done=note"
    for reader in (lee, ada):
        assert "We have\nit in hand." in (await reader.get("/incidents/open-i1")).text


async def test_an_empty_note_is_refused(ada: Visit):
    answer = await ada.post("/incidents/open-i1/notes", note=" \0 ")
    assert answer.status == 422
    assert "Write something first." in answer.text


@pytest.mark.parametrize("path", ["/incidents/open-i1/notes", "/incidents/open-i1/close", "/questions/open-q1"])
async def test_a_note_that_is_too_long_is_refused_whole_and_shown_again(ada: Visit, store: Database, path: str):
    answer = await ada.post(path, note=LONG, choice="approve")
    assert answer.status == 422
    assert "Use at most 4,000 characters; this has 4,001." in answer.text
    assert LONG in answer.text
    assert (await _state(store), len(await _timeline(store))) == ("open", 2)


async def test_a_question_is_answered_once(ada: Visit, lee: Visit, store: Database):
    first = await ada.post("/questions/open-q1", choice="approve", note="Go.")
    assert first.location == "/questions/open-q1?done=answer"
    second = await lee.post("/questions/open-q1", choice="refuse")
    assert second.status == 409
    assert "is answered already" in second.text
    async with store.reading() as session:
        question = await session.get_one(Question, "open-q1")
        work = (await session.exec(select(Outbox.payload).where(col(Outbox.kind) == "answer"))).all()
    assert (question.answer, question.answered_by, question.note) == ("approved", "ada", "Go.")
    assert work == [{"question": "open-q1"}]


async def test_a_question_needs_a_decision_and_keeps_the_note_meanwhile(ada: Visit):
    answer = await ada.post("/questions/open-q1", note="half a thought")
    assert answer.status == 422
    assert "Approve or refuse." in answer.text
    assert "half a thought" in answer.text


async def test_a_signed_in_lead_answers_an_advisory(lee: Visit, store: Database):
    answer = await lee.post("/advisory/open-a1", choice="in-hand", name="Lee", note="Isolated.")
    assert answer.status == 200
    assert "Thank you, we have your answer" in answer.text
    async with store.reading() as session:
        kept = (await session.exec(select(Acknowledgement).order_by(col(Acknowledgement.id).desc()))).first()
    assert kept is not None
    assert (kept.advisory_id, kept.account, kept.answer, kept.note) == ("open-a1", "lee", "in-hand", "Isolated.")


async def test_nobody_writes_by_getting(ada: Visit, store: Database):
    for path in ("/incidents/open-i1/close", "/incidents/open-i1/notes", "/sign-out"):
        assert (await ada.get(path)).status == 405
    async with store.reading() as session:
        assert (await session.exec(select(func.count()).select_from(AuditEntry))).one() == 0
