"""The way a run takes: a script of events in, commands out."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from citysec.playbooks.signals import (
    Abandon,
    Ask,
    Cancelled,
    DeadlinePassed,
    Delay,
    DelayOver,
    Event,
    Finish,
    Perform,
    Signal,
    Started,
    Status,
    StepEnded,
    Watch,
)
from tests.playbooks.score import SELF, line, note, play, playbook, question, step, variables

SURE = {"condition": "__sure__:value = 'yes'", "on_completion": "end"}


def ended(word: str, occurrence: int = 1, **facts: Any) -> StepEnded:
    return StepEnded(step(word), occurrence, **facts)


def performed(signals: list[Signal]) -> list[str]:
    """What the service was asked to note."""
    return [json.loads(s.commands[0].content or "")["text"] for s in signals if isinstance(s, Perform)]


def finish(signals: list[Signal]) -> Finish:
    (found,) = [s for s in signals if isinstance(s, Finish)]
    return found


def test_steps_follow_each_other_to_the_end():
    run, signals = play(playbook(line("start", "warn", "note", "end")), Started(), ended("warn"), ended("note"))
    assert performed(signals) == ["warn", "note"]
    assert (run.status, finish(signals)) == (Status.COMPLETED, Finish(Status.COMPLETED, None))


def test_a_failed_step_takes_the_failure_branch():
    steps = {**line("start", "warn", "end"), "warn": {"on_success": "end", "on_failure": "phone"}}
    book = playbook({**steps, "phone": {"on_completion": "end"}})
    run, signals = play(book, Started(), ended("warn", error="http_error"), ended("phone"))
    assert performed(signals) == ["warn", "phone"]
    assert run.status is Status.COMPLETED


def test_a_failure_that_nobody_takes_runs_the_handler_once_and_fails_the_run():
    steps = {**line("start", "warn", "end"), **line("cry", "end-cry")}
    book = playbook(steps, workflow_exception=step("cry"))
    run, signals = play(book, Started(), ended("warn", error="boom"), ended("cry", error="worse"))
    assert performed(signals) == ["warn", "cry"]
    assert run.failure is not None
    assert (run.status, run.failure.kind) == (Status.FAILED, "boom")


def test_a_condition_chooses_the_branch_and_leads_back():
    steps = {
        **line("start", "if-sure", "note", "end"),
        "if-sure": {**SURE, "on_true": "yes", "on_false": "no", "on_completion": "note"},
        **line("yes", "end-yes"),
        **line("no", "end-no"),
    }
    book = playbook(steps, playbook_variables=variables(sure="no"))
    assert performed(play(book, Started(), ended("no"))[1]) == ["no", "note"]
    assert performed(play(book, Started({"__sure__": "yes"}), ended("yes"))[1]) == ["yes", "note"]


def test_an_if_without_a_branch_for_its_value_has_succeeded():
    steps = {**line("start", "if-sure", "end"), "if-sure": {**SURE, "on_true": "yes"}, **line("yes", "end-yes")}
    run, _ = play(playbook(steps, playbook_variables=variables(sure="no")), Started())
    assert run.status is Status.COMPLETED


def test_parallel_branches_all_end_even_when_one_has_failed():
    steps = {
        **line("start", "parallel", "end"),
        "parallel": {"next_steps": ["left", "right"], "on_success": "end", "on_failure": "mend"},
        **line("left", "end-left"),
        **line("right", "more", "end-right"),
        "mend": {"on_completion": "end"},
    }
    book = playbook(steps)
    _, signals = play(book, Started(), ended("left", error="boom"), ended("right"), ended("more"), ended("mend"))
    assert performed(signals) == ["left", "right", "more", "mend"]
    assert finish(signals).status is Status.COMPLETED


def test_a_failure_goes_outwards_until_somebody_takes_it():
    steps = {
        **line("start", "if-sure", "end"),
        "if-sure": {"condition": "1 = 1", "on_true": "parallel", "on_success": "end", "on_failure": "mend"},
        "parallel": {"next_steps": ["left", "right"], "on_completion": "end-if"},
        "end-if": {},
        **line("left", "end-left"),
        **line("right", "end-right"),
        "mend": {"on_completion": "end"},
    }
    _, signals = play(playbook(steps), Started(), ended("right", error="boom"), ended("left"))
    assert performed(signals) == ["left", "right", "mend"]


def test_a_while_repeats_its_body_and_keeps_its_own_variables():
    steps = {
        **line("start", "while", "end"),
        "while": {
            "condition": "__n__:value < 3",
            "on_true": "count",
            "on_completion": "end",
            "step_variables": {"__n__": {"type": "integer", "value": "0"}},
        },
        "count": {"on_completion": "end-count", "out_args": ["__n__"]},
        "end-count": {},
    }
    counts = [ended("count", n, variables={"__n__": str(n)}) for n in (1, 2, 3)]
    run, signals = play(playbook(steps), Started(), *counts)
    assert performed(signals) == ["count"] * 3
    assert run.status is Status.COMPLETED


def test_a_loop_without_end_is_stopped_without_the_handler():
    steps = {
        **line("start", "while", "end"),
        "while": {"condition": "1 = 1", "on_true": "if-no", "on_completion": "end"},
        "if-no": {"condition": "1 = 2", "on_true": "warn", "on_completion": "end-body"},
        "end-body": {},
        **line("warn", "end-warn"),
        **line("cry", "end-cry"),
    }
    run, signals = play(playbook(steps, workflow_exception=step("cry")), Started())
    assert (run.status, performed(signals)) == (Status.FAILED, [])
    assert run.failure is not None
    assert run.failure.kind == "iteration_limit"


def test_a_switch_takes_the_exact_case_or_the_default():
    steps = {
        **line("start", "switch", "end"),
        "switch": {"switch": "__what__:value", "cases": {"fire": "out", "default": "look"}, "on_completion": "end"},
        **line("out", "end-out"),
        **line("look", "end-look"),
    }
    book = playbook(steps, playbook_variables=variables(what="fire"))
    assert performed(play(book, Started())[1]) == ["out"]
    assert performed(play(book, Started({"__what__": "Fire"}))[1]) == ["look"]


def test_values_go_into_commands_at_the_last_moment():
    warn = {"commands": [note("__what__:value")], "agent": SELF, "on_completion": "end"}
    steps = {**line("start", "warn", "end"), "warn": warn}
    book = playbook(steps, playbook_variables=variables(what=None))
    _, signals = play(book, Started({"__what__": '"},"x":"__what__:value'}))
    (perform,) = [s for s in signals if isinstance(s, Perform)]
    assert perform.commands[0].content == '{"text": "\\"},\\"x\\":\\"__what__:value"}'


def test_a_value_that_would_break_the_request_fails_the_step():
    warn = {"commands": [note("hello", "__what__:value")], "agent": SELF, "on_completion": "end"}
    steps = {**line("start", "warn", "end"), "warn": warn}
    book = playbook(steps, playbook_variables=variables(what=None))
    for value, kind in (("x HTTP/1.1\r\nHost: y", "unsafe_value"), (None, "undefined_variable")):
        run, _ = play(book, Started({"__what__": value}))
        assert run.failure is not None
        assert run.failure.kind == kind


def test_a_result_of_the_wrong_type_fails_the_step():
    steps = {**line("start", "warn", "end"), "warn": {"on_completion": "end", "out_args": ["__n__"]}}
    book = playbook(steps, playbook_variables={"__n__": {"type": "integer", "value": "1"}})
    run, _ = play(book, Started(), ended("warn", variables={"__n__": "many"}))
    assert run.failure is not None
    assert run.failure.kind == "variable_type_mismatch"


def test_only_external_variables_take_values_from_outside():
    book = playbook(line("start", "warn", "end"), playbook_variables={"__n__": {"type": "integer", "value": "1"}})
    run, _ = play(book, Started({"__n__": "2"}))
    assert run.failure is not None
    assert (run.status, run.failure.kind) == (Status.FAILED, "not_external")


def test_a_question_expires_into_its_failure_branch_and_a_late_answer_changes_nothing():
    steps = {
        **line("start", "ask", "end"),
        "ask": question(timeout=60_000, on_success="end", on_failure="escalate"),
        "escalate": {"on_completion": "end"},
    }
    late = DeadlinePassed(step("ask"), 1)
    _, signals = play(playbook(steps), Started(), late, ended("ask"), late)
    (ask,) = [s for s in signals if isinstance(s, Ask)]
    assert (ask.timeout_ms, ask.agent.name, ask.text) == (60_000, "Duty coordinator", "Isolate?")
    assert performed(signals) == ["escalate"]


def test_a_step_waits_for_its_delay():
    steps = {**line("start", "warn", "end"), "warn": {"on_completion": "end", "delay": 500}}
    run, signals = play(playbook(steps), Started(), ended("warn"))
    assert Delay(step("warn"), 1, 500) in signals
    assert performed(signals) == []
    _, signals = play(playbook(steps), Started(), DelayOver(step("warn"), 1), ended("warn"))
    assert finish(signals).status is Status.COMPLETED
    assert run.status is Status.RUNNING


def test_the_time_of_a_parallel_step_covers_its_branches():
    steps = {
        **line("start", "parallel", "end"),
        "parallel": {"next_steps": ["left", "ask"], "timeout": 1000, "on_success": "end", "on_failure": "mend"},
        **line("left", "end-left"),
        "ask": question(on_completion="end-ask"),
        "end-ask": {},
        "mend": {"on_completion": "end"},
    }
    events = (Started(), ended("left"), DeadlinePassed(step("parallel"), 1), ended("ask"), ended("mend"))
    _, signals = play(playbook(steps), *events)
    assert Watch(step("parallel"), 1, 1000) in signals
    assert Abandon(step("ask"), 1) in signals
    assert performed(signals) == ["left", "mend"]


def test_events_that_come_twice_change_nothing():
    book = playbook(line("start", "warn", "note", "end"))
    once, _ = play(book, Started(), ended("warn"))
    twice, _ = play(book, Started(), Started(), ended("warn"), ended("warn"), ended("gone"))
    assert once == twice


def test_a_cancelled_run_abandons_what_is_under_way():
    steps = {**line("start", "ask", "end"), "ask": question(on_completion="end"), **line("cry", "end-cry")}
    run, signals = play(playbook(steps, workflow_exception=step("cry")), Started(), Cancelled(), ended("ask"))
    assert signals[-2:] == [Abandon(step("ask"), 1), Finish(Status.CANCELLED, None)]
    assert (run.status, run.branches) == (Status.CANCELLED, ())


TANGLE: dict[str, dict[str, Any]] = {
    **line("start", "parallel", "note", "end"),
    "parallel": {"next_steps": ["while", "ask"], "timeout": 9, "on_success": "note", "on_failure": "mend"},
    "while": {"condition": "__sure__:value != 'yes'", "on_true": "look", "on_completion": "end-while"},
    "look": {"delay": 5, "out_args": ["__sure__"], "on_success": "end-look", "on_failure": "cry"},
    "cry": {"on_completion": "end-look"},
    "ask": question(on_completion="end-ask"),
    "mend": {"on_completion": "note"},
    **{word: {} for word in ("end-while", "end-look", "end-ask")},
}
steps_of_tangle = st.sampled_from(sorted(TANGLE)).map(step)
occurrences = st.integers(1, 2)
outcomes = st.fixed_dictionaries({}, optional={"__sure__": st.sampled_from(["yes", "no", None])})
events = st.one_of(
    st.builds(StepEnded, steps_of_tangle, occurrences, outcomes, st.sampled_from([None, "boom", "step_limit"])),
    st.builds(DelayOver, steps_of_tangle, occurrences),
    st.builds(DeadlinePassed, steps_of_tangle, occurrences),
    st.just(Started()),
)


@given(st.lists(events, max_size=25))
def test_whatever_happens_a_run_ends_at_most_once_and_then_rests(happened: list[Event]):
    book = playbook(TANGLE, playbook_variables=variables(sure="no"), workflow_exception=step("mend"))
    run, signals = play(book, Started(), *happened)
    finishes = [signal for signal in signals if isinstance(signal, Finish)]
    assert len(finishes) == (run.status is not Status.RUNNING)
    assert bool(run.branches) == (run.status is Status.RUNNING)
    assert not finishes or signals[-1] == finishes[0]
