"""Lines of text, whichever way the file falls into blocks."""

from __future__ import annotations

from io import BytesIO, TextIOWrapper

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citysec.feeds.formats import text

BODY = st.lists(st.sampled_from(["a", "é", "\n", "\r", "\r\n", "\v", "\ufeff", "abcdefgh"]), max_size=40).map("".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODY.map(str.encode) | BODY.map(lambda said: said.encode("utf-16")), block=st.integers(1, 9))
def test_lines_are_whole_wherever_a_block_ends(body: bytes, block: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(text, "_BLOCK", block)
    code = "utf-16" if body.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    lines = TextIOWrapper(BytesIO(body), code)
    assert list(text.lines(BytesIO(body))) == list(enumerate(lines, 1))


@pytest.mark.parametrize("more", [0, 1, 2, text.MAX_LINE])
def test_a_line_that_is_too_long_is_cut_behind_one_character_more(more: int):
    body = b"a\n" + b"b" * (text.MAX_LINE + more) + b"\nc"
    (_, long), last = list(text.lines(BytesIO(body)))[1:]
    assert (long.rstrip("\n"), last) == ("b" * (text.MAX_LINE + min(more, 1)), (3, "c"))
