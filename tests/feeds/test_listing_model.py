"""A feed that lists all that counts, beside a model of a few lines: whatever happens to its list, in any order."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from citysec.db import Database
from citysec.feeds import listing, standing
from citysec.feeds.definition import BundleFeed, Semantics
from citysec.feeds.ingest import Batch, ingest
from citysec.feeds.reading import Extent, Reading
from citysec.tables import Outbox, StixObject
from citysec.tables.columns import now
from tests.feeds.stored import counting, days_pass, entry, take, value_of, whole

VALUES = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
LIFETIME, CONFIRMATIONS = 10, 2
LISTS = st.frozensets(st.sampled_from(VALUES))
ACTIONS = st.one_of(
    st.tuples(st.sampled_from(["list", "crash", "import"]), LISTS),
    st.tuples(st.just("same"), st.just(frozenset[str]())),
    st.tuples(st.just("days"), st.just(frozenset[str]())),
)
STEP = 6
"""Days that pass at a time: once is well within the lifetime, twice is well beyond."""


@dataclass
class Word:
    """What the feed says of one value: listed (0 lists missed), missing, or imported (None); and how old that is."""

    missed: int | None
    age: int = 0


@dataclass
class Model:
    """What should be: value -> word, of those that are not gone."""

    words: dict[str, Word] = field(default_factory=dict[str, Word])
    list_age: int | None = None

    def counting(self) -> set[str]:
        return {value for value in self.words if self._age(value) <= LIFETIME}

    def _age(self, value: str) -> int:
        word = self.words[value]
        return (self.list_age or 0) if word.missed == 0 else word.age

    def act(self, action: str, values: frozenset[str]) -> None:
        match action:
            case "days":
                self.list_age = None if self.list_age is None else self.list_age + STEP
                for word in self.words.values():
                    word.age += STEP
            case "import":
                for value in values:
                    if (word := self.words.setdefault(value, Word(None))).missed != 0:
                        word.age = 0
            case "crash":
                self._say(values)
                self.list_age = self.list_age or 0
            case _:
                self._end(values if action == "list" else None)

    def _say(self, values: frozenset[str]) -> None:
        for value in values:
            self.words[value] = Word(0)

    def _end(self, values: frozenset[str] | None) -> None:
        missing = [word for value, word in self.words.items() if values is not None and value not in values]
        for word in self.words.values():
            word.missed = word.missed + 1 if word.missed and (values is None or word in missing) else word.missed
        self._say(values or frozenset())
        for word in missing:
            if word.missed == 0:
                word.missed, word.age = 1, self.list_age or 0
        self.words = {v: w for v, w in self.words.items() if (w.missed or 0) < CONFIRMATIONS}
        self.list_age = 0


async def _act(database: Database, feed: BundleFeed, action: str, values: frozenset[str]) -> None:
    match action:
        case "days":
            await days_pass(database, STEP)
        case "import":
            await take(database, feed, *map(entry, sorted(values)))
        case "crash":
            async with database.writing() as db:
                batch = Batch(entries=[entry(value) for value in sorted(values)])
                await ingest(db, feed, batch, Reading(now(), Extent.WHOLE))
        case "list":
            await whole(database, feed, *sorted(values))
        case _:
            async with database.writing() as db:
                await listing.unchanged(db, feed, now())


async def _handed_on(database: Database) -> set[str]:
    """Return the values that wait to be correlated."""
    async with database.reading() as db:
        waiting = await db.exec(select(Outbox).where(Outbox.kind == "correlate", col(Outbox.done_at).is_(None)))
        ids = [object_id for work in waiting for object_id in work.payload["objects"]]
        patterns = await db.exec(select(StixObject.pattern).where(col(StixObject.id).in_(ids)))
        return {value_of(pattern) for pattern in patterns}


@pytest.fixture
def feed(bundle_feed: BundleFeed) -> BundleFeed:
    said = {"semantics": Semantics.SNAPSHOT, "lifetime_days": LIFETIME, "confirmations": CONFIRMATIONS}
    return bundle_feed.model_copy(update=said)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ACTIONS, max_size=10))
def test_what_counts_is_what_the_model_says_and_every_change_is_handed_on(
    empty_database: Path, feed: BundleFeed, actions: list[tuple[str, frozenset[str]]]
):
    async def play(folder: str) -> None:
        async with Database.opened(f"sqlite+aiosqlite:///{shutil.copy(empty_database, folder)}") as database:
            async with database.writing() as db:
                await standing.enrol(db, {feed.name: feed}, now())
            model = Model()
            for action, values in actions:
                await days_pass(database, 0)  # all work so far is done
                before, known = await counting(database), set(model.words)
                await _act(database, feed, action, values)
                model.act(action, values)
                after = await counting(database)
                assert after == model.counting()
                handed_on, came_or_went = await _handed_on(database), known ^ set(model.words)
                changed = set[str]() if action == "days" else before ^ after
                assert changed <= handed_on <= changed | came_or_went, (actions, action, before, after)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(folder))
