"""The property tables of a CACAO playbook, its steps and commands, as shapes.

The published JSON schemas are not our judge: they declare draft-07 but rely on keywords that draft-07 ignores, and read
as 2020-12 they refuse OASIS's own examples. Open vocabularies (`-ov`) stay open here: what we cannot run is loaded,
kept and refused later, by name.

Source:
    OASIS CACAO Security Playbooks 2.0, CS01 (27 November 2023): §3.1 playbook, §4 steps, §5 commands, §10.18
    variables; the rest is in `definitions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from citysec.playbooks.definitions import (
    EXTENSION_DEFINITIONS,
    EXTENSIONS,
    LOGINS,
    MARKINGS,
    PARTIES,
    REFERENCES,
    SIGNATURE,
    TEXTS,
    names,
    typed,
)
from citysec.playbooks.shape import (
    Fault,
    Json,
    Shape,
    at_most_one,
    base64,
    by_type,
    every,
    exactly_one,
    flag,
    identifier,
    keyed,
    listed,
    matching,
    open_record,
    record,
    text,
    timestamp,
    whole,
    words,
)

MAX_DELAY_MS: Final = 30 * 24 * 3600 * 1000

VARIABLE_NAME: Final = re.compile(r"__[a-zA-Z_][a-zA-Z0-9_-]{0,199}__", re.ASCII)
START_LINE: Final = re.compile(r"[A-Z]+ \S+ HTTP/\d(\.\d)?", re.ASCII)

_header_name = matching(re.compile(r"[!#$%&'*+.^_`|~0-9a-zA-Z-]{1,250}"), "the name of a header")
_case_key = matching(re.compile(r"[a-zA-Z0-9_-]{0,250}"), "a case key (a-z A-Z 0-9 - _)")
_variable_name = matching(VARIABLE_NAME, "a variable name like __name__", "bad_variable_name")
_percent = whole(0, 100)


def _value(value: Json, at: str) -> Iterator[Fault]:
    if value is not None and not isinstance(value, str | dict):
        yield Fault("wrong_type", at, "must be a string, null or a dictionary: numbers are written as strings")


_variable = record(
    {"type": text},
    {"description": text, "value": _value, "constant": flag, "external": flag},
)
VARIABLES: Final = keyed(_variable_name, _variable)

# --- commands (§5) ---------------------------------------------------------------------------------------------------
_COMMAND: Final[dict[str, Shape]] = {
    "description": text,
    "version": text,
    "playbook_activity": text,
    "external_references": REFERENCES,
}
_headers = keyed(_header_name, listed(text))


_plain_command = every(
    typed({}, {"command": text, "command_b64": base64}, _COMMAND),
    exactly_one("command", "command_b64"),
)
_http_command = every(
    typed({"command": text}, {"headers": _headers, "content": text, "content_b64": base64}, _COMMAND),
    at_most_one("content", "content_b64"),
)
_query_command = typed({"command_b64": base64}, {}, _COMMAND)
_COMMANDS: Final = {
    **dict.fromkeys(("manual", "bash", "powershell", "ssh", "caldera-cmd"), _plain_command),
    **dict.fromkeys(("elastic", "jupyter", "kestrel", "sigma", "yara"), _query_command),
    "http-api": _http_command,
    "openc2-http": typed({"command": text, "headers": _headers, "content_b64": base64}, {}, _COMMAND),
}
_command = by_type(_COMMANDS, open_record(("type",)))

# --- steps (§4) ------------------------------------------------------------------------------------------------------
STEP_ID: Final = identifier()
_STEP: Final[dict[str, Shape]] = {
    "name": text,
    "description": text,
    "external_references": REFERENCES,
    "delay": whole(0, MAX_DELAY_MS),
    "timeout": whole(0),
    "step_variables": VARIABLES,
    "owner": identifier(),
    "step_extensions": EXTENSIONS,
}
_AFTER: Final[dict[str, Shape]] = {"on_completion": STEP_ID, "on_success": STEP_ID, "on_failure": STEP_ID}
_ARGUMENTS: Final[dict[str, Shape]] = {"in_args": listed(_variable_name), "out_args": listed(_variable_name)}
_between = {**_STEP, **_AFTER}
_STEPS: Final = {
    "start": typed({"on_completion": STEP_ID}, {}, _STEP),
    "end": typed({}, {}, _STEP),
    "action": typed(
        {"commands": listed(_command), "agent": identifier()}, {"targets": listed(identifier()), **_ARGUMENTS}, _between
    ),
    "playbook-action": typed(
        {"playbook_id": identifier("playbook")}, {"playbook_version": timestamp, **_ARGUMENTS}, _between
    ),
    "parallel": typed({"next_steps": listed(STEP_ID)}, {}, _between),
    "if-condition": typed({"condition": text, "on_true": STEP_ID}, {"on_false": STEP_ID}, _between),
    "while-condition": typed({"condition": text, "on_true": STEP_ID}, {}, _between),
    "switch-condition": typed({"switch": text, "cases": keyed(_case_key, STEP_ID)}, {}, _between),
}
STEP: Final = by_type(_STEPS, open_record(("type",)))

# --- the playbook (§3.1) ---------------------------------------------------------------------------------------------
_SUMMARY: Final = names(
    """
    manual_playbook external_playbooks parallel_processing if_logic while_logic switch_logic temporal_logic
    data_markings digital_signatures countersigned_signatures extensions
    """
)

PLAYBOOK: Final = record(
    {
        "type": words("playbook"),
        "spec_version": words("cacao-2.0"),
        "id": identifier("playbook"),
        "name": text,
        "created_by": identifier("identity"),
        "created": timestamp,
        "modified": timestamp,
        "workflow_start": STEP_ID,
        "workflow": keyed(STEP_ID, STEP),
    },
    {
        "description": text,
        "playbook_types": TEXTS,
        "playbook_activities": TEXTS,
        "playbook_processing_summary": record({}, dict.fromkeys(_SUMMARY, flag)),
        "revoked": flag,
        "valid_from": timestamp,
        "valid_until": timestamp,
        "derived_from": listed(identifier("playbook")),
        "related_to": listed(identifier()),
        "priority": _percent,
        "severity": _percent,
        "impact": _percent,
        "industry_sectors": TEXTS,
        "labels": TEXTS,
        "external_references": REFERENCES,
        "markings": listed(identifier()),
        "playbook_variables": VARIABLES,
        "workflow_exception": STEP_ID,
        "playbook_extensions": EXTENSIONS,
        "authentication_info_definitions": LOGINS,
        "agent_definitions": PARTIES,
        "target_definitions": PARTIES,
        "extension_definitions": EXTENSION_DEFINITIONS,
        "data_marking_definitions": MARKINGS,
        "signatures": listed(SIGNATURE),
    },
)
