"""Questions in the database: put by a run, answered by a person or by nobody, each once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.db import Database
from citysec.engine import Engine
from citysec.errors import Conflict, NotShared
from citysec.playbooks.answers import Answered, Verdict
from citysec.playbooks.signals import Ask
from citysec.playbooks.timeline import tell
from citysec.tables.columns import now
from citysec.tables.playbooks import Question, Run

EXPIRED = "expired"


async def ask(db: AsyncSession, run: Run, order: Ask, owner: str) -> None:
    """Put the question of a step to the role `owner`; once, however often it is called."""
    if await _of(db, run.id, order.step, order.occurrence) is not None:
        return
    at = now()
    question = Question(
        run_id=run.id,
        incident_id=run.incident_id,
        step_id=order.step,
        occurrence=order.occurrence,
        title=order.title,
        text=order.text,
        owner=owner,
        asked_at=at,
        due_at=at + timedelta(milliseconds=order.timeout_ms),
    )
    db.add(question)
    await db.flush()
    facts = {"question": question.id, "owner": owner, "due_at": question.due_at.isoformat()}
    incident = await tell(db, run.incident_id, "question", f"Asked: {order.title}", data=facts)
    outbox.announce(db, "question", question.id, incident.constituent_id)


async def answer(db: AsyncSession, question_id: str, verdict: Verdict, account: str, note: str = "") -> Question:
    """Take the answer of a person who may give it (`access.policy` says who), and have it brought to the run.

    Raises:
        NotShared: there is no such question.
        Conflict: it has been answered, or its time is over.
    """
    question = await db.get(Question, question_id)
    if question is None:
        raise NotShared(f"question {question_id}")
    given = {"answer": verdict.value, "answered_at": now(), "answered_by": account, "note": note or None}
    mine = update(Question).where(col(Question.id) == question_id, col(Question.answer).is_(None)).values(**given)
    if not (await db.exec(mine.returning(col(Question.id)))).all():
        raise Conflict(f"“{question.title}” is {'expired' if question.answer == EXPIRED else 'answered'} already")
    await db.refresh(question)
    facts = {"question": question_id, "answer": verdict.value}
    told = f"{verdict.value.capitalize()}: {question.title}" + (f" ({note})" if note else "")
    incident = await tell(db, question.incident_id, "question", told, actor=account, data=facts)
    outbox.announce(db, "question", question_id, incident.constituent_id)
    outbox.add(db, "answer", {"question": question_id})
    return question


async def pass_on(db: Database, payload: Mapping[str, Any], engine: Engine) -> None:
    """Bring an answer to the run that asked.

    Args:
        db: the application's database.
        payload: `{"question": id}`.
        engine: conducts the run.
    """
    async with db.reading() as session:
        question = await session.get_one(Question, payload["question"])
    answered = _answered(question)
    if answered is not None:
        await engine.send(question.run_id, msgspec.to_builtins(answered), key=f"question:{question.id}")


async def close(db: AsyncSession, run_id: str, step: str, occurrence: int) -> Answered | None:
    """End the time for an answer: return the one given just in time, else mark the question as expired."""
    await expire(db, run_id, step, occurrence)
    question = await _of(db, run_id, step, occurrence)
    return _answered(question) if question is not None else None


async def expire(db: AsyncSession, run_id: str, step: str, occurrence: int) -> None:
    """Mark the question of a step as expired unless it has an answer or was never put."""
    open_ = (
        update(Question)
        .where(
            col(Question.run_id) == run_id,
            col(Question.step_id) == step,
            col(Question.occurrence) == occurrence,
            col(Question.answer).is_(None),
        )
        .values(answer=EXPIRED, answered_at=now())
        .returning(col(Question.id), col(Question.incident_id), col(Question.title))
    )
    for question_id, incident_id, title in (await db.exec(open_)).all():
        incident = await tell(db, incident_id, "question", f"Not answered: {title}", data={"question": question_id})
        outbox.announce(db, "question", question_id, incident.constituent_id)


def _answered(question: Question) -> Answered | None:
    if question.answer not in set(Verdict):
        return None
    return Answered(question.step_id, question.occurrence, Verdict(question.answer), question.note or "")


async def _of(db: AsyncSession, run_id: str, step: str, occurrence: int) -> Question | None:
    query = select(Question).where(
        col(Question.run_id) == run_id, col(Question.step_id) == step, col(Question.occurrence) == occurrence
    )
    return (await db.exec(query)).first()
