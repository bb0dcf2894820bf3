"""`citysec doctor`: is all well, and if not, what is to be done?"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, exists, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import keys
from citysec.access.policy import Role
from citysec.announced import origin
from citysec.cli import screen
from citysec.cli.opening import Data, opened, read
from citysec.errors import InvalidInput, SettingsError
from citysec.observable import AssetKind
from citysec.pipeline import Parts
from citysec.settings import Settings
from citysec.tables.access import Account
from citysec.tables.advisories import Delivery
from citysec.tables.columns import now
from citysec.tables.feeds import Feed
from citysec.tables.playbooks import Run
from citysec.tables.register import Asset, AssetOwner, Constituent, Contact
from citysec.tables.work import Outbox

PATIENCE: Final = timedelta(minutes=10)
"""How long work may wait or fail before that is worth a person's attention; clocks wait by design."""
LEAST_FREE: Final = 1 << 30
SHOWN: Final = 5
_OTHERS: Final = 0o077


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `detail` says what is wrong and what helps, or what is right."""

    name: str
    ok: bool
    detail: str


def doctor(
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Look at everything that can be wrong with an installation. Exit 1 when something is."""
    checks = asyncio.run(examine(read(data), data))
    well = all(check.ok for check in checks)
    if as_json:
        print(json.dumps({"ok": well, "checks": [asdict(check) for check in checks]}))  # noqa: T201
    else:
        _show(checks)
    raise typer.Exit(0 if well else 1)


def _show(checks: list[Check]) -> None:
    table = Table(show_header=False)
    for check in checks:
        table.add_row("well" if check.ok else "WRONG", check.name, Text(check.detail))
    screen.stdout().print(table)


async def examine(settings: Settings, data: Path | None) -> list[Check]:
    """Return what is well and what is not, the files first."""
    checks = list(_files(settings))
    try:
        async with opened(data) as database, database.reading() as session:
            checks.append(Check("database", ok=True, detail="opens, with the schema of this version"))
            checks += [await check(session) for check in _RECORDS]
    except (SettingsError, SQLAlchemyError, OSError) as err:
        checks.append(Check("database", ok=False, detail=f"cannot be used: {err}"))
    return checks


def _files(settings: Settings) -> Iterator[Check]:
    folder = settings.data_dir
    if not folder.is_dir():
        yield Check("data directory", ok=False, detail=f"{folder} is absent: run `citysec init`")
        return
    yield _declared(settings)
    free = shutil.disk_usage(folder).free
    yield Check("disk", free >= LEAST_FREE, f"{free / (1 << 30):,.1f} GiB free where {folder} is")
    shut = not folder.stat().st_mode & _OTHERS
    yield Check("data directory", shut, "closed to others" if shut else f"others can look into it: chmod 700 {folder}")
    yield _secret(settings)


def _declared(settings: Settings) -> Check:
    """Read what `serve` reads before it starts."""
    with suppress(SettingsError):  # of the secret key, which is looked at apart
        try:
            Parts.of(settings)
        except InvalidInput as err:
            return Check("definitions", ok=False, detail=f"`citysec serve` will not start: {err}")
    return Check("definitions", ok=True, detail="feeds, strategy and advice can be read")


def _secret(settings: Settings) -> Check:
    file = settings.data_dir / keys.FILE
    try:
        keys.signing_key(settings)
    except SettingsError as err:
        return Check("secret key", ok=False, detail=str(err))
    shut = not file.stat().st_mode & _OTHERS
    return Check("secret key", shut, "readable by its owner only" if shut else f"others can read it: chmod 600 {file}")


async def _coordinator(db: AsyncSession) -> Check:
    query = select(func.count()).where(Account.role == Role.COORDINATOR, col(Account.disabled_at).is_(None))
    count = (await db.exec(query)).one()
    return Check("coordinators", count > 0, f"{count} may sign in" if count else "nobody may sign in: `citysec init`")


async def _work_failing(db: AsyncSession) -> Check:
    late = now() - PATIENCE
    query = select(Outbox).where(
        col(Outbox.done_at).is_(None), col(Outbox.error).is_not(None), col(Outbox.created_at) < late
    )
    oldest = (await db.exec(query.order_by(col(Outbox.created_at)).limit(1))).first()
    if oldest is None:
        return Check("failing work", ok=True, detail="none")
    count = (await db.exec(select(func.count()).select_from(query.subquery()))).one()
    detail = f"{count}, the oldest since {_time(oldest.created_at)}: {oldest.kind}: {oldest.error}"
    return Check("failing work", ok=False, detail=detail)


