"""Correlation agrees with comparing everything with everything, in each direction and without a database."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from citysec.correlate.index import AssetIndex
from citysec.correlate.offline import POSSIBLE, Correlation
from citysec.correlate.rules import Relation, registered
from citysec.correlate.standing import Terms
from citysec.observable import AssetKind, Scope
from tests.correlate import oracle
from tests.correlate.city import City, indicator
from tests.correlate.oracle import Thing

AT = datetime(2026, 6, 1, tzinfo=UTC)


@given(st.randoms())
def test_without_a_database(random: Random):
    assets = [oracle.asset(random) for _ in range(random.randint(1, 12))]
    one = oracle.indicator(random)
    rows = ((str(n), AssetKind(each.kind), each.value, Scope(each.scope)) for n, each in enumerate(assets))
    found = Correlation(AssetIndex(registered(*row) for row in rows), AT)
    found.take("indicator--1", AT, Terms(False, "stix", None, None, ()), one.pattern)
    said = {int(pair.asset_id): pair.relation != POSSIBLE for pair in found.pairs()}
    assert said == oracle.expected(assets, one), (assets, one)


async def test_with_each_database_whatever_comes_first(either: City):
    seed = secrets.randbits(32)
    random = Random(seed)
    assets = list(dict.fromkeys(oracle.asset(random) for _ in range(60)))
    said = [oracle.indicator(random) for _ in range(120)]
    ids: dict[int, int] = {}
    for half in (0, 1):
        owned = await either.own_all([_row(n, each) for n, each in enumerate(assets) if n % 2 == half])
        ids |= {asset_id: int(place) for place, asset_id in owned.items()}
        await either.work()
        await either.say(*(indicator(n, each.pattern) for n, each in enumerate(said) if n % 2 == half))
        await either.work()
    stood = [match for match in await either.matches() if match.closed_at is None]
    stood = [match for match in stood if match.relation != Relation.LOOKALIKE]  # the oracle knows no likeness
    found = {(match.indicator_id, ids[match.asset_id or 0]): match.certain for match in stood}
    wanted = {
        (indicator(n, "")["id"], place): certain
        for n, each in enumerate(said)
        for place, certain in oracle.expected(assets, each).items()
    }
    assert found == wanted, f"seed {seed}"


def _row(place: int, asset: Thing) -> dict[str, str]:
    about = {"kind": asset.kind, "value": asset.value, "scope": asset.scope}
    return {"asset_id": str(place), "organisation": f"o{place % 7}", **about}
