"""`citysec feeds`."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from citysec.access import audit
from citysec.cli.opening import opened
from citysec.feeds import standing
from citysec.tables import Feed
from tests.cli.line import app
from tests.feeds.stix import bundle, indicator

DEFINITION = """
name = "mine"
title = "Mine"
publisher = "P"
licence = "CC0"
kind = "stix-bundle"
path = "../mine.json"
every_s = 3600
"""


@pytest.fixture
def data(tmp_path: Path, sqlite_url: str) -> Path:
    """A data directory with an empty database and one feed of the operator's own."""
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "mine.toml").write_text(DEFINITION)
    (tmp_path / "mine.json").write_bytes(bundle(indicator(1), indicator(2)))
    return tmp_path


def _run(*arguments: str, data: Path | None = None) -> Result:
    return CliRunner().invoke(app, ["feeds", *arguments, *(["--data", str(data)] if data else [])])


def _row(data: Path, name: str) -> Feed:
    async def read() -> Feed:
        async with opened(data) as db, db.reading() as session:
            return await session.get_one(Feed, name)

    return asyncio.run(read())


def _parsed(file: Path, content: bytes) -> dict[str, Any]:
    file.write_bytes(content)
    result = _run("parse", "--format", "stix", str(file))
    assert result.exit_code == 0
    return json.loads(result.stdout)


def test_parse_counts_objects_indicators_and_observables(tmp_path: Path):
    url = indicator(2, pattern="[url:value = 'http://a.example/x']")
    found = _parsed(tmp_path / "x", bundle(indicator(1), url, indicator(3, pattern_type="yara"), {"type": "bad"}))
    assert {name: found[name] for name in ("format", "objects", "by_type", "indicators")} == {
        "format": "stix", "objects": 3, "by_type": {"indicator": 3}, "indicators": 3,
    }  # fmt: skip
    assert found["observables"] == {"ip": 1, "url": 1}
    assert [skipped["at"] for skipped in found["skipped"]] == ["/objects/3"]


def test_parse_reads_a_file_as_a_feed_is_read(tmp_path: Path):
    (tmp_path / "x.csv").write_text(
        "# abuse.ch\n# Listingdate,SHA1,Listingreason\n2026-01-01 00:00:00," + 40 * "a" + ",C2\n"
    )
    result = _run("parse", "--feed", "abusech-sslbl", str(tmp_path / "x.csv"), data=tmp_path)
    assert json.loads(result.stdout)["observables"] == {"certificate": 1}
    for wrong in ((), ("--feed", "abusech-sslbl", "--format", "csv"), ("--format", "nonsense")):
        assert _run("parse", *wrong, str(tmp_path / "x.csv"), data=tmp_path).exit_code == 2


def test_parse_reads_gzip_too(tmp_path: Path):
    assert _parsed(tmp_path / "x.gz", gzip.compress(bundle(indicator(1))))["objects"] == 1


def test_parse_names_patterns_that_cannot_match_on_stderr(tmp_path: Path):
    file = tmp_path / "x"
    file.write_bytes(bundle(indicator(1, pattern="["), indicator(2, pattern="[ipv4-addr:value = 'nowhere']")))
    result = _run("parse", "--format", "stix", str(file))
    assert json.loads(result.stdout)["indicators"] == 2
    assert len(result.stderr.splitlines()) == 2
    assert "nowhere" not in result.stderr


