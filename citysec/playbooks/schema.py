"""The property tables of CACAO 2.0, as shapes.

The published JSON schemas are not our judge: they declare draft-07 but rely on keywords that draft-07 ignores, and read
as 2020-12 they refuse OASIS's own examples. Open vocabularies (`-ov`) stay open here: what we cannot run is loaded,
kept and refused later, by name.

Source:
    OASIS CACAO Security Playbooks 2.0, CS01 (27 November 2023): §3.1 playbook, §4 steps, §5 commands, §6 agents and
    targets, §7 authentication, §8 extensions, §9 markings, §10 data types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from citysec.playbooks.shape import (
    Fault,
    Json,
    Shape,
    anything,
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

_dictionary_key = matching(re.compile(r"[a-zA-Z0-9_-]{1,250}"), "a dictionary key (a-z A-Z 0-9 - _)")
_header_name = matching(re.compile(r"[!#$%&'*+.^_`|~0-9a-zA-Z-]{1,250}"), "the name of a header")
_case_key = matching(re.compile(r"[a-zA-Z0-9_-]{0,250}"), "a case key (a-z A-Z 0-9 - _)")
_variable_name = matching(VARIABLE_NAME, "a variable name like __name__", "bad_variable_name")
_label_dict = keyed(text, text)
_texts = listed(text)
_percent = whole(0, 100)
_version = matching(re.compile(r"\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?"), "a version like 1.0.0")
_extensions = keyed(identifier("extension-definition"), anything)


def _names(text: str) -> list[str]:
    return text.split()


_REGIONS: Final = _names(
    """
    africa eastern-africa middle-africa northern-africa southern-africa western-africa americas caribbean
    central-america latin-america-caribbean northern-america south-america asia central-asia eastern-asia
    southern-asia south-eastern-asia western-asia europe eastern-europe northern-europe southern-europe
    western-europe oceania antarctica australia-new-zealand melanesia micronesia polynesia
    """
)
_PLACE_TEXTS: Final = _names(
    """
    name description building_details network_details country administrative_area city street_address
    postal_code latitude longitude precision
    """
)
_SUMMARY: Final = _names(
    """
    manual_playbook external_playbooks parallel_processing if_logic while_logic switch_logic temporal_logic
    data_markings digital_signatures countersigned_signatures extensions
    """
)

_location = record({}, dict.fromkeys(_PLACE_TEXTS, text) | {"region": words(*_REGIONS)})
_contact = record({}, {"email": _label_dict, "phone": _label_dict, "contact_details": text})
_reference = record(
    {"name": text}, dict.fromkeys(("description", "source", "url", "external_id", "reference_id"), text)
)
_references = listed(_reference)


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
    "external_references": _references,
}
_headers = keyed(_header_name, listed(text))


def _typed(required: dict[str, Shape], optional: dict[str, Shape], common: dict[str, Shape]) -> Shape:
    return record({"type": text, **required}, {**common, **optional})


_plain_command = every(
    _typed({}, {"command": text, "command_b64": base64}, _COMMAND),
    exactly_one("command", "command_b64"),
)
_http_command = every(
    _typed({"command": text}, {"headers": _headers, "content": text, "content_b64": base64}, _COMMAND),
    at_most_one("content", "content_b64"),
)
_query_command = _typed({"command_b64": base64}, {}, _COMMAND)
_COMMANDS: Final = {
    **dict.fromkeys(("manual", "bash", "powershell", "ssh", "caldera-cmd"), _plain_command),
    **dict.fromkeys(("elastic", "jupyter", "kestrel", "sigma", "yara"), _query_command),
    "http-api": _http_command,
    "openc2-http": _typed({"command": text, "headers": _headers, "content_b64": base64}, {}, _COMMAND),
}
_command = by_type(_COMMANDS, open_record(("type",)))

# --- steps (§4) ------------------------------------------------------------------------------------------------------
STEP_ID: Final = identifier()
_STEP: Final[dict[str, Shape]] = {
    "name": text,
    "description": text,
    "external_references": _references,
    "delay": whole(0, MAX_DELAY_MS),
    "timeout": whole(0),
    "step_variables": VARIABLES,
    "owner": identifier(),
    "step_extensions": _extensions,
}
_AFTER: Final[dict[str, Shape]] = {"on_completion": STEP_ID, "on_success": STEP_ID, "on_failure": STEP_ID}
_ARGUMENTS: Final[dict[str, Shape]] = {"in_args": listed(_variable_name), "out_args": listed(_variable_name)}
_between = {**_STEP, **_AFTER}
_STEPS: Final = {
    "start": _typed({"on_completion": STEP_ID}, {}, _STEP),
    "end": _typed({}, {}, _STEP),
    "action": _typed(
        {"commands": listed(_command), "agent": identifier()}, {"targets": listed(identifier()), **_ARGUMENTS}, _between
    ),
    "playbook-action": _typed(
        {"playbook_id": identifier("playbook")}, {"playbook_version": timestamp, **_ARGUMENTS}, _between
    ),
    "parallel": _typed({"next_steps": listed(STEP_ID)}, {}, _between),
    "if-condition": _typed({"condition": text, "on_true": STEP_ID}, {"on_false": STEP_ID}, _between),
    "while-condition": _typed({"condition": text, "on_true": STEP_ID}, {}, _between),
    "switch-condition": _typed({"switch": text, "cases": keyed(_case_key, STEP_ID)}, {}, _between),
}
STEP: Final = by_type(_STEPS, open_record(("type",)))

# --- agents, targets and authentication (§6, §7) ---------------------------------------------------------------------
_address = record({}, dict.fromkeys(("dname", "ipv4", "ipv6", "l2mac", "url"), _texts) | {"vlan": listed(anything)})
_PARTY: Final[dict[str, Shape]] = {
    "description": text,
    "location": _location,
    "agent_target_extensions": _extensions,
}


def _party(required: dict[str, Shape], optional: dict[str, Shape]) -> Shape:
    return _typed({"name": text, **required}, optional, _PARTY)


_person = _party({}, {"contact": _contact})
_host = _party(
    {"address": _address},
    {"port": text, "authentication_info": identifier(), "category": _texts},
)
_PARTIES: Final = {
    **dict.fromkeys(("group", "individual", "organization"), _person),
    **dict.fromkeys(("http-api", "ssh", "linux"), _host),
    "location": _party({}, {"logical": _texts}),
    "sector": _party({"sector": text}, {}),
    "security-category": _party({"category": _texts}, {}),
    "net-address": _party({"address": _address}, {"authentication_info": identifier(), "category": _texts}),
}
_parties = keyed(identifier(), by_type(_PARTIES, open_record(("type", "name"))))

_KEY_STORE: Final[dict[str, Shape]] = {
    "name": text,
    "description": text,
    "kms": flag,
    "kms_key_identifier": text,
    "authentication_info_extensions": _extensions,
}
_LOGINS: Final = {
    "http-basic": _typed({}, {"user_id": text, "password": text}, _KEY_STORE),
    # The text forbids `token` beside `kms`, the schema demands it: both are accepted.
    "oauth2": _typed({"oauth_header": text}, {"token": text}, _KEY_STORE),
    "user-auth": _typed({}, {"username": text, "password": text}, _KEY_STORE),
}
_logins = keyed(identifier(), by_type(_LOGINS, open_record(("type",))))

# --- markings, extensions, signatures (§8, §9, §10.15) ---------------------------------------------------------------
_MARKING: Final[dict[str, Shape]] = {
    "name": text,
    "description": text,
    "revoked": flag,
    "valid_from": timestamp,
    "valid_until": timestamp,
    "labels": _texts,
    "external_references": _references,
    "marking_extensions": _extensions,
}
_made: dict[str, Shape] = {"id": identifier(), "created_by": identifier("identity"), "created": timestamp}
_IEP: Final = _names(
    """
    tlp iep_version start_date end_date encrypt_in_transit permitted_actions affected_party_notifications
    attribution unmodified_resale
    """
)
_MARKINGS: Final = {
    "marking-statement": _typed({**_made, "statement": text}, {}, _MARKING),
    "marking-tlp": _typed(
        {
            **_made,
            "tlpv2_level": words("TLP:RED", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:GREEN", "TLP:CLEAR"),
        },
        {},
        _MARKING,
    ),
    "marking-iep": _typed({**_made, **dict.fromkeys(_IEP, text), "external_references": _references}, {}, _MARKING),
}
_marking = by_type(_MARKINGS, record({"type": words(*_MARKINGS)}, {}))

_extension = record(
    {
        "type": words("extension-definition"),
        "name": text,
        "created_by": identifier("identity"),
        "schema": text,
        "version": _version,
    },
    {"description": text, "external_references": _references},
)

_signature = every(
    record(
        {
            "type": words("jss"),
            "id": identifier("jss"),
            "created": timestamp,
            "modified": timestamp,
            "signee": text,
            "related_to": identifier("playbook"),
            "related_version": timestamp,
            "hash_algorithm": text,
            "algorithm": text,
            "value": text,
        },
        {
            "created_by": identifier("identity"),
            "revoked": flag,
            "valid_from": timestamp,
            "valid_until": timestamp,
            "public_key": text,
            "public_cert_chain": _texts,
            "cert_url": text,
            "thumbprint": text,
            "signature": anything,
        },
    ),
    exactly_one("public_key", "public_cert_chain", "cert_url", "thumbprint"),
)

# --- the playbook (§3.1) ---------------------------------------------------------------------------------------------
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
        "playbook_types": _texts,
        "playbook_activities": _texts,
        "playbook_processing_summary": record({}, dict.fromkeys(_SUMMARY, flag)),
        "revoked": flag,
        "valid_from": timestamp,
        "valid_until": timestamp,
        "derived_from": listed(identifier("playbook")),
        "related_to": listed(identifier()),
        "priority": _percent,
        "severity": _percent,
        "impact": _percent,
        "industry_sectors": _texts,
        "labels": _texts,
        "external_references": _references,
        "markings": listed(identifier()),
        "playbook_variables": VARIABLES,
        "workflow_exception": STEP_ID,
        "playbook_extensions": _extensions,
        "authentication_info_definitions": _logins,
        "agent_definitions": _parties,
        "target_definitions": _parties,
        "extension_definitions": keyed(identifier("extension-definition"), _extension),
        "data_marking_definitions": keyed(identifier(*_MARKINGS), _marking),
        "signatures": listed(_signature),
    },
)
