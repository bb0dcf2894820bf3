"""`citysec constituency`: whom we serve, whom to tell there, and services."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.cli.line import app
from tests.conftest import ROOT

FILES = {
    "constituents": "slug,name,kind,sector\nbath,Bath Council,unitary,local-government\n",
    "contacts": "constituent,name,channel,address\nbath,Desk,email,ops@bath.example\n",
    "services": "slug,name,accountable\npay,Payments,bath\n",
}


def _run(data: Path, *arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(app, ["constituency", *arguments, "--data", str(data)], input=stdin)


def _import(data: Path, text: str, *options: str) -> Result:
    file = data / "file.csv"
    file.write_text(text, encoding="utf-8")
    return _run(data, "import", str(file), *options)


@pytest.fixture
def bath(data: Path) -> Path:
    """An installation with one constituent, one contact and one service."""
    for text in FILES.values():
        assert _import(data, text, "--apply").exit_code == 0
    return data


def test_the_examples_of_the_documentation_are_imported_in_their_order(data: Path):
    examples = re.findall(r"```csv\n(.*?)```", (ROOT / "docs" / "operating.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 4
    for text in examples:
        assert "Applied." in _import(data, text, "--apply").stdout


def test_a_file_of_constituents_is_shown_and_not_applied(data: Path):
    shown = _import(data, FILES["constituents"])
    assert "Bath Council" in shown.stdout
    assert "1 added, 0 changed, 0 removed, 0 as before." in shown.stdout
    assert "run again with --apply" in shown.stdout
    assert _run(data, "export", "constituents").stdout.count("\n") == 1


@pytest.mark.parametrize("part", FILES)
def test_what_is_exported_is_imported_unchanged(bath: Path, part: str):
    exported = _run(bath, "export", part).stdout
    assert exported.count("\n") == 2
    assert "0 added, 0 changed, 0 removed, 1 as before." in _import(bath, exported, "--apply").stdout


def test_a_change_is_shown_with_what_was_there_before(bath: Path):
    shown = _import(bath, FILES["constituents"].replace("Bath C", "Bath City C"))
    assert "Bath Council → Bath City Council" in shown.stdout


def test_one_bad_line_and_nothing_of_the_file_is_applied(bath: Path):
    refused = _import(bath, FILES["contacts"] + "bath,Two,email,two@bath.example\nbaht,X,email,x\n", "--apply")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "line 4, address: 'x' is not a mail address" in refused.stderr
    assert _run(bath, "export", "contacts").stdout.count("\n") == 2


def test_a_header_that_nobody_knows_is_refused_with_those_there_are(data: Path):
    refused = _import(data, "who,where\n")
    assert refused.exit_code == 1
    assert "constituents: `slug,name,kind,sector`" in refused.stderr


def test_a_file_of_people_replaces_nobody(bath: Path):
    refused = _import(bath, FILES["contacts"], "--apply", "--replace")
    assert refused.exit_code == 2
    assert "citysec constituency remove" in refused.stderr


def test_a_webhook_s_secret_is_printed_once(bath: Path):
    text = "constituent,name,channel,address\nbath,Hook,webhook,https://hooks.bath.example/\n"
    assert "whsec_" not in _import(bath, text).stdout
    assert "signing secret whsec_" in _import(bath, text, "--apply").stdout
    assert "whsec_" not in _import(bath, text, "--apply").stdout


def test_nothing_is_removed_without_a_yes(bath: Path):
    refused = _run(bath, "remove", "contact", "bath", "ops@bath.example", stdin="n\n")
    assert refused.exit_code == 1
    assert "nobody will be told anything at Bath Council" in refused.stdout
    assert "ops@bath.example" in _run(bath, "export", "contacts").stdout


@pytest.mark.parametrize(
    ("removed", "part"),
    [
        (("constituent", "bath"), "constituents"),
        (("contact", "bath", "ops@bath.example"), "contacts"),
        (("service", "pay"), "services"),
    ],
)
def test_what_is_agreed_to_is_removed(bath: Path, removed: tuple[str, ...], part: str):
    assert _run(bath, "remove", *removed, stdin="y\n").stdout.endswith("Removed.\n")
    assert _run(bath, "export", part).stdout.count("\n") == 1


def test_a_script_agrees_beforehand(bath: Path):
    assert _run(bath, "remove", "service", "pay", "--yes").exit_code == 0
    assert "Bath Council" in _run(bath, "list").stdout
