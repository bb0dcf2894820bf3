"""The command line: one module per noun, put together here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

import typer

from citysec.cli import accounts, admin, advisories, audit, collections, constituency, feeds, playbooks
from citysec.cli.backup import backup, restore
from citysec.cli.correlate import correlate
from citysec.cli.demo import demo
from citysec.cli.doctor import doctor
from citysec.cli.serve import serve
from citysec.errors import CitysecError

app: Final = typer.Typer(
    name="citysec",
    help="A city's cyber-threat coordination service.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (admin.init, doctor, backup, restore):
    app.command()(command)
app.add_typer(admin.db)
app.add_typer(accounts.app)
app.add_typer(accounts.tokens_app)
app.add_typer(advisories.app)
app.add_typer(audit.app)
app.add_typer(collections.app)
app.add_typer(constituency.app)
app.add_typer(feeds.app)
app.add_typer(playbooks.app, name="playbooks")
for command in (correlate, serve, demo):
    app.command()(command)


@app.callback()
def _root() -> None:
    """Keep `citysec` a group of commands, however many there are."""


def main() -> None:
    """Run the command line; an error citysec raises on purpose becomes one line on stderr and exit code 2."""
    try:
        app()
    except* CitysecError as several:
        for err in _leaves(several):
            print(f"citysec: {err}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None


def _leaves(several: BaseExceptionGroup[CitysecError]) -> Iterator[CitysecError]:
    for err in several.exceptions:
        if isinstance(err, BaseExceptionGroup):
            yield from _leaves(err)
        else:
            yield err
