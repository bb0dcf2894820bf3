"""Which objects a collection takes."""

from __future__ import annotations

from typing import Any

import pytest

from citysec.errors import InvalidInput
from citysec.share.membership import Candidate, Filter, from_json, wants
from citysec.tlp import TLP

ONE = Candidate(object_id=1, type="indicator", feeds=frozenset({"a", "b"}), confidence=50, label=TLP.AMBER)


@pytest.mark.parametrize(
    ("wanted", "ceiling", "taken"),
    [
        (Filter(), TLP.AMBER, True),
        (Filter(), TLP.GREEN, False),
        (Filter(types=("malware", "indicator")), TLP.RED, True),
        (Filter(types=("malware",)), TLP.RED, False),
        (Filter(feeds=("b", "c")), TLP.RED, True),
        (Filter(feeds=("c",)), TLP.RED, False),
        (Filter(min_confidence=50), TLP.RED, True),
        (Filter(min_confidence=51), TLP.RED, False),
    ],
)
def test_every_part_must_hold(wanted: Filter, ceiling: TLP, taken: bool):
    assert wants(wanted, ceiling, ONE) is taken


def test_a_filter_is_stored_as_what_it_restricts():
    wanted = Filter(types=("indicator",), min_confidence=10)
    assert wanted.to_json() == {"types": ("indicator",), "min_confidence": 10}
    assert from_json(wanted.to_json()) == wanted


@pytest.mark.parametrize("data", [{"colour": "red"}, {"types": 3}, {"min_confidence": "much"}])
def test_an_unknown_wish_is_refused(data: dict[str, Any]):
    with pytest.raises(InvalidInput, match="filter"):
        from_json(data)
