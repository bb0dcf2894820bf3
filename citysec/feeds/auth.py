"""How a feed shows its publisher who asks: where the secret is, and what may carry it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, model_validator
from yarl import URL

from citysec.errors import SettingsError
from citysec.guard import Guard

PLACEHOLDER: Final = "{secret}"
"""Stands in an address where the secret belongs."""


class Scheme(StrEnum):
    """How a secret is shown to the publisher."""

    BASIC = "basic"
    BEARER = "bearer"
    HEADER = "header"
    URL = "url"
    CERTIFICATE = "certificate"


class Auth(BaseModel):
    """Where the secret is, never the secret.

    It is `user:password` for `basic`, the token for `bearer`, the value of `header`, what replaces `{secret}` in the
    address for `url`, or a PEM file with certificate and key for `certificate`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    scheme: Scheme
    header: str | None = Field(
        default=None, pattern=r"^[A-Za-z][A-Za-z0-9-]*$", description="The header's name, for instance `Auth-Key`."
    )
    env: str | None = Field(default=None, pattern=r"^[A-Z][A-Z0-9_]*$", description="Name of an environment variable.")
    file: Path | None = Field(default=None, description="A file; relative to the definition.")

    @model_validator(mode="after")
    def _one_place(self) -> Auth:
        if (self.env is None) == (self.file is None):
            raise ValueError("give either env or file")
        if self.env is not None and self.env.startswith("CITYSEC_"):
            raise ValueError("names that begin with CITYSEC_ are settings; choose another")
        if (self.scheme is Scheme.HEADER) != (self.header is not None):
            raise ValueError("the scheme header, and only that, needs the name of a header")
        if self.scheme is Scheme.CERTIFICATE and self.file is None:
            raise ValueError("a certificate is in a file")
        return self


def check_secrecy(auth: Auth | None, url: str | None, hosts: tuple[str, ...]) -> None:
    """Refuse a secret that the address has no place for, or that would travel where others can read it.

    Raises:
        ValueError: it would.
    """
    if (auth is not None and auth.scheme is Scheme.URL) != (url is not None and PLACEHOLDER in url):
        raise ValueError(f"{PLACEHOLDER} in the address and the scheme `url` go together")
    try:
        named = Guard.of(",".join(hosts))
    except SettingsError as err:
        raise ValueError(f"allow_hosts: {err}") from err
    if auth is not None and url is not None and URL(url).scheme != "https" and not named.names(URL(url)):
        raise ValueError("a secret travels over https, or to a host of allow_hosts")
