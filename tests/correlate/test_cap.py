"""What is over the cap is left out, but counted to the last one."""

from __future__ import annotations

import ipaddress
import random
from collections import Counter

import pytest
from sqlmodel import col, select

from citysec.correlate import cap
from citysec.correlate.cap import CAP
from citysec.tables import Asset, AssetOwner, Capped, Match
from tests.correlate.city import City, indicator

WIDE = "[ipv4-addr:value = '198.18.0.0/15']"


async def over(city: City) -> dict[tuple[str, str], tuple[int, int]]:
    """Return indicator and constituent -> how many are touched, and how many matches are kept."""
    async with city.db.reading() as db:
        rows = await db.exec(select(Capped))
        return {(row.indicator_id[11:19].lstrip("0"), row.constituent_id): (row.touched, row.kept) for row in rows}


async def flood(city: City, more: int) -> list[int]:
    """Have one wide indicator touch more of Camden than is stored; return Camden's assets."""
    assets = await city.own("camden", "ipv4", *(f"198.18.1.{i}" for i in range(CAP + more)))
    await city.own("barnet", "ipv4", "198.18.2.1")
    await city.say(indicator(1, WIDE))
    await city.work("correlate")
    await city.work()
    return assets


async def test_what_is_left_out_is_counted(either: City):
    await flood(either, more=20)
    assert await over(either) == {("1", "camden"): (CAP + 20, CAP)}


async def test_a_new_asset_is_counted_although_it_finds_no_room(either: City):
    await flood(either, more=20)
    await either.own("camden", "ipv4", "198.18.3.1")
    await either.work("retro")
    assert await over(either) == {("1", "camden"): (CAP + 21, CAP)}


async def test_room_that_is_left_is_taken_by_what_was_left_out(either: City):
    first, *_ = await flood(either, more=2)
    await either.disown(first)
    await either.work("retro")
    assert await over(either) == {("1", "camden"): (CAP + 1, CAP)}


async def test_where_all_find_room_nothing_is_over(either: City):
    first, second, *_ = await flood(either, more=2)
    await either.disown(first, second)
    await either.work("retro")
    assert await over(either) == {}
    assert len(await either.pairs()) == CAP + 1


async def test_what_counts_no_more_is_over_nothing(city: City):
    await flood(city, more=2)
    await city.say(indicator(1, WIDE, modified="2025-01-01T00:00:00.000Z", revoked=True))
    await city.work()
    assert await over(city) == {}


ADDRESSES = [str(address) for address in ipaddress.ip_network("198.51.100.0/28")]
BLOCKS = [str(b) for n in (28, 29, 30) for b in ipaddress.ip_network("198.51.100.0/28").subnets(new_prefix=n)]


class Walk:
    """A city in which things happen by chance, and what its matches must be."""

    def __init__(self, city: City, seed: int) -> None:
        self.city, self.chance = city, random.Random(seed)
        self.said: dict[int, str] = {}
        self.version = 0

    async def step(self) -> None:
        kind = self.chance.choice(("own", "own", "disown", "say", "acquit"))
        if kind == "own":
            await self._own(self.chance.choice("ab"), self.chance.choice(ADDRESSES))
        elif kind == "disown" and (assets := sorted(set(await self._assets()))):
            await self.city.disown(self.chance.choice(assets))
        else:
            await self._say(self.chance.randint(1, 3), self.chance.choice(BLOCKS), benign=kind == "acquit")
        self.version += 1
        await self.city.work()

    async def _own(self, owner: str, address: str) -> None:
        if (owner, address) not in await self.owned():
            names = {"asset_id": f"{self.version}", "organisation": owner, "scope": "exact"}
            await self.city.own_all([names | {"kind": "ipv4", "value": address}])

    async def _say(self, number: int, block: str, *, benign: bool) -> None:
        self.said[number] = "" if benign else block
        modified = f"2025-01-01T00:00:00.{self.version:03}Z"
        types = ["benign" if benign else "malicious-activity"]
        pattern = f"[ipv4-addr:value = '{block}']"
        await self.city.say(indicator(number, pattern, modified=modified, indicator_types=types))

    async def _assets(self) -> list[int]:
        async with self.city.db.reading() as db:
            return list(await db.exec(select(AssetOwner.asset_id)))

    async def owned(self) -> set[tuple[str, str]]:
        async with self.city.db.reading() as db:
            rows = select(AssetOwner.constituent_id, Asset.value).join(Asset, col(Asset.id) == AssetOwner.asset_id)
            return set((await db.exec(rows)).all())

    async def check(self) -> None:
        owned = await self.owned()
        touched = Counter(
            (str(number), owner)
            for number, block in self.said.items()
            for owner, address in owned
            if block and ipaddress.ip_address(address) in ipaddress.ip_network(block)
        )
        kept = await self._kept()
        assert all(min(cap.CAP, number) <= kept[seat] <= number for seat, number in touched.items()), (touched, kept)
        assert set(kept) <= set(touched)
        assert await over(self.city) == {s: (n, kept[s]) for s, n in touched.items() if n > kept[s]}

    async def _kept(self) -> Counter[tuple[str, str]]:
        query = select(Match.indicator_id, AssetOwner.constituent_id)
        query = query.join(AssetOwner, col(AssetOwner.asset_id) == col(Match.asset_id))
        async with self.city.db.reading() as db:
            rows = await db.exec(query.where(col(Match.closed_at).is_(None)))
            return Counter((indicator_id[11:19].lstrip("0"), owner) for indicator_id, owner in rows)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_the_counts_are_exact(either: City, seed: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cap, "CAP", 3)
    walk = Walk(either, seed)
    for _ in range(40):
        await walk.step()
        await walk.check()
