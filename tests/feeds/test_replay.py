"""What was refused is kept, and taken when the reason is gone."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from typing import Any

import pytest
from sqlmodel import select

from citysec.db import Database
from citysec.feeds import poll
from citysec.feeds.definition import BundleFeed
from citysec.feeds.formats import properties
from citysec.feeds.ingest import Outcome, ingest
from citysec.feeds.portion import Portion
from citysec.feeds.replay import replay
from citysec.tables import Reject, StixObject
from tests.feeds.stix import STIX, bundle, indicator


@pytest.fixture
async def refused(enrolled: Database, bundle_feed: BundleFeed, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Of three objects, two were refused: one for a rule that has fallen since."""
    with monkeypatch.context() as then:
        then.setattr(properties, "_LATEST", datetime.fromisoformat("2000-01-01T00:00:00Z"))
        await _take(enrolled, bundle_feed, indicator(1), indicator(2, created=None), {"type": "x-a", "id": "nonsense"})
    return enrolled


async def _take(database: Database, feed: BundleFeed, *found: dict[str, Any]) -> None:
    for batch in poll.batches(STIX, Portion(BytesIO(bundle(*found)))):
        async with database.writing() as db:
            await ingest(db, feed, batch)


async def _all(database: Database, row: type[Any]) -> list[Any]:
    async with database.reading() as db:
        return list((await db.exec(select(row))).all())


async def test_what_is_right_now_is_stored_and_the_rest_stays_refused(refused: Database, bundle_feed: BundleFeed):
    before = {reject.at for reject in await _all(refused, Reject)}
    async with refused.writing() as db:
        assert await replay(db, bundle_feed) == Outcome(stored=1, refused=2)
    assert [held.stix_id for held in await _all(refused, StixObject)] == [indicator(1)["id"]]
    after = await _all(refused, Reject)
    assert (len(before), len(after), {reject.at[:9] for reject in after}) == (3, 2, {"/objects/"})


async def test_trying_again_without_a_reason_changes_nothing(refused: Database, bundle_feed: BundleFeed):
    outcomes: list[Outcome] = []
    for _ in range(2):
        async with refused.writing() as db:
            outcomes.append(await replay(db, bundle_feed))
    assert outcomes[1] == Outcome(refused=2)
    assert len(await _all(refused, Reject)) == 2
