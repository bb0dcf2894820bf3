"""Names that look like registered ones: in either order, told apart from the real names, and let pass by the team."""

from __future__ import annotations

import random

import pytest
from sqlmodel import col, select, update

from citysec.correlate import allow_list, relook, vocabularies, warning_lists
from citysec.correlate.listing import Effect, ListType, Reading, read
from citysec.correlate.warning_lists import Proposal
from citysec.errors import Conflict, InvalidInput
from citysec.lookalikes import vocabulary
from citysec.lookalikes.alike import alike
from citysec.lookalikes.forms import likeness, readings, subject
from citysec.lookalikes.permutations import forms, permutations
from citysec.lookalikes.vocabulary import Vocabulary
from citysec.observable import domain_name
from citysec.settings import shipped
from citysec.tables import AssetOwner, Lookalike
from tests.correlate.city import City, indicator, named


@pytest.fixture(autouse=True)
async def _words(city: City) -> None:
    async with city.db.writing() as session:
        await vocabularies.store(session, vocabulary.load(shipped("playbooks") / vocabulary.FILE))


async def found(city: City) -> list[tuple[str, str, str, bool]]:
    """Return name, subject, kind and certainty of the open matches of lookalikes."""
    likes = [(alike(match.about), match) for match in await city.matches() if match.closed_at is None]
    assert all((like is not None) == (match.relation == "lookalike") for like, match in likes)
    return [(like.name, like.of, like.kind, match.certain) for like, match in likes if like]


NAMES = [
    ("camdem.gov.uk", "replacement"),
    ("carnden.gov.uk", "homoglyph"),
    ("c4mden.gov.uk", "homoglyph"),
    ("xn--cmden-4ve.gov.uk", "homoglyph"),
    ("cam-den.gov.uk", "hyphenation"),
    ("pay-camden.example", "keyword"),
    ("camden.gov.uk.verify.example", "embedded"),
    ("login.camdn.gov.uk", "omission"),
]


@pytest.mark.parametrize(("name", "kind"), NAMES)
@pytest.mark.parametrize(
    "pattern", ["domain-name:value = '{}'", "url:value = 'https://{}/pay'", "email-addr:value = 'x@{}'"]
)
async def test_a_name_that_looks_like_a_registered_one_is_a_match_of_its_own_kind(
    city: City, name: str, kind: str, pattern: str
):
    await city.own("camden", "domain", "camden.gov.uk", scope="tree")
    await city.work()
    await city.say(indicator(1, f"[{pattern.format(name)}]"))
    await city.work()
    assert await found(city) == [(name, "camden.gov.uk", kind, True)]


@pytest.mark.parametrize(("name", "kind"), NAMES)
async def test_who_registers_later_finds_the_same(city: City, name: str, kind: str):
    await city.say(indicator(1, f"[domain-name:value = '{name}']"), indicator(2, "[domain-name:value = 'x.example']"))
    await city.work()
    await city.own("camden", "domain", "camden.gov.uk")
    await city.work()
    await city.work()
    assert await found(city) == [(name, "camden.gov.uk", kind, True)]


async def settled(city: City) -> None:
    """Do all correlation, also what follows from it."""
    while [work for kind in ("correlate", "retro", "relook", "rejudge") for work in await city.waiting(kind)]:
        await city.work()


@pytest.mark.parametrize(
    ("name", "brand", "certain"),
    [
        ("camden-council-login.example", "camden council", True),
        ("camdencouncil.example", "camden council", True),
        ("council-tax-camdencouncil.example", "camden council", True),
        ("camdem-council-pay.example", "camden council", True),
        ("bow-login.example", "bow", False),
        ("bow.example", "bow", None),
        ("rainbow-login.example", "bow", None),
        ("elbow-pay.example", "bow", None),
        ("bowling.example", "bow", None),
        ("login.example", "camden council", None),
        ("camden-counsel.example", "camden council", None),
    ],
)
async def test_a_brand_is_looked_for_as_a_whole_word(city: City, name: str, brand: str, certain: bool | None):
    await city.own("camden", "brand", brand)
    await city.say(indicator(1, f"[domain-name:value = '{name}']"))
    await settled(city)
    assert [match[1::2] for match in await found(city)] == ([] if certain is None else [(brand, certain)])


