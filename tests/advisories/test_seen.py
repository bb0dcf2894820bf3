"""What constituents' own machines saw, in an advisory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from citysec.advisories import advice
from citysec.advisories.compose import Desk, Evidence, Facts, Seen, change, compose
from citysec.settings import shipped

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
DESK = Desk(city="London", advice=advice.load(shipped("playbooks") / "advice.toml"))
ROW = Evidence(
    id="m", constituent_id="camden", asset=None, service=None, indicator="evil.example", relation="sighted",
    certain=True, feed="f", confidence=75, tlp=1, matched_at=NOON, seen=Seen(NOON, NOON + timedelta(hours=1), 3),
)  # fmt: skip


def facts(*rows: Evidence) -> Facts:
    return Facts(
        reference="LDN-1", kind="command-and-control", severity="high", tlp=1, aware_at=NOON, constituent_id="camden",
        sector="government", evidence=rows,
    )  # fmt: skip


def test_it_says_how_often_and_when_and_names_no_asset():
    content = compose(facts(ROW), set(), DESK)
    (touched,) = content.touched
    assert content.what.endswith("It concerns what your own machines reported.")
    assert touched.value == "your network"
    assert touched.why == (
        "your own machines met evil[.]example 3 times, first on 1 May 2026 at 12:00 UTC, "
        "last on 1 May 2026 at 13:00 UTC"
    )


def test_an_asset_beside_it_is_told_of_as_ever():
    content = compose(
        facts(ROW, replace(ROW, id="n", asset="www.camden.example", relation="equal", seen=None)), set(), DESK
    )
    assert "It concerns 1 registered asset of yours and what your own machines reported." in content.what
    assert {touched.value for touched in content.touched} == {"your network", "www.camden.example"}


def test_that_it_was_seen_more_often_is_no_news():
    before, after = (compose(facts(replace(ROW, seen=Seen(NOON, NOON, n))), set(), DESK) for n in (3, 5))
    assert change(before, after) == ""
