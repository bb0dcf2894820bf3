"""`citysec feeds submit`."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.cli.line import app

TEXT = "A kit is at hxxps://evil[.]example/kit; see https://vendor.org/report."


@pytest.fixture
def data(tmp_path: Path, sqlite_url: str) -> Path:
    """A data directory with an empty database."""
    return tmp_path


def _run(data: Path, *arguments: str, typed: str) -> Result:
    return CliRunner().invoke(app, ["feeds", "submit", *arguments, "--data", str(data)], input=typed)


def test_what_is_in_a_file_is_shown_and_stored_after_a_yes(data: Path):
    (data / "x.txt").write_text(TEXT)
    result = _run(data, str(data / "x.txt"), typed="y\n")
    assert result.exit_code == 0, result.output
    for said in ("hxxps://evil[.]example/kit", "hxxps://vendor[.]org/report", "Store 1 under TLP:AMBER?", "1 stored"):
        assert said in result.output
    assert "by-hand" in _run(data, str(data / "x.txt"), typed="n\n").output


def test_a_no_stores_nothing(data: Path):
    (data / "x.txt").write_text(TEXT)
    assert _run(data, str(data / "x.txt"), typed="n\n").exit_code == 1
    assert "by-hand" not in _run(data, str(data / "x.txt"), typed="n\n").output


def test_standard_input_is_read_and_all_taken_without_asking(data: Path):
    result = _run(data, "-", "--yes", "--all", "--tlp", "green", "--kind", "phishing", typed=TEXT)
    assert (result.exit_code, "2 stored" in result.output) == (0, True)


@pytest.mark.parametrize("typed", ["All is well.", ""])
def test_without_indicators_the_answer_is_1(data: Path, typed: str):
    result = _run(data, "-", "--yes", typed=typed)
    assert (result.exit_code, "No indicator was found" in result.output) == (1, True)


@pytest.mark.parametrize("wrong", [("--tlp", "purple"), ("--kind", "x"), ("--confidence", "101"), ("--days", "0")])
def test_a_wrong_option_is_named(data: Path, wrong: tuple[str, str]):
    result = _run(data, "-", *wrong, typed=TEXT)
    assert (result.exit_code, wrong[0] in result.output) == (2, True)
