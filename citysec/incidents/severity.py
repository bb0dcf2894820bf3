"""How severe a match is, by tables of the strategy; and what kind of incident it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

CRITICALITIES: Final = 5


class Severity(StrEnum):
    """The four grades, in the words of the strategy."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    def rank(self) -> int:
        """Return 0 for the least severe to 3."""
        return _ORDER.index(self)


_ORDER: Final = tuple(Severity)


@dataclass(frozen=True, slots=True)
class SeverityTable:
    """The strategy's table.

    Args:
        bands: (least confidence 0-100, grades for criticality 1 to 5), by falling confidence; the last begins at 0.
        shifts: kind of incident -> grades up (or down, if negative) from the table.
    """

    bands: Sequence[tuple[int, Sequence[Severity]]]
    shifts: Mapping[str, int]


def severity(criticality: int, confidence: int, kind: str, table: SeverityTable) -> Severity:
    """Return the severity of a match.

    Args:
        criticality: of the asset to the constituent, 1 to 5.
        confidence: of the assertion, 0-100.
        kind: of the incident, see `kind_of`.
        table: the strategy's.
    """
    grades = next(grades for least, grades in table.bands if confidence >= least)
    return shifted(grades[criticality - 1], table.shifts.get(kind, 0))


def shifted(grade: Severity, by: int) -> Severity:
    """Return the grade that is `by` grades above `grade`, or below it if negative; as far as there are grades."""
    return _ORDER[min(max(grade.rank() + by, 0), len(_ORDER) - 1)]


_BY_LABEL: Final = {
    "ransomware": "ransomware",
    "c2": "command-and-control",
    "command-and-control": "command-and-control",
    "command and control": "command-and-control",
    "botnet": "command-and-control",
    "phishing": "phishing",
    "credential-phishing": "phishing",
}
VULNERABILITY: Final = "vulnerability"
"""The kind of incident, and what the paths of its matches begin with."""
LOOKALIKE: Final = "lookalike"
"""The kind of incident, and the relation of its matches: somebody else's name looks like one of ours."""
_MACHINE_PATHS: Final = ("ipv4-addr", "ipv6-addr", "network-traffic", "autonomous-system", "x509-certificate")


SIGHTED: Final = "sighted"
"""The relation of matches that constituents' own machines reported."""


def kind_of(path: str, labels: Sequence[str], *, seen: bool = False) -> str:
    """Return the kind of incident that a match on one of *our* assets makes.

    Software that has a vulnerability is one, whatever the vulnerability is used for.

    What the publisher calls it decides. Without a word of his, an address, network number or certificate of ours in a
    threat feed is a machine that talks to an attacker, and a name, page or mailbox of ours is bait. What our own
    machines met is an attacker's, whatever it is.

    Args:
        path: STIX object path of the atom.
        labels: the indicator's labels and indicator types.
        seen: our own machines met it, and it is not ours.
    """
    if path.startswith(VULNERABILITY):
        return VULNERABILITY
    said = next((_BY_LABEL[low] for label in labels if (low := label.lower()) in _BY_LABEL), None)
    if said is not None:
        return said
    return "command-and-control" if seen or path.startswith(_MACHINE_PATHS) else "phishing"
