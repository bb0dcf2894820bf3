"""`citysec init` and `citysec db`: from nothing to a service that can be started."""

from __future__ import annotations

import asyncio
import secrets
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import accounts, keys, passwords
from citysec.access.accounts import NewAccount
from citysec.access.policy import Role
from citysec.cli import screen
from citysec.cli.opening import Data, actor, read
from citysec.constituency.sample import Loaded, load_sample
from citysec.correlate import afresh, relook
from citysec.db import Database, upgrade
from citysec.lookalikes import vocabulary
from citysec.playbooks import approve
from citysec.settings import Settings, declared, shipped
from citysec.tables.access import Account
from citysec.tables.playbooks import Playbook
from citysec.tables.register import Constituent
from citysec.tlp import TLP

COORDINATOR: Final = "coordinator"
"""Name of the first account."""
_PASSWORD_BYTES: Final = 15

db: Final = typer.Typer(name="db", help="The database.", no_args_is_help=True)


class Sample(StrEnum):
    """Registers that come with citysec, to try it with."""

    LONDON = "london"


@dataclass(frozen=True, slots=True)
class SetUp:
    """What there was to set up.

    Args:
        serves: whether anybody is registered.
        added: whether there was no coordinator.
        password: the new coordinator's, where it was not given.
        sample: what was new in it, where one was asked for.
    """

    serves: bool
    added: bool
    password: str | None
    sample: Loaded | None


def init(
    data: Data = None,
    sample: Annotated[Sample | None, typer.Option(help="Load a made-up register to try citysec with.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the first coordinator's password from standard input.")
    ] = False,
) -> None:
    """Set citysec up: data directory, database, secret key, approved playbooks and the first coordinator.

    Doing it again does what is missing and changes nothing else.
    """
    given = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    settings = read(data)
    found = asyncio.run(initialise(settings, sample, given))
    _tell(settings, found, "" if data is None else f" --data {data}")


def _folder(path: Path) -> None:
    """Create the data directory, closed to others; one that holds something already is left as it is."""
    path.mkdir(parents=True, exist_ok=True)
    if not any(path.iterdir()):
        path.chmod(0o700)


async def initialise(settings: Settings, sample: Sample | None, given: str | None) -> SetUp:
    """Do what is missing: folder, key, schema, playbooks, sample, first coordinator.

    Args:
        settings: where.
        sample: register to load.
        given: the coordinator's password; one is made up without.
    """
    password = given if given is not None else secrets.token_urlsafe(_PASSWORD_BYTES)
    password_hash = await passwords.hashed(password)
    _folder(settings.data_dir)
    keys.ensure(settings)
    await upgrade(settings.app_database)
    async with Database.opened(settings.app_database) as database, database.writing() as session:
        loaded = await load_sample(session, actor()) if sample else None
        await _first_playbooks(session)
        await relook.begin(session, vocabulary.load(declared(settings, vocabulary.FILE)))
        added = await _first_coordinator(session, password_hash)
        serves = (await session.exec(select(Constituent.id).limit(1))).first() is not None
    return SetUp(serves, added, password if given is None else None, loaded)


async def _first_playbooks(session: AsyncSession) -> None:
    """Approve the playbooks that come with citysec, unless the team has ever approved any: from then on it decides."""
    if (await session.exec(select(Playbook.id).limit(1))).first() is None:
        await approve.approve_all(session, approve.read(shipped("playbooks")), actor())


async def _first_coordinator(session: AsyncSession, password_hash: str) -> bool:
    """Add an account for the coordinator where there is none, and say whether there was none."""
    if (await session.exec(select(Account.id).where(Account.role == Role.COORDINATOR).limit(1))).first():
        return False
    new = NewAccount(name=COORDINATOR, role=Role.COORDINATOR, clearance=TLP.RED, password_hash=password_hash)
    await accounts.add(session, new, actor=actor())
    return True


def _tell(settings: Settings, found: SetUp, option: str) -> None:
    out = screen.stdout()
    out.print(Text(f"citysec is set up in {settings.data_dir}"))
    if not found.added:
        out.print("There is a coordinator already: no account was added.")
    elif found.password is None:
        out.print(f"First account: {COORDINATOR}, with the password given.")
    else:
        out.print(Text(f"First account: {COORDINATOR}, password {found.password} (it is not shown again)"))
    if (new := found.sample) is not None:
        counts = (
            f"{new.constituents} constituents, {new.contacts} contacts, {new.services} services, {new.assets} assets"
        )
        out.print(f"New of the sample: {counts}.")
    if not found.serves:
        first = f"citysec constituency import constituents.csv{option}"
        out.print(
            Text(f"\nNobody is registered yet. Begin with\n  {first}\nand go on with contacts, services and assets.")
        )
    out.print(Text(f"\nNext:\n  citysec serve{option}\n  sign in at {settings.base_url}\n  citysec doctor{option}"))


@db.command("upgrade")
def upgrade_(data: Data = None) -> None:
    """Bring the database to the schema of this version; stop the service and make a backup before."""
    settings = read(data)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    asyncio.run(upgrade(settings.app_database))
    screen.stdout().print("The database has the schema of this version.")


@db.command("recorrelate")
def recorrelate(data: Data = None) -> None:
    """Compare the whole register with all stored indicators again, as after an upgrade that has changed what matches.

    The work is done by the service as soon as it runs.
    """
    found = asyncio.run(_recorrelate(read(data)))
    screen.stdout().print(f"{found} {'object is' if found == 1 else 'objects are'} correlated again.")


async def _recorrelate(settings: Settings) -> int:
    async with Database.opened(settings.app_database) as database, database.writing() as session:
        found = await afresh.concerned(session)
        afresh.hand_on(session, found)
        return len(found)
