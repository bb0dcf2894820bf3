"""docs/patterns.md says the limits that the code has."""

from __future__ import annotations

from pathlib import Path

import pytest

from citysec.patterning import grammar, literals, regex, tokens
from citysec.patterning.evaluation import binding, budget, plan

TEXT = (Path(__file__).parents[2] / "docs" / "patterns.md").read_text()


@pytest.mark.parametrize(
    ("what", "limit"),
    [
        ("length of a pattern", f"{tokens.MAX_LENGTH:,} characters"),
        ("values in a pattern", f"{grammar.MAX_VALUES:,}"),
        ("a number", f"{literals.MAX_DIGITS} characters"),
        ("expressions (`LIKE`, `MATCHES`) in", f"{grammar.MAX_EXPRESSIONS}"),
        ("a regular expression", f"{regex.MAX_LENGTH:,} characters"),
        ("alternating operators", f"{plan.MAX_DEPTH} deep"),
        ("passages, windows", f"{binding.MAX_CHOICES}"),
        ("steps of an evaluation", f"{budget.MAX_STEPS:,} and {budget.STEPS_PER_OBSERVATION} for each observation"),
    ],
)
def test_each_limit_is_documented(what: str, limit: str):
    (line,) = [line for line in TEXT.splitlines() if line.startswith(f"| {what}")]
    assert line.split("|")[2].strip().startswith(limit)
