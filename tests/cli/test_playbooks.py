"""`citysec playbooks`: JSON on stdout and nothing else, answers in exit codes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from citysec.settings import shipped
from tests.cli.line import app
from tests.playbooks.score import document, line, question, step, variables

BOOK = shipped("playbooks") / "command-and-control.json"


def run(*arguments: str) -> tuple[int, list[Any]]:
    result = CliRunner().invoke(app, ["playbooks", *arguments])
    return result.exit_code, [json.loads(text) for text in result.stdout.splitlines()]


@pytest.fixture
def file_of(tmp_path: Path):
    def write(name: str, content: Any) -> str:
        file = tmp_path / name
        file.write_text(json.dumps(content))
        return str(file)

    return write


def test_each_file_has_a_line_and_one_bad_file_makes_the_answer_no(file_of: Any):
    bad = file_of("bad.json", {"type": "playbook"})
    code, lines = run("check", str(BOOK), bad)
    assert code == 1
    assert lines[0] == {"file": str(BOOK), "outcome": "ok", "problems": []}
    assert lines[1]["problems"] == [
        {
            "kind": "unsupported_version",
            "step": None,
            "message": "spec_version is 'None', not 'cacao-2.0'",
            "severity": "error",
        }
    ]


def test_good_files_are_exit_0_and_missing_ones_exit_2():
    assert run("check", str(BOOK))[0] == 0
    assert run("check", "gone.json") == (2, [])


def test_the_shipped_playbook_advises_before_it_asks(file_of: Any):
    inputs = {
        "__incident_id__": "1",
        "__severity__": "high",
        "__confidence__": "90",
        "__constituent__": "X",
        "__kind__": "c2",
    }
    code, (told,) = run("rehearse", str(BOOK), "--script", file_of("s.json", {"inputs": inputs}))
    assert (code, told["status"], told["exception_handler_ran"]) == (0, "completed", False)
    first = json.loads(BOOK.read_text())["workflow"][told["trace"][1]]
    assert first["commands"][0]["command"].endswith("/advisories HTTP/1.1")


def test_a_rehearsal_answers_as_the_script_says(file_of: Any):
    steps = {
        **line("start", "ask", "end"),
        "ask": question(out_args=["__yes__"], on_success="if-yes", on_failure="end"),
        "if-yes": {"condition": "__yes__:value = 'y'", "on_true": "do", "on_completion": "end"},
        **line("do", "end-do"),
    }
    book = file_of("b.json", document(steps, playbook_variables=variables(yes=None)))
    script = {"stub": {step("ask"): [{"out": {"__yes__": "y"}}], step("do"): {"fail": True, "kind": "boom"}}}
    _, (told,) = run("rehearse", book, "--script", file_of("s.json", script))
    assert told == {
        "status": "failed",
        "error": "boom",
        "exception_handler_ran": False,
        "trace": [step("start"), step("ask"), step("if-yes"), {"decision": step("if-yes"), "value": True}, step("do")],
        "variables": {"__yes__": "y"},
    }


def test_branches_of_a_parallel_step_are_told_apart(file_of: Any):
    steps = {
        **line("start", "parallel", "end"),
        "parallel": {"next_steps": ["left", "right"], "on_completion": "end"},
        **line("left", "end-left"),
        **line("right", "end-right"),
    }
    _, (told,) = run("rehearse", file_of("b.json", document(steps)))
    branches = [[step("left"), step("end-left")], [step("right"), step("end-right")]]
    parallel = {"parallel": step("parallel"), "branches": branches}
    assert told["trace"] == [step("start"), step("parallel"), parallel, step("end")]


def test_a_called_playbook_gets_and_gives_back_variables(file_of: Any):
    other = "playbook--11111111-1111-4111-8111-111111111111"
    call = {"playbook_id": other, "in_args": ["__x__"], "out_args": ["__x__"], "on_completion": "end"}
    outer = document({**line("start", "call", "end"), "call": call}, playbook_variables=variables(x="1"))
    steps = {**line("start", "warn", "end"), "warn": {"out_args": ["__x__"], "on_completion": "end"}}
    inner = document(steps, playbook_variables=variables(x=None), id=other)
    script = file_of("s.json", {"stub": {step("warn"): {"out": {"__x__": "2"}}}})
    _, (told,) = run("rehearse", file_of("o.json", outer), "--with", file_of("i.json", inner), "--script", script)
    called = {"playbook": other, "trace": [step("start"), step("warn"), step("end")]}
    assert (told["trace"], told["variables"]) == ([step("start"), step("call"), called, step("end")], {"__x__": "2"})


def test_a_playbook_that_calls_itself_is_stopped(file_of: Any):
    call = {"playbook_id": document({})["id"], "on_completion": "end"}
    _, (told,) = run("rehearse", file_of("b.json", document({**line("start", "call", "end"), "call": call})))
    assert (told["status"], told["error"]) == ("failed", "recursion_limit")


def test_a_rejected_playbook_is_not_rehearsed(file_of: Any):
    code, (told,) = run("rehearse", file_of("b.json", document(line("start", "end"))))
    assert (code, told["status"], told["error"]) == (1, "rejected", "incomplete_workflow")


def test_public_playbooks_take_the_way_that_is_known(shared_data: Path):
    folder = shared_data / "cacao"
    for entry in json.loads((folder / "index.json").read_text())["playbooks"]:
        if entry.get("semantic_problems") == []:
            _, (told,) = run("rehearse", str(folder / entry["file"]))
            expected = entry["expected_run_all_commands_succeed_no_output"]
            assert {name: told[name] for name in expected} == expected, entry["file"]


def test_the_strategy_is_checked_too(tmp_path: Path):
    strategy = shipped("playbooks") / "strategy.toml"
    assert run("strategy", str(strategy)) == (0, [{"file": str(strategy), "outcome": "ok", "problems": []}])
    broken = tmp_path / "s.toml"
    broken.write_text("name = 1")
    code, (told,) = run("strategy", str(broken))
    assert (code, told["outcome"], told["problems"][0]["at"]) == (1, "reject", "name")


async def test_an_operator_approves_versions_by_file(tmp_path: Path, sqlite_url: str):
    code, (told,) = await asyncio.to_thread(run, "approve", str(BOOK), "--data", str(tmp_path))
    assert (code, told["version"]) == (0, json.loads(BOOK.read_text())["modified"])
