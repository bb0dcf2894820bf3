"""Observations that an indicator may speak of, found in the index."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from citysec.correlate.sifting import Sifted, sift
from citysec.db import Database
from citysec.telemetry import Form, Seen, read
from tests.correlate.city import City, indicator

Network = IPv4Network | IPv6Network


def blocks(rng: random.Random, number: int) -> list[Network]:
    """Return blocks and addresses of both families that lie in one another often."""
    made: list[Network] = []
    for _ in range(number):
        four = (f"10.{rng.choice('01')}.{rng.choice('01')}.{rng.randrange(8)}", rng.choice([7, 15, 16, 24, 30, 31, 32]))
        six = (f"2001:db8:{rng.choice('01')}::{rng.randrange(8)}", rng.choice([16, 32, 47, 48, 64, 127, 128]))
        address, length = rng.choice([four, six])
        made.append(ip_network(f"{address}/{length}", strict=False))
    return made


def observed(networks: Sequence[Network]) -> list[Seen]:
    """Return an observation of each."""
    records = [{"seen_at": 0, "ip": str(one)} for one in networks]
    return [one for one in read(json.dumps(records).encode(), Form.JSON) if isinstance(one, Seen)]


def places(found: Sifted) -> dict[str, int]:
    """Return place of what was seen -> how many indicators may speak of it."""
    keys = {one.at: one.facts[0].found.key for one in found.seen}
    return {at: sum(key in {k for _, k in facts} for facts in found.objects.values()) for at, key in keys.items()}


def within(one: Network, other: Network) -> bool:
    """Return whether a block is another, or lies in it."""
    return one.version == other.version and one.subnet_of(other)  # pyright: ignore[reportArgumentType]


async def test_what_was_seen_meets_every_block_around_it_and_no_other(each_db: Database):
    rng, city = random.Random(7), City(each_db)
    known, networks = blocks(rng, 60), blocks(rng, 400)
    patterns = (f"[ipv{one.version}-addr:value = '{one}']" for one in known)
    await city.say(*(indicator(number, pattern) for number, pattern in enumerate(patterns)))
    around = {f"/{at}": number for at, one in enumerate(networks) if (number := sum(within(one, its) for its in known))}
    seen = observed(networks)
    async with each_db.reading() as session:
        parts = [places(await sift(session, seen[at : at + 2])) for at in range(0, 400, 2)]  # many blocks for each
        assert places(await sift(session, seen)) == around
    assert {at: number for part in parts for at, number in part.items()} == around
