"""How publishers write kinds and observables."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds.formats.spellings import MAX_VALUE, kind_of, refanged, several
from citysec.feeds.formats.values import value
from citysec.observable import Kind


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("ip:port", Kind.IP), ("IPv4", Kind.IP), ("ip-dst", Kind.IP), ("hostname", Kind.NAME), ("URL", Kind.URL),
        ("FileHash-SHA256", Kind.HASH), ("sha1_hash", Kind.HASH), ("emailwhois", Kind.MAILBOX), ("CVE", Kind.CVE),
        ("x509-fingerprint-sha1", Kind.CERTIFICATE), ("mutex", None), ("", None), ("sha3_384_hash", None),
    ],
)  # fmt: skip
def test_words_for_kinds_are_known(word: str, kind: Kind | None):
    assert kind_of(word) is kind


@pytest.mark.parametrize(
    ("blunt", "sharp"),
    [
        ("hxxps://a[.]example/x", "https://a.example/x"),
        ("hXXp[://]a(.)example", "http://a.example"),
        ("meow://a.example", "http://a.example"),
        ("192[.]0[.]2[.]1", "192.0.2.1"),
        ("192.0.2[.]1[:]80", "192.0.2.1:80"),
        ("a [dot] example", "a.example"),
        ("who[@]a{.}example", "who@a.example"),
        ("who (at) a.example", "who@a.example"),
        (r"a\.example", "a.example"),
        ("http://a.example/x[1]", "http://a.example/x[1]"),
    ],
)
def test_what_was_made_blunt_is_made_sharp_again(blunt: str, sharp: str):
    assert refanged(blunt) == sharp


def test_hashes_in_a_row_and_ranges_are_several_observables():
    assert len(several(f"{'a' * 32}, {'b' * 40};{'c' * 64}", value)) == 3
    assert [found.observable.value for found in several("192.0.2.1 - 192.0.2.3", value)] == [
        "192.0.2.1",
        "192.0.2.2/31",
    ]


@pytest.mark.parametrize(
    "text", ['"a.example"', "a.example,", "a.example;", "<a.example>", "'a[.]example',", '="a.example"']
)
def test_what_stands_around_an_observable_is_passed_over(text: str):
    assert [found.observable.value for found in several(text, value)] == ["a.example"]


@pytest.mark.parametrize(
    "text", ["192.0.2.3-192.0.2.1", "192.0.2.1-2001:db8::1", f"{'a' * 32},x", "a" * (MAX_VALUE + 1)]
)
def test_what_is_neither_is_refused(text: str):
    with pytest.raises(InvalidInput):
        several(text, value)


@given(st.text("hxtp[]():/.@ dot-1a", max_size=60))
def test_any_text_is_made_sharp_and_read_or_refused(text: str):
    assert isinstance(refanged(text), str)
    with suppress(InvalidInput):
        assert all(found.pattern for found in several(text, value))
