"""Every word that a row can hold can be said."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import pytest

from citysec.access.policy import Role
from citysec.advisories.acknowledge import Answer
from citysec.advisories.deliveries import State as DeliveryState
from citysec.advisories.gate import Outcome
from citysec.correlate.rules import Relation
from citysec.correlate.said import State as Standing
from citysec.explanation.chain import Outcome as Answered
from citysec.explanation.chain import Question
from citysec.incidents.lifecycle import State as IncidentState
from citysec.incidents.severity import Severity
from citysec.observable import AssetKind, Scope
from citysec.web import render, words


@pytest.mark.parametrize(
    ("closed", "said"),
    [
        (Severity, words.SEVERITIES),
        (Severity, words.SHAPES),
        (IncidentState, words.INCIDENT_STATES),
        (DeliveryState, words.DELIVERY_STATES),
        (Outcome, words.VERDICTS),
        (Answer, words.ANSWERS),
        (Role, words.ROLES),
        (Relation, words.RELATIONS),
        (AssetKind, words.ASSET_KINDS),
        (Scope, words.SCOPES),
        (Question, words.QUESTIONS),
        (Answered, words.OUTCOMES),
        (Standing, words.STANDINGS),
    ],
)
def test_a_closed_set_is_said_in_full(closed: type[StrEnum], said: Mapping[str, str]):
    assert set(closed) <= set(said)


def test_severities_are_told_worst_first():
    assert list(words.SEVERITIES) == ["critical", "high", "medium", "low"]


@pytest.mark.parametrize("status", range(400, 600))
def test_every_refusal_has_a_heading_and_an_explanation(status: int):
    assert all(render.refused(status))
