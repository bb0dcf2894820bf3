"""What comes often reads by index: nothing that grows with the feeds is read whole, whatever a city has received."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import AsyncGenerator, Generator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlmodel import col, select

import citysec
from citysec.correlate.match import correlate_objects
from citysec.correlate.retro import correlate_assets
from citysec.db import Database
from citysec.feeds.definition import BundleFeed, Definition, DocumentFeed, Layout
from citysec.feeds.ingest import BATCH
from citysec.feeds.poll import import_file
from citysec.incidents import triage
from citysec.share.collections import admit
from citysec.tables import Asset, Feed, Outbox
from citysec.tables.columns import now
from tests import city
from tests.web.api import crawl
from tests.web.api.world import seed
from tests.web.console import visit
from tests.web.console.test_tenancy import EVERYTHING, pages

CAMPAIGN = Path(citysec.__file__).parent / "constituency/london/campaign.json"
GROWING = "stix_object|assertion|indicator_key|name_form|match|sighting|member"
_WHOLE = re.compile(rf"SCAN ({GROWING})\b(?! USING INDEX ix_match_(possible|lookalike))")  # which are indexes of a few
_PREFIX = re.compile(
    rf"SEARCH ({GROWING}|asset|delivery|observed) USING .*\((kind|type|state|latest)=\?( AND latest=\?)?\)"
)
_PAGE = re.compile(rf"SCAN ({GROWING}) USING .*INDEX")
ABOUT: dict[str, Any] = {"title": "Sample", "publisher": "Sample", "licence": "none"}
STAGES = {
    "correlate": correlate_objects,
    "retro": correlate_assets,
    "triage": partial(triage.triage, policy=city.INCIDENTS),
    "share": admit,
}
KNOWN = (
    "stix_object.latest = 0 AND match.indicator_value",  # of older versions `/lookup` knows matches alone
    "asset.key LIKE",  # of the few URLs that are registered those on a name
    "WHERE EXISTS (SELECT * \nFROM indicator_key \nWHERE indicator_key.kind = ?)",  # one row is enough
)
"""The statements that may read much."""


@pytest.fixture
def executed() -> Generator[dict[str, Any], None, None]:
    """Every statement that is executed while the test runs, with parameters that it had."""
    found: dict[str, Any] = {}

    def note(_c: object, _r: object, statement: str, parameters: Any, _x: object, many: bool) -> None:
        found.setdefault(statement.replace('"', ""), parameters[0] if many else parameters)

    event.listen(Engine, "before_cursor_execute", note)
    yield found
    event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture
async def site(db: Database, executed: dict[str, Any]) -> AsyncGenerator[city.Site, None]:
    """A city where everything happened that can happen, on the database that `sqlite_url` names."""
    await seed(db, EVERYTHING)
    executed.clear()
    async with city.served(city.app_context(db)) as served:
        yield served


def read_whole(executed: dict[str, Any], url: str) -> list[str]:
    """Return the statements for which SQLite reads all of a table that grows with the feeds."""
    found: list[str] = []
    with sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///")) as db:
        for statement, parameters in executed.items():
            if re.match("SELECT|UPDATE|DELETE", statement) and not any(each in statement for each in KNOWN):
                plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {_quoted(statement)}", parameters)]
                found += [statement for step in plan if _is_whole(step) and not _is_page(step, plan, statement)]
    return found


def _is_whole(step: str) -> bool:
    return _WHOLE.match(step) is not None or _PREFIX.match(step) is not None


def _is_page(step: str, plan: list[str], statement: str) -> bool:
    """Return whether a statement goes along an index until it has a page."""
    return "LIMIT" in statement and _PAGE.match(step) is not None and not any("TEMP B-TREE" in each for each in plan)


def _quoted(statement: str) -> str:
    return re.sub(r"\bmatch\b", '"match"', statement)


async def _arrived(db: Database, feed: Definition, file: Path) -> None:
    async with db.writing() as session:
        session.add(Feed(name=feed.name))
    async for _ in import_file(db, feed, file, 1 << 30):
        pass


async def _worked(db: Database) -> None:
    """Do the work that waits, and the work that this causes."""
    waiting = select(Outbox).where(col(Outbox.done_at).is_(None), col(Outbox.kind).in_(STAGES)).limit(1)
    while True:
        async with db.writing() as session:
            work = (await session.exec(waiting)).first()
            if work is None:
                return
            await STAGES[work.kind](session, work.payload)
            work.done_at = now()


async def test_what_arrives_is_stored_matched_and_shared_by_index(
    tmp_path: Path, london_database: Path, executed: dict[str, Any]
):
    url = f"sqlite+aiosqlite:///{shutil.copy(london_database, tmp_path)}"
    names = tmp_path / "names.txt"
    names.write_text("\n".join(f"host{n}.example" for n in range(BATCH)))  # the planner goes by how many are asked for
    async with Database.opened(url) as db:
        for again in ("first", "second"):  # what is known already is told from what is new
            await _arrived(db, BundleFeed(kind="stix-bundle", name=f"{again}-bundle", **ABOUT), CAMPAIGN)
            await _arrived(db, DocumentFeed(kind="document", name=again, format=Layout(name="list"), **ABOUT), names)
        async with db.writing() as session:
            await correlate_assets(session, {"assets": list((await session.exec(select(Asset.id))).all())})
        await _worked(db)
    assert len(executed) > 40
    assert read_whole(executed, url) == []


async def test_what_people_look_at_is_found_by_index(site: city.Site, sqlite_url: str, executed: dict[str, Any]):
    for name in ("ada", "lee"):
        async with visit.signed_in(site, name) as reader:
            for path in await pages(site.app.database):
                await reader.get(path)
    assert len(executed) > 40
    assert read_whole(executed, sqlite_url) == []


async def test_what_machines_ask_for_is_found_by_index(site: city.Site, sqlite_url: str, executed: dict[str, Any]):
    async with site.client() as client:
        for name in ("ada", "lee"):
            token = await crawl.token_of(site.app.database, name)
            await crawl.answers(client, token, ["open-i1", "camden"])
        await crawl.explanations_keep_secrets(site, client)
    assert len(executed) > 40
    assert read_whole(executed, sqlite_url) == []
