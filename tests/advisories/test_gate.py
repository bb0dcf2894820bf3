"""The TLP gate."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.advisories.gate import Audience, Field, Outcome, Recipient, Verdict, ceiling, decide, label_of
from citysec.tlp import TLP

LEAD = Recipient("contact:1", Audience.CONSTITUENT, TLP.RED, "camden")

labels = st.sampled_from(TLP)
fields = st.lists(
    st.builds(Field, st.text("abcdef", min_size=1, max_size=3), st.none() | labels, st.booleans()), max_size=8
)
recipients = st.builds(
    Recipient,
    st.just("x"),
    st.sampled_from(Audience),
    labels,
    st.sampled_from(["camden", "brent", None]),
    st.booleans(),
)


def verdict(tlp: TLP | None, recipient: Recipient = LEAD) -> Verdict:
    return decide([Field("row", tlp, essential=True)], recipient, about="camden")


@given(fields, recipients, st.sampled_from(["camden", None]))
def test_nothing_above_the_recipients_clearance_remains(parts: list[Field], recipient: Recipient, about: str | None):
    decided = decide(parts, recipient, about=about)
    kept = [part for part in parts if part.name not in decided.removed]
    assert all(part.label <= recipient.clearance or recipient.audience is Audience.PUBLIC for part in kept)
    assert all(part.label <= ceiling(recipient) for part in kept)


@given(fields, recipients, st.sampled_from(["camden", None]))
def test_every_verdict_has_a_reason_and_its_outcome_says_what_was_removed(
    parts: list[Field], recipient: Recipient, about: str | None
):
    decided = decide(parts, recipient, about=about)
    names = {part.name for part in parts}
    assert decided.reason.endswith(".")
    match decided.outcome:
        case Outcome.ALLOWED:
            assert not decided.removed
        case Outcome.REDUCED:
            assert decided.removed
            assert decided.removed < names
        case Outcome.REFUSED:
            assert decided.removed == names


@given(fields, recipients)
def test_what_is_about_a_constituent_reaches_no_other(parts: list[Field], recipient: Recipient):
    if recipient.audience is not Audience.CITY and recipient.constituent_id != "camden":
        assert decide(parts, recipient, about="camden").outcome is Outcome.REFUSED


def test_red_reaches_the_citys_team_and_who_is_named_and_nobody_else():
    team = Recipient("account:ada", Audience.CITY, TLP.RED)
    assert verdict(TLP.RED, team).outcome is Outcome.ALLOWED
    assert verdict(TLP.RED, replace(LEAD, named=True)).outcome is Outcome.ALLOWED
    assert verdict(TLP.RED).outcome is Outcome.REFUSED


def test_strict_amber_reaches_a_contact_of_the_constituent_itself():
    assert verdict(TLP.AMBER_STRICT).outcome is Outcome.ALLOWED


def test_what_nobody_marked_counts_as_red():
    assert verdict(None).tlp is TLP.RED
    assert verdict(None).outcome is Outcome.REFUSED


@pytest.mark.parametrize("value", [None, -1, 5, 99])
def test_a_number_that_is_no_label_counts_as_red(value: int | None):
    assert label_of(value) is TLP.RED


def test_the_public_sees_clear_whatever_clearance_it_claims():
    public = Recipient("public", Audience.PUBLIC, TLP.RED)
    parts = [Field("row", TLP.CLEAR, essential=True), Field("more", TLP.GREEN)]
    decided = decide(parts, public, about=None)
    assert (decided.outcome, decided.removed) == (Outcome.REDUCED, {"more"})


def test_the_reason_names_the_limit():
    parts = [Field("a", TLP.GREEN, essential=True), Field("b", TLP.RED)]
    decided = decide(parts, replace(LEAD, clearance=TLP.AMBER), about="camden")
    assert decided.reason.startswith("1 of 2 parts are above TLP:AMBER,")
