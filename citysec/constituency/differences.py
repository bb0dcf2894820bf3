"""What a sheet would change in the register. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from citysec.constituency.lines import folded
from citysec.constituency.plan import Changed, Plan, nearest, unknown
from citysec.constituency.sheets import Cells, Entry, Sheet, constituents
from citysec.errors import InvalidInput, Problem

Key = tuple[str, ...]


def compare(sheet: Sheet, stored: Iterable[Cells], entries: Sequence[Entry], slugs: Collection[str]) -> Plan[Cells]:
    """Return what makes a register that says `stored` say `entries`; what they leave out stays as it is.

    Args:
        sheet: what the lines are of.
        stored: all that the register says there.
        entries: as `sheets.parse` returns them.
        slugs: of all constituents.

    Raises:
        InvalidInput: lines name unknown constituents, or claim what only one may have: every bad line is named.
    """
    before = {sheet.key_of(line): line for line in stored}
    after = {(key := sheet.key_of(e.cells)): {**before.get(key, sheet.unsaid), **e.cells} for e in entries}
    problems = [*_strangers(sheet, entries, slugs), *_taken(sheet, before, after, entries)]
    if problems:
        raise InvalidInput(problems)
    changed = [Changed(old, new) for key, new in after.items() if (old := before.get(key)) is not None and old != new]
    added = [new for key, new in after.items() if key not in before]
    return Plan(added=tuple(added), changed=tuple(changed), unchanged=len(after) - len(added) - len(changed))


def _strangers(sheet: Sheet, entries: Sequence[Entry], slugs: Collection[str]) -> Iterator[Problem]:
    """Yield where lines name constituents that nobody knows."""
    if not sheet.names:
        return
    known = {slug: slug for slug in slugs}
    near = nearest(dict.fromkeys(slug for entry in entries for slug in constituents(sheet, entry.cells)), known)
    for entry in entries:
        for slug in constituents(sheet, entry.cells):
            if slug not in known:
                yield unknown(f"{entry.place}, {sheet.names}", slug, near.get(slug))


def _taken(
    sheet: Sheet, before: Mapping[Key, Cells], after: Mapping[Key, Cells], entries: Sequence[Entry]
) -> Iterator[Problem]:
    """Yield where lines claim what another line of the file has, or of the register as it will be."""
    for columns in sheet.alone:
        holders = {said: key for key, line in before.items() if key not in after and (said := _said(line, columns))}
        for entry in entries:
            key = sheet.key_of(entry.cells)
            said = _said(after[key], columns)
            if said and (holder := holders.setdefault(said, key)) != key:
                what = " ".join(after[key][column] for column in columns)
                yield Problem(f"{entry.place}, {columns[0]}", f"{what!r} is taken by {' '.join(holder)}")


def _said(line: Cells, columns: Key) -> Key:
    """Return what `line` says in `columns`, in the form in which names are compared; nothing where a cell is empty."""
    said = tuple(folded(line[column]) for column in columns)
    return said if all(said) else ()
