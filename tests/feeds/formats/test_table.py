"""Tables, with and without a profile."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds.formats import Reject, Subject
from citysec.tlp import MARKING_IDS, TLP
from tests.feeds.formats.mutations import survives
from tests.feeds.formats.reading import census, entries, items, keys, rejects

A = "domain-name:value = 'a.example'"
B = "domain-name:value = 'b.example'"
ONE: dict[str, Any] = {"values": {"name": "name"}}


def test_a_profile_says_what_the_columns_mean():
    body = (
        '"name","first","last","gone","family","what","sure","label","tags","link","tlp","port"\n'
        '"a.example","03-01-2026","2026-02-01 10:00:00 UTC","1767225600","Bot","Says hello","high","green",'
        '"botnet_cc,x","https://p.example/1","TLP:GREEN","443"\n'
    )
    fields = {
        "since": "first", "seen": "last", "until": "gone", "threat": "family", "description": "what", "port": "port",
        "confidence": "sure", "tlp": "tlp", "labels": ["tags"], "references": ["link"], "facts": ["label"],
    }  # fmt: skip
    profile = {"fields": fields, "dates": ["%d-%m-%Y"], "words": {"botnet_cc": "c2"}}
    (entry,) = entries("csv", body, **ONE, **profile)
    assert (entry.at, entry.key, entry.name) == ("line 2", f"[{A}]", "Bot")
    assert (entry.since, entry.seen) == (datetime(2026, 1, 3, tzinfo=UTC), datetime(2026, 2, 1, 10, tzinfo=UTC))
    assert (entry.until, entry.confidence) == (datetime(2026, 1, 1, tzinfo=UTC), 85)
    assert (entry.labels, entry.references) == (("c2", "x"), ("https://p.example/1",))
    assert (entry.description, entry.facts) == ("Says hello", {"label": "green", "port": 443})
    assert entry.marking_refs == (MARKING_IDS[TLP.GREEN],)


@pytest.mark.parametrize(
    "body",
    [
        "name\na.example",
        "# a banner\n#\nname,x\na.example,1\n# END 1 entries\n",
        "# a banner\n# name,x\na.example,1",
        '#\n# "name","x"\n"a.example", "1"\n',
        "\ufeffname;x\r\na.example;1\r\n",
        "x\tname\n1\ta.example",
        "name,x,\na.example,1,\n",
        "name,x,y\na.example\n",
        'x,name\n"one\ntwo","a.example"',
        "sep=;\nname;x\na.example;1\n",
        'name,x\n="a.example",1',
    ],
)
def test_banners_headers_quotes_and_delimiters_have_many_habits(body: str):
    assert keys("csv", body, **ONE) == [A]
    assert rejects("csv", body, **ONE) == []


def test_of_columns_of_one_name_the_first_counts_but_not_silently():
    body = "name,x,name\na.example,1,b.example\n"
    assert keys("csv", body, **ONE) == [A]
    assert rejects("csv", body, **ONE) == [("", "2 columns 'name'")]


def test_a_table_without_a_header_gets_names():
    options: dict[str, Any] = {"columns": ["n", "name"], **ONE}
    assert keys("csv", "1,a.example\n2,b.example", **options) == [A, B]
    assert keys("csv", "n,name\n2,b.example", **options) == [B]


@pytest.mark.parametrize(
    ("body", "options"),
    [
        ("url\nhttps://a.example/", ONE),
        ("a.example\nb.example", {}),
        ("1,2,3", {}),
        ("<html>", {}),
        ("# name", {"columns": ["x"], **ONE}),
    ],
)
def test_a_table_without_the_column_is_refused_as_a_whole(body: str, options: dict[str, Any]):
    with pytest.raises(InvalidInput):
        items("csv", body + "\nx", **options)


def test_a_column_that_only_adds_something_may_be_missing_but_not_silently():
    found = items("csv", "name\na.example", **ONE, fields={"since": "when"})
    assert found[0] == Reject("", "there is no column 'when'", "name")
    assert len(found) == 2


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("", "nothing in name"),
        ("n/a", "nothing in name"),
        ("no name", "name: not of kind name"),
        ("a.example,1,2", "3 cells under 2 names"),
        ('"a.example', "a quote that is not closed"),
        ("a\ufffd.example", "name: bytes that are no text"),
        ("," * 20_000, "more than 10000 cells"),
        ("a" * 200_000, "field larger than field limit (131072)"),
        ("a" * 2_000_000, "longer than 1048576 characters"),
    ],
)
def test_a_broken_row_costs_itself(row: str, reason: str):
    body = f"name,x\na.example,1\n{row or ','}\nb.example,2"
    assert keys("csv", body, **ONE) == [A, B]
    assert rejects("csv", body, **ONE) == [("line 3", reason)]


@pytest.mark.parametrize("quote", ['"', "'", ""])
@pytest.mark.parametrize("row", ["no name,1", '"no, name",1', "#x,1", "a.example,1,2", "'no\nname',1", '"no" name,"1'])
def test_what_is_kept_of_a_broken_row_is_broken_for_the_same_reason_alone(row: str, quote: str):
    body = f"name,x\na.example,1\n{row}\nb.example,2\n"
    first, *_ = (item for item in items("csv", body, **ONE, quote=quote, comments=["%"]) if isinstance(item, Reject))
    with pytest.raises(InvalidInput) as again:
        items("csv", first.raw, **ONE, quote=quote, comments=["%"])
    assert again.value.problems[0].message == first.reason


def test_a_row_is_taken_when_its_reason_is_gone():
    options: dict[str, Any] = {"values": {"value": "any"}, "fields": {"kind": "type"}}
    (found,) = (
        item
        for item in items("csv", f"# value;type\n{'a' * 40};print\nb.example;name", **options)
        if isinstance(item, Reject)
    )
    (key,) = keys("csv", found.raw, kinds={"print": "certificate"}, **options)
    assert key.startswith("x509-certificate")


def test_a_stray_quote_does_not_eat_what_follows():
    rows = "\n".join(f"n{n}.example,x" for n in range(200))
    assert len(keys("csv", f'name,x\na.example,"x\n{rows}', **ONE)) == 200


def test_quotes_within_a_cell_are_text():
    assert keys("csv", 'x,name\n5" disk,a.example\n"5"" disk"y,b.example', **ONE) == [A, B]
    assert keys("csv", 'name,x\na.example,"x', quote="", **ONE) == [A]


def test_hashes_of_one_file_are_indicators_of_one_record():
    body = f"sha256_hash,md5_hash,sha1_hash\n{'a' * 64},{'b' * 32},n/a"
    found = entries("csv", body)
    assert [entry.key.split("=")[0] for entry in found] == ["[file:hashes.'SHA-256' ", "[file:hashes.MD5 "]
    assert {entry.at for entry in found} == {"line 2"}


def test_a_cell_may_hold_the_hashes_of_one_file():
    assert len(keys("csv", f'value,type\n"{"a" * 64},{"b" * 32},{"c" * 40}",file')) == 3


def test_each_record_may_say_of_what_kind_it_is():
    body = "value,entity_type\n192.0.2.1:443,ip:port\na.example,hostname\na@b.example,emailwhois\nx,mutex"
    assert keys("csv", body) == ["ipv4-addr:value = '192.0.2.1'", A, "email-addr:value = 'a@b.example'"]
    assert rejects("csv", body) == [("line 5", "value: the kind 'mutex' is not known")]


def test_words_for_kinds_can_be_declared():
    body = f"value,type\n{'ab' * 20},fingerprint"
    options: dict[str, Any] = {"values": {"value": "any"}, "fields": {"kind": "type"}}
    (key,) = keys("csv", body, kinds={"Fingerprint": "certificate"}, **options)
    assert key.startswith("x509-certificate:hashes.'SHA-1'")


def test_beside_a_url_the_address_only_says_where_it_was_served():
    (entry,) = entries("csv", "URL,IP,FirstSeen\nhttp://a.example/x,192.0.2.1,03-01-2026")
    assert entry.key == "[url:value = 'http://a.example/x']"
    assert entry.facts == {"IP": "192.0.2.1", "FirstSeen": "03-01-2026"}


def test_a_prefix_can_stand_in_a_column_of_its_own():
    options: dict[str, Any] = {"columns": ["start", "end", "bits"], "values": {"start": "ip"}, "delimiter": "\t"}
    body = "192.0.2.0\t192.0.2.255\t24"
    assert keys("csv", body, fields={"prefix": "bits"}, **options) == ["ipv4-addr:value = '192.0.2.0/24'"]


def test_a_vulnerability_is_one():
    (entry,) = entries("csv", "cve,cvss\ncve-2024-0001,9")
    assert (entry.subject, entry.key) == (Subject.VULNERABILITY, "CVE-2024-0001")


def test_a_comment_can_count_the_rows():
    body = "name\na.example\n# END 1 entries"
    assert census("csv", body, census=r"END (\d+) entries", **ONE) == [1]
    assert census("csv", body, **ONE) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"values": {"x": "colour"}}, "values.x: 'colour' is neither a kind"),
        ({"values": {"x": "name-regex"}}, "values.x: name-regex: the kinds are"),
        ({"census": "("}, "census"),
        ({"census": "END"}, "census"),
        ({"delimiter": ",,"}, "delimiter"),
        ({"fields": {"when": "x"}}, "unknown field `when`"),
        ({"quote": "''"}, "quote"),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused(options: dict[str, Any], message: str):
    with pytest.raises(InvalidInput, match=message):
        items("csv", "", **options)


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes):
    survives("csv", body)


@given(st.text('",;\t|\n\r#\0 a.1-', max_size=200), st.sampled_from(['"', "", "'"]), st.sampled_from([",", ";", "\t"]))
def test_any_rows_are_read_or_refused(body: str, quote: str, delimiter: str):
    options: dict[str, Any] = {
        "values": {"a": "any"}, "columns": ["a", "b", "c"], "quote": quote, "delimiter": delimiter, "dates": ["%d"],
        "fields": {"since": "b", "port": "c", "prefix": "c", "kind": "b", "labels": ["c"], "confidence": "b",
                   "tlp": "c"},
    }  # fmt: skip
    survives("csv", body.encode(), **options)
    survives("csv", b"a.example\n" + body.encode(), **options)
