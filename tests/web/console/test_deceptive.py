"""Names that look like others come from a publisher's bytes to a page as what they are."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from sqlmodel import col, select

from citysec.access.policy import Role
from citysec.db import Database
from citysec.feeds import poll
from citysec.tables import IndicatorKey, Reject, StixObject
from tests import city
from tests.web import feeding
from tests.web.console import visit
from tests.web.console.visit import Visit

CAMDEN_IN_CYRILLIC = "\N{CYRILLIC SMALL LETTER ES}amden.example"
REVERSED = "invoice\N{RIGHT-TO-LEFT OVERRIDE}fdp.exe.example"


@pytest.fixture
async def eve(db: Database, tmp_path: Path) -> AsyncGenerator[Visit, None]:
    """The coordinator of a city to which a list of such names has come."""
    (tmp_path / "names.txt").write_text(f"{CAMDEN_IN_CYRILLIC}\n{REVERSED}\n")
    await city.account(db, "eve", Role.COORDINATOR)
    async with feeding.served(db) as site:
        async for _ in poll.import_file(db, feeding.LIST, tmp_path / "names.txt", 1 << 20):
            pass
        async with visit.signed_in(site, "eve") as reader:
            yield reader


async def test_a_name_in_letters_of_another_script_is_stored_and_shown_by_its_a_label(eve: Visit, db: Database):
    async with db.reading() as session:
        assert list(await session.exec(select(IndicatorKey.key))) == ["example.xn--amden-0ye"]
        (stored,) = await session.exec(select(StixObject.pattern))
    assert stored == "[domain-name:value = 'xn--amden-0ye.example']"
    assert "xn--amden-0ye.example" in (await eve.post("/lookup", text=CAMDEN_IN_CYRILLIC)).text


async def test_what_turns_a_name_round_is_refused_and_written_out(eve: Visit, db: Database):
    async with db.reading() as session:
        assert REVERSED in (await session.exec(select(Reject.excerpt).where(col(Reject.at) == "line 2"))).all()
    text = (await eve.get("/feeds/list")).text
    assert "invoice\\u202efdp.exe.example" in text
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in text
