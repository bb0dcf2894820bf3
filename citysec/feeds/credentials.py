"""Secrets of feeds: fetched where the definition says, at the moment they are used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import aiohttp

from citysec.errors import FeedRefused
from citysec.feeds.definition import Auth, Scheme


def authorization(auth: Auth | None, environment: Mapping[str, str]) -> str | None:
    """Return the `Authorization` header that `auth` stands for, None for none.

    Raises:
        FeedRefused: the secret is not where the definition says; the message names the place, not the secret.
    """
    if auth is None:
        return None
    secret = environment.get(auth.env, "") if auth.env is not None else _content(auth.file)
    place = auth.env or auth.file
    if not secret or not secret.isprintable():
        raise FeedRefused(f"no secret in {place}")
    if auth.scheme is Scheme.BEARER:
        return f"Bearer {secret}"
    user, colon, password = secret.partition(":")
    if not colon:
        raise FeedRefused(f"the secret in {place} is not user:password")
    return aiohttp.encode_basic_auth(user, password)


def _content(file: Path | None) -> str:
    try:
        return file.read_text(encoding="utf-8").strip() if file is not None else ""
    except (OSError, ValueError):
        return ""
