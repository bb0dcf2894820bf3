"""Secrets of feeds: fetched where the definition says, at the moment they are used."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from citysec.errors import FeedRefused
from citysec.feeds.definition import Auth, Scheme


@dataclass(frozen=True, slots=True)
class Credentials:
    """What goes to the publisher's own origin and nowhere else.

    Args:
        headers: header name -> value.
        certificate: the client's, ready for TLS.
    """

    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    certificate: ssl.SSLContext | None = None


def credentials(auth: Auth | None, environment: Mapping[str, str]) -> Credentials:
    """Return what `auth` stands for; nothing for None.

    Raises:
        FeedRefused: the secret is not where the definition says; the message names the place, not the secret.
    """
    if auth is None:
        return Credentials()
    if auth.scheme is Scheme.CERTIFICATE:
        return Credentials(certificate=_certificate(auth.file))
    secret = environment.get(auth.env, "") if auth.env is not None else _content(auth.file)
    place = auth.env or auth.file
    if not secret or not secret.isprintable():
        raise FeedRefused(f"no secret in {place}")
    if auth.scheme is Scheme.HEADER:
        return Credentials({auth.header or "": secret})
    if auth.scheme is Scheme.BEARER:
        return Credentials({"Authorization": f"Bearer {secret}"})
    user, colon, password = secret.partition(":")
    if not colon:
        raise FeedRefused(f"the secret in {place} is not user:password")
    return Credentials({"Authorization": aiohttp.encode_basic_auth(user, password)})


def _certificate(file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        context.load_cert_chain(str(file))
    except (OSError, ValueError) as err:  # ssl.SSLError is an OSError
        raise FeedRefused(f"no certificate with its key in {file}") from err
    return context


def _content(file: Path | None) -> str:
    try:
        return file.read_text(encoding="utf-8").strip() if file is not None else ""
    except (OSError, ValueError):
        return ""
