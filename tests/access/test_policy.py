"""Which role may do what."""

from __future__ import annotations

import pytest

from citysec.access.policy import ROLES, Action, Principal, Role, demand, may
from citysec.errors import Forbidden
from citysec.tlp import TLP


def _who(role: Role, constituent_id: str | None = None) -> Principal:
    return Principal(account_id="a", name="a", role=role, constituent_id=constituent_id, clearance=TLP.AMBER)


def test_every_action_is_decided():
    assert set(ROLES) == set(Action)


@pytest.mark.parametrize("action", Action)
def test_a_constituent_s_machine_may_what_its_members_may(action: Action):
    assert may(_who(Role.MACHINE, "camden"), action) is may(_who(Role.MEMBER, "camden"), action)


@pytest.mark.parametrize("action", [Action.READ_CITY, Action.MOVE, Action.ADVISE, Action.IMPORT, Action.READ_AUDIT])
@pytest.mark.parametrize("role", [Role.LEAD, Role.MEMBER, Role.MACHINE])
def test_nobody_of_a_constituent_does_the_city_s_work(role: Role, action: Action):
    with pytest.raises(Forbidden):
        demand(_who(role, "camden"), action)


@pytest.mark.parametrize("action", Action)
def test_a_coordinator_may_everything(action: Action):
    demand(_who(Role.COORDINATOR), action)


@pytest.mark.parametrize("action", [Action.READ_CITY, Action.READ_AUDIT, Action.ALLOW, Action.SWITCH])
def test_a_refusal_is_in_words(action: Action):
    with pytest.raises(Forbidden, match=r"^the role lead may not [a-z]+( [a-z]+)+$"):
        demand(_who(Role.LEAD, "camden"), action)
