"""A marking definition stands for a TLP label, however it is written; what cannot be read is the strictest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from citysec.feeds.formats import Draft, marking_level, stix
from citysec.tlp import MARKING_IDS, TLP

TLP2 = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
IEP = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"


def marking(**properties: Any) -> Draft:
    common = {
        "type": "marking-definition",
        "id": "marking-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "created": "2024-01-01T00:00:00.000Z",
    }
    (found,) = stix.parse(json.dumps(common | properties).encode())
    assert isinstance(found, Draft)
    return found


@pytest.mark.parametrize(
    ("properties", "level"),
    [
        ({"id": MARKING_IDS[TLP.GREEN]}, TLP.GREEN),
        ({"definition_type": "tlp", "definition": {"tlp": "white"}}, TLP.CLEAR),
        ({"definition_type": "tlp", "definition": {"tlp": "amber+strict"}}, TLP.AMBER_STRICT),
        ({"extensions": {TLP2: {"extension_type": "property-extension", "tlp_2_0": "amber"}}}, TLP.AMBER),
        ({"name": "TLP:GREEN"}, TLP.GREEN),
        ({"definition_type": "tlp", "definition": {"tlp": "mauve"}}, TLP.RED),
        ({"definition_type": "statement", "definition": {"statement": "Copyright"}}, None),
        ({"definition_type": "x-own", "definition": {"level": 3}}, TLP.RED),
        ({"extensions": {IEP: {"extension_type": "property-extension"}}}, TLP.RED),
        ({"definition": "no object"}, TLP.RED),
    ],
)
def test_a_marking_definition_stands_for_a_label(properties: dict[str, Any], level: TLP | None):
    assert marking_level(marking(**properties)) == level
