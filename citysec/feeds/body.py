"""What a publisher sent, as a file: in memory while it is small, else on disk; gzip and zip archives are unpacked."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from io import SEEK_END
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, Final, cast

from citysec.errors import FeedMalformed, FeedUnreachable

IN_MEMORY: Final = 4 << 20
"""Bytes of a body that are kept in memory."""
_CHUNK: Final = 1 << 18
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_ZIP_END, _ZIP64 = b"PK\x05\x06", b"PK\x06\x07"
_TAIL: Final = 65_557  # bytes in which the end of a zip file's directory must be found
_DIRECTORY: Final = 1 << 16
_LEFT_OVER: Final = "__MACOSX/"
_LAYERS: Final = 3


def spool() -> BinaryIO:
    """Return a new file to write a body to; it is gone when it is closed."""
    return cast("BinaryIO", SpooledTemporaryFile(max_size=IN_MEMORY))


def opened(path: Path, max_bytes: int) -> BinaryIO:
    """Return the content of the local file `path`, unpacked where it is an archive.

    Raises:
        FeedUnreachable: it cannot be read.
        FeedMalformed: it is larger than `max_bytes`, or no whole archive.
    """
    try:
        if path.stat().st_size > max_bytes:
            raise FeedMalformed(f"{path} is larger than {max_bytes} bytes")
        return unpacked(path.open("rb"), max_bytes)
    except OSError as err:
        raise FeedUnreachable(f"{path}: {err.strerror}") from err


def unpacked(body: BinaryIO, max_bytes: int) -> BinaryIO:
    """Return `body` from its beginning, or what the archive in it holds, which some publishers hand out.

    Archives may lie in each other: a server may compress what is compressed.

    Raises:
        FeedMalformed: it unpacks to more than `max_bytes`, is no whole archive, or holds other than one file.
    """
    for _ in range(_LAYERS):
        body.seek(0)
        magic = body.read(4)
        body.seek(0)
        if not magic.startswith((_GZIP, _ZIP)):
            return body
        body = _unpacked(body, magic, max_bytes)
    return body


def _unpacked(body: BinaryIO, magic: bytes, max_bytes: int) -> BinaryIO:
    with body:
        try:
            with _member(body) if magic == _ZIP else gzip.open(body) as packed:
                return _copied(cast("IO[bytes]", packed), max_bytes)
        except EOFError as err:
            raise FeedMalformed("the archive is cut off") from err
        except (OSError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError) as err:
            raise FeedMalformed(f"not an archive that can be read: {err}") from err


@contextmanager
def _member(body: BinaryIO) -> Generator[IO[bytes]]:
    _check_directory(body)
    with zipfile.ZipFile(body) as archive:
        names = [member for member in archive.infolist() if not member.is_dir() and _LEFT_OVER not in member.filename]
        if len(names) != 1:
            raise FeedMalformed(f"the archive holds {len(names)} files instead of one")
        with archive.open(names[0]) as packed:
            yield packed


def _check_directory(body: BinaryIO) -> None:
    """Refuse an archive whose list of files would fill the memory: it is read at once.

    Raises:
        FeedMalformed: it is too long, or may be (ZIP64).
    """
    body.seek(max(0, body.seek(0, SEEK_END) - _TAIL))
    tail = body.read()
    end = tail.rfind(_ZIP_END)
    size = int.from_bytes(tail[end + 12 : end + 16], "little")
    if end >= 0 and (size > _DIRECTORY or tail[max(0, end - 20) : end].startswith(_ZIP64)):
        raise FeedMalformed("the archive holds too many files")
    body.seek(0)


def _copied(packed: IO[bytes], max_bytes: int) -> BinaryIO:
    content, size = spool(), 0
    try:
        while chunk := packed.read(_CHUNK):
            size += len(chunk)
            if size > max_bytes:
                raise FeedMalformed(f"unpacks to more than {max_bytes} bytes")
            content.write(chunk)
    except BaseException:
        content.close()
        raise
    content.seek(0)
    return content
