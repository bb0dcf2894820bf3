"""The engine's database is lost, or restored to an earlier time than the application's: the runs go on."""

from __future__ import annotations

from sqlmodel import col, select

from citysec.db import Database
from citysec.playbooks.answers import Verdict
from citysec.playbooks.questions import answer
from citysec.tables import Question
from tests.advisories.channels.receivers import MailSink
from tests.faults.outcome import Outcome
from tests.faults.town import TOUCHED, Town


async def test_runs_go_on_from_the_answers_given_so_far(town: Town, undisturbed: Outcome, mails: MailSink):
    with town.serving() as service:
        await town.comes_to(undisturbed)
        await _answer(town)
        await town.until(_has_asked_all_for_lessons)
        service.stop()
    for file in town.settings.data_dir.glob("citysec-runs.db*"):
        file.unlink()
    with town.serving() as service:
        await _answer(town)
        await town.until(lambda found: {state for _, _, state, _ in found["runs"]} == {"completed"})
        service.stop()
    assert len(mails.mails) == len(TOUCHED)
    assert len((await town.outcome())["questions"]) == 2 * len(undisturbed["questions"])


def _has_asked_all_for_lessons(found: Outcome) -> bool:
    lessons = [title for _, title, _, answer in found["questions"] if answer is None]
    return len(lessons) == len(found["runs"])


async def _answer(town: Town) -> None:
    """Say yes to all that is asked now."""
    async with Database.opened(town.settings.app_database) as database, database.writing() as db:
        for question in (await db.exec(select(Question.id).where(col(Question.answer).is_(None)))).all():
            await answer(db, question, Verdict.APPROVED, "coordinator")
