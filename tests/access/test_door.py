"""Signing in by name and password."""

from __future__ import annotations

import pytest

from citysec.access import accounts
from citysec.access.door import Door, network
from citysec.access.policy import Role
from citysec.access.throttle import Throttle
from citysec.db import Database
from citysec.errors import TooManyAttempts, Unauthenticated
from tests import city


@pytest.fixture
async def ada(db: Database) -> Database:
    """A city with one account."""
    await city.account(db, "ada", Role.COORDINATOR)
    return db


async def test_the_right_password_opens(ada: Database):
    principal = await Door().enter(ada, "ada", city.PASSWORD, "192.0.2.1")
    assert (principal.name, principal.of_city) == ("ada", True)


@pytest.mark.parametrize(("name", "password"), [("ada", "wrong"), ("ADA", city.PASSWORD), ("nobody", "")])
async def test_whatever_is_wrong_the_answer_is_the_same(ada: Database, name: str, password: str):
    with pytest.raises(Unauthenticated, match=r"^name or password is wrong$"):
        await Door().enter(ada, name, password, "192.0.2.1")


async def test_a_disabled_account_stays_out_though_its_password_is_remembered(ada: Database):
    door = Door()
    await door.enter(ada, "ada", city.PASSWORD, "192.0.2.1")
    async with ada.writing() as session:
        await accounts.disable(session, "ada", actor="t")
    with pytest.raises(Unauthenticated):
        await door.enter(ada, "ada", city.PASSWORD, "192.0.2.1")


async def test_guessing_at_one_name_is_braked_wherever_it_comes_from(ada: Database):
    door = Door(by_name=Throttle(burst=2, refill_s=60))
    for address in ("192.0.2.1", "192.0.2.2"):
        with pytest.raises(Unauthenticated):
            await door.enter(ada, "ada", "wrong", address)
    with pytest.raises(TooManyAttempts) as braked:
        await door.enter(ada, "ada", "wrong", "192.0.2.3")
    assert 0 < braked.value.wait_s <= 60


async def test_trying_many_names_from_one_network_is_braked(ada: Database):
    door = Door(by_address=Throttle(burst=1, refill_s=60))
    with pytest.raises(Unauthenticated):
        await door.enter(ada, "bob", "wrong", "2001:db8::1")
    with pytest.raises(TooManyAttempts):
        await door.enter(ada, "eve", "wrong", "2001:db8::2")


async def test_right_passwords_use_nothing_up(ada: Database):
    door = Door(by_name=Throttle(burst=1, refill_s=60))
    for _ in range(3):
        await door.enter(ada, "ada", city.PASSWORD, "192.0.2.1")


@pytest.mark.parametrize(
    ("address", "counted"),
    [("192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64"), ("", "")],
)
def test_an_ipv6_host_is_counted_by_its_network(address: str, counted: str):
    assert network(address) == counted


def test_a_bucket_refills():
    throttle = Throttle(burst=2, refill_s=10)
    throttle.use("a", 0)
    throttle.use("a", 0)
    assert [throttle.wait_s("a", at) for at in (0, 9, 10)] == [10, 1, 0]
