"""Indicators in free text: what counts, what only looks like one, and what stands around it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.feeds.formats.defang import sharp
from citysec.feeds.formats.prose import Plain, counted, extract


def values(text: str, *ignore: str) -> list[str]:
    return [found.value.observable.value for found in extract(text, ignore)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hxxp://evil[.]example/a", "http://evil.example/a"),
        ("hXXps[:]//evil.example/a", "https://evil.example/a"),
        ("hxxps[://]evil[.]example", "https://evil.example/"),
        ("http[:][/][/]evil.example/a", "http://evil.example/a"),
        ("h**p://evil(.)example/", "http://evil.example/"),
        ("meow://evil.example/", "http://evil.example/"),
        ("fxp://evil[.]example/x", "ftp://evil.example/x"),
        ("evil[.]example", "evil.example"),
        ("evil(.)example", "evil.example"),
        ("evil{.}example", "evil.example"),
        ("evil[dot]example", "evil.example"),
        ("evil (DOT) com", "evil.com"),
        ("evil[.example", "evil.example"),
        ("evil\\.example", "evil.example"),
        ("ev\u200bil[.]example", "evil.example"),
        ("who[at]evil[.]example", "who@evil.example"),
        ("who[@]evil.example", "who@evil.example"),
        ("192.0.2[.]1", "192.0.2.1"),
        ("192[.]0[.]2[.]0/24", "192.0.2.0/24"),
        ("2001:db8[:]:1", "2001:db8::1"),
        ("evil[.]example/path/x.php", "http://evil.example/path/x.php"),
        ("10[.]0[.]0[.]1", "10.0.0.1"),
        ("payload[.]exe", "payload.exe"),
    ],
)
def test_what_is_defanged_counts_always(text: str, expected: str):
    (found,) = extract(f"Seen: {text}, twice.")
    assert (found.value.observable.value, found.defanged) == (expected, True)


@pytest.mark.parametrize(
    "text",
    [
        "report.pdf", "setup.exe", "file.zip", "README.md", "install.sh", "C:\\Users\\x\\evil.com", "/usr/lib/a.so",
        "e.g. this", "i.e. that", "done.It goes on", "System.Net.WebClient", "ASP.NET", "Node.js", "foo.name()",
        "$this.id", "version 1.2.3.4", "v8.8.8.8", "Chrome/120.0.0.0", "10.0.26100.1457", "1.2.3.4.5", "127.0.0.1",
        "192.168.1.1", "255.255.255.0", "224.0.0.1", "12:30:45", "00:1a:2b:3c:4d:5e", "std::vector", "::1", "0" * 32,
        "12345678901234567890123456789012", "co.uk", "a@b", "me@x.png", "half [.] of it",
        "and/or", "w/o", "he said...no", "CVE-2024-1", "localhost", "http://", "https://router/x", "[.]", "(at)",
        "http://192.168.0.1/login", "b8f9-4b0a-9a06",
    ],
)  # fmt: skip
def test_what_only_looks_like_an_indicator_is_passed_over(text: str):
    assert values(f"We saw {text} there.") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("evil-site.co.uk", "evil-site.co.uk"),
        ("www.file.zip", "www.file.zip"),
        ("bücher.de", "xn--bcher-kva.de"),
        ("8.8.8.8:53", "8.8.8.8"),
        ("8.8.0.0/16", "8.8.0.0/16"),
        ("2001:4860:4860::8888", "2001:4860:4860::8888"),
        ("(https://evil.com/a_(b))", "https://evil.com/a_(b)"),
        ("[here](https://evil.com/a)", "https://evil.com/a"),
        ("<https://evil.com/a>", "https://evil.com/a"),
        ("https://evil.com/a?x=1&y=2.", "https://evil.com/a?x=1&y=2"),
        ("src=8.8.8.8", "8.8.8.8"),
        ("someone@evil.com;", "someone@evil.com"),
        ("D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427e"),
        ("CVE\u20112024\u20110001", "CVE-2024-0001"),
        ("AS64500", "AS64500"),
        ("a" * 16 + ".onion", "a" * 16 + ".onion"),
    ],
)
def test_what_is_plainly_written_is_found(text: str, expected: str):
    assert values(f"We saw {text} there") == [expected]


def test_each_is_found_once_where_it_stands_first():
    first, second = extract("evil[.]example\n\nhxxp://evil[.]example\r\nEVIL[.]EXAMPLE.")
    assert (first.at, first.column, second.at) == ("line 1", 1, "line 3")


def test_what_is_defanged_once_counts_as_defanged():
    (found,) = extract("evil.com and evil[.]com")
    assert found.defanged


def test_the_sentence_around_is_kept_as_it_is_written():
    (found,) = extract("Nothing here. The C2 was evil[.]example on port 443. Then it stopped.")
    assert found.sentence == "The C2 was evil[.]example on port 443."


def test_where_a_line_says_nothing_else_its_heading_does():
    found = extract("C2 servers:\n\n- evil[.]example\n- 192.0.2[.]7:8443 (over TLS)\n")
    assert [one.sentence for one in found] == ["C2 servers: evil[.]example", "192.0.2[.]7:8443 (over TLS)"]
    assert [one.value.port for one in found] == [None, 8443]


def test_a_long_line_gives_what_is_close():
    (found,) = extract("x " * 500 + "evil[.]example" + " y" * 500)
    assert len(found.sentence) < 350
    assert "evil[.]example" in found.sentence


@pytest.mark.parametrize("own", ["example", "city.example", "www.city.example", "WWW.City.Example."])
def test_own_names_and_all_below_them_are_ignored(own: str):
    text = "hxxps://www.city[.]example/x, www.city[.]example and who@www.city[.]example"
    assert values(text, own) == ([] if "." in own else values(text))


def test_own_addresses_and_blocks_are_ignored():
    assert values("192.0.2[.]1 198.51.100[.]1 hxxp://192.0.2[.]9/", "192.0.2.0/24", "rubbish") == ["198.51.100.1"]


def test_plain_links_of_a_text_that_defangs_are_what_it_refers_to():
    found = extract("See https://vendor.com/blog by a@vendor.com: evil[.]example, 8.8.8.8")
    assert [one.value.observable.value for one in counted(found)] == ["evil.example", "8.8.8.8"]
    assert len(counted(found, Plain.ALWAYS)) == 4
    plain = extract("https://evil.com/ 8.8.8.8")
    assert (len(counted(plain)), len(counted(plain, Plain.NEVER))) == (2, 1)


@given(st.text() | st.text(alphabet="ahtpx:/.[]()@1 \\-\n"))
def test_any_text_has_its_indicators(text: str):
    for found in extract(text):
        assert found.value.pattern


@given(st.text(alphabet="ab[].() hxp:/@"))
def test_a_place_in_a_sharp_text_is_one_in_the_written_text(text: str):
    meant = sharp(text)
    origins = [meant.origin(place) for place in range(len(meant.text) + 1)]
    assert origins == sorted(origins)
    assert origins[-1] <= len(text)


@pytest.mark.parametrize("unit", ["a.", "(", "a[.]", "hxxp:", "a@", "http://)", "1.", "0:", "CVE-", "[", "\\.", "v"])
def test_a_hostile_line_costs_no_more_than_its_length(unit: str):
    assert extract(unit * (200_000 // len(unit))) == []
