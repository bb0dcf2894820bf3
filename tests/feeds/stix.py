"""STIX objects to feed to the tests: small, valid, with what matters given by name."""

from __future__ import annotations

import json
import uuid
from typing import Any

from citysec.feeds.definition import Layout

STIX = Layout(name="stix")
CREATED = "2026-01-01T00:00:00.000Z"


def indicator(number: int = 1, **properties: Any) -> dict[str, Any]:
    """Return an indicator on the address 198.51.100.`number`."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.UUID(int=number, version=4)}",
        "created": CREATED,
        "modified": CREATED,
        "valid_from": CREATED,
        "pattern_type": "stix",
        "pattern": f"[ipv4-addr:value = '198.51.100.{number}']",
    } | properties


def marking(number: int, level: str) -> dict[str, Any]:
    """Return a TLP marking definition under an id of its author's own."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid.UUID(int=number, version=4)}",
        "created": CREATED,
        "definition_type": "tlp",
        "definition": {"tlp": level},
    }


def bundle(*objects: dict[str, Any]) -> bytes:
    """Return a bundle of `objects`."""
    return json.dumps({"type": "bundle", "id": f"bundle--{uuid.UUID(int=1, version=4)}", "objects": objects}).encode()
