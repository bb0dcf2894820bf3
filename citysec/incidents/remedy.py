"""What the strategy says of vulnerabilities: which are worth an incident, how severe, mended by when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from citysec.software.particulars import Particulars


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The strategy's rules.

    Args:
        known_exploited: whether each that is known to be exploited opens an incident.
        least_epss: so does one that is exploited within 30 days with at least this likelihood, 0-1 …
        keep_epss: … and stays one while it is at least this: likelihoods change from day to day.
        least_cvss: so does one of at least this score, 0-10 …
        exposed_cvss: … or this, where the software can be reached from the internet.
        exploited_shift: grades up from the table of severity for one that is known to be exploited.
        ransomware_shift: grades up on top where ransomware does.
        exposed_shift: grades up on top where the software can be reached from the internet.
        other_shift: grades up, or down, for all that are not known to be exploited.
        exposed_within: how soon it is to be mended there.
        within: how soon elsewhere.
        ransomware_within: how soon where ransomware is known to exploit it.
    """

    known_exploited: bool
    least_epss: float
    keep_epss: float
    least_cvss: float
    exposed_cvss: float
    exploited_shift: int
    ransomware_shift: int
    exposed_shift: int
    other_shift: int
    exposed_within: timedelta
    within: timedelta
    ransomware_within: timedelta


def opens(about: Particulars, rules: Rules, *, exposed: bool, held: bool) -> bool:
    """Return whether a vulnerability is worth an incident; `held` where there is one already."""
    if about.exploited and rules.known_exploited:
        return True
    least_epss = rules.keep_epss if held else rules.least_epss
    least_cvss = rules.exposed_cvss if exposed else rules.least_cvss
    return (about.epss or 0) >= least_epss or (about.cvss or 0) >= least_cvss


def shift(about: Particulars, rules: Rules, *, exposed: bool) -> int:
    """Return the grades up or down from the strategy's table of severity."""
    known = rules.exploited_shift if about.exploited else rules.other_shift
    return known + rules.ransomware_shift * about.ransomware + rules.exposed_shift * exposed


def due_at(about: Particulars, since: datetime, rules: Rules, *, exposed: bool) -> datetime:
    """Return by when it is to be mended: the earliest of the city's own terms and the end of CISA's day.

    Args:
        about: the vulnerability.
        since: when it was found to be in the software.
        rules: the strategy's.
        exposed: whether the software can be reached from the internet.
    """
    terms = [since + (rules.exposed_within if exposed else rules.within)]
    if about.ransomware:
        terms.append(since + rules.ransomware_within)
    if about.kev_due is not None:
        terms.append(datetime.combine(about.kev_due, time(23, 59), UTC))
    return min(terms)
