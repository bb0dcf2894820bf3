"""Names that look like registered ones: in either order, told apart from the real names, and let pass by the team."""

from __future__ import annotations

import pytest

from citysec.correlate import vocabularies
from citysec.lookalikes import vocabulary
from citysec.lookalikes.alike import alike
from citysec.settings import shipped
from tests.correlate.city import City, indicator


@pytest.fixture(autouse=True)
async def _words(city: City) -> None:
    async with city.db.writing() as session:
        await vocabularies.store(session, vocabulary.load((shipped("playbooks") / vocabulary.FILE).read_bytes()))


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
