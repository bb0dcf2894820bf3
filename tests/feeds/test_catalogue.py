"""Definitions of feeds, and the ones that come with citysec."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from citysec.errors import FeedRefused, InvalidInput
from citysec.feeds import catalogue
from citysec.feeds.auth import Auth, Scheme
from citysec.feeds.credentials import address, credentials
from citysec.feeds.formats import Draft
from citysec.tlp import TLP
from tests.feeds.stix import bundle, indicator

GOOD = """
name = "one"
title = "One"
publisher = "P"
licence = "CC0"
kind = "stix-bundle"
url = "https://feeds.example/one.json"
every_s = 3600
tlp = "amber+strict"
"""


def _write(folder: Path, name: str, text: str) -> Path:
    file = folder / f"{name}.toml"
    file.write_text(text)
    return file


def test_a_definition_is_typed(tmp_path: Path):
    feed = catalogue.read(_write(tmp_path, "one", GOOD))
    assert (feed.name, feed.tlp, feed.enabled) == ("one", TLP.AMBER_STRICT, False)


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ('kind = "rss"', "one.toml: .*rss"),
        ('licence = ""', "one.toml: licence"),
        ('tlp = "purple"', "one.toml: tlp.*purple"),
        ("confidence = 101", "one.toml: confidence"),
        ('confidence = "high"', "one.toml: confidence"),
        ("colour = 1", "one.toml: colour"),
        ('url = "ftp://feeds.example/"', "one.toml: url"),
        ('url = "https://user:pass@feeds.example/"', r"one.toml: url.*\[auth\]"),
        ('reliability = "G"', "one.toml: reliability"),
        ('name = "two"', "one.toml: name"),
        ('path = "here.json"', "one.toml: .*exclude"),
        ('cron = "0 0 * * mon"', "one.toml: .*exclude"),
        ('allow_hosts = ["http://a"]', "one.toml: .*allow_hosts"),
        ("this is no TOML", "one.toml: .*line 2"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_field(tmp_path: Path, line: str, place: str):
    key = line.partition(" ")[0]
    rest = "\n".join(row for row in GOOD.splitlines() if row.partition(" ")[0] != key)
    with pytest.raises(InvalidInput, match=place):
        catalogue.read(_write(tmp_path, "one", f"\n{line}{rest}"))


@pytest.mark.parametrize(
    "kind", ['kind = "misp-feed"', 'kind = "taxii-2.1"\ncollection = "c"', 'kind = "taxii-2.0"\ncollection = "c"']
)
def test_what_is_read_on_from_the_last_poll_is_no_snapshot(tmp_path: Path, kind: str):
    written = GOOD.replace('kind = "stix-bundle"', kind)
    catalogue.read(_write(tmp_path, "one", written))
    with pytest.raises(InvalidInput, match=r"one\.toml: .*is a stream"):
        catalogue.read(_write(tmp_path, "one", f'{written}semantics = "snapshot"\n'))


@pytest.mark.parametrize("cron", ["0 0 * *", "0 0 * * 1", "61 * * * *", "nonsense"])
def test_a_calendar_that_cannot_be_obeyed_is_refused(tmp_path: Path, cron: str):
    with pytest.raises(InvalidInput, match=r"one.toml: cron"):
        catalogue.read(_write(tmp_path, "one", GOOD.replace("every_s = 3600", f'cron = "{cron}"')))


DOCUMENT = GOOD.replace('"stix-bundle"', '"document"')


@pytest.mark.parametrize("written", ['format = "stix"', '[format]\nname = "stix"'])
def test_a_document_says_in_which_format_it_is(tmp_path: Path, written: str):
    feed = catalogue.read(_write(tmp_path, "one", f"{DOCUMENT}\n{written}\n"))
    assert [item.type for item in feed.format.read(BytesIO(bundle(indicator(1)))) if isinstance(item, Draft)] == [
        "indicator"
    ]


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("", "one.toml: format: Field required"),
        ('format = "nonsense"', "one.toml: format: .*'nonsense' is none of .*stix"),
        ("[format]\nname = 'stix'\ncolour = 1", "one.toml: format: .*colour"),
        ("[format]\ncolour = 1", "one.toml: format.name"),
    ],
)
def test_a_format_that_is_not_known_or_cannot_be_so_tuned_is_named(tmp_path: Path, written: str, place: str):
    with pytest.raises(InvalidInput, match=place):
        catalogue.read(_write(tmp_path, "one", f"{DOCUMENT}\n{written}\n"))


def test_all_files_are_judged_at_once(tmp_path: Path):
    _write(tmp_path, "a", "name = 1")
    _write(tmp_path, "b", "name = 2")
    with pytest.raises(InvalidInput) as caught:
        catalogue.load([tmp_path])
    assert {problem.at.partition(":")[0] for problem in caught.value.problems} == {"a.toml", "b.toml"}


def test_the_operators_definition_replaces_the_shipped_one(tmp_path: Path):
    for folder, title in (("shipped", "One"), ("own", "Mine")):
        (tmp_path / folder).mkdir()
        _write(tmp_path / folder, "one", GOOD.replace('"One"', f'"{title}"'))
    assert catalogue.load([tmp_path / "shipped", tmp_path / "own"])["one"].title == "Mine"


def test_the_next_poll_follows_interval_or_calendar(tmp_path: Path):
    monday = datetime(2026, 6, 1, 12, tzinfo=UTC)
    every = catalogue.read(_write(tmp_path, "one", GOOD))
    weekly = catalogue.read(_write(tmp_path, "one", GOOD.replace("every_s = 3600", 'cron = "30 4 * * tue"')))
    assert every.next_poll(monday) == datetime(2026, 6, 1, 13, tzinfo=UTC)
    assert weekly.next_poll(monday) == datetime(2026, 6, 2, 4, 30, tzinfo=UTC)


def test_a_secret_is_found_where_the_definition_says(tmp_path: Path):
    (tmp_path / "secret").write_text("ada:päss\n")
    text = GOOD + '[auth]\nscheme = "basic"\nfile = "secret"\n'
    feed = catalogue.read(_write(tmp_path, "one", text))
    assert credentials(feed.auth, {}).headers == {"Authorization": "Basic YWRhOnDDpHNz"}
    bearer, keyed = Auth(scheme=Scheme.BEARER, env="KEY"), Auth(scheme=Scheme.HEADER, header="Auth-Key", env="KEY")
    assert credentials(bearer, {"KEY": "abc"}).headers == {"Authorization": "Bearer abc"}
    assert credentials(keyed, {"KEY": "abc"}).headers == {"Auth-Key": "abc"}
    assert "abc" not in repr(credentials(keyed, {"KEY": "abc"}))


@pytest.mark.parametrize("secret", ["", "a\nb", "no-colon"])
def test_a_secret_that_cannot_be_used_is_named_by_its_place(secret: str):
    with pytest.raises(FeedRefused, match="TOKEN"):
        credentials(Auth(scheme=Scheme.BASIC, env="TOKEN"), {"TOKEN": secret})


@pytest.mark.parametrize(
    "auth",
    [
        'token = "abc"',
        'scheme = "basic"',
        'scheme = "basic"\nenv = "A"\nfile = "b"',
        'scheme = "basic"\nenv = "CITYSEC_X"',
        'scheme = "header"\nenv = "A"',
        'scheme = "basic"\nheader = "X"\nenv = "A"',
        'scheme = "certificate"\nenv = "A"',
    ],
)
def test_a_literal_or_homeless_secret_is_refused(tmp_path: Path, auth: str):
    with pytest.raises(InvalidInput, match=r"one.toml: auth"):
        catalogue.read(_write(tmp_path, "one", f"{GOOD}\n[auth]\n{auth}\n"))


def test_a_secret_may_stand_in_the_address(tmp_path: Path):
    place = GOOD.replace("one.json", "{secret}/one.json")
    auth = '\n[auth]\nscheme = "url"\nenv = "TOKEN"\n'
    feed = catalogue.read(_write(tmp_path, "one", place + auth))
    assert address("https://feeds.example/{secret}/x", feed.auth, {"TOKEN": "a/b"}) == "https://feeds.example/a%2Fb/x"
    for wrong in (place, GOOD + auth):
        with pytest.raises(InvalidInput, match="go together"):
            catalogue.read(_write(tmp_path, "one", wrong))


def test_a_secret_travels_encrypted_unless_the_host_is_named(tmp_path: Path):
    plain = GOOD.replace("https:", "http:")
    auth = '\n[auth]\nscheme = "bearer"\nenv = "TOKEN"\n'
    with pytest.raises(InvalidInput, match="https"):
        catalogue.read(_write(tmp_path, "one", plain + auth))
    catalogue.read(_write(tmp_path, "one", plain + 'allow_hosts = ["feeds.example"]' + auth))