async def _work_waiting(db: AsyncSession) -> Check:
    query = select(func.count(), func.min(col(Outbox.due_at))).where(
        col(Outbox.done_at).is_(None), col(Outbox.error).is_(None), col(Outbox.due_at) < now() - PATIENCE
    )
    count, since = (await db.exec(query)).one()
    detail = f"{count} since {_time(since)}: is `citysec serve` running?" if count else "none"
    return Check("work that waits", not count, detail)


async def _dead_deliveries(db: AsyncSession) -> Check:
    count = (await db.exec(select(func.count()).where(Delivery.state == "dead"))).one()
    return Check("dead letters", not count, f"{count}: see `citysec advisories list --dead`" if count else "none")


async def _unsent(db: AsyncSession) -> Check:
    failing = (Delivery.state == "queued", col(Delivery.error).is_not(None), col(Delivery.queued_at) < now() - PATIENCE)
    oldest = (await db.exec(select(Delivery).where(*failing).order_by(col(Delivery.queued_at)).limit(1))).first()
    if oldest is None:
        return Check("messages not sent", ok=True, detail="none")
    count = (await db.exec(select(func.count()).where(*failing))).one()
    detail = f"{count}, tried again and again since {_time(oldest.queued_at)}: {oldest.error}"
    return Check("messages not sent", ok=False, detail=detail)


async def _failed_runs(db: AsyncSession) -> Check:
    count = (await db.exec(select(func.count()).where(Run.state == "failed"))).one()
    return Check("failed playbook runs", not count, f"{count}: see their incidents" if count else "none")


async def _feeds(db: AsyncSession) -> Check:
    overdue = col(Feed.next_at) < now() - PATIENCE
    query = (
        select(Feed)
        .where(col(Feed.enabled), or_(col(Feed.failures) > 0, col(Feed.held).is_not(None), overdue))
        .order_by(Feed.name)
    )
    troubled = (await db.exec(query)).all()
    enabled = (await db.exec(select(func.count()).where(col(Feed.enabled)))).one()
    detail = "; ".join(map(_trouble, troubled)) or f"{enabled} enabled"
    return Check("feeds", not troubled, detail)


def _trouble(feed: Feed) -> str:
    last = f"last good poll {_time(feed.succeeded_at)}" if feed.succeeded_at else "never polled well"
    if feed.failures:
        return f"{feed.name}: failed {feed.failures} times ({feed.error}), {last}"
    if feed.held is not None:
        return f"{feed.name}: {feed.held}"
    return f"{feed.name}: due since {_time(feed.next_at)}, {last}"


async def _prefixes(db: AsyncSession) -> Check:
    systems = select(func.count()).select_from(Asset).where(exists().where(col(AssetOwner.asset_id) == col(Asset.id)))
    count = (await db.exec(systems.where(col(Asset.kind) == AssetKind.ASN))).one()
    table = await origin(db)
    if count and table is None:
        lacking = f"{count} registered, but nobody says what they announce: `citysec constituency prefixes import`"
        return Check("autonomous systems", ok=False, detail=lacking)
    said = f"{count} registered; announced prefixes by {table.said}" if table else "none registered"
    return Check("autonomous systems", ok=True, detail=said)


async def _contacts(db: AsyncSession) -> Check:
    owns = exists().where(col(AssetOwner.constituent_id) == Constituent.id)
    told = exists().where(col(Contact.constituent_id) == Constituent.id, col(Contact.active))
    names = (await db.exec(select(Constituent.name).where(owns, ~told).order_by(Constituent.name))).all()
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    return Check("contacts", not names, f"nobody to tell at {shown}" if names else "everybody with assets has one")


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "?"


_RECORDS: Final[tuple[Callable[[AsyncSession], Awaitable[Check]], ...]] = (
    _coordinator,
    _work_failing,
    _work_waiting,
    _unsent,
    _dead_deliveries,
    _failed_runs,
    _feeds,
    _prefixes,
    _contacts,
)
