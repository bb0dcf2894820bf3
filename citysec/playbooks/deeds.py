"""What a playbook may have this service do: three requests on the API, recognised and checked before anything is done.

The commands are ordinary `http-api` commands, so that any other CACAO engine could run the same file against the same
API. Here they are carried out in the process, by the same functions that the API calls.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from citysec.errors import InvalidInput, Problem
from citysec.playbooks.cacao import Command
from citysec.playbooks.shape import Fault, Json, JsonObject, Shape, record, text, words
from citysec.playbooks.variables import REFERENCE

_REQUEST: Final = re.compile(r"POST /api/v1/incidents/(?P<incident>[A-Za-z0-9-]{1,64})/(?P<does>[a-z]+) HTTP/1\.[01]")


class Does(StrEnum):
    """What can be done to an incident; the last part of the path."""

    ADVISE = "advisories"
    ESCALATE = "escalate"
    NOTE = "notes"


BODIES: Final[Mapping[Does, Shape]] = {
    Does.ADVISE: record({}, {"audience": words("concerned"), "urgency": words("immediate", "routine")}),
    Does.ESCALATE: record({"reason": text}, {}),
    Does.NOTE: record({"text": text}, {}),
}


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing to do to one incident; `actor` is the run, for the timeline and the audit."""

    does: Does
    incident_id: str
    body: JsonObject
    actor: str

    def word(self, name: str) -> str:
        """Return the text `name` of the body, empty where it is not there."""
        value = self.body.get(name)
        return value if isinstance(value, str) else ""


def deed(command: Command, actor: str) -> Deed:
    """Return what `command` asks for.

    Raises:
        InvalidInput: no such request is served, or its body is not what it should be.
    """
    request = _REQUEST.fullmatch(command.text)
    if request is None or request["does"] not in set(Does):
        raise InvalidInput.at("", f"{command.text[:100]!r} is not served to playbooks")
    does = Does(request["does"])
    body, faults = _body(command, does)
    if faults:
        raise InvalidInput(Problem(fault.at, fault.message) for fault in faults)
    return Deed(does, request["incident"], body, actor)


def _body(command: Command, does: Does) -> tuple[JsonObject, list[Fault]]:
    try:
        body: Json = json.loads(command.content or "{}")
    except ValueError:
        return {}, [Fault("malformed_json", "", "the content is not JSON")]
    return (body if isinstance(body, dict) else {}), list(BODIES[does](body, ""))


def faults(command: Command) -> Iterator[str]:
    """Yield why `command` could not be carried out whatever the values of its variables are."""
    filled = Command(command.type, REFERENCE.sub("x", command.text), command.headers, command.content)
    try:
        deed(filled, "")
    except InvalidInput as err:
        yield str(err)
