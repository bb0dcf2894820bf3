"""The file that says what constituents are told to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from citysec.advisories import advice
from citysec.advisories.words import defanged, listed, probability
from citysec.errors import InvalidInput
from citysec.settings import shipped

OTHER = '[kinds.other]\ntitle = "t"\nwhat = "w"\ntodo = ["a"]\n'


def test_the_shipped_file_has_words_for_each_kind_that_opens_incidents():
    known = advice.load(shipped("playbooks") / "advice.toml")
    assert {"command-and-control", "phishing", "ransomware", "other"} <= set(known.kinds)
    assert all(kind.title and kind.what.endswith(".") and kind.todo for kind in known.kinds.values())
    assert all(duty.hours > 0 and duty.basis for duty in known.duties)


def test_a_kind_without_words_of_its_own_gets_those_for_any_other():
    known = advice.load(shipped("playbooks") / "advice.toml")
    assert known.on("unheard-of") is known.on("") is known.on("other")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "kinds"),
        ("x =", "advice.toml"),
        (OTHER.replace("other", "phishing"), "kinds.other"),
        (OTHER + "urgent = true\n", "urgent"),
        (OTHER + '[[duties]]\nwhat = "w"\nto = "t"\nhours = "3"\nbasis = "b"\n', "hours"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, text: str, said: str):
    file = tmp_path / "advice.toml"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=said):
        advice.load(file)


def test_a_missing_file_and_one_that_is_no_text_are_refused(tmp_path: Path):
    file = tmp_path / "advice.toml"
    with pytest.raises(InvalidInput):
        advice.load(file)
    file.write_bytes(b"\xff")
    with pytest.raises(InvalidInput):
        advice.load(file)


@pytest.mark.parametrize(
    ("confidence", "words"),
    [(0, "a remote chance"), (15, "highly unlikely"), (30, "unlikely"), (45, "a realistic possibility"),
     (60, "likely"), (85, "highly likely"), (100, "almost certain")],
)  # fmt: skip
def test_confidence_has_the_yardsticks_words(confidence: int, words: str):
    assert probability(confidence) == words


def test_lists_and_hostile_values_read_well():
    assert [listed(p) for p in ((), ("a",), ("a", "b"), ("a", "b", "c"))] == ["", "a", "a and b", "a, b and c"]
    assert defanged("http://u@evil.example:80/x") == "hxxp://u[@]evil[.]example:80/x"
