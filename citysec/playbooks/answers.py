"""What a person's answer does to the run that asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from citysec.playbooks.cacao import Playbook
from citysec.playbooks.signals import StepEnded


class Verdict(StrEnum):
    """The two answers a question takes."""

    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answered:
    """A person's answer on its way to the run."""

    step: str
    occurrence: int
    verdict: Verdict
    note: str = ""


def outcome(answered: Answered, playbook: Playbook) -> StepEnded:
    """Return what an answer means for its step.

    A step that takes the decision into a boolean variable has succeeded whichever way it went, and a condition behind
    it tells the two apart; a text variable takes the note. Without such a variable a refusal is a failure.

    Source:
        CACAO 2.0 leaves open how a manual command returns values (§5.3, `out_args` of §4.5).
    """
    step = playbook.steps[answered.step]
    types = {
        name: variable.type
        for name in step.out_args
        if (variable := step.variables.get(name) or playbook.variables.get(name)) is not None
    }
    approved = answered.verdict is Verdict.APPROVED
    values: dict[str, str | None] = {name: str(approved).lower() for name, kind in types.items() if kind == "bool"}
    notes = {name: answered.note for name, kind in types.items() if kind == "string"}
    if not approved and not values:
        return StepEnded(answered.step, answered.occurrence, error="refused", message=answered.note)
    return StepEnded(answered.step, answered.occurrence, {**values, **notes})
