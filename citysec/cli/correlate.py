"""`citysec correlate`: which indicators of some feed files touch which assets of a register, without a database."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path
from time import thread_time
from typing import Annotated, BinaryIO, Final, TextIO

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from citysec.constituency import announcements
from citysec.correlate import register
from citysec.correlate.index import AssetIndex
from citysec.correlate.offline import Correlation
from citysec.correlate.rules import RegisteredAsset
from citysec.correlate.standing import Terms
from citysec.errors import InvalidInput, Problem
from citysec.feeds.formats import Draft, Item, Reject, stix
from citysec.observable import AssetKind

HEADER: Final = ("indicator_id", "asset_id", "relation", "indicator_value", "asset_value")
_EVERY: Final = 1000


def correlate(
    register_file: Annotated[Path, typer.Option("--register", help="Register of assets, CSV.")],
    feed: Annotated[list[Path], typer.Option(help="STIX file; may be given several times.")],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="More feed files.")] = None,
    prefixes: Annotated[Path | None, typer.Option(help="Table of announced prefixes, for assets of kind asn.")] = None,
    now: Annotated[str | None, typer.Option(help="Instant that validity is judged at (RFC 3339).")] = None,
    out: Annotated[Path | None, typer.Option(help="File for the CSV instead of standard output.")] = None,
) -> None:
    """Print each pair of indicator and asset that match, as CSV; `possible` marks what is uncertain."""
    at = datetime.now(UTC) if now is None else _instant(now)
    with _named(register_file):
        known = register.read(StringIO(_text(register_file), newline=""))
    assets = known.assets if prefixes is None else _announcing(known.assets, prefixes)
    correlation, skipped = Correlation(AssetIndex(assets), at, thread_time), Counter[str]()
    for path in (*feed, *(more or ())):
        with _named(path), _opened(path) as file:
            for item in _watched(stix.claims(file), path.name):
                _take(correlation, item, skipped)
    with _written(out) if out else nullcontext(sys.stdout) as target:
        _write(target, correlation, known.values)
    for reason, count in skipped.most_common():
        print(f"skipped {count}: {reason}", file=sys.stderr)  # noqa: T201


def _announcing(assets: Sequence[RegisteredAsset[str]], prefixes: Path) -> list[RegisteredAsset[str]]:
    """Return the assets, autonomous systems with what a table leaves to them."""
    numbers = {int(asset.key) for asset in assets if asset.kind is AssetKind.ASN}
    with _named(prefixes):
        table = _text(prefixes)
        shares = announcements.table(lambda: StringIO(table), numbers).shares
    return [replace(asset, shares=shares[int(asset.key)]) if asset.kind is AssetKind.ASN else asset for asset in assets]


def _take(correlation: Correlation, item: Item, skipped: Counter[str]) -> None:
    if isinstance(item, Reject):
        skipped[item.reason] += 1
    elif not isinstance(item, Draft):
        return
    elif item.type == "indicator" and (version := item.version) is not None and item.pattern is not None:
        types = item.indicator_types + item.labels
        terms = Terms(item.revoked, item.pattern_type, item.valid_from, item.valid_until, types)
        try:
            correlation.take(item.stix_id, version, terms, item.pattern)
        except InvalidInput as err:
            skipped[f"pattern: {err}"] += 1


def _write(target: TextIO, correlation: Correlation, values: dict[str, str]) -> None:
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(HEADER)
    for pair in correlation.pairs():
        value = values[pair.asset_id]
        writer.writerow((pair.indicator_id, pair.asset_id, pair.relation, pair.touch.atom.value, value))


def _watched(items: Iterable[Item], name: str) -> Iterator[Item]:
    """Pass `items` on, counting them on the terminal if there is one."""
    console = Console(stderr=True)
    return _counted(items, name, console) if console.is_terminal else iter(items)


def _counted(items: Iterable[Item], name: str, console: Console) -> Iterator[Item]:
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:,.0f} objects"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(name, total=None)
        for number, item in enumerate(items, 1):
            yield item
            if number % _EVERY == 0:
                progress.update(task, completed=number)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as err:
        raise InvalidInput.at("--now", f"{text!r} is not a time") from err
    if instant.tzinfo is None:
        raise InvalidInput.at("--now", f"{text!r} has no time zone")
    return instant.astimezone(UTC)


def _text(path: Path) -> str:
    with _opened(path) as file:
        try:
            return file.read().decode("utf-8-sig")
        except UnicodeDecodeError as err:
            raise InvalidInput.at("", "is not UTF-8") from err


@contextmanager
def _named(path: Path) -> Generator[None]:
    """Say of each fault in which file it is."""
    try:
        yield
    except InvalidInput as err:
        raise InvalidInput(Problem(f"{path}", str(problem)) for problem in err.problems) from err
    except OSError as err:
        raise InvalidInput.at(str(path), err.strerror or "cannot be read") from err


@contextmanager
def _opened(path: Path) -> Generator[BinaryIO]:
    """Give a file that can be rewound, as formats want it: one that cannot is read at once."""
    with path.open("rb") as file:
        yield file if file.seekable() else BytesIO(file.read())


@contextmanager
def _written(path: Path) -> Generator[TextIO]:
    with _named(path), path.open("w", encoding="utf-8", newline="") as file:
        yield file
