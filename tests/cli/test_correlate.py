"""`citysec correlate` against the ground truth of generated cities, and what it does with bad input."""

from __future__ import annotations

import csv
import json
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from citysec.errors import InvalidInput
from tests.cli.line import app

NOW = "2026-06-01T00:00:00Z"
REGISTER = "asset_id,organisation,kind,value,scope\nA1,Camden,domain,camden.gov.uk,tree\n"
Pairs = set[tuple[str, str]]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["correlate", *map(str, arguments)])


def pairs(lines: list[str]) -> Pairs:
    return {(row["indicator_id"], row["asset_id"]) for row in csv.DictReader(lines)}


def read(path: Path) -> Pairs:
    return pairs(path.read_text().splitlines())


SIZES = {"small": (200, 30), "middling": (3000, 600), "large": (8000, 3000)}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("seed", "form"), [("7", "bundle"), ("london", "ndjson"), (None, "bundle")])
def test_a_generated_city_is_correlated_exactly(
    shared_data: Path, tmp_path: Path, seed: str | None, form: str, size: str
):
    seed = seed or secrets.token_hex(4)
    objects, assets = map(str, SIZES[size])
    about = ("--objects", objects, "--assets", assets, "--match", "0.08", "--decoy", "0.08", "--grey", "0.02")
    generator = (sys.executable, shared_data / "generate.py", *about, "--seed", seed, "--format", form)
    subprocess.run((*generator, "--now", NOW, "--out", tmp_path), check=True, capture_output=True)
    (feed,) = tmp_path.glob("feed.*")
    result = run("--register", tmp_path / "assets.csv", "--feed", feed, "--now", NOW)
    reported, truth = pairs(result.stdout.splitlines()), read(tmp_path / "truth.csv")
    assert truth - reported == set(), f"seed {seed}"
    assert reported - truth - read(tmp_path / "grey.csv") == set(), f"seed {seed}"
    assert not reported & read(tmp_path / "decoys.csv"), f"seed {seed}"


@pytest.fixture
def city(tmp_path: Path) -> Path:
    indicator = {
        "type": "indicator",
        "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "created": "2024-01-01T00:00:00.000Z",
        "modified": "2024-01-01T00:00:00.000Z",
        "pattern": "[url:value = 'http://www.camden.gov.uk/login']",
        "pattern_type": "stix",
        "valid_from": "2024-01-01T00:00:00Z",
        "valid_until": "2025-01-01T00:00:00Z",
    }
    (tmp_path / "feed.json").write_text(json.dumps([indicator, indicator | {"id": "indicator--1"}]))
    (tmp_path / "revocation.json").write_text(json.dumps(indicator | {"modified": NOW, "revoked": True}))
    (tmp_path / "register.csv").write_text(REGISTER)
    return tmp_path


def test_the_pairs_are_csv_on_stdout_and_what_was_skipped_is_on_stderr(city: Path):
    result = run("--register", city / "register.csv", "--feed", city / "feed.json", "--now", "2024-06-01T00:00:00Z")
    assert result.stdout.splitlines() == [
        "indicator_id,asset_id,relation,indicator_value,asset_value",
        "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f,A1,host,http://www.camden.gov.uk/login,camden.gov.uk",
    ]
    assert result.stderr.startswith("skipped 1: id:")


def test_a_system_is_touched_by_what_a_table_says_that_it_announces(city: Path):
    (city / "table").write_text("198.51.100.0\t24\t64496\n198.51.100.128\t25\t64511\n")
    (city / "register.csv").write_text("asset_id,organisation,kind,value,scope\nA1,Camden,asn,AS64496,exact\n")
    said = json.loads((city / "feed.json").read_text())[0]
    ids = {"198.51.100.7": said["id"], "198.51.100.200": said["id"].replace("8e2e", "8e2f")}
    both = [said | {"id": stix_id, "pattern": f"[ipv4-addr:value = '{value}']"} for value, stix_id in ids.items()]
    (city / "feed.json").write_text(json.dumps(both))
    fixed = ("--register", city / "register.csv", "--feed", city / "feed.json", "--now", "2024-06-01T00:00:00Z")
    assert pairs(run(*fixed).stdout.splitlines()) == set()
    assert pairs(run(*fixed, "--prefixes", city / "table").stdout.splitlines()) == {(said["id"], "A1")}


@pytest.mark.parametrize("instant", ["2023-12-31T23:59:59Z", "2025-01-01T00:00:00Z"])
def test_an_indicator_counts_only_while_it_is_valid(city: Path, instant: str):
    result = run("--register", city / "register.csv", "--feed", city / "feed.json", "--now", instant)
    assert len(result.stdout.splitlines()) == 1


def test_a_revocation_in_another_file_counts_in_either_order(city: Path):
    files = (city / "revocation.json", city / "feed.json")
    for first, second in (files, files[::-1]):
        out = city / "pairs.csv"
        result = run("--register", city / "register.csv", "--feed", first, second, "--now", NOW, "--out", out)
        assert (result.stdout, read(out)) == ("", set())


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ("kind,value\n", "line 1: no column asset_id"),
        (REGISTER + "A1,x,domain,a.test,exact\n", "line 3: asset_id"),
        (REGISTER + "A2,x,planet,a.test,exact\nA3,x,ipv4,a.test,\n", "line 3: kind"),
        (REGISTER + "A2,x,domain,a.test,forest\n", "line 3: scope"),
    ],
)
def test_a_bad_register_is_refused_by_line(city: Path, rows: str, complaint: str):
    (city / "register.csv").write_text(rows)
    result = run("--register", city / "register.csv", "--feed", city / "feed.json")
    assert isinstance(result.exception, InvalidInput)
    assert complaint in str(result.exception)


def test_a_register_may_begin_with_a_mark_of_its_encoding_and_break_lines_inside_quotes(city: Path):
    rows = 'asset_id,organisation,kind,value,scope\r\nA1,"City\r\nHall",domain,camden.gov.uk,tree\r\n'
    (city / "register.csv").write_bytes(rows.encode("utf-8-sig"))
    result = run("--register", city / "register.csv", "--feed", city / "feed.json", "--now", "2024-06-01T00:00:00Z")
    assert len(result.stdout.splitlines()) == 2


def test_wrong_use_is_refused(city: Path):
    (city / "latin.csv").write_bytes(REGISTER.encode() + b"A2,\xe9,domain,a.test,exact\n")
    assert isinstance(run("--register", city / "latin.csv", "--feed", city / "feed.json").exception, InvalidInput)
    register = ("--register", city / "register.csv")
    for bad in (("--feed", city / "none.json"), ("--feed", city / "feed.json", "--now", "2024-01-01T00:00:00")):
        assert isinstance(run(*register, *bad).exception, InvalidInput)


def test_every_fault_is_named_with_its_file(city: Path):
    (city / "register.csv").write_text(REGISTER + "A2,x,planet,a.test,exact\nA3,x,domain,a.test,forest\n")
    with pytest.raises(InvalidInput) as caught:
        app(["correlate", "--register", str(city / "register.csv"), "--feed", "x"], standalone_mode=False)
    places = [str(problem).partition(" line ")[0] for problem in caught.value.problems]
    assert places == [f"{city / 'register.csv'}:"] * 2


def test_a_file_that_cannot_be_written_is_named(city: Path):
    fixed = ("--register", city / "register.csv", "--feed", city / "feed.json")
    result = run(*fixed, "--out", city / "none" / "pairs.csv")
    assert isinstance(result.exception, InvalidInput)
    assert f"{city / 'none' / 'pairs.csv'}: No such file" in str(result.exception)
