"""Small playbooks for tests: steps are named by a word, the ids are made from it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from citysec.playbooks.cacao import Playbook
from citysec.playbooks.check import examine
from citysec.playbooks.run import advance
from citysec.playbooks.signals import Event, Signal
from citysec.playbooks.state import Run

KINDS = {
    "start": "start",
    "end": "end",
    "if": "if-condition",
    "while": "while-condition",
    "switch": "switch-condition",
    "parallel": "parallel",
    "call": "playbook-action",
}
_LINKS = ("on_completion", "on_success", "on_failure", "on_true", "on_false")
SELF, DUTY = "http-api--5a0c3b07-6e4c-4f2b-8f0e-0d9a4b2f1c11", "individual--1f6d2a9e-92f3-4d0c-9a1b-3a54c8f0e222"


def step(word: str) -> str:
    """The id of the step called `word`: `if-sure` is an if-condition, `warn` an action."""
    kind = KINDS.get(word.partition("-")[0], "action")
    return f"{kind}--{uuid.UUID(int=uuid.uuid5(uuid.NAMESPACE_OID, word).int, version=4)}"


def document(steps: Mapping[str, Mapping[str, Any]], incident: str = "x", **properties: Any) -> dict[str, Any]:
    """A playbook document; actions without commands note their word on `incident`, by the agent `citysec`."""
    return {
        "type": "playbook",
        "spec_version": "cacao-2.0",
        "id": "playbook--0b1b8a4a-7a4e-4c26-9a67-3a9e6e3f1d10",
        "name": "Test",
        "created_by": "identity--6f0a3e1c-6a37-4f7b-8a1e-2f4c3b5d6e70",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "workflow_start": step("start"),
        "workflow": {step(word): _step(word, body, incident) for word, body in steps.items()},
        "agent_definitions": {
            SELF: {"type": "http-api", "name": "citysec", "address": {"url": ["http://127.0.0.1:8080"]}},
            DUTY: {"type": "individual", "name": "Duty coordinator"},
        },
        **properties,
    }


def _step(word: str, body: Mapping[str, Any], incident: str) -> dict[str, Any]:
    kind = KINDS.get(word.partition("-")[0], "action")
    made: dict[str, Any] = {"type": kind, **body}
    if kind == "action" and "commands" not in body:
        made |= {"commands": [note(word, incident)], "agent": SELF}
    for link in _LINKS:
        if link in body:
            made[link] = step(body[link])
    if "next_steps" in body:
        made["next_steps"] = [step(entry) for entry in body["next_steps"]]
    if "cases" in body:
        made["cases"] = {case: step(entry) for case, entry in body["cases"].items()}
    return made


def note(text: str, incident: str = "x") -> dict[str, Any]:
    """A command that writes `text` on the timeline of `incident`."""
    start_line = f"POST /api/v1/incidents/{incident}/notes HTTP/1.1"
    return {"type": "http-api", "command": start_line, "content": json.dumps({"text": text})}


def question(**body: Any) -> dict[str, Any]:
    """An action that asks the duty coordinator."""
    return {"commands": [{"type": "manual", "command": "Isolate?"}], "agent": DUTY, **body}


def variables(**values: str | None) -> dict[str, Any]:
    """External string variables with these first values."""
    return {f"__{name}__": {"type": "string", "value": value, "external": True} for name, value in values.items()}


def line(*words: str, **last: Any) -> dict[str, dict[str, Any]]:
    """Steps that follow each other by `on_completion`, the last one with `last`."""
    steps: dict[str, dict[str, Any]] = {word: {"on_completion": after} for word, after in pairwise(words)}
    return {**steps, words[-1]: dict(last)}


def playbook(steps: Mapping[str, Mapping[str, Any]], **properties: Any) -> Playbook:
    """The playbook of `document`, which must not be rejected."""
    examination = examine(json.dumps(document(steps, **properties)).encode())
    assert examination.playbook is not None, examination.problems
    assert examination.outcome != "reject", examination.problems
    return examination.playbook


def play(book: Playbook, *events: Event) -> tuple[Run, list[Signal]]:
    """The run after `events`, each time through JSON as a checkpoint would, and all signals in order."""
    run, signals = Run(), list[Signal]()
    for event in events:
        run, more = advance(Run.from_json(json.loads(json.dumps(run.to_json()))), event, book)
        signals += more
    return run, signals
