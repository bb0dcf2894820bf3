"""What every handler has at hand: the service it belongs to, and who is asking."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from citysec.access import keys
from citysec.access.door import Door
from citysec.access.policy import Principal
from citysec.advisories import publish
from citysec.db import Database
from citysec.errors import Unauthenticated
from citysec.feeds.definition import Definition
from citysec.incidents import grading
from citysec.settings import Settings
from citysec.web.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContext:
    """The service, as handlers see it; made once by the composition root.

    Args:
        key: the installation's secret (`keys.signing_key`); use it through `derived`.
        incidents: the strategy's rules for incidents.
        advisories: and for advisories.
        feeds: the definitions of all feeds.
        stopping: set when the service is about to stop; streams end then.
    """

    settings: Settings
    database: Database
    key: bytes = field(repr=False)
    incidents: grading.Policy
    advisories: publish.Policy
    feeds: Mapping[str, Definition] = field(default_factory=dict[str, Definition])
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    door: Door = field(default_factory=Door)
    metrics: Metrics = field(default_factory=Metrics)

    def derived(self, purpose: str) -> bytes:
        """Return the signing key for one purpose."""
        return keys.derived(self.key, purpose)

    @property
    def https(self) -> bool:
        """Whether people reach the service over HTTPS only, so that cookies may say so."""
        chosen = self.settings.secure_cookies
        return self.settings.base_url.startswith("https://") if chosen is None else chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who is asking.

    Args:
        principal: None where nobody is signed in.
        csrf: of the sign-in; empty for those who do not come with a cookie, who need none.
        cookie: the value that proves the sign-in.
    """

    principal: Principal | None = None
    csrf: str = ""
    cookie: str = field(default="", repr=False)


CONTEXT: Final = web.AppKey("context", AppContext)
VISITOR: Final = web.RequestKey("visitor", Visitor)
REQUEST_ID: Final = web.RequestKey("request_id", str)


def of(request: web.Request) -> AppContext:
    """Return the service that `request` came to."""
    return request.config_dict[CONTEXT]


def visitor(request: web.Request) -> Visitor:
    """Return who sent `request`, signed in or not."""
    return request.get(VISITOR, Visitor())


def principal(request: web.Request) -> Principal:
    """Return who is signed in.

    Raises:
        Unauthenticated: nobody is.
    """
    found = visitor(request).principal
    if found is None:
        raise Unauthenticated("sign in first")
    return found