async def test_names_of_constituents_look_like_nobody(city: City):
    await city.own("camden", "domain", "camden.gov.uk", scope="tree")
    await city.own("other", "domain", "www.camdem.gov.uk")
    await city.own("third", "url", "https://pay.camdn.gov.uk/x")
    await city.own("fourth", "email", "info@camde.gov.uk")
    names = "camden.gov.uk", "it.camden.gov.uk", "camdem.gov.uk", "x.camdem.gov.uk", "camdn.gov.uk", "camde.gov.uk"
    await city.say(*(indicator(i, f"[domain-name:value = '{name}']") for i, name in enumerate(names)))
    await settled(city)
    assert await found(city) == []


async def test_who_registers_a_lookalike_makes_it_a_real_name(city: City):
    (camden,) = await city.own("camden", "domain", "camden.gov.uk")
    await city.say(indicator(1, "[domain-name:value = 'camdem.gov.uk']"))
    await settled(city)
    (other,) = await city.own("other", "domain", "camdem.gov.uk")
    await settled(city)
    like, real = sorted(await city.matches(), key=lambda match: match.asset_id or 0)
    assert (like.asset_id, like.close_reason, real.asset_id, real.relation) == (camden, "superseded", other, "equal")
    await city.disown(other)
    await settled(city)
    assert [(match[0], match[1]) for match in await found(city)] == [("camdem.gov.uk", "camden.gov.uk")]


async def test_a_new_name_matches_what_it_looks_like_and_nothing_else(city: City):
    await city.own("camden", "domain", "camden.gov.uk", scope="tree")
    await city.own("other", "mail-domain", "CAMDEN.gov.uk")
    await city.news("camden.gov.uk", "pay.camden.gov.uk", "camdem.gov.uk", "shop.example")
    await settled(city)
    assert {(name, kind) for name, _, kind, _ in await found(city)} == {("camdem.gov.uk", "replacement")}
    assert await city.pairs() == set()
    assert all(match.about["lookalike"]["new"] for match in await city.matches())


async def test_what_a_feed_calls_a_threat_is_no_news_any_more(city: City):
    await city.own("camden", "domain", "camden.gov.uk", scope="tree")
    await city.news("camdem.gov.uk", "pay.camden.gov.uk")
    await settled(city)
    await city.record(named("camdem.gov.uk"), named("pay.camden.gov.uk"), feed="threats")
    await settled(city)
    said = {match.relation: (match.feed, match.about.get("lookalike", {}).get("new")) for match in await city.matches()}
    assert said == {"lookalike": ("threats", None), "below": ("threats", None)}


async def test_an_allowed_name_ends_its_matches_until_it_is_taken_back(city: City):
    await city.own("camden", "domain", "camden.gov.uk")
    await city.say(indicator(1, "[url:value = 'https://www.camdem.gov.uk/x']"))
    await city.say(indicator(2, "[domain-name:value = 'camdn.gov.uk']"))
    await settled(city)
    async with city.db.writing() as session:
        await allow_list.allow(session, "Camdem.gov.uk", " a printer’s ", "ada")
    await settled(city)
    assert [match.close_reason for match in await city.matches()] == ["allowed", None]
    async with city.db.writing() as session:
        (entry,) = await allow_list.listed(session)
        assert (entry.key, entry.note, entry.by) == ("uk.gov.camdem", "a printer’s", "ada")
        await allow_list.disallow(session, "camdem.gov.uk", "ada")
    await settled(city)
    assert [match.closed_at for match in await city.matches()] == [None, None]


