"""The strategy as data."""

from __future__ import annotations

from datetime import timedelta

import pytest

from citysec.errors import InvalidInput
from citysec.playbooks.check import examine
from citysec.playbooks.strategy import GRADES, Strategy, load
from citysec.settings import shipped

TEXT = (shipped("playbooks") / "strategy.toml").read_text()


@pytest.fixture
def strategy() -> Strategy:
    return load(TEXT.encode())


def test_the_strategy_we_ship_names_a_playbook_we_ship_for_each_kind(strategy: Strategy):
    books = [examine(file.read_bytes()).playbook for file in shipped("playbooks").glob("*.json")]
    ids = {book.id for book in books if book is not None}
    for kind in ("command-and-control", "phishing", "ransomware", "lookalike"):
        assert strategy.playbook_for(kind, "low", "local-government", "constituent") in ids


def test_worse_incidents_leave_less_time(strategy: Strategy):
    allowed = [strategy.clock(grade).answer_within for grade in GRADES]
    assert allowed == sorted(allowed, reverse=True)
    assert allowed[-1] == timedelta(minutes=15)


def test_the_first_response_that_fits_wins():
    worse = TEXT.replace('kinds = ["phishing"]', 'kinds = ["phishing"]\nleast_severity = "high"\nsectors = ["police"]')
    strategy = load(worse.encode())
    assert strategy.playbook_for("phishing", "medium", "police", "constituent") is None
    assert strategy.playbook_for("phishing", "high", "health", "constituent") is None
    own = strategy.playbook_for("phishing", "critical", "police", "constituent")
    assert own not in (None, strategy.playbook_for("phishing", "critical", "police", "city"))


@pytest.mark.parametrize(
    ("good", "bad", "place"),
    [
        ("constituents = 3", 'constituents = "3"', "city.constituents"),
        ("constituents = 3", "constituents = 1", "city.constituents"),
        ("window_hours", "window_days", "city"),
        ("[clocks.low]", "[clocks.lowest]", "clocks"),
        ('["low", "medium", "high", "high", "critical"]', '["low"]', "severity.bands[0].grades"),
        ("least_confidence = 0", "least_confidence = 5", "severity.bands"),
        ("least_confidence = 40", "least_confidence = 70", "severity.bands"),
        ("remind_minutes = [5, 10]", "remind_minutes = [10, 5]", "clocks.critical.remind_minutes"),
        ("remind_minutes = [5, 10]", "remind_minutes = [5, 15]", "clocks.critical.remind_minutes"),
        ('incident_prefix = "LDN"', 'incident_prefix = "ldn"', "incident_prefix"),
        ("name = ", "nom ", ""),
    ],
)
def test_a_strategy_that_cannot_be_meant_is_refused_with_its_place(good: str, bad: str, place: str):
    with pytest.raises(InvalidInput) as caught:
        load(TEXT.replace(good, bad, 1).encode())
    assert [problem.at for problem in caught.value.problems] == [place]
