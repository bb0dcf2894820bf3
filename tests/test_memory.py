"""How a process keeps its memory."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from citysec import memory

USED = """
import sys
from citysec import memory
with memory.unloaded("beside", "part"):
    import beside
    from beside import part
assert "beside" not in sys.modules
{asked}
"""


def test_the_collector_passes_over_what_was_there_while_the_block_lasts() -> None:
    before = gc.get_freeze_count(), gc.get_threshold()
    with memory.settled():
        assert gc.get_freeze_count() > before[0]
        assert gc.get_threshold()[0] == memory.COLLECTED
    assert (gc.get_freeze_count(), gc.get_threshold()) == before
    assert before[0] == 0


def test_sparing_leaves_the_allocator_working() -> None:
    memory.spare()
    assert len(bytearray(1 << 20)) == 1 << 20


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("", ""),
        ("print(part.WORD)", "loaded\nword\n"),
        ("import beside as later\nprint(later.part.WORD is part.WORD)", "loaded\nTrue\n"),
        ("print(hasattr(beside, 'nothing'))", "loaded\nFalse\n"),
    ],
)
def test_a_package_is_loaded_when_something_is_asked_of_it(tmp_path: Path, asked: str, told: str) -> None:
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "__init__.py").write_text("print('loaded')\nfrom beside import part as part\n")
    (tmp_path / "beside" / "part.py").write_text("WORD = 'word'\n")
    path = [str(tmp_path), str(Path(memory.__file__).parents[1])]
    program = f"import sys; sys.path[:0] = {path!r}" + USED.format(asked=asked)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ran.stderr, ran.stdout) == ("", told)


def test_a_package_may_be_asked_while_others_are_imported(tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "__init__.py").write_text("print('loaded')\n")
    (tmp_path / "beside" / "part.py").write_text("WORD = 'word'\n")
    path = [str(tmp_path), str(Path(memory.__file__).parents[1])]
    program = f"""
import sys
sys.path[:0] = {path!r}
from citysec import memory
with memory.unloaded("beside", "part"):
    from beside import part
    print(part.WORD)
import beside.part
print(sys.modules["beside"] is beside, beside.part.WORD)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ran.stderr, ran.stdout) == ("", "loaded\nword\nTrue word\n")


def test_what_is_loaded_already_is_left_as_it_is() -> None:
    with memory.unloaded("pytest", "fixture"):
        assert sys.modules["pytest"] is pytest


def test_the_engine_leaves_the_driver_of_postgresql_unloaded() -> None:
    program = "import citysec.engine, sys; print('psycopg' in sys.modules)"
    root = Path(memory.__file__).parents[1]
    ran = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert (ran.stderr, ran.stdout) == ("", "False\n")
