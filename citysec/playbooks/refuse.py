"""What this service does not do although a playbook may ask for it.

Two kinds of agent are served: `citysec` itself, by the requests of `deeds`, and people, by `manual` commands.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from citysec.playbooks.cacao import Agent, Kind, Playbook, Problem, Step
from citysec.playbooks.deeds import faults

SELF: Final = "citysec"
PEOPLE: Final = frozenset({"individual", "group", "organization"})


def refusals(playbook: Playbook) -> Iterator[Problem]:
    """Yield everything that keeps `playbook` from running here, whatever the time."""
    if playbook.revoked:
        yield Problem("revoked", None, "its maker has revoked it")
    for step in playbook.steps.values():
        agent = playbook.agents.get(step.agent or "")
        if step.kind is Kind.PLAYBOOK_ACTION:
            yield Problem("unsupported_step", step.id, "calling other playbooks can be rehearsed, not run")
        elif step.kind is Kind.ACTION and agent is not None:
            yield from _action(step, agent)


def untimely(playbook: Playbook, at: datetime) -> Iterator[Problem]:
    """Yield a problem where `at` lies outside the time for which `playbook` is meant."""
    if playbook.valid_from is not None and at < playbook.valid_from:
        yield Problem("not_valid_now", None, f"is valid only from {playbook.valid_from.isoformat()}")
    if playbook.valid_until is not None and at >= playbook.valid_until:
        yield Problem("not_valid_now", None, f"was valid until {playbook.valid_until.isoformat()}")


def _action(step: Step, agent: Agent) -> Iterator[Problem]:
    if agent.type == "http-api" and agent.name == SELF:
        suitable = "http-api"
    elif agent.type in PEOPLE:
        suitable = "manual"
    else:
        yield Problem("unserved_agent", step.id, f"nobody here serves the agent {agent.name!r} of type {agent.type!r}")
        return
    for command in step.commands:
        if command.type != suitable:
            yield Problem("unsupported_command", step.id, f"agent {agent.name!r} takes no command {command.type!r}")
        elif suitable == "http-api":
            yield from (Problem("unserved_request", step.id, fault) for fault in faults(command))
