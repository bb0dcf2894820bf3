"""From bytes to a playbook, or to every reason why not.

Here each object is judged by itself. What objects say about each other, branches above all, is `rules`' and `flow`'s.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Final

from citysec.playbooks.cacao import Agent, Command, Kind, Playbook, Problem, Step
from citysec.playbooks.schema import PLAYBOOK
from citysec.playbooks.shape import Fault, Json, JsonObject, instant
from citysec.playbooks.variables import Variable

MAX_BYTES: Final = 5 * 1024 * 1024
MAX_DEPTH: Final = 100


class _Duplicate(ValueError):
    """A name occurs twice in one JSON object."""


def load(content: bytes) -> tuple[JsonObject | None, list[Problem]]:
    """Return the document in `content` once its form is right, and what is wrong with it.

    The document is None where there is an error. Names that occur twice in one object are an error: readers that
    differ in which one they take would run different playbooks from the same signed text.
    """
    document, problems = _decoded(content)
    if problems:
        return None, problems
    if not isinstance(document, dict) or document.get("type") != "playbook":
        return None, [Problem("not_a_playbook", None, "is not a JSON object of type playbook")]
    if document.get("spec_version") != "cacao-2.0":
        told = str(document.get("spec_version"))[:60]
        return None, [Problem("unsupported_version", None, f"spec_version is {told!r}, not 'cacao-2.0'")]
    problems = [_problem(fault) for fault in PLAYBOOK(document, "")]
    return (None if problems else document), problems


def _decoded(content: bytes) -> tuple[Json, list[Problem]]:
    if len(content) > MAX_BYTES:
        return None, [Problem("too_large", None, f"is larger than {MAX_BYTES} bytes")]
    try:
        document: Json = json.loads(content.decode(), object_pairs_hook=_object, parse_constant=_no_constant)
    except _Duplicate as err:
        return None, [Problem("duplicate_key", None, str(err))]
    except RecursionError:
        return None, [Problem("too_deep", None, f"is nested deeper than {MAX_DEPTH} levels")]
    except ValueError as err:
        return None, [Problem("malformed_json", None, f"is not JSON in UTF-8: {err}")]
    if _deeper(document):
        return None, [Problem("too_deep", None, f"is nested deeper than {MAX_DEPTH} levels")]
    return document, []


def _object(pairs: list[tuple[str, Json]]) -> JsonObject:
    names = dict(pairs)
    if len(names) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))
        raise _Duplicate(f"the name {twice[:200]!r} occurs twice in one object")
    return names


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no JSON number")


def _deeper(document: Json) -> bool:
    level = [document]
    for _ in range(MAX_DEPTH):
        level = [inner for value in level for inner in _members(value)]
        if not level:
            return False
    return True


def _members(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _problem(fault: Fault) -> Problem:
    _, _, path = fault.at.partition("/")
    parts = path.split("/")
    if parts[0] == "workflow" and len(parts) > 1:
        return Problem(fault.kind, parts[1], _told("/".join(parts[2:]), fault.message))
    return Problem(fault.kind, None, _told(path, fault.message))


def _told(place: str, message: str) -> str:
    return f"{place}: {message}" if place else message


# --- from a document of the right form to values ---------------------------------------------------------------------
def _text(source: JsonObject, name: str) -> str | None:
    value = source.get(name)
    return value if isinstance(value, str) else None


def _whole(source: JsonObject, name: str) -> int | None:
    value = source.get(name)
    return value if isinstance(value, int) else None


def _texts(source: JsonObject, name: str) -> tuple[str, ...]:
    value = source.get(name)
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()


def objects(source: JsonObject, name: str) -> Iterator[tuple[str, JsonObject]]:
    """Yield the members of the dictionary `name` that are objects; none where it is absent."""
    value = source.get(name)
    if isinstance(value, dict):
        yield from ((key, member) for key, member in value.items() if isinstance(member, dict))


def playbook_of(document: JsonObject) -> Playbook:
    """Return the playbook that `document`, as `load` gave it, describes."""
    return Playbook(
        id=_text(document, "id") or "",
        version=_text(document, "modified") or "",
        name=_text(document, "name") or "",
        description=_text(document, "description") or "",
        start=_text(document, "workflow_start") or "",
        exception=_text(document, "workflow_exception"),
        steps={key: _step(key, member) for key, member in objects(document, "workflow")},
        variables=_variables(document, "playbook_variables"),
        agents=_agents(document, "agent_definitions"),
        targets=_agents(document, "target_definitions"),
        markings=_texts(document, "markings"),
        revoked=document.get("revoked") is True,
        valid_from=instant(_text(document, "valid_from") or ""),
        valid_until=instant(_text(document, "valid_until") or ""),
    )


def _agents(document: JsonObject, name: str) -> dict[str, Agent]:
    return {
        key: Agent(key, _text(member, "type") or "", _text(member, "name") or "")
        for key, member in objects(document, name)
    }


def _variables(source: JsonObject, name: str) -> dict[str, Variable]:
    return {key: _variable(member) for key, member in objects(source, name)}


def _variable(source: JsonObject) -> Variable:
    value = source.get("value")
    if isinstance(value, dict):  # a dictionary may be written as an object
        value = json.dumps(value, ensure_ascii=False)
    return Variable(
        type=_text(source, "type") or "string",
        value=value if isinstance(value, str) else None,
        constant=source.get("constant") is True,
        external=source.get("external") is True,
    )


def _step(step_id: str, source: JsonObject) -> Step:
    return Step(
        id=step_id,
        kind=Kind(_text(source, "type") or ""),
        name=_text(source, "name") or step_id.partition("--")[0],
        description=_text(source, "description") or "",
        delay_ms=_whole(source, "delay") or 0,
        timeout_ms=_whole(source, "timeout"),
        owner=_text(source, "owner"),
        variables=_variables(source, "step_variables"),
        then=_text(source, "on_success") or _text(source, "on_completion"),
        otherwise=_text(source, "on_failure"),
        commands=_commands(source),
        agent=_text(source, "agent"),
        targets=_texts(source, "targets"),
        in_args=_texts(source, "in_args"),
        out_args=_texts(source, "out_args"),
        decides=_text(source, "condition") or _text(source, "switch") or "",
        branches=tuple(_branches(source)),
        playbook_id=_text(source, "playbook_id"),
        playbook_version=_text(source, "playbook_version"),
    )


def _branches(source: JsonObject) -> Iterator[tuple[str, str]]:
    for label in ("true", "false"):
        if (entry := _text(source, f"on_{label}")) is not None:
            yield label, entry
    cases = source.get("cases")
    if isinstance(cases, dict):
        yield from ((key, entry) for key, entry in cases.items() if isinstance(entry, str))
    yield from ((str(number), entry) for number, entry in enumerate(_texts(source, "next_steps")))


def _commands(source: JsonObject) -> tuple[Command, ...]:
    listed = source.get("commands")
    return tuple(_command(c) for c in listed if isinstance(c, dict)) if isinstance(listed, list) else ()


def _command(source: JsonObject) -> Command:
    headers = source.get("headers")
    named = headers if isinstance(headers, dict) else {}
    return Command(
        type=_text(source, "type") or "",
        text=_plain(source, "command") or "",
        headers={name: _texts(named, name) for name in named},
        content=_plain(source, "content"),
    )


def _plain(source: JsonObject, name: str) -> str | None:
    plain, encoded = _text(source, name), _text(source, f"{name}_b64")
    return plain if encoded is None else b64decode(encoded).decode(errors="replace")
