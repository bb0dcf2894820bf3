"""A small city to test with, and ways into its service that behave as the real ones do."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from aiohttp import ClientSession, CookieJar, web_app
from aiohttp.test_utils import TestServer
from argon2 import PasswordHasher

from citysec import settings
from citysec.access import accounts, tokens
from citysec.access.accounts import NewAccount
from citysec.access.policy import Role, Scope
from citysec.advisories import advice, publish
from citysec.advisories.compose import Desk
from citysec.advisories.deadlines import Deadline
from citysec.db import Database
from citysec.incidents import grading
from citysec.incidents.remedy import Rules
from citysec.incidents.severity import Severity
from citysec.settings import shipped
from citysec.tables import Account, Constituent
from citysec.tlp import TLP
from citysec.web.app import AppContext, application

PASSWORD = "correct horse battery"
KEY = bytes(range(32))
REMEDY = Rules(
    known_exploited=True,
    least_epss=0.5,
    keep_epss=0.3,
    least_cvss=9.0,
    exposed_cvss=7.0,
    exploited_shift=0,
    other_shift=-1,
    ransomware_shift=1,
    exposed_shift=1,
    exposed_within=timedelta(days=5),
    within=timedelta(days=14),
    ransomware_within=timedelta(hours=48),
)
INCIDENTS = grading.Policy(
    grade=lambda criticality, confidence, kind: Severity.HIGH,
    ref_prefix="LDN",
    possible_opens=False,
    city_threshold=3,
    window=timedelta(hours=72),
    remedy=REMEDY,
)
ADVISORIES = publish.Policy(
    desk=Desk(city="London", advice=advice.load(shipped("playbooks") / "advice.toml")),
    deadlines={severity: Deadline(timedelta(hours=4)) for severity in Severity},
)


@cache
def password_hash() -> str:
    """The argon2id hash of `PASSWORD`, made cheap: the tests check it often."""
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)


async def constituent(db: Database, slug: str, clearance: TLP = TLP.AMBER) -> str:
    """Add a borough and return its id."""
    row = Constituent(slug=slug, name=slug.title(), kind="borough", sector="government", clearance=clearance)
    async with db.writing() as session:
        session.add(row)
    return row.id


async def account(
    db: Database, name: str, role: Role, borough: str | None = None, clearance: TLP = TLP.AMBER
) -> Account:
    """Add an account with `PASSWORD`, of the constituent with slug `borough`."""
    new = NewAccount(name=name, role=role, constituent=borough, clearance=clearance, password_hash=password_hash())
    async with db.writing() as session:
        return await accounts.add(session, new, actor="test")


async def token(db: Database, name: str, *scopes: Scope) -> str:
    """Issue a token; for every scope where none is named."""
    async with db.writing() as session:
        return await tokens.issue(session, name, scopes or tuple(Scope), actor="test")


def app_context(db: Database) -> AppContext:
    """The service around `db` with default settings."""
    return AppContext(settings=settings.read({}), database=db, key=KEY, incidents=INCIDENTS, advisories=ADVISORIES)


@dataclass(frozen=True)
class Site:
    """A served application: `as_` gives a client that sends a header with every request."""

    server: TestServer
    app: AppContext

    @property
    def url(self) -> str:
        """Where it listens, without a closing slash."""
        return str(self.server.make_url("/")).rstrip("/")

    @asynccontextmanager
    async def client(self, authorization: str = "") -> AsyncGenerator[ClientSession, None]:
        """Give a client with an empty cookie jar, sending `Authorization` where given."""
        headers = {"Authorization": authorization} if authorization else {}
        async with ClientSession(self.url, headers=headers, cookie_jar=CookieJar(unsafe=True)) as session:
            yield session


@asynccontextmanager
async def served(app: AppContext) -> AsyncGenerator[Site, None]:
    """Serve `app` on a free port of the loopback interface."""
    server = TestServer(application(app), host="127.0.0.1")
    async with server:
        yield Site(server, app)
    web_app._cached_build_middleware.cache_clear()  # it would keep each test's application, which slows all that follow
