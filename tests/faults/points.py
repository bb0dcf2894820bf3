"""Where a process can be made to kill itself: around the commit of a transaction that wrote something.

Nothing in the product knows of this: the points are listeners on SQLAlchemy, which every database of ours goes through.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.default import DefaultDialect

_SCHEMA: Final = r'("?\w+"?\.)?'


class Moment(StrEnum):
    """Just before the commit, when all of the transaction is lost; or just after, when all of it stays."""

    BEFORE_COMMIT = "before-commit"
    AFTER_COMMIT = "after-commit"


@dataclass(frozen=True, slots=True)
class Point:
    """The first commit of a transaction with a statement like `statement` and parameters like `parameters`.

    Both are regular expressions, searched for.
    """

    moment: Moment
    statement: str
    parameters: str = ""

    def matches(self, statement: str, parameters: object) -> bool:
        """Tell whether a statement is the one meant."""
        return bool(re.search(self.statement, statement) and re.search(self.parameters, repr(parameters)))

    def arm(self) -> None:
        """Have this process kill itself with -9 here, whichever of its databases comes here first."""
        marked: set[int] = set()
        commit = DefaultDialect.do_commit

        def executed(connection: Connection, _cursor: Any, statement: str, parameters: object, *_more: Any) -> None:
            if self.matches(statement, parameters):
                marked.add(id(connection.connection.dbapi_connection))

        def rolled_back(connection: Connection) -> None:
            marked.discard(id(connection.connection.dbapi_connection))

        def do_commit(dialect: DefaultDialect, connection: Any) -> None:
            here = id(getattr(connection, "dbapi_connection", connection)) in marked
            if here and self.moment is Moment.BEFORE_COMMIT:
                _die()
            commit(dialect, connection)
            if here:
                _die()

        event.listen(Engine, "after_cursor_execute", executed)
        event.listen(Engine, "rollback", rolled_back)
        DefaultDialect.do_commit = do_commit  # pyright: ignore[reportAttributeAccessIssue]


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def inserting(table: str, moment: Moment, parameters: str = "") -> Point:
    """Return the point of the first row put into `table`."""
    return Point(moment, rf'INSERT INTO {_SCHEMA}"?{table}"? ', parameters)


def updating(table: str, column: str, moment: Moment, parameters: str = "") -> Point:
    """Return the point of the first change of `column` in `table`."""
    return Point(moment, rf'UPDATE {_SCHEMA}"?{table}"? SET (.*, )?{column}=', parameters)


def _hand_overs(moment: Moment) -> Mapping[str, Point]:
    return {
        "outbox-marked": updating("outbox", "handed_over_at", moment),
        "engine-accepted": inserting("workflow_status", moment),
        "outbox-done": updating("outbox", "done_at", moment),
        "run-step-recorded": inserting("operation_outputs", moment),
    }


HAND_OVERS: Final = {f"{name}:{moment}": point for moment in Moment for name, point in _hand_overs(moment).items()}
"""The hand-overs that every stage shares."""


def _way(moment: Moment) -> Mapping[str, Point]:
    tables = ("stix_object", "match", "incident", "run", "run_step", "question", "advisory")
    return {
        **_hand_overs(moment),
        **{table: inserting(table, moment) for table in tables},
        "note": inserting("timeline_entry", moment, "'note'"),
        "feed-polled": updating("feed", "succeeded_at", moment),
        "city-incident": inserting("incident", moment, r"'city\|"),
        "delivery-tried": updating("delivery", "attempts", moment),
        "delivery-sent": updating("delivery", "state", moment),
    }


WAY: Final = {name: tuple(_way(moment)[name] for moment in Moment) for name in _way(Moment.BEFORE_COMMIT)}
"""Hand-overs and facts on the way from a feed to a message, each before and after its commit."""

WAY_BACK: Final = tuple(
    updating(table, column, moment)
    for table, column in (("match", "closed_at"), ("incident", "closed_at"), ("run", "ended_at"))
    for moment in Moment
)
"""The same for what is undone when a publisher takes back what it said."""
