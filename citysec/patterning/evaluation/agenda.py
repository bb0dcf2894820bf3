"""What the search for observations still has to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from citysec.patterning.evaluation.plan import Chain, Node


@dataclass(frozen=True, slots=True)
class Goal:
    """A node to fulfil from `low` to `high`; `twins` are what equal nodes before it began with: it begins no earlier.

    That order is without loss, and keeps the search from trying equal nodes in all orders.
    """

    node: Node
    low: int
    high: int
    twins: list[int] | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """Part number `part` of a chain is to be fulfilled."""

    goal: Goal
    chain: Chain
    part: int


@dataclass(frozen=True, slots=True)
class Passage:
    """The part that began with need number `begun` is done, and the next part of the chain follows."""

    link: Link
    begun: int


@dataclass(slots=True)
class Count:
    """How often something was done in the search so far."""

    times: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """All before this is done."""

    count: Count


Step: TypeAlias = Goal | Link | Passage | Done
Agenda: TypeAlias = "tuple[Step, Agenda] | None"
"""What is to be done, the next first; shared by all that goes on from one point."""
