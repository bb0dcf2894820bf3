"""Atom and RSS: each item is a report; nothing of what makes XML dangerous works."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds.formats import Entry, Reject, Subject
from citysec.feeds.formats.markup import text_of
from tests.feeds.formats.mutations import damaged, entries, parse, survives

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Acme advisories</title><entry>
<id>tag:acme.example,2024:1</id><title>Portal &amp; more</title>
<link rel="self" href="https://acme.example/self"/><link href="https://acme.example/1"/>
<published>2024-02-29T12:00:00Z</published><updated>2024-03-01T12:00:00Z</updated><category term="critical"/>
<summary type="html">&lt;p&gt;It is&amp;nbsp;open: &lt;b&gt;CVE-2024-0001&lt;/b&gt;.&lt;/p&gt;</summary>
</entry></feed>"""
RSS_2 = """<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Acme</title>
<link>https://acme.example/</link><item><title>Portal &amp; more</title><link>https://acme.example/1</link>
<guid isPermaLink="false">tag:acme.example,2024:1</guid><pubDate>Thu, 29 Feb 2024 12:00:00 GMT</pubDate>
<category>critical</category><description><![CDATA[<p>It is&nbsp;open: <b>CVE-2024-0001</b>.</p>]]></description>
</item></channel></rss>"""
RSS_1 = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://acme.example/"><title>Acme</title></channel>
<item rdf:about="https://acme.example/1"><title>Portal &amp; more</title><link>https://acme.example/1</link>
<dc:date>2024-02-29T12:00:00Z</dc:date><dc:subject>critical</dc:subject>
<description>It is open: CVE-2024-0001.</description></item></rdf:RDF>"""


def rss(item: str, head: str = "") -> bytes:
    return f"{head}<rss><channel><item>{item}</item></channel></rss>".encode()


@pytest.mark.parametrize("body", [ATOM, RSS_2, RSS_1, "\ufeff" + RSS_2, '\r\n\n<?xml version="1.0"?>' + RSS_2])
def test_an_item_says_the_same_in_every_dialect(body: str):
    (found,) = entries("news", body.encode())
    assert (found.subject, found.key, found.name) == (Subject.REPORT, "https://acme.example/1", "Portal & more")
    assert (found.since, found.labels) == (NOON, ("critical",))
    assert found.description == "It is open: CVE-2024-0001."
    assert found.facts["cves"] == ["CVE-2024-0001"]


def test_an_item_without_an_address_is_named_by_its_id():
    (found,) = entries("news", rss("<title>x</title><guid isPermaLink='false'>urn:1</guid>"))
    assert (found.key, found.references) == ("urn:1", ())


def test_empty_lines_before_the_document_count_as_lines():
    assert [entry.at for entry in entries("news", b"\n\n" + RSS_2.encode())] == ["line 4"]


def test_an_item_without_a_name_costs_itself():
    body = rss("<title>x</title></item>\n<item><link>https://a.example/1</link>")
    first, second = parse("news", body)
    assert first == Reject("line 1", "the item has no address and no id", "x")
    assert isinstance(second, Entry)
    assert second.at == "line 2"


def test_an_address_that_runs_a_script_is_none():
    assert parse("news", rss("<title>x</title><link>javascript:alert(1)</link>"))[0] == Reject(
        "line 1", "the item has no address and no id", "x"
    )


def test_entities_of_html_stand_for_their_characters():
    (found,) = entries("news", rss("<title>caf&eacute;</title><link>https://a.example/1</link>"))
    assert found.name == "café"


BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "head",
    [
        f'<!DOCTYPE rss [<!ENTITY e0 "ha">{BOMB}]>',
        '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE rss [<!ENTITY % x SYSTEM "http://127.0.0.1/x.dtd"> %x;]>',
    ],
)
def test_a_document_that_declares_entities_is_refused(head: str):
    with pytest.raises(InvalidInput, match="declares the entity"):
        parse("news", rss("<title>&e9;&x;</title><link>https://a.example/1</link>", head))


def test_a_document_type_elsewhere_is_never_fetched(tmp_path: Path):
    (tmp_path / "x.dtd").write_text('<!ENTITY x "read">')
    head = f'<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "{(tmp_path / "x.dtd").as_uri()}">'
    (found,) = entries("news", rss("<title>&x;</title><link>https://a.example/1</link>", head))
    assert found.name == "&x;"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<html><item/></html>",
        b"<rss>" + b"<a>" * 100_000,
        b"<rss><item>" + b"<a/>" * 2000 + b"</item></rss>",
        b"<rss><item a='" + b"x" * (3 << 20) + b"'/></rss>",
        b"<rss><item/>",
        b'<?xml version="1.0" encoding="utf-7"?><rss/>',
    ],
)
def test_what_is_no_feed_of_news_is_refused_as_a_whole(body: bytes):
    with pytest.raises(InvalidInput):
        parse("news", body)


@given(damaged(ATOM.encode()) | damaged(RSS_2.encode()) | damaged(RSS_1.encode()) | st.binary())
def test_whatever_comes_is_taken_or_refused(body: bytes):
    survives("news", body)


@pytest.mark.parametrize(
    ("markup", "seen"),
    [
        ("<p>a<br>b</p><!-- c --><script>d</script>e &lt;f&gt;", "a\nb\ne <f>"),
        ("<table><tr><td>1</td><td>2</td></tr></table>", "1 2"),
        ("1 < 2 > 0", "1 < 2 > 0"),
        ("<!--" * 3, "<!--<!--<!--"),
    ],
)
def test_the_text_of_html_is_what_people_see(markup: str, seen: str):
    assert text_of(markup) == seen


@given(st.text(alphabet="<>!-/ascript&;=\"' \n"))
def test_any_markup_has_a_text(markup: str):
    assert isinstance(text_of(markup), str)


def test_markup_that_is_never_closed_is_read_in_one_go():
    assert text_of("<script><!--<p" * 50_000).count("<p") == 50_000
