"""What names look like: the forms of both sides, and how much a likeness says."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.lookalikes import vocabulary
from citysec.lookalikes.forms import all_forms, likeness, readings, subject
from citysec.lookalikes.kinds import PERMUTED, Kind, Strength, strength
from citysec.lookalikes.names import parts
from citysec.lookalikes.permutations import MOST, forms, permutations
from citysec.lookalikes.skeleton import scripts, skeleton, unicode
from citysec.lookalikes.vocabulary import Vocabulary
from citysec.observable import domain_name
from citysec.settings import shipped

WORDS = vocabulary.load(shipped("playbooks") / vocabulary.FILE)
LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True).filter(lambda s: s[2:4] != "--")
SUFFIXES = st.sampled_from(("gov.uk", "nhs.uk", "co.uk", "com", "example", "github.io", "uk"))
NAMES = st.builds("{}.{}".format, LABELS, SUFFIXES).filter(lambda name: parts(name) is not None)


def found(name: str, of: str, words: Vocabulary = WORDS) -> set[tuple[Kind, Strength]]:
    """Return how a name looks like a registered one, or like a brand."""
    whom = subject(of if "." not in of else domain_name(of).key)
    known = forms(whom)
    hits = (
        likeness(read, form, whom, known[form])
        for read in readings(domain_name(name).value, words)
        for form in read.forms
        if form in known
    )
    return {(hit.kind, hit.strength) for hit in hits if hit}


@pytest.mark.parametrize(
    ("label", "looks"),
    [
        ("camden", "camden"), ("carnden", "camden"), ("c4mden", "camden"), ("camde\u0578", "camden"),
        ("\u0441amden", "camden"), ("c\u0430mden", "camden"), ("camd\u0435n", "camden"), ("ca\u043cden", "camden"),
        ("\u0441\u0430md\u0435n", "camden"), ("\u00e7\u00e3md\u00e9n", "camden"), ("ca\u1d0dden", "camden"),
        ("\uff43amden", "camden"), ("vvestrninster", "westminster"), ("br1stol", "bristol"), ("c-d", "c-d"),
    ],
)  # fmt: skip
def test_what_looks_the_same_has_one_skeleton(label: str, looks: str):
    assert skeleton(label) == skeleton(looks)


def test_a_label_is_shown_as_people_see_it_with_its_alphabets():
    assert unicode("xn--cmden-4ve") == "c\u0430mden"
    assert scripts("xn--cmden-4ve") == ("LATIN", "CYRILLIC")
    assert scripts("camden-2") == ("LATIN",)
    assert unicode("xn--a\u00e4") == "xn--a\u00e4"


@pytest.mark.parametrize(
    ("name", "of", "hit"),
    [
        ("camdem.gov.uk", "camden.gov.uk", (Kind.REPLACEMENT, Strength.CERTAIN)),
        ("camdem.com", "camden.gov.uk", (Kind.REPLACEMENT, Strength.POSSIBLE)),
        ("kensingtonandchelsae.com", "kensingtonandchelsea.gov.uk", (Kind.TRANSPOSITION, Strength.CERTAIN)),
        ("c\u0430mden.com", "camden.gov.uk", (Kind.HOMOGLYPH, Strength.CERTAIN)),
        ("carnden.gov.uk", "camden.gov.uk", (Kind.HOMOGLYPH, Strength.CERTAIN)),
        ("camden-gov-uk.example", "camden.gov.uk", (Kind.KEYWORD, Strength.CERTAIN)),
        ("camden.com", "camden.gov.uk", (Kind.TLD_SWAP, Strength.POSSIBLE)),
        ("camden-council.com", "camden council", (Kind.HYPHENATION, Strength.CERTAIN)),
        ("camdencouncil.com", "camden council", (Kind.TLD_SWAP, Strength.CERTAIN)),
        ("tfl.pay.example", "tfl", None),
        ("tfl-pay.example", "tfl", (Kind.KEYWORD, Strength.POSSIBLE)),
        ("www.camden.gov.uk.verify.example", "camden.gov.uk", (Kind.EMBEDDED, Strength.CERTAIN)),
        ("camdem.gov.uk.example", "camden.gov.uk", (Kind.REPLACEMENT, Strength.CERTAIN)),
        ("camden.gov.verify.example", "camden.gov.uk", None),
        ("box.com", "bow.gov.uk", None),
        ("box.gov.uk", "bow.gov.uk", (Kind.REPLACEMENT, Strength.POSSIBLE)),
        ("camdenlock.com", "camden.gov.uk", None),
        ("gov.uk", "camden.gov.uk", None),
        ("public-library.com", "public-library.gov.uk", (Kind.TLD_SWAP, Strength.POSSIBLE)),
        ("public-library-login.com", "public-library.gov.uk", (Kind.KEYWORD, Strength.CERTAIN)),
        ("westminsternotice.com", "westminster.gov.uk", (Kind.KEYWORD, Strength.CERTAIN)),
        ("westminster-notice.com", "westminster.gov.uk", (Kind.KEYWORD, Strength.CERTAIN)),
        ("munchen.com", "m\u00fcnchen.gov.uk", (Kind.HOMOGLYPH, Strength.CERTAIN)),
        ("m\u00fcn-chen.com", "m\u00fcnchen.gov.uk", (Kind.HYPHENATION, Strength.CERTAIN)),
        ("munhcen.gov.uk", "m\u00fcnchen.gov.uk", (Kind.TRANSPOSITION, Strength.CERTAIN)),
    ],
)
def test_how_a_name_looks_like_another(name: str, of: str, hit: tuple[Kind, Strength] | None):
    assert found(name, of) == ({hit} if hit else set())


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("camden-council-login", "camdencouncil"),
        ("login-camdencouncil", "camdencouncil"),
        ("camdencouncil-council-tax-refund", "camdencouncil"),
        ("securepaycamdencouncil", "camdencouncil"),
        ("camden-council-tax", "camdencouncil"),
        ("pay-camdencounciltax", "camdencouncil"),
        ("camden-council-tax", "camden"),
        ("rainbow-login", "rainbow"),
        ("login", "login"),
    ],
)
def test_keywords_are_taken_away_at_both_ends(text: str, left: str):
    assert skeleton(left) in set(WORDS.residues(skeleton(text).replace("-", "")))
    assert skeleton("bow") not in set(WORDS.residues(skeleton(text).replace("-", "")))


@given(NAMES, st.lists(LABELS, max_size=3))
def test_nothing_is_its_own_lookalike_but_by_another_reading(name: str, below: list[str]):
    whole = ".".join([*below, name])
    if len(whole) <= 253:
        first = readings(whole, WORDS)[0]
        assert first.parts.registrable == name or first.parts.registrable.endswith(f".{name}")


@given(NAMES, NAMES)
def test_a_likeness_is_found_by_what_is_stored_of_either_side(one: str, other: str):
    known = forms(subject(domain_name(other).key))
    shared = known.keys() & set(all_forms(one, WORDS))
    assert bool(found(one, other)) <= bool(shared)


@given(LABELS)
def test_each_permutation_is_of_a_known_kind_and_none_looks_like_the_label(label: str):
    plain = label.replace("-", "")
    made = permutations(plain)
    assert set(made.values()) <= set(PERMUTED)
    assert skeleton(plain) not in made
    assert len(made) <= MOST


@given(st.text(max_size=70) | st.text(max_size=60).map("xn--{}".format))
def test_any_text_has_a_skeleton_and_any_case_of_it_a_way_to_be_shown(text: str):
    assert isinstance(skeleton(text), str)
    assert isinstance(unicode(text), str)
    assert isinstance(scripts(text), tuple)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("brand", [True, False])
def test_more_letters_and_the_same_ending_never_say_less(kind: Kind, *, brand: bool):
    order = [None, Strength.POSSIBLE, Strength.CERTAIN]
    for same in (True, False):
        said = [order.index(strength(kind, n, same_suffix=same, brand=brand)) for n in range(30)]
        assert said == sorted(said)


@pytest.mark.parametrize("text", ["keywords = 3", "keywords = ['Log In']", "words = []", "keywords ="])
def test_a_vocabulary_that_cannot_be_meant_is_refused(text: str, tmp_path_factory: pytest.TempPathFactory):
    file = tmp_path_factory.mktemp("words") / vocabulary.FILE
    file.write_text(text)
    with pytest.raises(InvalidInput, match=vocabulary.FILE):
        vocabulary.load(file)


def test_without_keywords_only_names_count():
    assert found("camden-council-login.example", "camden council", Vocabulary()) == set()
    assert found("camden-council.example", "camden council", Vocabulary()) == {(Kind.HYPHENATION, Strength.CERTAIN)}


def test_dnstwist_is_imported_when_it_is_wanted_and_leaves_sockets_alone():
    script = """
import socket, sys
import citysec.service
assert "dnstwist" not in sys.modules and "confusable_homoglyphs" not in sys.modules
from citysec.lookalikes.permutations import permutations
assert permutations("camden")
assert "dnstwist" in sys.modules and socket.getdefaulttimeout() is None
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)
