"""What the objects of one playbook must say about each other, one rule a function.

Source:
    CACAO 2.0 CS01; each rule names its section.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Final, TypeAlias

from citysec.playbooks.cacao import Kind, Level, Playbook, Problem, Step
from citysec.playbooks.condition import ConditionError, parse
from citysec.playbooks.flow import Flow
from citysec.playbooks.load import objects
from citysec.playbooks.schema import VARIABLE_NAME
from citysec.playbooks.shape import Json, JsonObject, instant
from citysec.playbooks.variables import REFERENCE, Variable, fits, references

MAX_VARIABLES: Final = 1_000
_DEFINITIONS: Final = (
    "agent_definitions",
    "target_definitions",
    "authentication_info_definitions",
    "extension_definitions",
    "data_marking_definitions",
)
_SECRETS: Final = ("password", "token")

Rule: TypeAlias = Callable[[Playbook, JsonObject, Flow], Iterator[Problem]]


def _dates(_playbook: Playbook, document: JsonObject, _flow: Flow) -> Iterator[Problem]:
    """A later version is not older than the first, and validity ends after it begins (§3.1)."""
    created, modified = _instant(document, "created"), _instant(document, "modified")
    if created and modified and modified < created:
        yield Problem("bad_dates", None, "modified is before created")
    begins, ends = _instant(document, "valid_from"), _instant(document, "valid_until")
    if begins and ends and ends <= begins:
        yield Problem("bad_dates", None, "valid_until is not after valid_from")


def _instant(document: JsonObject, name: str) -> datetime | None:
    value = document.get(name)
    return instant(value) if isinstance(value, str) else None


def _ids(playbook: Playbook, document: JsonObject, _flow: Flow) -> Iterator[Problem]:
    """Steps are named by their type and a UUID version 4; no UUID serves two objects (§10.10)."""
    for step in playbook.steps.values():
        prefix, _, uuid = step.id.partition("--")
        if prefix != step.kind:
            yield Problem("id_type_mismatch", step.id, f"the id of a {step.kind} step begins with {step.kind}--")
        if uuid[14] != "4":
            yield Problem("bad_identifier", step.id, "the UUID of a step must be of version 4")
    owner_of = {playbook.id.partition("--")[2].lower(): playbook.id}
    for name in chain(playbook.steps, *(dict(objects(document, d)) for d in _DEFINITIONS)):
        uuid = name.partition("--")[2].lower()
        first = owner_of.setdefault(uuid, name)
        if first != name:
            yield Problem("duplicate_uuid", name if name in playbook.steps else None, f"{name} has the UUID of {first}")


def _definitions(_playbook: Playbook, document: JsonObject, _flow: Flow) -> Iterator[Problem]:
    """The key of a definition tells its type (§6, §7); only a warning, because engines name their agents freely."""
    for name in _DEFINITIONS:
        for key, member in objects(document, name):
            if member.get("type") != key.partition("--")[0]:
                told = f"{name}/{key}: the key says another type than {member.get('type')!r}"
                yield Problem("id_type_mismatch", None, told, Level.WARNING)
            if member.get("id", key) != key:
                yield Problem("id_type_mismatch", None, f"{name}/{key}: its id is {member.get('id')!r}")


def _references(playbook: Playbook, document: JsonObject, _flow: Flow) -> Iterator[Problem]:
    """Everything that is referred to by id is defined in the same playbook (§3.1)."""
    for step in playbook.steps.values():
        if step.agent is not None and step.agent not in playbook.agents:
            yield Problem("unknown_agent", step.id, f"the agent {step.agent} is not defined")
        for target in step.targets:
            if target not in playbook.targets:
                yield Problem("unknown_target", step.id, f"the target {target} is not defined")
    markings = dict(objects(document, "data_marking_definitions"))
    for marking in playbook.markings:
        if marking not in markings:
            yield Problem("unknown_marking", None, f"the marking {marking} is not defined")


def _logins(_playbook: Playbook, document: JsonObject, _flow: Flow) -> Iterator[Problem]:
    """Agents and targets sign in with what is defined in the same playbook (§7)."""
    known = dict(objects(document, "authentication_info_definitions"))
    for key, member in chain(objects(document, "agent_definitions"), objects(document, "target_definitions")):
        login = member.get("authentication_info")
        if isinstance(login, str) and login not in known:
            yield Problem("unknown_authentication", None, f"{key}: {login} is not defined")


def _extensions(_playbook: Playbook, document: JsonObject, _flow: Flow) -> Iterator[Problem]:
    """Extensions in use are defined in the playbook (§8)."""
    known = dict(objects(document, "extension_definitions"))
    places: list[tuple[str | None, str, JsonObject]] = [(None, "playbook_extensions", document)]
    places += [(key, "step_extensions", member) for key, member in objects(document, "workflow")]
    for name in _DEFINITIONS:
        for key in ("agent_target_extensions", "authentication_info_extensions", "marking_extensions"):
            places += [(None, key, member) for _, member in objects(document, name)]
    for step, name, holder in places:
        for extension, _ in objects(holder, name):
            if extension not in known:
                yield Problem("unknown_extension", step, f"{extension} is not defined")


def _successors(_playbook: Playbook, document: JsonObject, _flow: Flow) -> Iterator[Problem]:
    """`on_completion` excludes `on_success` and `on_failure` (§4.1)."""
    for key, member in objects(document, "workflow"):
        if "on_completion" in member and ("on_success" in member or "on_failure" in member):
            yield Problem("bad_flow", key, "on_completion excludes on_success and on_failure")


def _values(playbook: Playbook, _document: JsonObject, _flow: Flow) -> Iterator[Problem]:
    """Values are of the declared type; only the playbook's own variables come from outside (§10.18)."""
    count = len(playbook.variables) + sum(len(step.variables) for step in playbook.steps.values())
    if count > MAX_VARIABLES:
        yield Problem("too_large", None, f"has more than {MAX_VARIABLES} variables")
    yield from (replace(p, step=None) for p in _misfits(playbook.variables))
    for step in playbook.steps.values():
        yield from (replace(p, step=step.id) for p in _misfits(step.variables))
        for name, variable in step.variables.items():
            if variable.external:
                yield Problem("bad_variable", step.id, f"{name}: only a playbook variable can be external")
            if name in playbook.variables:
                yield Problem("shadowed_variable", step.id, f"{name} hides the playbook's own", Level.WARNING)


