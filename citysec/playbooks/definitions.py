"""The property tables of what a CACAO playbook defines beside its steps.

Source:
    OASIS CACAO Security Playbooks 2.0, CS01: §6 agents and targets, §7 authentication, §8 extensions, §9 markings,
    §10 data types, §10.15 signatures.
"""

from __future__ import annotations

import re
from typing import Final

from citysec.playbooks.shape import (
    Shape,
    anything,
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
    words,
)

TEXTS: Final = listed(text)
_label_dict = keyed(text, text)
_version = matching(re.compile(r"\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?"), "a version like 1.0.0")
EXTENSIONS: Final = keyed(identifier("extension-definition"), anything)


def names(text: str) -> list[str]:
    """Return the words of `text`."""
    return text.split()


def typed(required: dict[str, Shape], optional: dict[str, Shape], common: dict[str, Shape]) -> Shape:
    """Return the shape of an object with a `type`, what its type adds, and what all its kind have in `common`."""
    return record({"type": text, **required}, {**common, **optional})


_REGIONS: Final = names(
    """
    africa eastern-africa middle-africa northern-africa southern-africa western-africa americas caribbean
    central-america latin-america-caribbean northern-america south-america asia central-asia eastern-asia
    southern-asia south-eastern-asia western-asia europe eastern-europe northern-europe southern-europe
    western-europe oceania antarctica australia-new-zealand melanesia micronesia polynesia
    """
)
_PLACE_TEXTS: Final = names(
    """
    name description building_details network_details country administrative_area city street_address
    postal_code latitude longitude precision
    """
)
_location = record({}, dict.fromkeys(_PLACE_TEXTS, text) | {"region": words(*_REGIONS)})
_contact = record({}, {"email": _label_dict, "phone": _label_dict, "contact_details": text})
_reference = record(
    {"name": text}, dict.fromkeys(("description", "source", "url", "external_id", "reference_id"), text)
)
REFERENCES: Final = listed(_reference)


# --- agents, targets and authentication (§6, §7) ---------------------------------------------------------------------
_address = record({}, dict.fromkeys(("dname", "ipv4", "ipv6", "l2mac", "url"), TEXTS) | {"vlan": listed(anything)})
_PARTY: Final[dict[str, Shape]] = {
    "description": text,
    "location": _location,
    "agent_target_extensions": EXTENSIONS,
}


def _party(required: dict[str, Shape], optional: dict[str, Shape]) -> Shape:
    return typed({"name": text, **required}, optional, _PARTY)


_person = _party({}, {"contact": _contact})
_host = _party(
    {"address": _address},
    {"port": text, "authentication_info": identifier(), "category": TEXTS},
)
_PARTIES: Final = {
    **dict.fromkeys(("group", "individual", "organization"), _person),
    **dict.fromkeys(("http-api", "ssh", "linux"), _host),
    "location": _party({}, {"logical": TEXTS}),
    "sector": _party({"sector": text}, {}),
    "security-category": _party({"category": TEXTS}, {}),
    "net-address": _party({"address": _address}, {"authentication_info": identifier(), "category": TEXTS}),
}
PARTIES: Final = keyed(identifier(), by_type(_PARTIES, open_record(("type", "name"))))

_KEY_STORE: Final[dict[str, Shape]] = {
    "name": text,
    "description": text,
    "kms": flag,
    "kms_key_identifier": text,
    "authentication_info_extensions": EXTENSIONS,
}
_LOGINS: Final = {
    "http-basic": typed({}, {"user_id": text, "password": text}, _KEY_STORE),
    # The text forbids `token` beside `kms`, the schema demands it: both are accepted.
    "oauth2": typed({"oauth_header": text}, {"token": text}, _KEY_STORE),
    "user-auth": typed({}, {"username": text, "password": text}, _KEY_STORE),
}
LOGINS: Final = keyed(identifier(), by_type(_LOGINS, open_record(("type",))))

# --- markings, extensions, signatures (§8, §9, §10.15) ---------------------------------------------------------------
_MARKING: Final[dict[str, Shape]] = {
    "name": text,
    "description": text,
    "revoked": flag,
    "valid_from": timestamp,
    "valid_until": timestamp,
    "labels": TEXTS,
    "external_references": REFERENCES,
    "marking_extensions": EXTENSIONS,
}
_made: dict[str, Shape] = {"id": identifier(), "created_by": identifier("identity"), "created": timestamp}
_IEP: Final = names(
    """
    tlp iep_version start_date end_date encrypt_in_transit permitted_actions affected_party_notifications
    attribution unmodified_resale
    """
)
_MARKINGS: Final = {
    "marking-statement": typed({**_made, "statement": text}, {}, _MARKING),
    "marking-tlp": typed(
        {
            **_made,
            "tlpv2_level": words("TLP:RED", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:GREEN", "TLP:CLEAR"),
        },
        {},
        _MARKING,
    ),
    "marking-iep": typed({**_made, **dict.fromkeys(_IEP, text), "external_references": REFERENCES}, {}, _MARKING),
}
MARKINGS: Final = keyed(identifier(*_MARKINGS), by_type(_MARKINGS, record({"type": words(*_MARKINGS)}, {})))

_extension = record(
    {
        "type": words("extension-definition"),
        "name": text,
        "created_by": identifier("identity"),
        "schema": text,
        "version": _version,
    },
    {"description": text, "external_references": REFERENCES},
)
EXTENSION_DEFINITIONS: Final = keyed(identifier("extension-definition"), _extension)

SIGNATURE: Final = every(
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
            "public_cert_chain": TEXTS,
            "cert_url": text,
            "thumbprint": text,
            "signature": anything,
        },
    ),
    exactly_one("public_key", "public_cert_chain", "cert_url", "thumbprint"),
)
