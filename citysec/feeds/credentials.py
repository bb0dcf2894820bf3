"""Secrets of feeds: fetched where the definition says, at the moment they are used."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import aiohttp

from citysec.errors import FeedRefused
from citysec.feeds.auth import PLACEHOLDER, Auth, Scheme


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
    """Return what `auth` stands for; nothing for None and for a secret in the address.

    Raises:
        FeedRefused: the secret is not where the definition says; the message names the place, not the secret.
    """
    if auth is None or auth.scheme is Scheme.URL:
        return Credentials()
    if auth.scheme is Scheme.CERTIFICATE:
        return Credentials(certificate=_certificate(auth.file))
    secret = _secret(auth, environment)
    if auth.scheme is Scheme.HEADER:
        return Credentials({auth.header or "": secret})
    if auth.scheme is Scheme.BEARER:
        return Credentials({"Authorization": f"Bearer {secret}"})
    user, colon, password = secret.partition(":")
    if not colon:
        raise FeedRefused(f"the secret in {auth.env or auth.file} is not user:password")
    return Credentials({"Authorization": aiohttp.encode_basic_auth(user, password)})


def address(url: str, auth: Auth | None, environment: Mapping[str, str]) -> str:
    """Return `url` with the secret where it has a place for one.

    Raises:
        FeedRefused: as `credentials`.
    """
    if auth is None or auth.scheme is not Scheme.URL:
        return url
    return url.replace(PLACEHOLDER, quote(_secret(auth, environment), safe=""))


def _secret(auth: Auth, environment: Mapping[str, str]) -> str:
    secret = environment.get(auth.env, "") if auth.env is not None else _content(auth.file)
    if not secret or not secret.isprintable():
        raise FeedRefused(f"no secret in {auth.env or auth.file}")
    return secret


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
