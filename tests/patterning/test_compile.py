"""Patterns become atoms: what can be looked up, and whether it alone fulfils the pattern."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.observable import Kind
from citysec.patterning import Op, Residue, Why, compile  # noqa: A004


def keys(pattern: str) -> list[tuple[str, bool]]:
    return [(atom.key, atom.certain) for atom in compile(pattern).atoms]


def test_one_comparison_is_one_atom():
    (atom,) = compile("[ipv4-addr:value = '198.51.100.3']").atoms
    assert (atom.kind, atom.key, atom.path) == (Kind.IP, "4/32/c6336403", "ipv4-addr:value")
    assert (atom.value, atom.certain, atom.op) == ("198.51.100.3", True, Op.EQ)


@pytest.mark.parametrize(
    "pattern",
    [
        "[domain-name:value='a.test']",
        "  [ ( domain-name:value  == 'a.test' ) ] ",
        "([domain-name:value IN ('a.test')])",
        "[domain-name : value = 'a.test'] // why",
        "[domain-name:value = /* text */ 'A.test.'] WITHIN 5 SECONDS",
        "[domain-name:value = 'a.test' OR domain-name:value = 'A.TEST']",
        "(" * 3000 + "[domain-name:value = 'a.test']" + ")" * 3000,
    ],
)
def test_blanks_brackets_comments_and_repetition_do_not_matter(pattern: str):
    assert keys(pattern) == [("test.a", True)]


@pytest.mark.parametrize(
    ("pattern", "certain"),
    [
        ("[{a} OR {b}]", (True, True)),
        ("[{a}] OR [{b}]", (True, True)),
        ("[{a} AND {b}]", (False, False)),
        ("[{a}] AND [{b}]", (False, False)),
        ("[{a}] FOLLOWEDBY [{b}]", (False, False)),
        ("[{a} OR {b} AND file:size = 1]", (True, False)),
        ("[({a} OR {b}) AND file:size = 1]", (False, False)),
        ("[{a}] OR ([{b}] AND [file:size = 1])", (True, False)),
        ("[{a}] OR [{b}] FOLLOWEDBY [file:size = 1]", (False, False)),
        ("[{a}] REPEATS 1 TIMES OR [{b}] REPEATS 2 TIMES", (True, False)),
        ("[{a}] OR [{b}] START t'2024-01-01T00:00:00Z' STOP t'2024-02-01T00:00:00.5Z'", (True, False)),
        ("([{a}] OR [{b}]) WITHIN 1.5 SECONDS", (True, True)),
    ],
)
def test_an_atom_is_certain_where_it_alone_fulfils_the_pattern(pattern: str, certain: tuple[bool, bool]):
    written = pattern.format(a="domain-name:value = 'a.test'", b="domain-name:value = 'b.test'")
    assert keys(written) == list(zip(("test.a", "test.b"), certain, strict=True))


def test_the_certain_one_of_two_equal_atoms_wins():
    one = "domain-name:value = 'a.test'"
    assert keys(f"[{one} AND file:size = 1] OR [{one}]") == [("test.a", True)]


@pytest.mark.parametrize(
    "comparison",
    ["ipv4-addr:value != '198.51.100.3'", "ipv4-addr:value <> '198.51.100.3'", "ipv4-addr:value NOT = '198.51.100.3'",
     "ipv4-addr:value NOT IN ('198.51.100.3')", "domain-name:value NOT LIKE 'a%'", "NOT EXISTS domain-name:value"],
)  # fmt: skip
def test_a_negated_comparison_is_no_fact_about_anything(comparison: str):
    assert compile(f"[{comparison}]").atoms == ()
    assert {fact.why for fact in compile(f"[{comparison}]").residue} <= {Why.NEGATED, Why.OPERATOR}


def test_a_url_is_also_a_fact_about_its_host():
    atoms = compile("[url:value = 'https://WWW.camden.gov.uk:443/pay']").atoms
    assert [(a.kind, a.key) for a in atoms] == [
        (Kind.URL, "https://www.camden.gov.uk/pay"),
        (Kind.NAME, "uk.gov.camden.www"),
    ]
    assert {a.path for a in atoms} == {"url:value"}


def test_blocks_in_both_spellings_are_the_same_atom():
    assert keys("[ipv4-addr:value ISSUBSET '198.51.100.0/24']") == keys("[ipv4-addr:value = '198.51.100.0/24']")
    assert keys("[ipv4-addr:value ISSUPERSET '198.51.100.0/24']") == [("4/24/c6336400", False)]


def test_like_and_matches_on_names_are_atoms_of_their_own():
    (like,) = compile("[domain-name:value LIKE '%.Camden.gov.uk']").atoms
    (regex,) = compile(r"[domain-name:value MATCHES '^www\\.camden\\.gov\\.uk$']").atoms
    assert (like.kind, like.key) == (Kind.NAME_LIKE, "%.camden.gov.uk")
    assert (regex.kind, regex.key) == (Kind.NAME_REGEX, r"^www\.camden\.gov\.uk$")


def test_hashes_of_files_and_certificates_differ_in_kind():
    md5 = "d41d8cd98f00b204e9800998ecf8427e"
    paths = ("file:hashes.'MD5'", "x509-certificate:hashes.MD5", "process:image_ref.hashes.md5")
    pattern = " OR ".join(f"{path} = '{md5}'" for path in paths)
    assert [(a.kind, a.key) for a in compile(f"[{pattern}]").atoms] == [
        (Kind.HASH, f"md5:{md5}"),
        (Kind.CERTIFICATE, f"md5:{md5}"),
        (Kind.HASH, f"md5:{md5}"),
    ]


def test_what_cannot_be_looked_up_is_left_with_a_reason():
    found = compile("[ipv4-addr:value = 'nonsense' OR file:size > 3 OR email-addr:value LIKE '%@a.test']")
    assert found.atoms == ()
    assert found.residue == (
        Residue("ipv4-addr:value", Why.VALUE),
        Residue("file:size", Why.PATH),
        Residue("email-addr:value", Why.OPERATOR),
    )


def test_a_long_disjunction_is_no_trouble():
    pattern = "[" + " OR ".join(f"ipv4-addr:value = '10.0.{i // 256}.{i % 256}'" for i in range(5000)) + "]"
    assert len(keys(pattern)) == 5000


plain = st.lists(
    st.tuples(
        st.sampled_from(("domain-name:value", "ipv4-addr:value", "file:hashes.'SHA-256'", "file:name", "url:value")),
        st.sampled_from((" = ", "=", " IN ", "\tIN")),
        st.lists(st.sampled_from(("a.test", "198.51.100.3", "http://a.test/OR", "[x] OR", "")), min_size=1, max_size=3),
        st.sampled_from((" OR ", "] OR [", "]OR\n[", "\nOR ", " AND ")),
    ),
    min_size=1,
    max_size=4,
)


@given(plain)
def test_the_shortcut_says_what_the_grammar_says(parts: list[tuple[str, str, list[str], str]]):
    pattern = "["
    for path, op, values, join in parts:
        listed = ", ".join(f"'{value}'" for value in values)
        pattern += f"{path}{op}{f'({listed})' if 'IN' in op else listed.split(',')[0]}{join}"
    pattern = pattern.rstrip("[]ORAND \n") + "]"
    assert compile(pattern) == compile(f"({pattern})")