async def test_only_names_that_are_somebodys_can_be_allowed_and_once(city: City):
    async with city.db.writing() as session:
        for text in ("gov.uk", "198.51.100.3", ""):
            with pytest.raises(InvalidInput):
                await allow_list.allow(session, text, "", "ada")
        with pytest.raises(InvalidInput, match="is not on the allow list"):
            await allow_list.disallow(session, "camdem.gov.uk", "ada")
        await allow_list.allow(session, "camdem.gov.uk", "", "ada")
        with pytest.raises(Conflict):
            await allow_list.allow(session, "CAMDEM.gov.uk.", "", "ada")


async def test_what_nobody_owns_any_more_is_watched_no_more(city: City):
    assets = await city.own("camden", "domain", "camden.gov.uk", "www.camden.gov.uk")
    await settled(city)
    await city.disown(assets[0])
    await city.say(indicator(1, "[domain-name:value = 'camdem.gov.uk']"))
    await settled(city)
    assert len(await found(city)) == 1
    await city.disown(assets[1])
    await settled(city)
    assert await found(city) == []
    async with city.db.reading() as session:
        assert (await session.exec(select(Lookalike))).all() == []


async def test_names_that_are_hosted_elsewhere_do_not_make_the_host_ours(city: City):
    await city.own("camden", "domain", "camden.sharepoint.example", "lbcamden.sharepoint.example")
    await city.say(indicator(1, "[domain-name:value = 'sharep0int.example']"))
    await settled(city)
    assert await found(city) == []


async def standing_with(city: City) -> set[int | None]:
    """Return the assets of the open matches."""
    return {match.asset_id for match in await city.matches() if match.closed_at is None}


async def test_many_names_of_one_owner_are_one_match(city: City):
    ids = await city.own("camden", "domain", "pay.camden.gov.uk", "it.camden.gov.uk", "camden.gov.uk")
    await city.say(indicator(1, "[domain-name:value = 'camdem.gov.uk']"))
    await settled(city)
    assert await standing_with(city) == {ids[2]}


async def test_who_has_a_name_below_somebody_s_is_not_told_what_looks_like_that(city: City):
    (shared,) = await city.own("barnet", "domain", "shared.camden.gov.uk")
    await city.say(indicator(1, "[domain-name:value = 'camdem.gov.uk']"))
    await settled(city)
    assert await standing_with(city) == {shared}
    (own,) = await city.own("camden", "domain", "www.camden.gov.uk")
    await settled(city)
    assert await standing_with(city) == {own}
    await city.disown(own)
    await settled(city)
    assert await standing_with(city) == {shared}


async def test_a_name_of_which_a_pattern_speaks_twice_is_told_by_the_surest(city: City):
    await city.own("camden", "domain", "camden.gov.uk")
    part = "[domain-name:value = 'camdem.gov.uk' AND domain-name:x = 1]"
    await city.say(indicator(1, f"{part} OR [url:value = 'https://camdem.gov.uk/x']"))
    await settled(city)
    assert [certain for _, _, _, certain in await found(city)] == [True]


async def test_another_vocabulary_counts_for_what_is_stored(city: City):
    await city.own("camden", "brand", "camden council")
    await city.say(indicator(1, "[domain-name:value = 'camdencouncil-tombola.example']"))
    await settled(city)
    assert await found(city) == []
    async with city.db.writing() as session:
        await relook.begin(session, Vocabulary(keywords=("tombola",)))
    await settled(city)
    assert [kind for _, _, kind, _ in await found(city)] == ["keyword"]


async def test_the_same_vocabulary_again_is_no_work(city: City):
    await city.own("camden", "brand", "camden council")
    for _ in range(2):
        async with city.db.writing() as session:
            await relook.begin(session, Vocabulary(keywords=("tombola",)))
    assert len(await city.waiting("relook")) == 1


async def test_all_again_changes_nothing(city: City):
    await city.own("camden", "domain", "camden.gov.uk")
    await city.say(indicator(1, "[domain-name:value = 'camdem.gov.uk']"))
    await settled(city)
    before = await city.matches()
    await city.repeat()
    await settled(city)
    assert await city.matches() == before


REGISTERED = ("camden.gov.uk", "camdem.gov.uk", "hamden.example", "bexley.gov.uk", "brent.gov.uk", "brent.example")
BRANDS = ("camden council", "brent", "tfl")


