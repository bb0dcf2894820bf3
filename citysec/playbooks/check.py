"""Whether a playbook may be kept, and whether it may run here.

Three outcomes: `ok`; `reject`, it breaks the standard or nobody could tell how to run it; `refuse_to_start`, it is a
right playbook that asks for something this service does not do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from citysec.playbooks.cacao import Kind, Level, Playbook, Problem
from citysec.playbooks.flow import explore
from citysec.playbooks.load import load, objects, playbook_of
from citysec.playbooks.refuse import refusals
from citysec.playbooks.rules import RULES
from citysec.playbooks.shape import JsonObject


class Outcome(StrEnum):
    """What `examine` found."""

    OK = "ok"
    REJECT = "reject"
    REFUSE_TO_START = "refuse_to_start"


@dataclass(frozen=True, slots=True)
class Examination:
    """The outcome with its reasons; `playbook` is None where the text could not be read as one."""

    outcome: Outcome
    problems: tuple[Problem, ...]
    playbook: Playbook | None = None


def examine(content: bytes) -> Examination:
    """Return whether the playbook in `content` may be kept and run, with every problem found."""
    document, problems = load(content)
    if document is None:
        return Examination(Outcome.REJECT, tuple(problems))
    strange = tuple(_strange_steps(document))
    if strange:
        return Examination(Outcome.REFUSE_TO_START, strange)
    playbook = playbook_of(document)
    flow = explore(playbook)
    problems = [*flow.problems, *(p for rule in RULES for p in rule(playbook, document, flow))]
    unwilling = list(refusals(playbook))
    return Examination(_outcome(problems, unwilling), (*problems, *unwilling), playbook)


def _outcome(problems: list[Problem], unwilling: list[Problem]) -> Outcome:
    if any(problem.severity is Level.ERROR for problem in problems):
        return Outcome.REJECT
    return Outcome.REFUSE_TO_START if unwilling else Outcome.OK


def _strange_steps(document: JsonObject) -> Iterator[Problem]:
    known = {kind.value for kind in Kind}
    for step, member in objects(document, "workflow"):
        if member.get("type") not in known:
            yield Problem("unsupported_step", step, f"nobody here knows steps of type {member.get('type')!r}")