@pytest.mark.parametrize("content", [b"", b"{", b"<html>", b"\x1f\x8bcut"])
def test_parse_refuses_what_is_no_stix_with_1(tmp_path: Path, content: bytes):
    (tmp_path / "x").write_bytes(content)
    result = _run("parse", "--format", "stix", str(tmp_path / "x"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("x: ")


def test_parse_refuses_an_unknown_format_with_2(tmp_path: Path):
    assert _run("parse", "--format", "rss", str(tmp_path)).exit_code == 2


def test_parse_agrees_with_counts_made_by_other_means(shared_data: Path):
    for entry in json.loads((shared_data / "COUNTS.json").read_text()):
        if entry["kind"] == "stix" and entry["bytes"] < 200_000:
            result = _run("parse", "--format", "stix", str(shared_data / entry["file"]))
            found, count = json.loads(result.stdout), entry["count"]
            assert {name: found[name] for name in ("objects", "by_type", "indicators", "skipped")} == {
                "objects": count["objects"], "by_type": count["by_type"], "indicators": count["indicators"],
                "skipped": [],
            }  # fmt: skip


def test_formats_are_a_json_list():
    assert "stix" in json.loads(_run("formats").stdout)


def test_check_lists_shipped_and_own_definitions(data: Path):
    result = _run("check", data=data)
    assert result.exit_code == 0
    assert {"mine", "by-hand"} <= set(result.stdout.split())


def test_check_names_what_is_wrong_with_1(data: Path):
    (data / "feeds" / "mine.toml").write_text(DEFINITION.replace("3600", '"often"'))
    result = _run("check", data=data)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("mine.toml: every_s: ")


def test_poll_fetches_now(data: Path):
    result = _run("poll", "mine", data=data)
    assert (result.exit_code, result.stdout) == (0, "mine: 2 stored, 0 here already, 0 refused.\n")
    assert _row(data, "mine").succeeded_at is not None


def test_a_poll_that_fails_is_the_answer_no(data: Path):
    (data / "mine.json").unlink()
    result = _run("poll", "mine", data=data)
    assert result.exit_code == 1
    assert "No such file" in result.stderr
    assert _row(data, "mine").failures == 1


def test_status_says_until_when_a_feed_rests_that_has_failed_often(data: Path):
    (data / "mine.json").unlink()
    assert _run("enable", "mine", data=data).exit_code == 0
    for _ in range(standing.RESTS_AFTER):
        assert "resting" not in _run("status", data=data).stdout
        _run("poll", "mine", data=data)
    asked_again = _row(data, "mine").next_at
    assert asked_again is not None
    said = " ".join(_run("status", data=data).stdout.split())
    assert f"resting until {asked_again:%Y-%m-%d %H:%M:%SZ}" in said


def test_an_unknown_feed_is_refused_with_the_nearest_name(data: Path):
    result = _run("poll", "nine", data=data)
    assert result.exit_code != 0
    assert "did you mean 'mine'?" in str(result.exception)


def test_import_stores_each_file_as_the_feed(data: Path):
    (data / "more.json").write_bytes(bundle(indicator(2), indicator(3), {"type": "bad"}))
    files = str(data / "mine.json"), str(data / "more.json")
    result = _run("import", *files, "--feed", "by-hand", data=data)
    assert result.stdout.splitlines() == [
        "mine.json: 2 stored, 0 here already, 0 refused.",
        "more.json: 1 stored, 1 here already, 1 refused.",
    ]
    assert (_row(data, "by-hand").objects, _row(data, "by-hand").rejects) == (3, 1)


def test_import_of_no_stix_is_the_answer_no(data: Path):
    result = _run("import", str(data / "feeds" / "mine.toml"), "--feed", "by-hand", data=data)
    assert result.exit_code == 1
    assert "no JSON" in result.stderr


def test_enable_and_disable_are_audited_and_shown(data: Path):
    assert _run("enable", "mine", data=data).exit_code == 0
    assert (_row(data, "mine").enabled, _row(data, "mine").next_at is not None) == (True, True)
    assert "yes" in _run("status", data=data).stdout
    _run("disable", "mine", data=data)
    assert (_row(data, "mine").enabled, _row(data, "mine").next_at) == (False, None)

    async def entries() -> tuple[int, int | None]:
        async with opened(data) as db, db.reading() as session:
            return await audit.first_broken(session)

    assert asyncio.run(entries()) == (2, None)
