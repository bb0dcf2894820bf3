"""Newest versions count, whatever the order they come in."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime
from hashlib import sha256
from itertools import permutations
from time import process_time, thread_time

import pytest

from citysec.correlate.index import AssetIndex
from citysec.correlate.offline import Correlation
from citysec.correlate.rules import registered
from citysec.correlate.standing import Terms
from citysec.errors import InvalidInput, NotEvaluable
from citysec.observable import AssetKind, Scope

OURS, THEIRS = "[domain-name:value = 'camden.gov.uk']", "[domain-name:value = 'evil.example']"


def correlation() -> Correlation:
    return Correlation(AssetIndex([registered("A1", AssetKind.DOMAIN, "camden.gov.uk", Scope.TREE)]), on(31))


def take(found: Correlation, day: int, pattern: str | None, *types: str) -> None:
    """Take a version; one without a pattern is a revocation."""
    found.take("indicator--1", on(day), Terms(pattern is None, "stix", on(day), None, types), pattern or OURS)


def on(day: int) -> datetime:
    return datetime(2024, 1, day, tzinfo=UTC)


@pytest.mark.parametrize(
    ("patterns", "pairs"),
    [((THEIRS, OURS), 1), ((OURS, THEIRS), 0), ((OURS, None), 0), ((None, OURS), 1), ((THEIRS, OURS, None), 0)],
)
def test_the_newest_version_counts_in_any_order(patterns: tuple[str | None, ...], pairs: int):
    for order in permutations(enumerate(patterns, 1)):
        found = correlation()
        for day, pattern in order:
            take(found, day, pattern)
        assert len(list(found.pairs())) == pairs


def test_an_asset_is_reported_once_by_what_says_most():
    found = correlation()
    take(found, 1, f"[file:size = 1] AND {OURS} OR [url:value = 'http://www.camden.gov.uk/']")
    (pair,) = found.pairs()
    assert (pair.relation, pair.touch.atom.path) == ("host", "url:value")


def test_slow_expressions_are_given_up_and_all_else_of_their_pattern_counts():
    names = [registered("A1", AssetKind.DOMAIN, "camden.gov.uk", Scope.TREE)]
    texts = (f"{sha256(b'%d' % n).hexdigest()[:63]}.{sha256(b'-%d' % n).hexdigest()[:63]}.uk" for n in range(200))
    names += [registered(text, AssetKind.HOST, text, Scope.EXACT) for text in texts]
    found, before = Correlation(AssetIndex(names), on(31), thread_time), process_time()
    slow = (f"domain-name:value MATCHES '(([a-m].{{0,40}}){{8}}|([c-k].{{0,39}}){{8}})!{n}'" for n in range(100))
    with pytest.raises(NotEvaluable):
        take(found, 1, f"[{' OR '.join(slow)} OR {OURS[1:]}")
    assert process_time() - before < 3  # it took some 9 seconds
    assert [pair.asset_id for pair in found.pairs()] == ["A1"]


def test_a_version_with_a_bad_pattern_still_replaces_the_one_before():
    found = correlation()
    take(found, 1, OURS)
    with pytest.raises(InvalidInput):
        take(found, 2, "nonsense")
    assert list(found.pairs()) == []


def test_what_is_benign_matches_nothing_and_what_anonymises_is_only_possible():
    benign, relay = correlation(), correlation()
    take(benign, 1, OURS, "benign")
    take(relay, 1, OURS, "anonymization")
    assert list(benign.pairs()) == []
    assert [pair.relation for pair in relay.pairs()] == ["possible"]


def test_what_touches_nothing_is_not_held():
    found = correlation()
    tracemalloc.start()
    for number in range(5000):
        terms = Terms(False, "stix", on(1), None, ())
        found.take(f"indicator--{number}", on(1), terms, f"[domain-name:value = 'evil{number}.example']")
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 32 * 5000 + 50_000
