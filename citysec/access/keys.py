"""The installation's own secret, and what is derived from it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from citysec.errors import SettingsError
from citysec.settings import Settings

FILE: Final = "secret.key"
"""Name of the secret's file in the data directory."""
_BYTES: Final = 32
_MAC_BYTES: Final = 16


def ensure(settings: Settings) -> None:
    """Create the secret where there is none yet; workers on several machines need the same file."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        handle = os.open(_file(settings), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))


def signing_key(settings: Settings) -> bytes:
    """Return the secret, 32 bytes; sign with `derived` keys of it, never with itself.

    Raises:
        SettingsError: it is missing or cut short.
    """
    try:
        key = _file(settings).read_bytes()
    except OSError as err:
        raise SettingsError(f"cannot read {_file(settings)}: run `citysec init`") from err
    if len(key) != _BYTES:
        raise SettingsError(f"{_file(settings)} must hold {_BYTES} bytes")
    return key


def derived(key: bytes, purpose: str) -> bytes:
    """Return the key for one `purpose`: what is signed for one purpose is worth nothing for another."""
    return hmac.digest(key, purpose.encode(), hashlib.sha256)


def sealed(key: bytes, payload: bytes) -> str:
    """Return `payload` as URL-safe text that `unsealed` accepts only unchanged; it is signed, not hidden."""
    return base64.urlsafe_b64encode(_mac(key, payload) + payload).rstrip(b"=").decode()


def unsealed(key: bytes, text: str) -> bytes | None:
    """Return what `text` was made from; None where it was not made by `sealed` with `key`."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    mac, payload = data[:_MAC_BYTES], data[_MAC_BYTES:]
    return payload if hmac.compare_digest(mac, _mac(key, payload)) else None


def _mac(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, hashlib.sha256)[:_MAC_BYTES]


def _file(settings: Settings) -> Path:
    return settings.data_dir / FILE