def _misfits(variables: Mapping[str, Variable]) -> Iterator[Problem]:
    for name, variable in variables.items():
        if variable.value is not None and not fits(variable.type, variable.value):
            told = f"{name}: {variable.value[:60]!r} is not of type {variable.type}"
            yield Problem("variable_type_mismatch", None, told)


def _arguments(playbook: Playbook, _document: JsonObject, flow: Flow) -> Iterator[Problem]:
    """Arguments name variables that the step sees; what comes back goes into one that may change (§4.5, §10.18)."""
    for step in playbook.steps.values():
        for name in (*step.in_args, *step.out_args):
            if _visible(name, step, playbook, flow) is None:
                yield Problem("undefined_variable", step.id, f"{name} is not declared here")
        for name in step.out_args:
            variable = _visible(name, step, playbook, flow)
            if variable is not None and variable.constant:
                yield Problem("constant_variable", step.id, f"{name} is constant and cannot take a result")


def _visible(name: str, step: Step, playbook: Playbook, flow: Flow) -> Variable | None:
    for holder in (step.id, *flow.openers(step.id)):
        if name in playbook.steps[holder].variables:
            return playbook.steps[holder].variables[name]
    return playbook.variables.get(name)


def _decisions(playbook: Playbook, _document: JsonObject, _flow: Flow) -> Iterator[Problem]:
    """Conditions can be parsed, and a switch names one variable (§4.8-4.10)."""
    for step in playbook.steps.values():
        if step.kind in (Kind.IF, Kind.WHILE):
            yield from _condition(step)
        elif step.kind is Kind.SWITCH:
            name = step.decides.removesuffix(":value")
            if VARIABLE_NAME.fullmatch(name) is None and REFERENCE.fullmatch(step.decides) is None:
                yield Problem("condition_error", step.id, f"switch: {step.decides[:100]!r} is not a variable")
            if not step.branches:
                yield Problem("bad_value", step.id, "cases must name at least one step")


def _condition(step: Step) -> Iterator[Problem]:
    try:
        condition = parse(step.decides)
    except ConditionError as err:
        yield Problem("condition_error", step.id, f"condition: {err}")
        return
    if condition.lenient:
        told = "condition: a text without quotes is read as one word; write it in quotes"
        yield Problem("unquoted_literal", step.id, told, Level.WARNING)


def _mentions(playbook: Playbook, document: JsonObject, flow: Flow) -> Iterator[Problem]:
    """A name that nobody declared stays as it is in the document and fails the step that needs it: a warning now."""
    sources = dict(objects(document, "workflow"))
    for step in playbook.steps.values():
        mentioned = chain.from_iterable(references(text) for text in _strings(sources[step.id]))
        for name in dict.fromkeys(mentioned):
            if _visible(name, step, playbook, flow) is None:
                yield Problem("undefined_variable", step.id, f"{name} is not declared here", Level.WARNING)


def _strings(value: Json) -> Iterator[str]:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as found:
                yield found
            case dict() as members:
                waiting.extend(members.values())
            case list() as members:
                waiting.extend(members)
            case _:
                pass


def _secrets(_playbook: Playbook, document: JsonObject, _flow: Flow) -> Iterator[Problem]:
    """A key store is named when used; secrets come through variables, not in the text of a shared playbook (§7)."""
    for key, member in objects(document, "authentication_info_definitions"):
        uses_store, names_store = member.get("kms") is True, "kms_key_identifier" in member
        if uses_store != names_store:
            yield Problem("bad_authentication", None, f"{key}: kms and kms_key_identifier need each other")
        for name in _SECRETS:
            secret = member.get(name)
            if isinstance(secret, str) and REFERENCE.fullmatch(secret) is None:
                told = f"{key}: {name} stands in the text" + ("" if not uses_store else " beside kms")
                yield Problem("literal_secret", None, told, Level.WARNING)


def _announced(playbook: Playbook, document: JsonObject, _flow: Flow) -> Iterator[Problem]:
    """Types come with activities (§3.1); a warning, because many published playbooks leave them out."""
    activities = document.get("playbook_activities")
    if "playbook_types" in document and not activities:
        told = "playbook_types without playbook_activities"
        yield Problem("missing_activities", None, told, Level.WARNING)
    if playbook.revoked and "valid_until" in document:
        yield Problem("ignored_property", None, "valid_until means nothing once revoked", Level.WARNING)


RULES: Final[tuple[Rule, ...]] = (
    _dates,
    _ids,
    _definitions,
    _references,
    _logins,
    _extensions,
    _successors,
    _values,
    _arguments,
    _decisions,
    _mentions,
    _secrets,
    _announced,
)
