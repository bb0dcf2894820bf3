"""What lists and texts write, as STIX patterns."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec import patterning
from citysec.errors import InvalidInput
from citysec.feeds.atoms import of_entry
from citysec.feeds.formats import Entry
from citysec.feeds.formats.values import value


@pytest.mark.parametrize(
    ("text", "pattern", "port"),
    [
        ("192.0.2.1", "[ipv4-addr:value = '192.0.2.1']", None),
        ("192.0.2.1/32", "[ipv4-addr:value = '192.0.2.1']", None),
        ("192.0.2.0/24", "[ipv4-addr:value = '192.0.2.0/24']", None),
        ("2001:DB8::1", "[ipv6-addr:value = '2001:db8::1']", None),
        ("192.0.2.1:4444", "[ipv4-addr:value = '192.0.2.1']", 4444),
        ("[2001:db8::1]:443", "[ipv6-addr:value = '2001:db8::1']", 443),
        ("Evil.Example.", "[domain-name:value = 'evil.example']", None),
        ("evil.example:8080", "[domain-name:value = 'evil.example']", 8080),
        ("https://evil.example/a'b", "[url:value = 'https://evil.example/a\\'b']", None),
        ("evil.example/a/b.php", "[url:value = 'http://evil.example/a/b.php']", None),
        ("1.2.3.4/24/3", "[url:value = 'http://1.2.3.4/24/3']", None),
        ("1.2.3.4/", "[url:value = 'http://1.2.3.4/']", None),
        ("1.2.3.4/24.php", "[url:value = 'http://1.2.3.4/24.php']", None),
        ("evil.example/24", "[url:value = 'http://evil.example/24']", None),
        ("Who@Evil.Example", "[email-addr:value = 'who@evil.example']", None),
        ("MAILTO:who@evil.example", "[email-addr:value = 'who@evil.example']", None),
        ("D41D8CD98F00B204E9800998ECF8427E", "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']", None),
        ("a" * 64, f"[file:hashes.'SHA-256' = '{'a' * 64}']", None),
        ("cve-2024-0001", "[vulnerability:name = 'CVE-2024-0001']", None),
        ("AS64500", "[autonomous-system:number = 64500]", None),
    ],
)
def test_a_text_is_read_by_its_form(text: str, pattern: str, port: int | None):
    found = value(text)
    assert (found.pattern, found.port) == (pattern, port)


@pytest.mark.parametrize(
    "text",
    [
        "", "/x/y.php", "no spaces here", "192.0.2.256", "64500", "1.2.3", "10.0.0.0/33", "10.0.0.0/032",
        "10.0.0.0/33:80", "10.0.0.0/8/", "1.2.3.4:99999", "1.2.3.4:99999/x", "evil.example:65536",
        "evil.example:123456/x", "256.1.1.1/x", "::1/129", "a..b", "a..b/x", "http://", "http://256.1.1.1/",
        "https://[::1/", "localhost", "12", "12:30", "1.2.3.4:", "who@localhost", "mailto:", "javascript:alert(1)",
        "3.14", "192.0.2.1-5", "a.-b", "2024-01-01 00:00:00",
    ],
)  # fmt: skip
def test_what_has_no_such_form_is_refused(text: str):
    with pytest.raises(InvalidInput):
        value(text)


@pytest.mark.parametrize(
    "text",
    [
        "192.0.2.1", "192.0.2.0/24", "2001:db8::1", "evil.example", "https://evil.example/a'b\\c", "http://192.0.2.1/",
        "who@evil.example", "d" * 32, "e" * 40, "f" * 64, "a" * 128, "AS64500", "CVE-2024-0001", "http://[2001:db8::1]/",
    ],
)  # fmt: skip
def test_what_a_value_states_is_what_its_pattern_says(text: str):
    found = value(text)
    compiled = patterning.compile(found.pattern).atoms
    assert list(of_entry(Entry(at="", key=found.pattern, observables=found.observables))[0]) == list(compiled)


@given(st.text())
def test_any_text_is_read_or_refused(text: str):
    with suppress(InvalidInput):
        assert value(text).pattern
