"""`citysec accounts` and `citysec tokens`: who may sign in, and with what."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from citysec import tlp
from citysec.access import accounts, tokens
from citysec.access.accounts import Listed, NewAccount
from citysec.access.passwords import hashed
from citysec.access.policy import Role, Scope
from citysec.cli import screen
from citysec.cli.opening import Data, actor, opened
from citysec.tlp import TLP

app: Final = typer.Typer(name="accounts", help="People and machines that may sign in.", no_args_is_help=True)
tokens_app: Final = typer.Typer(name="tokens", help="Credentials of machines.", no_args_is_help=True)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What the account is called.")],
    role: Annotated[Role, typer.Option(help="What it is for.")],
    constituent: Annotated[str | None, typer.Option(help="Slug of its constituent; without it, the city's.")] = None,
    clearance: Annotated[str, typer.Option(help="Highest TLP level it may see.")] = TLP.AMBER.label,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input; else there is none.")
    ] = False,
    data: Data = None,
) -> None:
    """Add an account."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    level = tlp.parse(clearance)
    asyncio.run(_add(NewAccount(name=name, role=role, clearance=level, constituent=constituent), password, data))


async def _add(new: NewAccount, password: str | None, data: Path | None) -> None:
    password_hash = None if password is None else await hashed(password)
    async with opened(data) as db, db.writing() as session:
        await accounts.add(session, replace(new, password_hash=password_hash), actor=actor())


@app.command("list")
def list_(data: Data = None) -> None:
    """List the accounts."""
    table = Table("name", "role", "constituent", "clearance", "state")
    for one in asyncio.run(_list(data)):
        row, state = one.account, "disabled" if one.account.disabled_at else ""
        table.add_row(Text(row.name), row.role, one.constituent or "", TLP(row.clearance).label, state)
    screen.stdout().print(table)


async def _list(data: Path | None) -> Sequence[Listed]:
    async with opened(data) as db, db.reading() as session:
        return await accounts.listed(session)


@app.command("disable")
def disable(name: Annotated[str, typer.Argument(help="Whom to shut out.")], data: Data = None) -> None:
    """Shut an account out at once, its sessions and tokens too."""
    asyncio.run(_disable(name, data))


async def _disable(name: str, data: Path | None) -> None:
    async with opened(data) as db, db.writing() as session:
        await accounts.disable(session, name, actor=actor())


@tokens_app.command("issue")
def issue(
    account: Annotated[str, typer.Argument(help="Whose it is to be.")],
    scope: Annotated[list[Scope], typer.Option(help="What it is good for; give it as often as needed.")],
    data: Data = None,
) -> None:
    """Print a new token; it is shown once."""
    sys.stdout.write(asyncio.run(_issue(account, scope, data)) + "\n")


async def _issue(account: str, scopes: Sequence[Scope], data: Path | None) -> str:
    async with opened(data) as db, db.writing() as session:
        return await tokens.issue(session, account, scopes, actor=actor())


@tokens_app.callback()
def _tokens() -> None:
    """Keep `tokens` a group of commands."""
