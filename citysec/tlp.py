"""Traffic Light Protocol 2.0: the five labels, their order, and how STIX and CACAO write them.

Source:
    FIRST TLP 2.0 (August 2022) for the labels; STIX 2.1 §7.2.1 for the ids of TLP 1; the OASIS common objects for
    those of TLP 2.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final

from citysec.errors import InvalidInput

_PREFIX: Final = "TLP:"


class TLP(IntEnum):
    """A label; greater means more restrictive, so `max` combines and `<=` compares with a clearance."""

    CLEAR = 0
    GREEN = 1
    AMBER = 2
    AMBER_STRICT = 3
    RED = 4

    @property
    def label(self) -> str:
        """The label as FIRST writes it, for instance `TLP:AMBER+STRICT`."""
        return _PREFIX + self.name.replace("_", "+")


_BY_NAME: Final = {level.label.removeprefix(_PREFIX): level for level in TLP} | {"WHITE": TLP.CLEAR}

MARKING_IDS: Final = {
    TLP.CLEAR: "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    TLP.GREEN: "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    TLP.AMBER: "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    TLP.AMBER_STRICT: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    TLP.RED: "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
"""The TLP 2.0 marking definitions; the UUIDs are those of CACAO's `marking-tlp` objects."""

_TLP1_IDS: Final = {
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": TLP.CLEAR,
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": TLP.GREEN,
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": TLP.AMBER,
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": TLP.RED,
}
_BY_UUID: Final = {
    marking.partition("--")[2]: level
    for marking, level in (*((i, t) for t, i in MARKING_IDS.items()), *_TLP1_IDS.items())
}


def parse(text: str) -> TLP:
    """Return the label that `text` names: any case, with or without `TLP:`; `WHITE` is TLP 1 for CLEAR.

    Raises:
        InvalidInput: `text` names no label.
    """
    name = text.strip().upper().removeprefix(_PREFIX)
    if name not in _BY_NAME:
        raise InvalidInput.at("", f"{text!r} is not a TLP label; use one of {', '.join(t.label for t in TLP)}")
    return _BY_NAME[name]


def of_marking(marking_id: str) -> TLP | None:
    """Return the label that a STIX or CACAO marking id stands for, None where it is no TLP marking."""
    return _BY_UUID.get(marking_id.partition("--")[2])


def strictest(marking_ids: Iterable[str], known: Mapping[str, TLP | None]) -> TLP | None:
    """Return the most restrictive label of `marking_ids`, None where none of them is a label.

    A marking that nobody here knows counts as `TLP:RED`: what we cannot read we do not pass on.

    Args:
        marking_ids: all object and granular markings of one object.
        known: marking definitions received so far: the label that each stands for, None for those that are no TLP
            marking, for instance statements.
    """
    return max((level for i in marking_ids if (level := _level(i, known)) is not None), default=None)


def _level(marking_id: str, known: Mapping[str, TLP | None]) -> TLP | None:
    standard = of_marking(marking_id)
    return standard if standard is not None else known.get(marking_id, TLP.RED)
