"""What the tags of a MISP event or attribute say: handling, threats, confidence, and labels.

Source:
    MISP core format (draft-dulaunoy-misp-core-format) §2.4.9 for tags; the MISP taxonomies `tlp`, `misp` and
    `estimative-language` for machine tags (`namespace:predicate="value"`); the MISP galaxies for the kinds of threat.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from citysec.feeds.formats import markings
from citysec.feeds.formats.members import mappings, text

_GALAXY: Final = re.compile(r"misp-galaxy:([^=]{1,100})=\"?([^\"]{1,500})\"?")
_MOST: Final = 500  # tags of one attribute: those of its event are kept with each
_LONGEST: Final = 500  # characters of a tag
_THREATS: Final = frozenset(
    {
        "360net-threat-actor", "android", "backdoor", "banker", "botnet", "cryptominers", "exploit-kit", "malpedia",
        "microsoft-activity-group", "mitre-intrusion-set", "mitre-malware", "mitre-tool", "ransomware", "rat",
        "stealer", "threat-actor", "tool",
    }
)  # fmt: skip
_CONFIDENCE: Final[Mapping[str, int]] = {
    'misp:confidence-level="completely-confident"': 100,
    'misp:confidence-level="usually-confident"': 75,
    'misp:confidence-level="fairly-confident"': 50,
    'misp:confidence-level="rarely-confident"': 25,
    'misp:confidence-level="unconfident"': 0,
    'estimative-language:confidence-in-analytic-judgment="high"': 85,
    'estimative-language:confidence-in-analytic-judgment="moderate"': 50,
    'estimative-language:confidence-in-analytic-judgment="low"': 15,
}


class Tags(msgspec.Struct, frozen=True):
    """What tags say.

    Args:
        labels: names of galaxies' clusters, and the other tags as they are written.
        threats: the labels that name an actor, a family of malware or a tool.
        marking_refs: the markings that TLP tags stand for.
        confidence: 0-100, the lowest that is said.
    """

    labels: tuple[str, ...] = ()
    threats: tuple[str, ...] = ()
    marking_refs: tuple[str, ...] = ()
    confidence: int | None = None

    def __or__(self, other: Tags) -> Tags:
        """Return what both say together: an event's tags hold for each of its attributes."""
        said = [c for c in (self.confidence, other.confidence) if c is not None]
        return Tags(
            _once((*self.labels, *other.labels)),
            _once((*self.threats, *other.threats)),
            _once((*self.marking_refs, *other.marking_refs)),
            min(said, default=None),
        )


def tags(tag_list: object, galaxies: object) -> Tags:
    """Return what the members `Tag` and `Galaxy` say; either may be missing or of another type."""
    names = [name[:_LONGEST] for tag in mappings(tag_list) if (name := text(tag.get("name")))]
    clusters = [*_tagged(names), *_listed(galaxies)]
    plain = [name for name in names if not _GALAXY.fullmatch(name) and markings.of_label(name) is None]
    plain = [name for name in plain if name.lower() not in _CONFIDENCE]
    return Tags(
        _once((*(name for _, name in clusters), *plain)),
        _once(name for kind, name in clusters if kind in _THREATS),
        _once(marking for name in names if (marking := markings.of_label(name))),
        min((_CONFIDENCE[name.lower()] for name in names if name.lower() in _CONFIDENCE), default=None),
    )


def _tagged(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return kind and name of the clusters that tags name."""
    return [(found[1], found[2]) for name in names if (found := _GALAXY.fullmatch(name))]


def _listed(galaxies: object) -> list[tuple[str, str]]:
    """Return kind and name of the clusters that are written out."""
    return [
        (kind, name)
        for galaxy in mappings(galaxies)
        for cluster in mappings(galaxy.get("GalaxyCluster"))
        if (name := text(cluster.get("value"))) and (kind := _kind(galaxy, cluster))
    ]


def _kind(galaxy: Mapping[str, Any], cluster: Mapping[str, Any]) -> str | None:
    return text(cluster.get("type")) or text(galaxy.get("type"))


def _once(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))[:_MOST]
