"""How a process keeps its memory."""

from __future__ import annotations

import gc

from citysec import memory


def test_the_collector_passes_over_what_was_there_while_the_block_lasts() -> None:
    before = gc.get_freeze_count()
    with memory.settled():
        assert gc.get_freeze_count() > before
    assert gc.get_freeze_count() == before == 0


def test_sparing_leaves_the_allocator_working() -> None:
    memory.spare()
    assert len(bytearray(1 << 20)) == 1 << 20
