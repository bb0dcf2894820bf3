"""The catalogue: `feeds/*.toml`, one definition per feed, read once.

The folder that comes with citysec is read first, then the operator's: a definition of the same name replaces the
shipped one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter, ValidationError

from citysec.errors import InvalidInput, Problem
from citysec.feeds.definition import Definition, FileFeed

_DEFINITION: Final[TypeAdapter[Definition]] = TypeAdapter(Annotated[Definition, Field(discriminator="kind")])
_KINDS: Final = frozenset({"document", "misp-feed", "stix-bundle", "taxii-2.0", "taxii-2.1"})


def load(folders: Iterable[Path]) -> dict[str, Definition]:
    """Return the definitions in `folders` by name; in a later folder they replace those of an earlier one.

    Raises:
        InvalidInput: what is wrong, with file and field, in all files at once.
    """
    found: dict[str, Definition] = {}
    problems: list[Problem] = []
    for file in (file for folder in folders for file in sorted(folder.glob("*.toml"))):
        try:
            definition = read(file)
        except InvalidInput as err:
            problems += err.problems
        else:
            found[definition.name] = definition
    if problems:
        raise InvalidInput(problems)
    return dict(sorted(found.items()))


def read(file: Path) -> Definition:
    """Return the definition in `file`; relative paths in it are made relative to its folder.

    Raises:
        InvalidInput: the file is no TOML, or a field is missing, unknown or not legal.
    """
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
        definition = _DEFINITION.validate_python(values)
    except ValidationError as err:
        raise InvalidInput(_problem(file, e["loc"], e["msg"]) for e in err.errors()) from err
    except (OSError, ValueError) as err:
        raise InvalidInput.at(file.name, str(err)) from err
    if definition.name != file.stem:
        raise InvalidInput.at(f"{file.name}: name", f"{definition.name!r} is not the file's name")
    return _anchored(definition, file.parent)


def _problem(file: Path, place: tuple[int | str, ...], message: str) -> Problem:
    field = ".".join(str(part) for part in place if part not in _KINDS)
    return Problem(f"{file.name}: {field}" if field else file.name, message)


def _anchored(definition: Definition, folder: Path) -> Definition:
    changes: dict[str, Any] = {}
    if isinstance(definition, FileFeed) and definition.path is not None:
        changes["path"] = folder / definition.path
    if definition.auth is not None and definition.auth.file is not None:
        changes["auth"] = definition.auth.model_copy(update={"file": folder / definition.auth.file})
    return definition.model_copy(update=changes)
