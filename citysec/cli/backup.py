"""`citysec backup` and `citysec restore`: everything that an installation on SQLite is, in one file."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Annotated, Final

import msgspec
import typer

from citysec.access import keys
from citysec.cli import screen
from citysec.cli.opening import Data, read
from citysec.errors import InvalidInput, SettingsError
from citysec.settings import Settings
from citysec.tables.columns import now

APPLICATION: Final = "citysec.db"
RUNS: Final = "citysec-runs.db"
OWN: Final = ("feeds", "playbooks")
"""Folders of what the operator declares."""
MANIFEST: Final = "manifest.json"
_MANIFEST_MAX: Final = 1 << 24


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds: the SHA-256 of each file, by its name in the data directory."""

    made_at: str
    files: dict[str, str]


_Force = Annotated[bool, typer.Option("--force", help="Overwrite what is there.")]


def backup(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The archive to write.")],
    data: Data = None,
    force: _Force = False,
) -> None:
    """Write both databases, the secret key, your feeds and playbooks into FILE (tar.gz); the service may run meanwhile.

    Keep FILE as safe as the service itself: it holds the key, and everything up to TLP:RED.
    """
    settings = _on_sqlite(read(data))
    if file.exists() and not force:
        raise SettingsError(f"{file} exists: choose another name, or --force")
    if not (settings.data_dir / APPLICATION).is_file():
        raise SettingsError(f"no database in {settings.data_dir}")
    with tempfile.TemporaryDirectory(prefix=".citysec-", dir=file.absolute().parent) as folder:
        copies = Path(folder)
        names = list(_copy(settings.data_dir, copies))
        archive = copies / "archive"
        _pack(archive, copies, names)
        archive.replace(file)
    screen.stdout().print(f"{file}: {len(names)} files, {file.stat().st_size:,} bytes")


def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What `backup` has written.")],
    data: Data = None,
    force: _Force = False,
) -> None:
    """Put everything from FILE back; the service must not run. Unless FILE is whole nothing is changed."""
    target = _on_sqlite(read(data)).data_dir
    if (target / APPLICATION).exists() and not force:
        raise SettingsError(f"{target} holds a database: choose another --data, or --force")
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".citysec-", dir=target) as folder:
        names = _unpack(file, Path(folder))
        _clear(target)
        for name in names:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).replace(target / name)
    screen.stdout().print(
        f"{len(names)} files put back into {target}. A backup of an older version: citysec db upgrade"
    )


def _on_sqlite(settings: Settings) -> Settings:
    if settings.database_url is not None:
        raise SettingsError("a PostgreSQL database is backed up with its own tools (pg_dump); keep secret.key as well")
    return settings


def _copy(source: Path, target: Path) -> Iterator[str]:
    """Copy what makes the installation, and yield the names.

    The runs come first: what the engine does not know yet, the application gives it again; what the engine alone knew
    as done would never be done.
    """
    for name in (RUNS, APPLICATION):
        if (source / name).is_file():
            with closing(sqlite3.connect(source / name)) as one, closing(sqlite3.connect(target / name)) as other:
                one.backup(other)
            yield name
    own = (path for folder in OWN for path in sorted((source / folder).rglob("*")) if path.is_file())
    for path in (source / keys.FILE, *own):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
        yield copy.relative_to(target).as_posix()


def _pack(archive: Path, folder: Path, names: list[str]) -> None:
    manifest = Manifest(now().isoformat(), {name: _digest(folder / name) for name in names})
    (folder / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    archive.touch(0o600)
    with tarfile.open(archive, "w:gz") as tar:
        for name in (MANIFEST, *names):
            tar.add(folder / name, name)


def _unpack(file: Path, folder: Path) -> list[str]:
    """Write the files of a backup into `folder` and return their names, once all are what the manifest says.

    Raises:
        InvalidInput: the file is no backup, or damaged.
    """
    try:
        with tarfile.open(file) as tar:
            manifest = _manifest(tar)
            for name, digest in manifest.files.items():
                _extract(tar, name, folder / name)
                if _digest(folder / name) != digest:
                    raise InvalidInput.at(str(file), f"{name} is damaged")
    except (tarfile.TarError, EOFError, OSError, KeyError, msgspec.MsgspecError) as err:
        raise InvalidInput.at(str(file), f"is not a whole backup: {err}") from err
    return list(manifest.files)


def _manifest(tar: tarfile.TarFile) -> Manifest:
    member = tar.extractfile(MANIFEST)
    if member is None:
        raise KeyError(MANIFEST)
    manifest = msgspec.json.decode(member.read(_MANIFEST_MAX), type=Manifest)
    if strange := [name for name in manifest.files if not _is_ours(PurePosixPath(name))]:
        raise KeyError(f"{strange[0]!r} is nothing that belongs into a backup")
    return manifest


def _is_ours(path: PurePosixPath) -> bool:
    if path.parts[0] in OWN:
        return len(path.parts) > 1 and ".." not in path.parts
    return str(path) in {APPLICATION, RUNS, keys.FILE}


def _extract(tar: tarfile.TarFile, name: str, target: Path) -> None:
    member = tar.extractfile(name)
    if member is None:
        raise KeyError(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(0o600)
    with target.open("wb") as file:
        shutil.copyfileobj(member, file)


def _clear(folder: Path) -> None:
    """Take the databases away, with what SQLite keeps beside them.

    Raises:
        SettingsError: somebody has them open.
    """
    present = [folder / name for name in (RUNS, APPLICATION) if (folder / name).exists()]
    for path in present:
        _demand_unused(path)
    for path in present:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _demand_unused(path: Path) -> None:
    with closing(sqlite3.connect(path, timeout=0)) as database:
        try:
            database.execute("PRAGMA journal_mode=DELETE")  # nobody may leave WAL mode while others are connected
        except sqlite3.OperationalError as err:
            raise SettingsError(f"{path} is in use: stop the service first") from err


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
