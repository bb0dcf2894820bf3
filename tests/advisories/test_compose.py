"""Composing an advisory."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.advisories import advice
from citysec.advisories.compose import LISTED, Desk, Evidence, Facts, change, compose, fields, withdrawn
from citysec.advisories.content import Call, Content, from_json
from citysec.advisories.gate import Audience, Outcome, Recipient, decide
from citysec.tlp import TLP

NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)
ADVICE = advice.load(Path(__file__).parents[2] / "playbooks" / "advice.toml")
DESK = Desk(city="London", advice=ADVICE, call=Call(name="Duty desk"), feeds={"sparrow": "Sparrow Watch"})
ROW = Evidence(
    id="1",
    constituent_id="camden",
    asset="198.51.100.7",
    service="Council tax payments",
    indicator="198.51.100.0/24",
    relation="contains",
    certain=True,
    feed="sparrow",
    confidence=60,
    tlp=TLP.GREEN,
    matched_at=NOON,
)
FACTS = Facts(
    reference="LDN-2026-0001",
    kind="command-and-control",
    severity="high",
    tlp=TLP.GREEN,
    aware_at=NOON,
    constituent_id="camden",
    sector="local-government",
    evidence=(ROW,),
)

# What is in the text only through the row (or the incident) that carries it: searching for it finds every leak.
secrets = st.integers(0, 9999).map("x{:04d}x".format)
rows = st.builds(
    Evidence,
    id=secrets,
    constituent_id=st.sampled_from(["camden", "brent"]),
    asset=st.none() | secrets,
    service=st.just("Library") | secrets,
    indicator=secrets,
    relation=st.sampled_from(["equal", "below"]),
    certain=st.booleans(),
    feed=secrets,
    confidence=st.integers(0, 100),
    tlp=st.sampled_from([None, -1, *TLP]),
    matched_at=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
incidents = st.builds(
    Facts,
    reference=st.just("LDN-2026-0001"),
    kind=st.just("command-and-control"),
    severity=st.just("high"),
    tlp=st.sampled_from([None, *TLP]),
    aware_at=st.just(datetime(2019, 1, 1, tzinfo=UTC)),
    constituent_id=st.just("camden"),
    sector=st.just("health"),
    evidence=st.lists(rows, max_size=6, unique_by=lambda row: row.id),
)


def told(facts: Facts, clearance: TLP = TLP.AMBER) -> Content | None:
    """What a contact of the constituent gets, None when nothing."""
    recipient = Recipient("contact:1", Audience.CONSTITUENT, clearance, facts.constituent_id)
    verdict = decide(fields(facts), recipient, about=facts.constituent_id)
    return None if verdict.outcome is Outcome.REFUSED else compose(facts, verdict.removed, DESK)


def words_of(row: Evidence) -> set[str]:
    return {row.indicator, row.feed, row.asset or row.indicator, row.service or row.indicator} - {"Library"}


@given(incidents, st.sampled_from(TLP))
def test_nothing_of_a_row_above_clearance_comes_out(facts: Facts, clearance: TLP):
    content = told(facts, clearance)
    if content is None:
        return
    text = json.dumps(content.to_json())
    may = {word for row in facts.own if row.label <= clearance for word in words_of(row)}
    must_not = {word for row in facts.own if row.label > clearance for word in words_of(row)}
    assert not [word for word in must_not - may if word in text]


@given(incidents, st.sampled_from(TLP))
def test_nothing_of_anothers_row_comes_out(facts: Facts, clearance: TLP):
    content = told(facts, clearance)
    if content is None:
        return
    own = {word for row in facts.own for word in words_of(row)}
    foreign = {word for row in facts.evidence if row not in facts.own for word in words_of(row)}
    assert not [word for word in foreign - own if word in json.dumps(content.to_json())]


@given(incidents, st.sampled_from(TLP))
def test_what_the_incident_alone_knows_needs_the_incidents_marking(facts: Facts, clearance: TLP):
    content = told(facts, clearance)
    if content is not None and (facts.tlp is None or facts.tlp > clearance):
        assert content.kind == ""
        assert content.title == ADVICE.on("other").title
        assert content.since != facts.aware_at


@given(incidents, st.sampled_from(TLP))
def test_the_label_covers_all_that_is_told_and_is_within_clearance(facts: Facts, clearance: TLP):
    content = told(facts, clearance)
    if content is not None:
        assert TLP[content.tlp.removeprefix("TLP:").replace("+", "_")] <= clearance


@given(incidents)
def test_content_comes_back_from_the_database_as_it_was(facts: Facts):
    content = told(facts, TLP.AMBER_STRICT)
    assert content is None or from_json(json.loads(json.dumps(content.to_json()))) == content


def test_it_says_what_is_touched_since_when_how_surely_and_by_whom_reported():
    content = told(FACTS)
    assert content is not None
    assert [(each.value, each.service, each.since) for each in content.touched] == [
        ("198.51.100.7", "Council tax payments", NOON)
    ]
    assert content.what.endswith("It concerns 1 registered asset of yours.")
    assert content.how_sure == "It is likely (60 of 100) that the report is right. It comes from Sparrow Watch."
    assert (content.reference, content.tlp, content.since) == ("LDN-2026-0001", "TLP:GREEN", NOON)


def test_an_asset_touched_twice_is_named_once_by_its_surest_indicator():
    content = told(replace(FACTS, evidence=(ROW, replace(ROW, id="2", indicator="198.51.100.7", confidence=90))))
    assert content is not None
    assert [(each.indicator, each.others) for each in content.touched] == [("198.51.100.7", 1)]


def test_a_match_that_is_only_possible_is_called_so():
    content = told(replace(FACTS, evidence=(replace(ROW, certain=False),)))
    assert content is not None
    assert "only possible" in content.how_sure


def test_of_anothers_asset_only_the_own_service_is_named():
    content = told(replace(FACTS, evidence=(replace(ROW, asset=None),)))
    assert content is not None
    assert (content.touched[0].value, content.touched[0].indicator) == ("", "")
    assert content.what.endswith("It concerns 1 service that you answer for.")


@pytest.mark.parametrize(("hidden", "said"), [(TLP.AMBER_STRICT, True), (TLP.RED, False)])
def test_that_something_is_left_out_is_said_unless_it_is_red(hidden: TLP, *, said: bool):
    content = told(replace(FACTS, evidence=(ROW, replace(ROW, id="2", tlp=hidden))))
    assert content is not None
    assert bool(content.left_out) is said


def test_legal_clocks_run_from_awareness_and_only_for_those_they_bind():
    council, trust = told(FACTS), told(replace(FACTS, sector="health"))
    assert council is not None
    assert trust is not None
    assert [(duty.basis, duty.by) for duty in council.duties] == [("UK GDPR, Article 33", NOON + timedelta(hours=72))]
    assert len(trust.duties) == 2


def test_ten_thousand_assets_are_counted_not_listed():
    many = tuple(replace(ROW, id=str(n), asset=f"host{n}") for n in range(10_000))
    content = told(replace(FACTS, evidence=many))
    assert content is not None
    assert (len(content.touched), content.touched_total) == (LISTED, 10_000)


def test_foreign_text_can_neither_break_lines_nor_go_on_for_ever():
    content = told(replace(FACTS, evidence=(replace(ROW, indicator="a\r\nBcc: x" + "y" * 70_000),)))
    assert content is not None
    assert content.touched[0].indicator.startswith("a  Bcc: xyyy")
    assert len(content.touched[0].indicator) == 300


def test_one_more_report_of_the_same_thing_is_no_news():
    before, after = told(FACTS), told(replace(FACTS, evidence=(ROW, replace(ROW, id="2", confidence=61))))
    assert before is not None
    assert after is not None
    assert change(before, after) == ""


def test_another_asset_and_a_higher_severity_are_news():
    before = told(FACTS)
    after = told(replace(FACTS, severity="critical", evidence=(ROW, replace(ROW, id="2", asset="www.camden.gov.uk"))))
    assert before is not None
    assert after is not None
    assert change(before, after) == (
        "New in this message: now also about www.camden.gov.uk; severity is critical, was high."
    )


def test_a_withdrawal_repeats_what_was_told_and_asks_for_nothing():
    before = told(FACTS)
    assert before is not None
    after = withdrawn(before)
    assert (after.withdrawn, after.duties, after.touched) == (True, (), before.touched)
    assert "no longer holds" in change(before, after) + after.change
