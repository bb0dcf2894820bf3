"""`citysec patterns`: validate STIX patterns and match them with observed-data, without a database."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, BinaryIO, Final, cast

import typer

from citysec.errors import InvalidInput, NotEvaluable, Problem
from citysec.patterning.contradictions import contradictions
from citysec.patterning.evaluation import matcher, observations
from citysec.patterning.evaluation.paths import Json
from citysec.patterning.evaluation.plan import plan
from citysec.patterning.grammar import read
from citysec.patterning.syntax import Instruction, Version
from citysec.patterning.validity import faults

app: Final = typer.Typer(
    help="STIX patterns: JSON Lines in, JSON Lines out, one answer for each line, in order.", no_args_is_help=True
)

_File = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", exists=True, dir_okay=False, help="Questions; standard input if none."),
]
_Answer = dict[str, Json]
_MOST: Final = 20
"""So many faults, or remarks, are told of one pattern."""


@app.command()
def validate(file: _File = None) -> None:
    """Say of each pattern whether it is one.

    A line is {"pattern": "[…]", "stix_version": "2.0" or "2.1" (if none)}; its answer {"valid", "error", "satisfiable",
    "remarks"}. "error" names the place (characters, counted from 0) and the cause, or is null. A valid pattern that no
    observation can match is not "satisfiable", and "remarks" say why; they also name what is not evaluated here, such
    as a regular expression that RE2 does not know.

    Exit 0 when every line was a question, 2 when one was not.
    """
    _answer(file, _validated, {"valid": False})


@app.command()
def match(file: _File = None) -> None:
    """Say of each pattern whether the observed-data beside it match.

    A line is {"pattern", "stix_version", "observed_data": [observed-data, and the objects that they refer to; or
    bundles of them]}; its answer {"matched", "error", "sdo_ids", "message"}. "sdo_ids" name the observed-data that
    fulfil the pattern together. "error" is null; or "pattern": it is none, or beyond what is evaluated here; or "data":
    the observed-data are not as the standard has them. "message" says more.

    Exit 0 when every line was a question, 2 when one was not.
    """
    _answer(file, _matched, {"matched": False, "sdo_ids": []})


def _answer(file: Path | None, answer: Callable[[_Answer, str, Version], _Answer], refused: _Answer) -> None:
    """Print an answer for each line of `file`, `refused` with the reason for what is no question."""
    understood = True
    for line in _lines(file):
        try:
            question = _question(line)
            told = answer(question, _pattern(question), _version(question))
        except _NoQuestion as err:
            understood = False
            told = refused | {"error": "data" if "matched" in refused else str(err), "message": str(err)}
        print(json.dumps(told), flush=True)  # noqa: T201
    raise typer.Exit(0 if understood else 2)


class _NoQuestion(Exception):
    """A line is none that can be answered."""


def _lines(file: Path | None) -> Iterator[bytes]:
    if file is None:
        yield from _filled(sys.stdin.buffer)
        return
    with file.open("rb") as opened:
        yield from _filled(opened)


def _filled(stream: BinaryIO) -> Iterator[bytes]:
    return (line for line in stream if line.strip())


def _question(line: bytes) -> _Answer:
    try:
        question = cast("Json", json.loads(line))
    except (ValueError, RecursionError) as err:
        raise _NoQuestion(f"not JSON: {err}") from err
    if not isinstance(question, dict):
        raise _NoQuestion("not a JSON object")
    return question


def _pattern(question: _Answer) -> str:
    if "pattern" not in question:
        raise _NoQuestion("pattern is missing")
    pattern = question["pattern"]
    if not isinstance(pattern, str):
        raise _NoQuestion("pattern is not a string")
    return pattern


def _version(question: _Answer) -> Version:
    version = question.get("stix_version", Version.STIX21)
    try:
        return Version(str(version))
    except ValueError:
        raise _NoQuestion(f"stix_version {version!r} is not 2.0 or 2.1") from None


def _validated(_: _Answer, pattern: str, version: Version) -> _Answer:
    try:
        reading = read(pattern, version)
    except InvalidInput as err:
        return _invalid(err.problems)
    wrong = faults(reading)
    return _invalid(wrong) if wrong else _valid(reading.program)


def _invalid(problems: Sequence[Problem]) -> _Answer:
    """Return the answer for what is no pattern; a thousand faults of one kind help nobody."""
    told = [str(one) for one in problems[:_MOST]]
    more = [f"and {len(problems) - _MOST} more"] if len(problems) > _MOST else []
    return {"valid": False, "error": "; ".join(told + more), "satisfiable": False, "remarks": []}


def _valid(program: Sequence[Instruction]) -> _Answer:
    findings = contradictions(program)
    remarks: list[Json] = [str(one) for one in findings.contradictions]
    satisfiable = findings.satisfiable
    try:
        plan(program)
    except NotEvaluable as err:
        remarks.append(str(err))
    except InvalidInput as err:  # a constant that is none: the pattern must match nothing (§9.4)
        satisfiable = False
        remarks.append(str(err))
    if len(remarks) > _MOST:
        remarks[_MOST:] = [f"and {len(remarks) - _MOST} more"]
    return {"valid": True, "error": None, "satisfiable": satisfiable, "remarks": remarks}


def _matched(question: _Answer, pattern: str, version: Version) -> _Answer:
    try:
        found = matcher(pattern, version)
    except InvalidInput as err:
        return _unmatched("pattern", str(err))
    try:
        matched = found.match(observations(_data(question)))
    except NotEvaluable as err:
        return _unmatched("pattern", str(err))
    except InvalidInput as err:
        return _unmatched("data", str(err))
    ids: list[Json] = [one.id for one in matched or ()]
    return {"matched": matched is not None, "error": None, "sdo_ids": ids, "message": None}


def _data(question: _Answer) -> Sequence[Json]:
    data = question.get("observed_data", [])
    if isinstance(data, list):
        return data
    if isinstance(data, dict):
        return [data]
    raise InvalidInput.at("/observed_data", "is not a list")


def _unmatched(kind: str, message: str) -> _Answer:
    return {"matched": False, "error": kind, "sdo_ids": [], "message": message}
