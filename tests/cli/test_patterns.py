"""`citysec patterns`: one answer for each line, in order, and nothing else on stdout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.cli.line import app

SEEN = {
    "type": "observed-data", "id": "observed-data--1", "number_observed": 1, "first_observed": "2024-01-01T00:00:00Z",
    "last_observed": "2024-01-01T00:00:00Z", "objects": {"0": {"type": "domain-name", "value": "a.example"}},
}  # fmt: skip


def ask(command: str, *questions: Any) -> tuple[int, list[Any]]:
    lines = "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in questions)
    result = CliRunner().invoke(app, ["patterns", command], input=lines)
    return result.exit_code, [json.loads(text) for text in result.stdout.splitlines()]


def test_each_pattern_is_called_valid_or_told_where_it_is_not():
    code, (good, bad) = ask("validate", {"pattern": "[a:b = 1]", "stix_version": "2.1"}, {"pattern": "[a:b = ]"})
    assert code == 0
    assert good == {"valid": True, "error": None, "satisfiable": True, "remarks": []}
    assert (bad["valid"], bad["error"]) == (False, "character 7: expected a value, found ']'")


@pytest.mark.parametrize(
    ("pattern", "satisfiable", "remark"),
    [
        ("[a:b = 1 AND a:b = 2]", False, "character 13: no value of a:b fulfils both sides of AND"),
        ("[a:b = 1 AND a:b = 2] OR [a:b = 3]", True, "character 13: no value of a:b fulfils both sides of AND"),
        ("[a:b = t'2024-02-30T00:00:00Z']", False, "character 1: '2024-02-30T00:00:00Z' is in no calendar"),
        ("[a:b MATCHES '(?=x)']", True, "character 1: '(?=x)' is not an expression of RE2: invalid perl operator: (?="),
    ],
)
def test_what_can_never_match_or_is_not_evaluated_is_remarked(pattern: str, satisfiable: bool, remark: str):
    _, (told,) = ask("validate", {"pattern": pattern})
    assert told == {"valid": True, "error": None, "satisfiable": satisfiable, "remarks": [remark]}


def test_a_match_names_the_observed_data_and_an_error_its_kind():
    code, told = ask(
        "match",
        {"pattern": "[domain-name:value = 'a.example']", "stix_version": "2.0", "observed_data": [SEEN]},
        {"pattern": "[domain-name:value = 'b.example']", "observed_data": [{"type": "bundle", "objects": [SEEN]}]},
        {"pattern": "[domain-name:value = ", "observed_data": [SEEN]},
        {"pattern": "[domain-name:value MATCHES '(?=a)']", "observed_data": [SEEN]},
        {"pattern": "[domain-name:value = 'a.example']", "observed_data": [{**SEEN, "number_observed": 0}]},
    )
    assert code == 0
    assert [(one["matched"], one["error"], one["sdo_ids"]) for one in told] == [
        (True, None, ["observed-data--1"]), (False, None, []), (False, "pattern", []), (False, "pattern", []),
        (False, "data", []),
    ]  # fmt: skip


def test_versions_differ_in_what_they_allow():
    exists = {"pattern": "[EXISTS a:b]"}
    _, told = ask("validate", exists | {"stix_version": "2.0"}, exists | {"stix_version": "2.1"}, exists)
    assert [one["valid"] for one in told] == [False, True, True]


@pytest.mark.parametrize(
    "line", ["{\n", "[]\n", "[" * 100_000 + "\n", '{"pattern": 5}\n', '{"pattern": "", "stix_version": "3"}\n']
)
@pytest.mark.parametrize("command", ["validate", "match"])
def test_what_is_no_question_is_answered_too_and_exits_2(command: str, line: str):
    code, told = ask(command, line, {"pattern": "[a:b = 1]"})
    assert (code, len(told)) == (2, 2)
    assert told[0]["error"]
    assert told[1]["error"] is None


def test_questions_may_stand_in_a_file(tmp_path: Path):
    file = tmp_path / "questions.jsonl"
    file.write_text('{"pattern": "[a:b = 1]"}\n\n')
    result = CliRunner().invoke(app, ["patterns", "validate", str(file)])
    assert json.loads(result.stdout)["valid"] is True


def test_of_many_faults_and_remarks_the_first_are_told_and_how_many_more():
    twice = "[a:b = 1]" + " WITHIN 5 SECONDS" * 100
    contradicting = "[" + " OR ".join(["(a:b = 1 AND a:b = 2)"] * 100) + "]"
    _, (wrong, odd, none) = ask("validate", {"pattern": twice}, {"pattern": contradicting}, {})
    assert (wrong["error"].count("stands twice"), wrong["error"][-11:]) == (20, "and 79 more")
    assert (len(odd["remarks"]), odd["remarks"][-1]) == (21, "and 80 more")
    assert none["error"] == "pattern is missing"
