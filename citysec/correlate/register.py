"""The register as a CSV file, read for correlation only: ids, values and scopes."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from citysec.correlate.rules import RegisteredAsset, registered
from citysec.errors import InvalidInput, Problem
from citysec.observable import AssetKind, Scope, reverse_labels
from citysec.suffixes import is_public

COLUMNS: Final = frozenset({"asset_id", "kind", "value"})


@dataclass(frozen=True, slots=True)
class Register:
    """The assets of a file, and their values as written there, by id."""

    assets: list[RegisteredAsset[str]]
    values: dict[str, str]


def read(lines: Iterable[str]) -> Register:
    """Return the register written in `lines`; the columns are found by their names in the first.

    Raises:
        InvalidInput: a column is missing, or rows are bad: each is named by its line.
    """
    rows = csv.DictReader(lines)
    missing = COLUMNS.difference(rows.fieldnames or ())
    if missing:
        raise InvalidInput.at("line 1", f"no column {', '.join(sorted(missing))}")
    found, problems = Register([], {}), list[Problem]()
    for row in rows:
        try:
            _add(found, row)
        except InvalidInput as err:
            problems += (Problem(f"line {rows.line_num}", str(problem)) for problem in err.problems)
    if problems:
        raise InvalidInput(problems)
    return found


def _add(found: Register, row: dict[str, str | None]) -> None:
    asset_id, kind, value, scope = (row.get(name) or "" for name in ("asset_id", "kind", "value", "scope"))
    if not asset_id or asset_id in found.values:
        raise InvalidInput.at("asset_id", f"{asset_id!r} is missing or stands twice")
    asset = registered(asset_id, _kind(kind), value, _scope(scope))
    found.assets.append(replace(asset, scope=Scope.EXACT) if _is_nobodys(asset) else asset)
    found.values[asset_id] = value


def _is_nobodys(asset: RegisteredAsset[str]) -> bool:
    """Return whether an asset is a public suffix: it reaches no name below it."""
    tree = asset.scope is Scope.TREE and asset.kind is AssetKind.DOMAIN
    return tree and is_public(reverse_labels(asset.key))


def _kind(text: str) -> AssetKind:
    try:
        return AssetKind(text)
    except ValueError as err:
        raise InvalidInput.at("kind", f"{text!r} is none of {', '.join(AssetKind)}") from err


def _scope(text: str) -> Scope:
    try:
        return Scope(text or Scope.EXACT)
    except ValueError as err:
        raise InvalidInput.at("scope", f"{text!r} is none of {', '.join(Scope)}") from err
