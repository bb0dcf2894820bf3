"""The shape of a workflow: where each step leads, which branch it lies in, and whether every path ends.

Every function looks at each edge a fixed number of times; no path is ever enumerated, so a long row of steps that
rejoin costs no more than any other playbook of its size.

Source:
    CACAO 2.0 §4.3-4.10. That a branch which rejoins its surroundings is refused rather than guessed at, is our rule:
    the standard asks each branch to close with an end step of its own, and does not say what happens otherwise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from citysec.playbooks.cacao import Kind, Level, Playbook, Problem, Step

MAX_STEPS: Final = 2_000
MAX_NESTING: Final = 32
MAX_BRANCHES: Final = 256


@dataclass(frozen=True, slots=True)
class Branch:
    """A path of steps: the main line, or what one step opens with one entry. Its steps lead on among themselves."""

    opener: str | None
    entry: str
    depth: int


@dataclass(frozen=True, slots=True)
class Flow:
    """What walking a workflow once tells."""

    branch_of: Mapping[str, Branch]
    problems: tuple[Problem, ...]

    def openers(self, step: str) -> Iterator[str]:
        """Yield the steps whose branches enclose `step`, innermost first."""
        branch = self.branch_of.get(step)
        while branch is not None and branch.opener is not None:
            yield branch.opener
            branch = self.branch_of.get(branch.opener)


def explore(playbook: Playbook) -> Flow:
    """Return which branch each reachable step lies in, and everything wrong with the flow of `playbook`."""
    problems = [*_size(playbook), *_steps(playbook), *_ends(playbook)]
    back = _back_edges(playbook)
    problems += [
        Problem("cycle", source, f"leads back to {target}; only a while-condition repeats")
        for source, target in sorted(back)
    ]
    branch_of, rejoining = _branches(playbook, back)
    problems += rejoining
    problems += [
        Problem("unreachable_step", step, "no path from the start leads here", Level.WARNING)
        for step in playbook.steps
        if step not in branch_of
    ]
    return Flow(branch_of, tuple(problems))


def _size(playbook: Playbook) -> Iterator[Problem]:
    if len(playbook.steps) > MAX_STEPS:
        yield Problem("too_large", None, f"has more than {MAX_STEPS} steps")
    for step in playbook.steps.values():
        if step.kind is Kind.PARALLEL and not 2 <= len(step.branches) <= MAX_BRANCHES:
            yield Problem("bad_value", step.id, f"next_steps must name 2 to {MAX_BRANCHES} steps")
        entries = [entry for _, entry in step.branches]
        if step.kind is Kind.PARALLEL and len(set(entries)) < len(entries):
            yield Problem("rejoining_branch", step.id, "next_steps names one step twice")


def _steps(playbook: Playbook) -> Iterator[Problem]:
    """Yield what is wrong with single edges: targets that do not exist, steps that lead nowhere or to a start."""
    for step in playbook.steps.values():
        for target in _targets(step):
            if target not in playbook.steps:
                yield Problem("unknown_step", step.id, f"leads to {target}, which does not exist")
            elif playbook.steps[target].kind is Kind.START:
                yield Problem("bad_flow", step.id, f"leads to {target}: a start step has no predecessor")
        if step.kind is not Kind.END and step.then is None:
            yield Problem("missing_property", step.id, "needs on_completion or on_success")


def _ends(playbook: Playbook) -> Iterator[Problem]:
    kinds = {step.kind for step in playbook.steps.values()}
    start = playbook.steps.get(playbook.start)
    if start is None:
        yield Problem("unknown_step", None, f"workflow_start: {playbook.start} does not exist")
    elif start.kind is not Kind.START:
        yield Problem("bad_start", start.id, "workflow_start must name a start step")
    if playbook.exception is not None and playbook.exception not in playbook.steps:
        yield Problem("unknown_step", None, f"workflow_exception: {playbook.exception} does not exist")
    for step in playbook.steps.values():
        if step.kind is Kind.START and step.id != playbook.start:
            yield Problem("bad_start", step.id, "is a second start step")
    if Kind.START not in kinds or Kind.END not in kinds or not kinds & {Kind.ACTION, Kind.PLAYBOOK_ACTION}:
        yield Problem("incomplete_workflow", None, "needs at least a start, an action or playbook-action, and an end")


def _targets(step: Step) -> Iterator[str]:
    yield from step.following
    for _, entry in step.branches:
        yield entry


def _roots(playbook: Playbook) -> list[str]:
    return [step for step in (playbook.start, playbook.exception) if step is not None and step in playbook.steps]


def _back_edges(playbook: Playbook) -> set[tuple[str, str]]:
    """Return the edges that close a cycle, found in one depth-first walk without recursion."""
    found: set[tuple[str, str]] = set()
    done: set[str] = set()
    for root in (*_roots(playbook), *playbook.steps):
        if root in done:
            continue
        open_: dict[str, Iterator[str]] = {root: _targets(playbook.steps[root])}
        while open_:
            step = next(reversed(open_))
            target = next(open_[step], None)
            if target is None:
                del open_[step]
                done.add(step)
            elif target in open_:
                found.add((step, target))
            elif target in playbook.steps and target not in done:
                open_[target] = _targets(playbook.steps[target])
    return found


def _branches(playbook: Playbook, back: set[tuple[str, str]]) -> tuple[dict[str, Branch], list[Problem]]:
    branch_of: dict[str, Branch] = {}
    problems: dict[str, Problem] = {}
    main = Branch(None, playbook.start, 0)
    waiting = deque((root, main) for root in _roots(playbook))
    while waiting:
        step_id, branch = waiting.popleft()
        known = branch_of.get(step_id)
        if known is not None:
            if known != branch:
                problems.setdefault(step_id, _rejoins(step_id, known, branch))
            continue
        branch_of[step_id] = branch
        if branch.depth > MAX_NESTING:
            problems[step_id] = Problem("too_deep", step_id, f"lies more than {MAX_NESTING} branches deep")
            continue
        waiting.extend(_next(playbook, playbook.steps[step_id], branch, back))
    return branch_of, list(problems.values())


def _next(playbook: Playbook, step: Step, branch: Branch, back: set[tuple[str, str]]) -> Iterator[tuple[str, Branch]]:
    def usable(target: str) -> bool:
        return target in playbook.steps and (step.id, target) not in back

    yield from ((target, branch) for target in step.following if usable(target))
    yield from ((e, Branch(step.id, e, branch.depth + 1)) for _, e in step.branches if usable(e))


def _rejoins(step: str, one: Branch, other: Branch) -> Problem:
    names = " and ".join(b.opener or "the main line" for b in (one, other))
    return Problem("rejoining_branch", step, f"is reached from branches of {names}: each needs an end of its own")
