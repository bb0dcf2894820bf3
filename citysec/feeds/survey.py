"""What is in a body of some format, counted, without a database: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from citysec.feeds.atoms import atoms, is_host_of_url, of_entry
from citysec.feeds.formats import Census, Draft, Entry, Item, Reject
from citysec.feeds.formats.draft import Subject
from citysec.patterning import Atom


@dataclass(slots=True)
class Survey:
    """What was counted so far.

    Of a feed that is no STIX every record counts, also one that was refused; entries with one place are one record.

    Args:
        by_type: objects of each type.
        observables: atoms of each kind; the host that a URL names is not counted beside the URL.
        skipped: what could not be read.
        patterns: indicators whose pattern can never match, or not in every part, with the reason.
    """

    by_type: Counter[str] = field(default_factory=Counter[str])
    observables: Counter[str] = field(default_factory=Counter[str])
    skipped: list[Reject] = field(default_factory=list[Reject])
    patterns: dict[str, str] = field(default_factory=dict[str, str])
    _records: int = 0
    _place: str | None = None
    _taken: str | None = None

    def take(self, item: Item) -> None:
        """Count one more."""
        match item:
            case Reject():
                self.skipped.append(item)
                self._record(item.at)
            case Draft():
                self.by_type[item.type] += 1
                self._observe(item.stix_id, *atoms(item))
            case Entry():
                self._record(item.at)
                self._take(item)
            case Census():
                pass

    def _record(self, at: str) -> None:
        self._records += at != self._place
        self._place = at

    def _take(self, entry: Entry) -> None:
        if entry.at != self._taken:
            self.by_type[entry.subject.value] += 1
        self._taken = entry.at
        if entry.subject is Subject.INDICATOR:
            self._observe(entry.at, *of_entry(entry))

    def _observe(self, name: str, found: Sequence[Atom], fault: str | None) -> None:
        self.observables.update(atom.kind.value for atom in found if not is_host_of_url(atom))
        if fault is not None:
            self.patterns[name] = fault

    def report(self, format_name: str) -> dict[str, Any]:
        """Return the counts as JSON."""
        return {
            "format": format_name,
            "objects": self.by_type.total() if self._taken is None else self._records,
            "by_type": dict(sorted(self.by_type.items())),
            "indicators": self.by_type["indicator"],
            "observables": dict(sorted(self.observables.items())),
            "skipped": [{"at": reject.at, "reason": reject.reason} for reject in self.skipped],
        }


def survey(items: Iterable[Item], each: Callable[[], None]) -> Survey:
    """Return what `items` hold, calling `each` after every one."""
    found = Survey()
    for item in items:
        found.take(item)
        each()
    return found