def spoken(seed: int) -> list[str]:
    """Return names like those registered, those themselves, names below them, and others."""
    chance = random.Random(seed)
    labels = [name.split(".")[0] for name in REGISTERED] + [brand.replace(" ", "") for brand in BRANDS]
    known = [text for label in labels for text in sorted(permutations(label))[:: chance.randint(9, 40)]]
    known += [f"{word}-{label}" for label in labels for word in ("pay", "login", "x")] + labels
    ends = ("gov.uk", "example", "com", "gov.uk.verify.example")
    names = {f"{chance.choice(('', 'www.', 'a.b.'))}{label}.{chance.choice(ends)}" for label in known}
    return sorted(names | {f"{below}{name}" for name in REGISTERED for below in ("", "www.", "a.b.")})


def expected(names: list[str], words: Vocabulary) -> set[tuple[str, str]]:
    """Return which of the names look like what, by comparing each with each."""
    subjects = [subject(domain_name(name).key) for name in REGISTERED] + [subject(brand) for brand in BRANDS]
    found: set[tuple[str, str]] = set()
    for whom in subjects:
        known = forms(whom)
        for name in names:
            read = readings(name, words)
            hits = (likeness(one, f, whom, known[f]) for one in read for f in one.forms if f in known)
            if read[0].parts.registrable not in REGISTERED and any(hits):
                found.add((name, whom.value))
    return found


@pytest.mark.parametrize("seed", range(3))
async def test_both_directions_find_what_comparing_all_with_all_finds(either: City, seed: int):
    words = vocabulary.load(shipped("playbooks") / vocabulary.FILE)
    async with either.db.writing() as session:
        await vocabularies.store(session, words)
    names = spoken(seed)
    said = [indicator(i, f"[domain-name:value = '{name}']") for i, name in enumerate(names)]
    await either.say(*said[::2])
    await settled(either)
    await either.own("camden", "domain", *REGISTERED[:3], scope="tree")
    await either.own("brent", "domain", *REGISTERED[3:])
    await settled(either)
    await either.own("other", "brand", *BRANDS)
    await either.say(*said[1::2])
    await settled(either)
    assert {(name, of) for name, of, _, _ in await found(either)} == expected(names, words)


async def test_who_is_not_verified_watches_nothing_and_makes_nothing_real(city: City):
    await city.own("camden", "domain", "camden.gov.uk")
    (claimed,) = await city.own("other", "domain", "camdem.gov.uk")
    (own,) = await city.own("brent", "domain", "brent.gov.uk")
    async with city.db.writing() as session:
        unsure = update(AssetOwner).where(col(AssetOwner.asset_id).in_((claimed, own))).values(verified=False)
        await session.exec(unsure)
    await city.say(
        *(indicator(i, f"[domain-name:value = '{n}']") for i, n in enumerate(("camdem.gov.uk", "bremt.gov.uk")))
    )
    await settled(city)
    assert [(name, of) for name, of, _, _ in await found(city)] == [("camdem.gov.uk", "camden.gov.uk")]


async def test_a_warning_list_lets_a_lookalike_pass_and_takes_that_back(city: City):
    await city.own("camden", "domain", "camden.gov.uk")
    await city.say(indicator(1, "[domain-name:value = 'camdem.gov.uk']"))
    await settled(city)
    reading = read(ListType.HOSTNAME, (), ["camdem.gov.uk"])
    async with city.db.writing() as session:
        await warning_lists.store(session, proposal(reading), "ada")
    await settled(city)
    assert [match.close_reason for match in await city.matches()] == ["warning-list"]
    async with city.db.writing() as session:
        await warning_lists.remove(session, "known", "ada")
    await settled(city)
    assert [match.close_reason for match in await city.matches()] == [None]


def proposal(reading: Reading) -> Proposal:
    """Return a list that suppresses."""
    return Proposal(
        name="known", title="Known", version="1", description="", type=ListType.HOSTNAME, attributes=(),
        effect=Effect.SUPPRESS, reading=reading,
    )  # fmt: skip
