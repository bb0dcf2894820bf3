"""The register's CSV form."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.constituency.lines import COLUMNS, FURTHER, SERVICE, Line, parse, render
from citysec.constituency.records import decode
from citysec.errors import InvalidInput
from citysec.observable import AssetKind, Scope
from tests.constituency.lines import HEADER, registers

CAMDEN = "London Borough of Camden,local-government"


def _problems(*rows: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        parse("\n".join((HEADER, *rows)))
    return [str(problem) for problem in caught.value.problems]


def _row(kind: str, value: str, scope: str = "exact") -> str:
    return f"A1,{CAMDEN},{kind},{value},{scope},low"


@given(registers())
def test_what_is_written_is_read_back(lines: list[Line]):
    assert list(parse(render(lines, (*COLUMNS, *FURTHER)))) == lines


def _places(read: Callable[[], object]) -> list[str]:
    try:
        read()
    except InvalidInput as err:
        return [problem.at for problem in err.problems]
    return []


@given(st.text())
def test_any_text_is_lines_or_named_problems(text: str):
    assert all(at.startswith("line ") for at in _places(lambda: parse(HEADER + "\n" + text)))


@given(st.binary())
def test_any_bytes_are_text_or_a_named_problem(data: bytes):
    assert all(at.startswith("line ") for at in _places(lambda: decode(data)))


@pytest.mark.parametrize(
    ("kind", "value", "canonical"),
    [
        ("ipv4", "198.18.0.1", "198.18.0.1"),
        ("ipv6", "2001:DB8:0::1", "2001:db8::1"),
        ("cidr", "198.18.7.9/24", "198.18.7.0/24"),
        ("cidr", "10.0.0.0/8", "10.0.0.0/8"),
        ("cidr", "2001:db8::/16", "2001::/16"),
        ("domain", "WWW.Camden.gov.uk.", "www.camden.gov.uk"),
        ("mail-domain", "NHS.net", "nhs.net"),
        ("email", "Press@Camden.gov.uk", "press@camden.gov.uk"),
        ("url", "HTTPS://www.Camden.gov.uk:443", "https://www.camden.gov.uk/"),
        ("host", "VPN.Camden.gov.uk.", "vpn.camden.gov.uk"),
        ("asn", "64496", "AS64496"),
        ("certificate", ":".join(["AB"] * 20), f"sha-1:{'ab' * 20}"),
        ("certificate", "serial=0A1B", "serial:a1b"),
    ],
)
def test_values_are_kept_in_canonical_form(kind: str, value: str, canonical: str):
    assert parse(f"{HEADER}\n{_row(kind, value)}")[0].asset.value == canonical


@pytest.mark.parametrize(
    ("kind", "value", "scope", "complaint"),
    [
        ("ipv4", "198.18.0.256", "exact", "line 2, value: '198.18.0.256' is not an IP address"),
        ("ipv4", "2001:db8::1", "exact", "line 2, value: '2001:db8::1' is not one ipv4 address"),
        ("cidr", "10.0.0.0/7", "exact", "line 2, value: 10.0.0.0/7 is wider than /8: nobody owns as much"),
        ("cidr", "2001:d00::/15", "exact", "line 2, value: 2000::/15 is wider than /16: nobody owns as much"),
        ("domain", "gov.uk", "tree", "line 2, value: gov.uk is a public suffix: what is below it has many owners"),
        ("domain", "camden..uk", "exact", "line 2, value: 'camden..uk' is not a domain name"),
        ("mail-domain", "nhs.net", "tree", "line 2, scope: only a domain has anything below it"),
        ("machine", "camden.gov.uk", "exact", "line 2, kind: 'machine' is none of ipv4, ipv6"),
        (
            "host",
            "vpn.camden.gov.uk",
            "tree",
            "line 2, scope: only a domain has anything below it, not a value of kind",
        ),
        ("asn", "AS", "exact", "line 2, value: 'AS' is not the number of an autonomous system"),
        ("certificate", "ab:c", "exact", "line 2, value: 'ab:c' is not hexadecimal"),
        ("domain", "camden.gov.uk", "wide", "line 2, scope: 'wide' is none of exact, tree"),
    ],
)
def test_values_that_nobody_can_own_are_refused(kind: str, value: str, scope: str, complaint: str):
    (problem,) = _problems(_row(kind, value, scope))
    assert problem.startswith(complaint)


@pytest.mark.parametrize("value", ["127.0.0.1", "169.254.1.0", "224.0.0.5", "255.255.255.255", "::1", "fe80::1"])
def test_loopback_and_its_like_are_nobodys(value: str):
    (problem,) = _problems(_row("ipv6" if ":" in value else "ipv4", value))
    assert "nobody owns it" in problem


def test_every_bad_line_is_reported_by_its_number():
    good = f"A0,{CAMDEN},domain,camden.gov.uk,tree,high"
    assert _problems(good, "A1,too,few", "", f"A2,{CAMDEN},ipv4,nothing,,9", f'A3,{CAMDEN},domain,"a\nb",,1', good) == [
        "line 3: 3 columns where the header has 7",
        "line 5, value: 'nothing' is not an IP address",
        "line 6, value: 'a\\nb' is not a domain name",
        "line 8, asset_id: A0 is on line 2 already",
    ]


def test_the_same_asset_twice_is_refused_however_it_is_written():
    again = "A2,london borough  of CAMDEN,,domain,CAMDEN.gov.uk.,tree,low"
    (problem,) = _problems(f"A1,{CAMDEN},domain,camden.gov.uk,tree,high", again)
    assert problem == "line 3, value: camden.gov.uk of london borough  of CAMDEN is on line 2 already"


def test_several_owners_of_one_asset_are_welcome():
    text = f"{HEADER}\nA1,Barts Health NHS Trust,,mail-domain,nhs.net,,4\nA2,Royal Free,,mail-domain,nhs.net,,high"
    assert [line.criticality for line in parse(text)] == [4, 4]


@pytest.mark.parametrize(
    "header", ["", "id,name", HEADER.replace("kind,value", "value,kind"), HEADER.replace(",", ";")]
)
def test_another_header_is_refused_with_the_right_one(header: str):
    with pytest.raises(InvalidInput, match=f"line 1: the header must be `{HEADER}`"):
        parse(header)


def test_a_quote_that_never_ends_is_reported_where_it_begins():
    assert _problems(_row("domain", "a.example"), 'A2,"x') == [
        "line 3: is not CSV, nor can the rest be read: unexpected end of data"
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_files_of_spreadsheet_programs_are_read(encoding: str, end: str):
    text = end.join((HEADER.title(), "A1, King’s College Hospital ,,domain,kch.nhs.uk,tree,critical", ""))
    (line,) = parse(decode(text.encode(encoding)))
    assert (line.organisation, line.kind, line.scope) == ("King’s College Hospital", AssetKind.DOMAIN, Scope.TREE)


def test_a_file_in_another_encoding_is_refused_by_line():
    with pytest.raises(InvalidInput, match="line 2: is not UTF-8 text"):
        decode(f"{HEADER}\nA1,King’s".encode("windows-1252"))


def test_a_file_without_the_column_service_says_nothing_about_services():
    (without,) = parse(f"{HEADER}\n{_row('domain', 'a.example')}")
    (empty,) = parse(f"{HEADER},{SERVICE}\n{_row('domain', 'a.example')},")
    assert (without.service, empty.service) == (None, "")


def test_names_with_commas_and_quotes_come_out_as_they_went_in(shared_data: Path):
    with (shared_data / "london/register.csv").open(encoding="utf-8") as file:
        names = [row["organisation"] for row in csv.DictReader(file)]
    rows = [f'A{i:07},"{name}",health,domain,n{i}.example,tree,high' for i, name in enumerate(names)]
    assert [line.organisation for line in parse(render(parse("\n".join((HEADER, *rows)))))] == names
