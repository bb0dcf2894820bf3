"""A small installation of the real service: four boroughs, and a publisher that knows of a threat to three of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import audit
from citysec.cli.admin import initialise
from citysec.constituency.lines import parse
from citysec.constituency.register import apply, plan_import
from citysec.db import Database
from citysec.settings import Settings
from citysec.tables import Constituent, Contact, Feed
from citysec.tables.columns import now
from citysec.tlp import TLP
from tests.faults.outcome import Outcome, outcome
from tests.faults.points import Point
from tests.feeds.stix import CREATED, bundle, indicator
from tests.processes import Program, Streams, launched
from tests.waiting import until

BOROUGHS: Final = ("Barnet", "Brent", "Camden", "Ealing")
TOUCHED: Final = BOROUGHS[:3]
PATIENCE_S: Final = 90
MALWARE: Final = "malware--11111111-1111-4111-8111-111111111111"
FEED: Final = """\
name = "campaign"
title = "Campaign"
publisher = "Publisher"
licence = "none"
kind = "stix-bundle"
path = "campaign.json"
every_s = 86400
enabled = true
reliability = "A"
tlp = "TLP:GREEN"
"""


@dataclass(frozen=True)
class Town:
    """An installation.

    Args:
        settings: where it is.
        environment: further settings of its processes.
    """

    settings: Settings
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def log(self) -> Path:
        """What its processes have said."""
        return self.settings.data_dir / "service.log"

    def serving(self, point: Point | None = None) -> AbstractContextManager[Program]:
        """Run `citysec serve`; with a point, until it kills itself there."""
        names = {"CITYSEC_DATA_DIR": str(self.settings.data_dir), "CITYSEC_PORT": "0", "CITYSEC_SMTP_TLS": "none"}
        if self.settings.database_url:
            names["CITYSEC_DATABASE_URL"] = self.settings.database_url
        return launched(
            "citysec.cli:main",
            "serve",
            point=point,
            environment={**names, **self.environment},
            streams=Streams(stderr=self.log),
        )

    async def settle(self) -> None:
        """Set it up with its boroughs, and have it do all that this entails."""
        await initialise(self.settings, None, "a long password")
        async with Database.opened(self.settings.app_database) as database, database.writing() as db:
            for name in BOROUGHS:
                await _found(db, name)
            await apply(db, await plan_import(db, parse(_register())), "test")
        with self.serving() as program:
            await self.is_idle()
            program.stop()

    def copied(self, to: Path, environment: Mapping[str, str]) -> Town:
        """Return another installation in the same state, to which the publisher has something to say."""
        shutil.copytree(self.settings.data_dir, to)
        town = Town(self.settings.model_copy(update={"data_dir": to}), environment)
        town.hear()
        return town

    def hear(self) -> None:
        """Have it poll what the publisher says at its next start."""
        folder = self.settings.data_dir / "feeds"
        folder.mkdir()
        (folder / "campaign.toml").write_text(FEED)
        (folder / "campaign.json").write_bytes(bundle(*_campaign()))

    async def withdraw(self) -> None:
        """Have it poll, at its next start, that nothing of it was true."""
        withdrawn = {"modified": "2026-02-01T00:00:00.000Z", "revoked": True}
        file = self.settings.data_dir / "feeds" / "campaign.json"
        file.write_bytes(bundle(*(each | withdrawn for each in _campaign())))
        async with Database.opened(self.settings.app_database) as database, database.writing() as db:
            (await db.get_one(Feed, "campaign")).next_at = now()

    async def is_idle(self) -> None:
        """Wait until there is nothing to do before a clock strikes."""
        await self.until(lambda found: {kind for (kind,) in found["waiting"]} <= {"clock"})

    async def until(self, true: Callable[[Outcome], bool]) -> None:
        """Wait until that is true of what it has come to."""
        async with Database.opened(self.settings.app_database) as database:

            async def reached() -> bool:
                return true(await outcome(database))

            await until(reached, PATIENCE_S, every_s=0.1)

    async def outcome(self) -> Outcome:
        """Return what it has come to; its audit chain holds."""
        async with Database.opened(self.settings.app_database) as database:
            async with database.reading() as db:
                _, broken = await audit.first_broken(db)
            assert broken is None
            return await outcome(database)

    async def comes_to(self, expected: Outcome) -> None:
        """Wait until it has come to `expected`."""
        with suppress(TimeoutError):
            await self.until(lambda found: found == expected)
        assert await self.outcome() == expected


def mailbox(borough: str) -> str:
    """Return where a borough is told."""
    return f"soc@{borough.lower()}.example"


async def _found(db: AsyncSession, name: str) -> None:
    borough = Constituent(
        slug=name.lower(), name=name, kind="borough", sector="local-government", clearance=TLP.AMBER
    )  # fmt: skip
    db.add(borough)
    await db.flush()
    db.add(Contact(constituent_id=borough.id, name=name, channel="email", address=mailbox(name)))


def _register() -> str:
    lines = ["asset_id,organisation,sector,kind,value,scope,criticality"]
    lines += (f"{n},{name},local-government,ipv4,198.51.100.{n},exact,high" for n, name in enumerate(BOROUGHS, 1))
    return "\n".join(lines)


def _campaign() -> list[dict[str, Any]]:
    """Return a malware, and an indicator of it for an address of each borough that is touched."""
    common = {"spec_version": "2.1", "created": CREATED, "modified": CREATED}
    malware = common | {"type": "malware", "id": MALWARE, "name": "Glasswing", "is_family": True}
    indicators = [indicator(n, confidence=90, labels=["c2"]) for n in range(1, len(TOUCHED) + 1)]
    indicates = common | {"type": "relationship", "relationship_type": "indicates", "target_ref": MALWARE}
    links = [
        indicates | {"id": f"relationship{each['id'].removeprefix('indicator')}", "source_ref": each["id"]}
        for each in indicators
    ]
    return [malware, *indicators, *links]
