"""Texts that people hand in: whatever they are, they are read or refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds import submit
from citysec.observable import Kind

_pieces = st.sampled_from(
    ["hxxp://a[.]b.example/x", "203.0.113[.]7", "2001:db8[:]:1", "CVE-2024-3400", "AS64500", "x[@]y[.]example", "\n",
     " ", "d41d8cd98f00b204e9800998ecf8427e", "From: a\nTo: b\n\n", "<html>", "198.51.100[.]0/24", "é", "'", "\\"]
)  # fmt: skip
TEXTS = st.binary(max_size=300) | st.lists(_pieces, max_size=30).map(lambda parts: " ".join(parts).encode())


@given(TEXTS)
def test_any_text_is_read_or_refused(content: bytes):
    with suppress(InvalidInput):
        found = submit.read(content)
        assert len({one.entry.key for one in found}) == len(found)
        assert all(one.value and one.index_key for one in found)


def test_each_indicator_has_its_kind_value_and_place():
    found = submit.read(b"First hxxps://evil[.]example/a,\nthen CVE-2024-3400.")
    assert [(one.kind, one.value, one.entry.at[:6]) for one in found] == [
        (Kind.URL, "https://evil.example/a", "line 1"), (Kind.CVE, "CVE-2024-3400", "line 2"),
    ]  # fmt: skip


@pytest.mark.parametrize("content", [b"x" * (submit.LONGEST + 1), b"\x7fELF\0\0", b" ".join(
    b"10.0.%d[.]%d" % divmod(number, 200) for number in range(submit.MOST + 1))])  # fmt: skip
def test_too_much_is_refused(content: bytes):
    with pytest.raises(InvalidInput):
        submit.read(content)
