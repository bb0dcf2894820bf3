"""The length of a feed costs time, not memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FIRST, ALL = 10_000, 50_000
MOST_MB = 300
MARGIN_MB = 15


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read as Linux tells it")
def test_a_feed_of_five_times_the_length_takes_the_memory_of_the_first_fifth(tmp_path: Path, sqlite_url: str):
    names = (f"{n % 200 + 20}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}\n" for n in range(ALL))
    (tmp_path / "long.txt").write_text("".join(names))
    command = [sys.executable, "-m", "tests.feeds.volume", sqlite_url, str(tmp_path / "long.txt"), str(FIRST)]
    after_the_first, in_all = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert after_the_first <= in_all < MOST_MB
    assert in_all - after_the_first <= MARGIN_MB
