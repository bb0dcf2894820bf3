"""The command line: one module per noun, put together here.

Only the module of the command that is called is imported: `citysec correlate` needs no database, and `citysec accounts`
no web server.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Final

import typer

from citysec.errors import CitysecError, InvalidInput

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "init": ("admin", "init"),
    "serve": ("serve", "serve"),
    "demo": ("demo", "demo"),
    "accounts": ("accounts", "app"),
    "tokens": ("accounts", "tokens_app"),
    "collections": ("collections", "app"),
    "constituency": ("constituency", "app"),
    "feeds": ("feeds", "app"),
    "warnings": ("warnings", "app"),
    "lookalikes": ("lookalikes", "app"),
    "correlate": ("correlate", "correlate"),
    "vulnerabilities": ("vulnerabilities", "app"),
    "sightings": ("sightings", "app"),
    "patterns": ("patterns", "app"),
    "playbooks": ("playbooks", "app"),
    "advisories": ("advisories", "app"),
    "audit": ("audit", "app"),
    "doctor": ("doctor", "doctor"),
    "backup": ("backup", "backup"),
    "restore": ("backup", "restore"),
    "db": ("admin", "db"),
}
"""Name of a command -> module of this package, and what in it: a function, or a group of commands."""


def command_line(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return the command line with the commands `names`."""
    line = typer.Typer(
        name="citysec",
        help="A city's cyber-threat coordination service.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    line.callback()(_root)
    for name in names:
        module, attribute = COMMANDS[name]
        command = getattr(import_module(f"citysec.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            line.add_typer(command, name=name)
        else:
            line.command(name)(command)
    return line


def main() -> None:
    """Run the command line; what citysec raises on purpose becomes a line on stderr for each fault, and exit code 2."""
    called = sys.argv[1:2]
    try:
        command_line(called if called and called[0] in COMMANDS else COMMANDS)()
    except* CitysecError as several:
        for err in _leaves(several):
            for fault in err.problems if isinstance(err, InvalidInput) else (err,):
                print(f"citysec: {fault}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None


def _root() -> None:
    """Keep `citysec` a group of commands, however many there are."""


def _leaves(several: BaseExceptionGroup[CitysecError]) -> Iterator[CitysecError]:
    for err in several.exceptions:
        if isinstance(err, BaseExceptionGroup):
            yield from _leaves(err)
        else:
            yield err
