"""Which playbooks are kept, which may run, and what is said of the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.playbooks.check import Examination, Outcome, examine
from citysec.settings import shipped
from tests.playbooks.score import SELF, document, line, note, question, step, variables

SIMPLE = line("start", "warn", "end")


def checked(steps: Any = SIMPLE, **properties: Any) -> Examination:
    return examine(json.dumps(document(steps, **properties)).encode())


def kinds(examination: Examination) -> set[str]:
    return {problem.kind for problem in examination.problems}


def test_a_right_playbook_is_ok_without_a_word():
    assert checked() == Examination(Outcome.OK, (), checked().playbook)


@pytest.mark.parametrize("name", ["command-and-control.json", "phishing.json", "lookalike.json", "city-wide.json"])
def test_the_playbooks_we_ship_are_ok_without_a_word(name: str):
    examination = examine((shipped("playbooks") / name).read_bytes())
    assert (examination.outcome, examination.problems) == (Outcome.OK, ())


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "malformed_json"),
        (b"\xff", "malformed_json"),
        (b"[1, 2]", "not_a_playbook"),
        (b'{"type": "playbook", "type": "playbook"}', "duplicate_key"),
        (b'{"type": "playbook", "priority": NaN}', "malformed_json"),
        (b'{"type": "playbook", "spec_version": "1.1"}', "unsupported_version"),
        (b"[" * 101 + b"]" * 101, "too_deep"),
        (b"[" * 100_000, "too_deep"),
        (b" " * (5 * 1024 * 1024 + 1), "too_large"),
    ],
)
def test_what_is_no_playbook_is_rejected_with_the_reason(content: bytes, kind: str):
    examination = examine(content)
    assert (examination.outcome, kinds(examination)) == (Outcome.REJECT, {kind})


@pytest.mark.parametrize(
    ("properties", "kind"),
    [
        ({"nonsense": 1}, "unknown_property"),
        ({"labels": []}, "empty_list"),
        ({"priority": 101}, "bad_value"),
        ({"revoked": "yes"}, "wrong_type"),
        ({"created": "2026-02-30T00:00:00.000Z"}, "bad_timestamp"),
        ({"created": "2026-01-02T00:00:00.000Z"}, "bad_dates"),
        ({"valid_from": "2026-01-02T00:00:00Z", "valid_until": "2026-01-02T00:00:00Z"}, "bad_dates"),
        ({"created_by": "me"}, "bad_identifier"),
        ({"id": "playbook--0b1b8a4a-7a4e-7c26-9a67-3a9e6e3f1d10"}, "bad_identifier"),
        ({"id": step("warn").replace("action", "playbook")}, "duplicate_uuid"),
        ({"workflow_start": step("warn")}, "bad_start"),
        ({"workflow_exception": step("nowhere")}, "unknown_step"),
        ({"markings": ["marking-tlp--94868c89-83c2-464b-929b-a1a8aa3c8487"]}, "unknown_marking"),
        (
            {"playbook_extensions": {"extension-definition--" + "0" * 8 + "-0000-4000-8000-" + "0" * 12: {}}},
            "unknown_extension",
        ),
        ({"playbook_variables": {"name": {"type": "string"}}}, "bad_variable_name"),
        ({"playbook_variables": {"__n__": {"type": "integer", "value": "one"}}}, "variable_type_mismatch"),
        ({"playbook_variables": {"__n__": {"type": "integer", "value": 1}}}, "wrong_type"),
    ],
)
def test_a_property_that_breaks_the_standard_rejects_the_playbook(properties: dict[str, Any], kind: str):
    examination = checked(**properties)
    assert examination.outcome is Outcome.REJECT
    assert kind in kinds(examination)


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        (line("start", "end"), "incomplete_workflow"),
        (line("start", "warn"), "missing_property"),
        ({**line("start", "warn"), "warn": {"on_failure": "end"}, "end": {}}, "missing_property"),
        (line("start", "warn", "call-nobody", "end"), "missing_property"),
        ({**SIMPLE, "warn": {"on_completion": "gone"}}, "unknown_step"),
        ({**SIMPLE, "warn": {"on_completion": "end", "on_failure": "end"}}, "bad_flow"),
        ({**SIMPLE, "warn": {"on_success": "end", "on_failure": "warn"}}, "cycle"),
        ({**SIMPLE, "warn": {"on_success": "end", "on_failure": "start"}}, "cycle"),
        ({**SIMPLE, "end": {"on_completion": "warn"}}, "unknown_property"),
        ({**SIMPLE, "start-2": {"on_completion": "warn"}}, "bad_start"),
        ({**SIMPLE, "warn": {"on_completion": "end", "delay": 31 * 24 * 3600 * 1000}}, "bad_value"),
        ({**SIMPLE, "warn": {"on_completion": "end", "out_args": ["__gone__"]}}, "undefined_variable"),
        ({**SIMPLE, "warn": question(agent="individual--" + step("x")[8:], on_completion="end")}, "unknown_agent"),
        (
            {
                **line("start", "if-a", "end"),
                "if-a": {"condition": "a = ", "on_true": "warn", "on_completion": "end"},
                "warn": {"on_completion": "end-a"},
                "end-a": {},
            },
            "condition_error",
        ),
    ],
)
def test_a_flow_that_nobody_could_walk_rejects_the_playbook(steps: Any, kind: str):
    examination = checked(steps)
    assert examination.outcome is Outcome.REJECT
    assert kind in kinds(examination)


def test_a_branch_that_rejoins_its_surroundings_is_rejected():
    steps = {
        **line("start", "if-a", "end"),
        "if-a": {"condition": "1 = 1", "on_true": "warn", "on_completion": "end"},
        "warn": {"on_completion": "end"},
    }
    examination = checked(steps)
    assert kinds(examination) == {"rejoining_branch"}


def test_two_ways_within_one_branch_may_share_their_tail():
    steps = {
        **line("start", "warn", "note", "end"),
        "warn": {"on_success": "note", "on_failure": "phone"},
        "phone": {"on_completion": "note"},
    }
    assert checked(steps, workflow_exception=step("phone")).outcome is Outcome.OK


def test_a_long_row_of_ladders_is_checked_in_linear_time():
    steps: dict[str, Any] = {"start": {"on_completion": "a0"}, "a600": {"on_completion": "end"}, "end": {}}
    for n in range(600):
        steps[f"a{n}"] = {"on_success": f"b{n}", "on_failure": f"c{n}"}
        steps[f"b{n}"] = steps[f"c{n}"] = {"on_completion": f"a{n + 1}"}
    assert checked(steps).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("command", "agent", "kind"),
    [
        ({"type": "bash", "command": "ls"}, {"type": "http-api", "name": "citysec"}, "unsupported_command"),
        ({"type": "subroutine"}, {"type": "http-api", "name": "citysec"}, "unsupported_command"),
        ({"type": "http-api", "command": "GET / HTTP/1.1"}, {"type": "http-api", "name": "firewall"}, "unserved_agent"),
        (
            {"type": "http-api", "command": "GET / HTTP1.1"},
            {"type": "http-api", "name": "citysec"},
            "unserved_request",
        ),
        ({"type": "manual", "command": "go"}, {"type": "soarca", "name": "soarca-manual"}, "unserved_agent"),
    ],
)
def test_what_we_do_not_serve_refuses_to_start(command: dict[str, Any], agent: dict[str, Any], kind: str):
    key = f"{agent['type']}--7b0e98db-fa93-42aa-8511-e871c65131b1"
    address = {"address": {"dname": ["api.example"]}} if agent["type"] == "http-api" else {}
    steps = {**SIMPLE, "warn": {"commands": [command], "agent": key, "on_completion": "end"}}
    examination = checked(steps, agent_definitions={key: agent | address})
    assert examination.outcome is Outcome.REFUSE_TO_START
    assert kind in kinds(examination)


def test_only_what_the_service_does_for_playbooks_may_be_asked_of_it():
    for command in (note("x") | {"command": "DELETE /api/v1/incidents/x HTTP/1.1"}, note("x") | {"content": "{}"}):
        steps = {**SIMPLE, "warn": {"commands": [command], "agent": SELF, "on_completion": "end"}}
        assert (checked(steps).outcome, kinds(checked(steps))) == (Outcome.REFUSE_TO_START, {"unserved_request"})


def test_calling_another_playbook_is_checked_but_not_run():
    call = {"playbook_id": document(SIMPLE)["id"], "on_completion": "end"}
    examination = checked({**line("start", "call", "end"), "call": call})
    assert (examination.outcome, kinds(examination)) == (Outcome.REFUSE_TO_START, {"unsupported_step"})


def test_a_step_of_a_kind_that_nobody_knows_refuses_to_start():
    made = document(SIMPLE)
    made["workflow"]["loop--0b1b8a4a-7a4e-4c26-9a67-3a9e6e3f1d11"] = {"type": "loop"}
    examination = examine(json.dumps(made).encode())
    assert (examination.outcome, kinds(examination)) == (Outcome.REFUSE_TO_START, {"unsupported_step"})


def test_a_revoked_playbook_refuses_to_start():
    assert checked(revoked=True).outcome is Outcome.REFUSE_TO_START


def test_a_problem_names_the_step_it_lies_in():
    steps = {**SIMPLE, "warn": {"on_completion": "end", "timeout": "soon"}}
    (problem,) = checked(steps).problems
    assert (problem.step, problem.message) == (step("warn"), "timeout: must be a whole number")


def test_a_name_that_nobody_declares_is_only_a_warning():
    said = [{"type": "manual", "command": "tell __whom__:value"}]
    steps = {**SIMPLE, "warn": question(commands=said, on_completion="end")}
    assert (checked(steps).outcome, kinds(checked(steps))) == (Outcome.OK, {"undefined_variable"})
    assert checked(steps, playbook_variables=variables(whom=None)).problems == ()


def test_public_playbooks_have_the_outcome_they_deserve(shared_data: Path):
    folder = shared_data / "cacao"
    index = json.loads((folder / "index.json").read_text())["playbooks"]
    for entry in (e for e in index if "semantic_problems" in e):
        outcome = examine((folder / entry["file"]).read_bytes()).outcome
        expected = Outcome.REJECT if entry["semantic_problems"] else Outcome.REFUSE_TO_START
        assert outcome is expected, entry["file"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(document(SIMPLE))), json_values)
def test_no_value_of_a_property_is_too_strange_for_an_answer(name: str, value: Any):
    made = document(SIMPLE) | {name: value}
    assert examine(json.dumps(made).encode()).outcome in Outcome


@given(
    st.sampled_from(["on_completion", "commands", "agent", "targets", "step_variables", "timeout", "type"]), json_values
)
def test_no_value_in_a_step_is_too_strange_for_an_answer(name: str, value: Any):
    made = document(SIMPLE)
    made["workflow"][step("warn")][name] = value
    assert examine(json.dumps(made).encode()).outcome in Outcome
