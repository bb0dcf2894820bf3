"""Commands that take long show on a terminal how far they are, and write nothing of it anywhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

DEFINITION = """
name = "mine"
title = "Mine"
publisher = "P"
licence = "CC0"
kind = "document"
path = "../mine.txt"
every_s = 3600
[format]
name = "list"
"""
COMMANDS = {
    "parse": ("parse", "mine.txt", "--feed", "mine"),
    "import": ("import", "mine.txt", "--feed", "mine"),
    "poll": ("poll", "mine"),
}


@pytest.fixture
def data(tmp_path: Path, sqlite_url: str) -> Path:
    """A data directory with an empty database, and one feed: a list of 3,000 names."""
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "mine.toml").write_text(DEFINITION)
    (tmp_path / "mine.txt").write_text("\n".join(f"host{n}.example" for n in range(3000)))
    return tmp_path


def _line(name: str) -> list[str]:
    return [sys.executable, "-m", "citysec", "feeds", *COMMANDS[name], "--data", "."]


def _on_a_terminal(name: str, data: Path) -> str:
    """Return what a command writes to a terminal as its standard error."""
    ours, theirs = pty.openpty()
    shown, nowhere = b"", subprocess.DEVNULL
    with subprocess.Popen(_line(name), cwd=data, stdout=nowhere, stderr=theirs, env=_environment()) as process:
        os.close(theirs)
        while chunk := _read(ours):
            shown += chunk
        os.close(ours)
    assert process.returncode == 0
    return shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # how Linux says that nobody has the other end open any more
        return b""


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}} | {
        "TERM": "xterm-256color", "COLUMNS": "100",
    }  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_a_terminal_shows_how_much_has_been_read(name: str, data: Path):
    assert "3,000 objects" in _on_a_terminal(name, data)


def test_what_is_redirected_gets_nothing_of_it(data: Path):
    done = subprocess.run(_line("import"), cwd=data, capture_output=True, check=True, env=_environment())
    assert done.stdout == b"mine.txt: 3,000 stored, 0 here already, 0 refused.\n"
    assert b"objects" not in done.stderr
    assert b"\x1b" not in done.stderr
