"""`citysec playbooks`: check and rehearse CACAO playbooks, without a database and without effects."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from citysec.cli import opening
from citysec.errors import InvalidInput
from citysec.playbooks.approve import approve_all
from citysec.playbooks.cacao import Level, Playbook
from citysec.playbooks.check import Examination, Outcome, examine
from citysec.playbooks.rehearse import Script, Stage, rehearse
from citysec.playbooks.shape import JsonObject
from citysec.playbooks.strategy import load
from citysec.tables.columns import now
from citysec.tables.playbooks import Playbook as PlaybookRow

app: Final = typer.Typer(help="CACAO 2.0 playbooks.", no_args_is_help=True)

_File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, metavar="FILE")]
_Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, metavar="FILE...")]


@app.command()
def check(files: _Files) -> None:
    """Say of each FILE whether it may be kept and run: one JSON object a line. Exit 1 unless all are ok."""
    outcomes: set[Outcome] = set()
    for file in files:
        examination = examine(file.read_bytes())
        outcomes.add(examination.outcome)
        _print(_line(file, examination))
    raise typer.Exit(0 if outcomes == {Outcome.OK} else 1)


def _print(answer: JsonObject) -> None:
    print(json.dumps(answer, ensure_ascii=False))  # noqa: T201


def _line(file: Path, examination: Examination) -> JsonObject:
    return {
        "file": str(file),
        "outcome": examination.outcome.value,
        "problems": msgspec.to_builtins(examination.problems),
    }


@app.command("rehearse")
def rehearse_(
    file: _File,
    others: Annotated[list[Path] | None, typer.Option("--with", help="A playbook that FILE may call.")] = None,
    script: Annotated[Path | None, typer.Option(help="Inputs, and what steps answer.")] = None,
) -> None:
    """Play FILE without any effect and print the way it took as one JSON object. Exit 1 when FILE is rejected."""
    examination = examine(file.read_bytes())
    if examination.outcome is Outcome.REJECT or examination.playbook is None:
        first = next(p.kind for p in examination.problems if p.severity is Level.ERROR)
        _print({"status": "rejected", "error": first, "exception_handler_ran": False, "trace": [], "variables": {}})
        raise typer.Exit(1)
    stage = Stage(_script(script), _by_id([examination.playbook, *_playbooks(others or [])]), now())
    _print(rehearse(examination.playbook, stage).to_json())


@app.command("approve")
def approve_(files: _Files, data: opening.Data = None) -> None:
    """Let these exact versions run, as the operator. Each FILE that is refused ends the command, nothing is kept."""
    rows = asyncio.run(_approve([file.read_bytes() for file in files], data))
    for row in rows:
        _print({"id": row.playbook_id, "version": row.version, "digest": row.digest, "approved_by": row.approved_by})


async def _approve(contents: list[bytes], data: Path | None) -> list[PlaybookRow]:
    async with opening.opened(data) as db, db.writing() as session:
        return await approve_all(session, contents, opening.actor())


@app.command("strategy")
def strategy_(file: _File) -> None:
    """Say whether the strategy in FILE can be used, as one JSON object. Exit 1 when it cannot."""
    try:
        load(file.read_bytes())
    except InvalidInput as err:
        _print(
            {
                "file": str(file),
                "outcome": "reject",
                "problems": [{"at": p.at, "message": p.message} for p in err.problems],
            }
        )
        raise typer.Exit(1) from None
    _print({"file": str(file), "outcome": "ok", "problems": []})


def _script(file: Path | None) -> Script:
    if file is None:
        return Script()
    try:
        return msgspec.json.decode(file.read_bytes(), type=Script)
    except (OSError, msgspec.DecodeError) as err:
        raise InvalidInput.at(str(file), str(err)) from err


def _playbooks(files: list[Path]) -> list[Playbook]:
    found: list[Playbook] = []
    for file in files:
        examination = examine(file.read_bytes())
        if examination.playbook is None or examination.outcome is Outcome.REJECT:
            raise InvalidInput.at(str(file), examination.problems[0].message)
        found.append(examination.playbook)
    return found


def _by_id(playbooks: list[Playbook]) -> dict[str, list[Playbook]]:
    versions: dict[str, list[Playbook]] = {}
    for playbook in playbooks:
        versions.setdefault(playbook.id, []).append(playbook)
    return versions
