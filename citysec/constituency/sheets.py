"""Whom we serve, whom to tell there, and services, as CSV: three sheets of canonical text. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from citysec import observable, tlp
from citysec.constituency import lines
from citysec.constituency.records import NOTHING, cells, collect, records
from citysec.errors import InvalidInput, Problem

Cells = Mapping[str, str]
"""What one line says: column -> text in canonical form, empty for nothing."""

Check = Callable[[str], str]
"""Returns the canonical form of a cell, or raises `InvalidInput`; for a column that may be left out, of `""` too."""

SEPARATOR: Final = ";"
"""Between the slugs of several constituents in one cell."""

MAX_TEXT: Final = 200
_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_GSS: Final = re.compile(r"[A-Z]\d{8}")
_ODS: Final = re.compile(r"[A-Z0-9]{3,10}")
_USER: Final = re.compile(r"https?://[^/?#\\]*@", re.IGNORECASE)
_SHORT: Final = re.compile(r"[^\W_]{1,3}")
_TILES: Final = 64  # squares of the board's grid in a row and in a column
_UNSAID: Final = tlp.TLP.AMBER


class Noun(StrEnum):
    """What a sheet is of."""

    CONSTITUENTS = "constituents"
    CONTACTS = "contacts"
    SERVICES = "services"


class Channel(StrEnum):
    """How a contact is reached."""

    EMAIL = "email"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Entry:
    """What one line of a file says, and which line it is."""

    cells: Cells
    number: int

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"line {self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What the lines of one kind of file say.

    Args:
        columns: all there are, in the order in which they are written.
        required: those that no file may leave out.
        key: those that say whom or what a line is about.
        names: the column that names constituents by their slugs, empty where none does.
        alone: groups of columns in which no two lines of the register say the same.
        settle: brings what depends on several cells into canonical form.
    """

    noun: Noun
    columns: Mapping[str, Check]
    required: tuple[str, ...]
    key: tuple[str, ...]
    names: str = ""
    alone: tuple[tuple[str, ...], ...] = ()
    settle: Callable[[Cells], Cells] = dict

    def key_of(self, line: Cells) -> tuple[str, ...]:
        """Return what `line` is known by."""
        return tuple(line[column] for column in self.key)

    @property
    def unsaid(self) -> Cells:
        """What a new line says in the columns that its file leaves out."""
        return {name: check("") for name, check in self.columns.items() if name not in self.required}


