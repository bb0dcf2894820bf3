"""What the strategy says of vulnerabilities: which are worth an incident, how severe, mended by when."""

from datetime import UTC, date, datetime, timedelta

import pytest

from citysec.incidents.remedy import due_at, opens, shift
from citysec.software.particulars import Particulars, particulars, told
from tests.city import REMEDY

FOUND = datetime(2026, 6, 1, 12, tzinfo=UTC)


def about(**said: object) -> Particulars:
    """Return what is known of a vulnerability."""
    found = particulars({"cve": "CVE-2024-1", "software": "thing 1.0"} | said)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("said", "exposed", "held", "expected"),
    [
        ({"exploited": True}, False, False, True),
        ({"epss": 0.5}, False, False, True),
        ({"epss": 0.4}, False, False, False),
        ({"epss": 0.4}, False, True, True),
        ({"epss": 0.29}, False, True, False),
        ({"cvss": 9.0}, False, False, True),
        ({"cvss": 7.5}, False, False, False),
        ({"cvss": 7.5}, True, False, True),
        ({}, True, False, False),
    ],
)
def test_what_is_worth_an_incident(said: dict[str, object], exposed: bool, held: bool, expected: bool):
    assert opens(about(**said), REMEDY, exposed=exposed, held=held) is expected


@pytest.mark.parametrize(
    ("said", "exposed", "expected"),
    [
        ({}, False, FOUND + timedelta(days=14)),
        ({}, True, FOUND + timedelta(days=5)),
        ({"exploited": True, "ransomware": True}, True, FOUND + timedelta(hours=48)),
        ({"exploited": True, "kev_due": "2026-06-02"}, False, datetime(2026, 6, 2, 23, 59, tzinfo=UTC)),
        ({"exploited": True, "kev_due": "2099-01-01"}, True, FOUND + timedelta(days=5)),
    ],
)
def test_the_earliest_date_counts(said: dict[str, object], exposed: bool, expected: datetime):
    assert due_at(about(**said), FOUND, REMEDY, exposed=exposed) == expected


def test_what_makes_it_graver_adds_up():
    assert shift(about(), REMEDY, exposed=False) == -1
    assert shift(about(exploited=True), REMEDY, exposed=False) == 0
    assert shift(about(exploited=True, ransomware=True), REMEDY, exposed=True) == 2


def test_the_words():
    known = about(
        versions="from 7.2.0, up to 7.2.6",
        fixed="7.2.7",
        exploited=True,
        exploited_since=date(2024, 2, 9),
        ransomware=True,
    )
    assert told(known, certain=True) == (
        "thing 1.0 is affected by CVE-2024-1 (from 7.2.0, up to 7.2.6); 7.2.7 is mended."
        " It is known to be exploited since 9 February 2024, also by ransomware."
    )
    assert told(about(epss=0.42), certain=False) == (
        "thing 1.0 may be affected by CVE-2024-1. It is exploited within 30 days with a likelihood of 42%."
    )
