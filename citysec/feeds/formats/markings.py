"""Which TLP label a STIX marking stands for, however its author wrote it.

Source:
    STIX 2.1 §7.2.1 (TLP 1 as `definition`); the OASIS extension for TLP 2.0. That a label counts as a marking, and that
    a definition nobody can read counts as the strictest, are our rules.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

from citysec import tlp
from citysec.errors import InvalidInput
from citysec.feeds.formats.draft import Draft
from citysec.tlp import TLP

_TLP2: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
_PREFIX: Final = "tlp:"
_LONGEST: Final = 1000
"""Characters of labels, all together, that are remembered: longer ones would fill the memory."""


class _Definition(msgspec.Struct):
    tlp: str | None = None


class _Extension(msgspec.Struct):
    tlp_2_0: str | None = None


class _Marking(msgspec.Struct):
    definition_type: str | None = None
    definition: _Definition | None = None
    extensions: dict[str, _Extension] | None = None
    name: str | None = None


_marking: Final = msgspec.json.Decoder(_Marking)


def marking_level(draft: Draft) -> TLP | None:
    """Return the label that a `marking-definition` stands for; None for a statement, which restricts nobody.

    What is neither a statement nor TLP (IEP, ACS, CUI, an author's own) is `TLP:RED`: it may forbid sharing, and we
    cannot read it.
    """
    if (standard := tlp.of_marking(draft.stix_id)) is not None:
        return standard
    try:
        found = _marking.decode(draft.text)
    except msgspec.ValidationError:
        return TLP.RED
    written = _written(found)
    if written is not None:
        return _level(written)
    return None if found.definition_type == "statement" else TLP.RED


def _written(found: _Marking) -> str | None:
    """Return the label's name in the first of the places where authors put it."""
    extension = (found.extensions or {}).get(_TLP2)
    if extension and extension.tlp_2_0:
        return extension.tlp_2_0
    if found.definition and found.definition.tlp:
        return found.definition.tlp
    return found.name if found.name and found.name.lower().startswith(_PREFIX) else None


def of_label(label: str) -> str | None:
    """Return the marking id that a label such as `tlp:amber` stands for, None for a label about something else."""
    return tlp.MARKING_IDS[_level(label)] if label[: len(_PREFIX)].lower() == _PREFIX else None


def of_labels(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the marking ids that labels stand for."""
    return _usual(labels) if len("".join(labels)) <= _LONGEST else _of_labels(labels)


def _of_labels(labels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(filter(None, map(of_label, labels)))


_usual: Final = lru_cache(maxsize=1024)(_of_labels)  # a publisher's objects mostly have the same few


def _level(name: str) -> TLP:
    try:
        return tlp.parse(name)
    except InvalidInput:
        return TLP.RED