def _text(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise InvalidInput.at("", f"has {len(text)} characters; {MAX_TEXT} are the most")
    found = " ".join(text.split())
    if not found.isprintable():
        raise InvalidInput.at("", f"{text!r} holds characters that cannot be printed")
    return found


def _name(text: str) -> str:
    if not text:
        raise InvalidInput.at("", "is empty")
    return _text(text)


def _slug(text: str) -> str:
    if _SLUG.fullmatch(text.lower()) is None:
        raise InvalidInput.at("", f"{text!r} is not 1 to 64 letters a to z, digits and hyphens")
    return text.lower()


def _slugs(text: str) -> str:
    return SEPARATOR.join(sorted({_slug(part.strip()) for part in text.split(SEPARATOR) if part.strip()}))


def _role(text: str) -> str:
    return _slug(text or "security")


def _code(form: re.Pattern[str], like: str, text: str) -> str:
    if text and form.fullmatch(text.upper()) is None:
        raise InvalidInput.at("", f"{text!r} is not {like}")
    return text.upper()


def _tile(text: str) -> str:
    if text and not (text.isascii() and text.isdecimal() and len(text) <= MAX_TEXT and int(text) < _TILES):
        raise InvalidInput.at("", f"{text!r} is not a number from 0 to {_TILES - 1}")
    return str(int(text)) if text else ""


def _clearance(text: str) -> str:
    return (tlp.parse(text) if text else _UNSAID).label


def _criticality(text: str) -> str:
    return lines.level(lines.criticality(text or "medium"))


def _channel(text: str) -> str:
    try:
        return Channel(text.lower())
    except ValueError:
        raise InvalidInput.at("", f"{text!r} is none of {', '.join(Channel)}") from None


def _on_a_tile(line: Cells) -> Cells:
    col, row = line.get("grid_col"), line.get("grid_row")
    if (col is None) is not (row is None) or bool(col) is not bool(row):
        raise InvalidInput.at("grid_col", "a tile has both grid_col and grid_row")
    return line


def _reachable(line: Cells) -> Cells:
    """Return a contact with an address that its channel can reach."""
    try:
        match Channel(line["channel"]):
            case Channel.EMAIL:
                address = observable.mailbox(line["address"]).value
            case Channel.WEBHOOK:
                address = _web_address(line["address"])
    except InvalidInput as err:
        raise InvalidInput.at("address", err.problems[0].message) from err
    return {**line, "address": address}


def _web_address(text: str) -> str:
    if not text.lower().startswith(("https://", "http://")):
        raise InvalidInput.at("", f"{text!r} does not begin with https://")
    if _USER.match(text):
        raise InvalidInput.at("", "names a user, who would not be sent: what we send is signed instead")
    return observable.url(text)[0].value


CONSTITUENTS: Final = Sheet(
    noun=Noun.CONSTITUENTS,
    columns={
        "slug": _slug,
        "name": _name,
        "kind": _slug,
        "sector": _slug,
        "gss_code": partial(_code, _GSS, "a GSS code as E09000007"),
        "ods_code": partial(_code, _ODS, "an ODS code as RJ1"),
        "abbreviation": partial(_code, _SHORT, "1 to 3 letters and digits"),
        "grid_col": _tile,
        "grid_row": _tile,
        "clearance": _clearance,
    },
    required=("slug", "name", "kind", "sector"),
    key=("slug",),
    alone=(("name",), ("grid_col", "grid_row")),
    settle=_on_a_tile,
)
CONTACTS: Final = Sheet(
    noun=Noun.CONTACTS,
    columns={"constituent": _slug, "name": _name, "role": _role, "channel": _channel, "address": _name},
    required=("constituent", "name", "channel", "address"),
    key=("constituent", "channel", "address"),
    names="constituent",
    settle=_reachable,
)
SERVICES: Final = Sheet(
    noun=Noun.SERVICES,
    columns={"slug": _slug, "name": _name, "criticality": _criticality, "operator": _text, "accountable": _slugs},
    required=("slug", "name", "accountable"),
    key=("slug",),
    names="accountable",
)
SHEETS: Final[Mapping[Noun, Sheet]] = {sheet.noun: sheet for sheet in (CONSTITUENTS, CONTACTS, SERVICES)}


def recognised(text: str) -> Sheet | None:
    """Return which sheet a file is by its header, None where it is one of assets.

    Raises:
        InvalidInput: no file of the register has such a header.
    """
    number, names = next(records(text), NOTHING)
    header = {name.lower() for name in names}
    if "asset_id" in header:
        return None
    for sheet in SHEETS.values():
        if header.issuperset(sheet.required):
            return sheet
    known = "; ".join(f"{noun}: `{','.join(sheet.required)}`" for noun, sheet in SHEETS.items())
    message = f"`{','.join(names)}` is no header of the register; {known}; assets: `{','.join(lines.COLUMNS)}`"
    raise InvalidInput.at(f"line {number}", message)


def parse(sheet: Sheet, text: str) -> tuple[Entry, ...]:
    """Return the lines of a CSV file; what they say of a column that it leaves out stays open.

    Raises:
        InvalidInput: it is no such sheet, or lines are wrong or repeat one another: every bad line is named.
    """
    rest = records(text)
    header = _header(sheet, *next(rest, NOTHING))
    seen: dict[tuple[str, ...], Entry] = {}

    def read(number: int, record: list[str]) -> Entry:
        entry = Entry(_checked(sheet, cells(header, record)), number)
        if (first := seen.setdefault(sheet.key_of(entry.cells), entry)) is not entry:
            raise InvalidInput.at(sheet.key[-1], f"{entry.cells[sheet.key[-1]]} is on {first.place} already")
        return entry

    return collect(rest, read)


def render(sheet: Sheet, rows: Iterable[Cells]) -> str:
    """Return CSV text with a header and all columns; what `parse` reads back."""
    out = io.StringIO()
    writer = csv.DictWriter(out, tuple(sheet.columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def constituents(sheet: Sheet, line: Cells) -> tuple[str, ...]:
    """Return the slugs of the constituents that a line is about."""
    text = line[sheet.names] if sheet.names else line["slug"]
    return tuple(text.split(SEPARATOR)) if text else ()


def _header(sheet: Sheet, number: int, names: Sequence[str]) -> tuple[str, ...]:
    header = tuple(name.lower() for name in names)
    wrong = [
        *(f"{name!r} is missing" for name in sheet.required if name not in header),
        *(f"{name!r} is no column of {sheet.noun}" for name in header if name not in sheet.columns),
        *(f"{name!r} is there twice" for name in sheet.columns if header.count(name) > 1),
    ]
    if wrong:
        raise InvalidInput.at(f"line {number}", f"{', '.join(wrong)}; columns: {','.join(sheet.columns)}")
    return header


def _checked(sheet: Sheet, line: Cells) -> Cells:
    """Return `line` in canonical form.

    Raises:
        InvalidInput: names every bad cell.
    """
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for column, text in line.items():
        try:
            found[column] = sheet.columns[column](text)
        except InvalidInput as err:
            problems += (Problem(column, problem.message) for problem in err.problems)
    if problems:
        raise InvalidInput(problems)
    return sheet.settle(found)
