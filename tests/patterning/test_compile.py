"""Patterns become atoms: what can be looked up, and whether it alone fulfils the pattern."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.observable import Kind
from citysec.patterning import FAULTS, Op, Residue, Why, compile, index_key, parse, shortcut  # noqa: A004
from citysec.patterning.contradictions import contradictions


def keys(pattern: str) -> list[tuple[str, bool]]:
    return [(atom.key, atom.certain) for atom in compile(pattern).atoms]


def test_one_comparison_is_one_atom():
    (atom,) = compile("[ipv4-addr:value = '198.51.100.3']").atoms
    assert (atom.kind, atom.key, atom.path) == (Kind.IP, "4/c6336403/32", "ipv4-addr:value")
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
    assert keys("[ipv4-addr:value ISSUPERSET '198.51.100.0/24']") == [("4/c6336400/24", False)]


def test_like_and_matches_on_names_are_atoms_of_their_own():
    (like,) = compile("[domain-name:value LIKE '%.Camden.gov.uk']").atoms
    (regex,) = compile(r"[domain-name:value MATCHES '^www\\.camden\\.gov\\.uk$']").atoms
    assert (like.kind, like.key) == (Kind.NAME_LIKE, "%.camden.gov.uk")
    assert (regex.kind, regex.key) == (Kind.NAME_REGEX, r"^www\.camden\.gov\.uk$")


def test_like_and_matches_on_urls_are_atoms_that_keep_their_case_and_name_no_host():
    (like,) = compile("[url:value LIKE 'http://a.test/Gate%']").atoms
    (regex,) = compile(r"[url:value MATCHES '^http://A\\.test/']").atoms
    assert (like.kind, like.key) == (Kind.URL_LIKE, "http://a.test/Gate%")
    assert (regex.kind, regex.key) == (Kind.URL_REGEX, r"^http://A\.test/")
    assert index_key(like) == "test http://a.test/Gate%"
    assert index_key(regex) == r"test ^http://A\.test/"


@pytest.mark.parametrize("path", ["url:value", "domain-name:value"])
def test_the_same_text_by_several_operators_is_several_facts(path: str):
    text = "http://a/" if path == "url:value" else "a.a"
    found = compile(f"[{path} LIKE '{text}' OR {path} MATCHES '{text}' OR {path} = '{text}' OR {path} LIKE '{text}']")
    assert [atom.op for atom in found.atoms if atom.kind is not Kind.NAME or path != "url:value"] == [
        Op.LIKE, Op.MATCHES, Op.EQ,
    ]  # fmt: skip


@pytest.mark.parametrize("comparison", ["url:value LIKE '{}'", "url:value MATCHES '{}'"])
def test_an_expression_on_urls_that_cannot_be_evaluated_is_a_fault(comparison: str):
    (residue,) = compile(f"[{comparison.format('a' * 2001)}]").residue
    assert residue.why in FAULTS


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


def test_parts_that_contradict_each_other_are_said_and_still_looked_up():
    both = compile("[domain-name:value = 'a.test' AND domain-name:value = 'b.test']")
    assert [(atom.key, atom.certain) for atom in both.atoms] == [("test.a", False), ("test.b", False)]
    assert both.residue == (Residue("domain-name:value", Why.CONTRADICTION),)
    window = compile("[url:value = 'http://a.test/'] START t'2025-01-01T00:00:00Z' STOP t'2024-01-01T00:00:00Z'")
    assert window.residue == (Residue("START STOP", Why.CONTRADICTION),)


@pytest.mark.parametrize(
    ("pattern", "possible"),
    [
        ("[a:b = 1 AND a:b = 2]", False),
        ("[a:b = 1 AND a:b = 1.0]", True),
        ("[a:b = 'a' AND a:b = h'61']", True),
        ("[a:b = 1 AND a:b = '1']", False),
        ("[a:b IN (1, 2) AND a:b IN (2, 3)]", True),
        ("[a:b IN (1, 2) AND a:b > 2]", False),
        ("[a:b = 'x.exe' AND a:b LIKE '%.dll']", False),
        ("[a:b = 1 AND a:b != 1]", False),
        ("[a:b != 1 AND a:b != 2]", True),
        ("[a:b[*] = 1 AND a:b[*] = 2]", True),
        ("[a:b[0] = 1 AND a:b[0] = 2]", False),
        ("[a:b = 1 AND c:b = 1]", False),
        ("[(a:b = 1 OR c:b = 1) AND c:b = 1]", True),
        ("[(a:b = 1 OR a:b = 2) AND (a:b = 3 OR a:c = 1)]", True),
        ("[(a:b = 1 OR a:b = 2) AND (a:b = 3 OR a:b = 4)]", False),
        ("[a:b = 1 AND a:b = 2] OR [a:b = 3]", True),
        ("[a:b = 1 AND a:b = 2] FOLLOWEDBY [a:b = 3]", False),
        ("[a:b IN ()]", False),
        ("[a:b NOT IN ()]", True),
        ("[ipv4-addr:value ISSUBSET '2001:db8::/32']", False),
        ("[ipv6-addr:value ISSUBSET '2001:db8::/32']", True),
        ("[malware:name = 'x']", False),
        ("[a:b = 1] START t'2024-01-01T00:00:00Z' STOP t'2024-01-01T00:00:00Z'", False),
        ("[a:b = 1] START t'2024-01-01T00:00:00Z' STOP t'2024-01-01T00:00:00.1Z'", True),
    ],
)
def test_what_nothing_can_fulfil_is_found(pattern: str, possible: bool):
    findings = contradictions(parse(pattern))
    assert findings.satisfiable is possible
    assert possible or findings.contradictions


def test_expressions_that_re2_does_not_know_are_said_whatever_they_are_about():
    assert compile("[file:name MATCHES '(?=a)']").residue == (Residue("file:name", Why.UNSUPPORTED),)
    assert compile("[domain-name:value MATCHES '(?=a)']").atoms == ()


def seldom(usual: tuple[str, ...], odd: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.sampled_from((*usual * (1 + 8 * len(odd) // len(usual)), *odd))


paths = seldom(
    ("domain-name:value", "ipv4-addr:value", "file:hashes.'SHA-256'", "url:value", "email-message:to_refs[*].value"),
    ("a:true", "tool:name", "file:IN.hashes.MD5", "x:a_b.'c_d'.e"),
)
texts = st.sampled_from(("'a.test'", "'198.51.100.3'", "'http://a.test/OR'", "'[x] OR'", "''", r"'a\\b\'c'", "'a]'"))
blank = seldom(("", " "), ("\n", "\u2003", "\x1f"))
listed = st.lists(texts, min_size=1, max_size=3).map(lambda values: f"({', '.join(values)})")
comparison = st.one_of(
    st.tuples(paths, blank, seldom(("=", "!=", "LIKE"), ("==", "MATCHES")), blank, texts),
    st.tuples(paths, blank, st.just("="), blank, seldom(("1", "-5", "true"), ("007", "1.5", "trueOR", "h'00'"))),
    st.tuples(paths, st.just(" IN"), blank, listed),
).map("".join)
inside = st.lists(st.tuples(comparison, seldom((" OR ", " AND "), ("AND ", " and "))), min_size=1, max_size=3)
qualifiers = seldom(("", " REPEATS 1 TIMES", " REPEATS 2 TIMES", "WITHIN 5SECONDS"), (" REPEATS 2 TIMESOR",))


def row(parts: list[tuple[str, str]]) -> str:
    return "".join(f"{one}{join}" for one, join in parts)[: -len(parts[-1][1])]


group = st.tuples(st.sampled_from(("[{}]", "[ {} ]", "[({})]", "[( {} ) ]")), inside.map(row), qualifiers).map(
    lambda parts: parts[0].format(parts[1]) + parts[2]
)
joins = seldom((" OR ", " AND ", " FOLLOWEDBY "), ("OR", "]OR["))
flat = st.lists(st.tuples(group, joins), min_size=1, max_size=3).map(row)


@settings(max_examples=500)
@given(flat, qualifiers)
def test_the_shortcuts_say_what_the_grammar_says(pattern: str, qualifier: str):
    def told(text: str) -> object:
        try:
            return compile(text)
        except InvalidInput:
            return None

    assert told(pattern) == told(f"(({pattern}))")
    assert told(f"({pattern}) {qualifier}") == told(f"(({pattern}) {qualifier})")
    assert shortcut.flat(f"(({pattern}))") is None


def test_the_shortcuts_are_taken_and_keep_the_limits():
    assert shortcut.ONE.fullmatch("[domain-name:value = 'a']")
    assert shortcut.flat("[ a:b = 'x' AND a:c IN ('x')] REPEATS 2 TIMES FOLLOWEDBY [(a:b LIKE 'x')]")
    with pytest.raises(InvalidInput, match="more than"):
        compile("[" + " OR ".join(["a:b = 'x'"] * 10_001) + "]")
    with pytest.raises(InvalidInput, match="longer than"):
        compile(f"[a:b = '{'x' * (512 << 10)}']")
