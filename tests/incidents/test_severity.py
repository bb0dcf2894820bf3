"""Grades and kinds."""

from __future__ import annotations

import pytest

from citysec.incidents.lifecycle import TRANSITIONS, State, Step, after
from citysec.incidents.severity import Severity, SeverityTable, kind_of, severity

L, M, H, C = Severity
TABLE = SeverityTable(
    bands=((70, (L, M, M, H, C)), (30, (L, L, M, M, H)), (0, (L, L, L, L, M))), shifts={"ransomware": 1}
)


@pytest.mark.parametrize(
    ("criticality", "confidence", "kind", "grade"),
    [(5, 70, "phishing", C), (5, 69, "phishing", H), (1, 100, "phishing", L), (4, 75, "ransomware", C),
     (5, 100, "ransomware", C), (3, 0, "ransomware", M)],
)  # fmt: skip
def test_the_table_decides(criticality: int, confidence: int, kind: str, grade: Severity):
    assert severity(criticality, confidence, kind, TABLE) is grade


@pytest.mark.parametrize(
    ("path", "labels", "kind"),
    [("ipv4-addr:value", [], "command-and-control"), ("url:value", [], "phishing"),
     ("autonomous-system:number", [], "command-and-control"),
     ("x509-certificate:hashes.'SHA-1'", ["malicious-activity"], "command-and-control"),
     ("url:value", ["C2"], "command-and-control"), ("ipv4-addr:value", ["phishing"], "phishing"),
     ("domain-name:value", ["malicious-activity"], "phishing")],
)  # fmt: skip
def test_the_publishers_word_decides_the_kind_else_what_is_named(path: str, labels: list[str], kind: str):
    assert kind_of(path, labels) == kind


def test_a_step_that_is_not_in_the_table_leads_nowhere():
    assert after(State.CLOSED, Step.CONTAIN) is None
    assert all(after(state, step) is next_ for state, steps in TRANSITIONS.items() for step, next_ in steps.items())
