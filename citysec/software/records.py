"""What publishers say of a vulnerability: the facts of an entry whose subject is one, in one shape for all of them.

Each format fills in what it knows; facts of several feeds about one CVE id complete each other.

Source:
    CVE Record Format 5.1, `product` and `versions`; NVD CVE API 2.0, `configurations`; CSAF 2.0 §3.1.3 and §3.2.3.9.
    The shape is ours: it keeps what each of them can say, and nothing that only one of them needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

_as_json: Final = msgspec.json.Decoder(dict[str, Any])
NAMED: Final = "cpe"
"""The order of an exact version that is part of a name of CPE: what it stands for is a matter of names."""


class Status(StrEnum):
    """Whether versions have the vulnerability."""

    AFFECTED = "affected"
    UNAFFECTED = "unaffected"
    UNKNOWN = "unknown"


class Versions(msgspec.Struct, frozen=True, omit_defaults=True):
    """One version, or a range of versions without a gap; every version where neither is said.

    Args:
        status: whether they have the vulnerability; `unknown` also where the publisher says no more than that some do.
        exact: the one version, as it is written; of a name of CPE (`order` is `NAMED`) its quoted version, and behind a
            blank its update where that is not any.
        start: the first version; None begins with the first of all.
        start_excluded: `start` itself is not meant.
        end: the last version; None ends with the last of all.
        end_excluded: `end` itself is not meant.
        order: how versions are compared, in the words of the publisher: `semver`, `rpm`, `custom` …
    """

    status: Status = Status.AFFECTED
    exact: str | None = None
    start: str | None = None
    start_excluded: bool = False
    end: str | None = None
    end_excluded: bool = False
    order: str | None = None


class Affected(msgspec.Struct, frozen=True, omit_defaults=True):
    """One product, and which of its versions have the vulnerability.

    Args:
        vendor: who makes it, as it is written.
        product: its name, as it is written.
        package: its name in the package collection that the publisher means.
        purl: its package URL, with or without a version.
        cpes: its names or match criteria in CPE 2.3, or 2.2 where the publisher still writes that; any of them.
        versions: in the order of the publisher; where two say something about one version, the later counts.
        default: what holds for the versions that `versions` does not name.
        platforms: operating systems or architectures that it must run on, as they are written; any when empty.
        running_on: CPE criteria of which one must be there beside it; nothing need be when empty.
        by: who says so, where several do.
    """

    vendor: str | None = None
    product: str | None = None
    package: str | None = None
    purl: str | None = None
    cpes: tuple[str, ...] = ()
    versions: tuple[Versions, ...] = ()
    default: Status = Status.UNKNOWN
    platforms: tuple[str, ...] = ()
    running_on: tuple[str, ...] = ()
    by: str | None = None


class Score(msgspec.Struct, frozen=True, omit_defaults=True):
    """One CVSS score.

    Args:
        version: of CVSS: `2.0`, `3.0`, `3.1`, `4.0`.
        score: 0.0-10.0.
        severity: `low`, `medium`, `high`, `critical`; None where CVSS 2 leaves it open.
        vector: as it is written.
        by: who gave it.
    """

    version: str
    score: float
    severity: str | None = None
    vector: str | None = None
    by: str | None = None


class KEV(msgspec.Struct, frozen=True, omit_defaults=True):
    """The listing among CISA's known exploited vulnerabilities.

    Args:
        added: since when.
        due: until when US agencies must have acted.
        ransomware: known to be used in campaigns with ransomware.
        action: what CISA requires.
    """

    added: date | None = None
    due: date | None = None
    ransomware: bool = False
    action: str | None = None


class EPSS(msgspec.Struct, frozen=True, omit_defaults=True):
    """How likely exploitation is within 30 days (FIRST EPSS).

    Args:
        score: 0-1.
        percentile: 0-1, the share of all vulnerabilities with that score or less.
        day: of the scores.
        model: version of the model.
    """

    score: float
    percentile: float | None = None
    day: date | None = None
    model: str | None = None


class Remedy(msgspec.Struct, frozen=True, omit_defaults=True):
    """What can be done.

    Args:
        category: `vendor_fix`, `workaround`, `mitigation`, `none_available`, `no_fix_planned` (CSAF 2.0 §3.2.3.12.1).
        details: in words.
        url: where to get it.
    """

    category: str | None = None
    details: str | None = None
    url: str | None = None


class Vulnerability(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is said of one vulnerability.

    Args:
        affected: which products and versions have it.
        cvss: scores, in the order of the publisher.
        cwes: kinds of weakness, for instance `CWE-416`.
        kev: its listing there.
        epss: its likelihood.
        ssvc: decision points of SSVC by CISA: `exploitation`, `automatable`, `technical_impact`.
        remedies: what can be done, in the order of the publisher.
        state: the record's own state where that is not `published`: `rejected`, `disputed` …
        updated: when the publisher last changed the record.
    """

    affected: tuple[Affected, ...] = ()
    cvss: tuple[Score, ...] = ()
    cwes: tuple[str, ...] = ()
    kev: KEV | None = None
    epss: EPSS | None = None
    ssvc: Mapping[str, str] | None = None
    remedies: tuple[Remedy, ...] = ()
    state: str | None = None
    updated: datetime | None = None

    def facts(self) -> dict[str, Any]:
        """Return it as the facts of an entry; `msgspec.convert(facts, Vulnerability)` is the way back.

        They are what JSON makes of them, with lists for tuples: what is stored equals what is said again.
        """
        return _as_json.decode(msgspec.json.encode(self))
