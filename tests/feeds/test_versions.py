"""Which arriving objects are new, known or contradictory."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.feeds.formats import Draft
from citysec.feeds.versions import Key, Stored, newest, plan

DAY = datetime(2026, 6, 1, tzinfo=UTC)


def _draft(day: int | None, content: str = "a", *, revoked: bool = False) -> Draft:
    modified = None if day is None else DAY + timedelta(days=day)
    return Draft(
        stix_id="x--1",
        type="x",
        spec_version="2.1",
        text=content,
        modified=modified,
        revoked=revoked,
    )


def _stored(draft: Draft, version: datetime | None = None) -> Stored:
    return Stored(
        id=1,
        stix_id=draft.stix_id,
        version=version or draft.version or DAY,
        spec_version="2.1",
        content_hash=draft.content_hash,
        created_by_ref=draft.created_by_ref,
        revoked=draft.revoked,
        latest=True,
        tlp=-1,
    )


def test_a_version_that_is_here_is_said_again():
    found = plan([_draft(1)], {"x--1": [_stored(_draft(1))]}, DAY)
    assert (len(found.new), len(found.again), found.clashes) == (0, 1, [])


def test_the_same_version_with_other_content_is_a_clash_and_the_first_is_kept():
    found = plan([_draft(1, "a"), _draft(1, "b")], {}, DAY)
    assert [d.text for d in found.new.values()] == ["a"]
    assert "other content" in found.clashes[0].reason


def test_an_observable_is_a_new_version_only_with_other_content():
    here = {"x--1": [_stored(_draft(None, "a"))]}
    found = plan([_draft(None, "a"), _draft(None, "b"), _draft(None, "b"), _draft(None, "c")], here, DAY)
    assert [d.text for d in found.new.values()] == ["b", "c"]
    assert len(found.again) == 1


@pytest.mark.parametrize("creator", [None, "identity--2"])
def test_only_its_creator_makes_a_new_version(creator: str | None):
    here = {"x--1": [_stored(msgspec.structs.replace(_draft(1), created_by_ref="identity--1"))]}
    stranger = msgspec.structs.replace(_draft(2, revoked=True), created_by_ref=creator)
    owner = msgspec.structs.replace(_draft(3), created_by_ref="identity--1")
    found = plan([stranger, owner], here, DAY)
    assert list(found.new.values()) == [owner]
    assert "only its creator" in found.clashes[0].reason


def test_a_revocation_stays_the_newest():
    revoked = _draft(1, revoked=True)
    later = plan([_draft(2, "b")], {"x--1": [_stored(revoked)]}, DAY)
    assert newest(later.new, {"x--1": [_stored(revoked)]})["x--1"][1] == revoked.version


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=6, unique_by=lambda x: x[0]),
    st.randoms(),
)
def test_the_newest_does_not_depend_on_the_order_of_arrival(versions: list[tuple[int, bool]], chance: random.Random):
    drafts = [_draft(day, str(day), revoked=revoked) for day, revoked in versions]
    chance.shuffle(drafts)
    here: list[Stored] = []
    winner: Key | None = None
    for draft in drafts:
        found = plan([draft], {"x--1": here}, DAY)
        winner = newest(found.new, {"x--1": here})["x--1"]
        here.append(_stored(draft))
    best = max(drafts, key=lambda d: (d.revoked, d.version))
    assert winner is not None
    assert winner[1] == best.version


@pytest.mark.parametrize("spec_version", ["2.0", "2.1"])
def test_the_forms_of_2_0_and_2_1_are_versions_of_their_own(spec_version: str):
    draft = msgspec.structs.replace(_draft(1), spec_version=spec_version, text="other")
    found = plan([draft], {"x--1": [_stored(_draft(1))]}, DAY)
    assert len(found.new) == (1 if spec_version == "2.0" else 0)


def test_a_batch_of_observables_costs_no_more_than_its_members():
    began = time.process_time()
    found = plan((msgspec.structs.replace(_draft(None), stix_id=f"x--{n % 10_000}") for n in range(20_000)), {}, DAY)
    assert len(found.new) == 10_000
    assert time.process_time() - began < 3
