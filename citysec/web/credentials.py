"""Who sends a request: the cookie of a sign-in, Basic, or a token; and signing in and out."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from citysec.access import audit, sessions, tokens
from citysec.errors import Forbidden, Unauthenticated
from citysec.web import context
from citysec.web.context import AppContext, Visitor

CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "X-CSRF-Token"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


def cookie_name(app: AppContext) -> str:
    """Return the name of the cookie; over HTTPS one that no other host or path can set."""
    return "__Host-citysec" if app.https else "citysec"


async def sign_in(request: web.Request, name: str, password: str) -> sessions.Opened:
    """Check a password and open a session; `remember` puts it into the response.

    Raises:
        TooManyAttempts: of this name, or from this address.
        Unauthenticated: name or password is wrong.
    """
    app = context.of(request)
    principal = await app.door.enter(app.database, name, password, request.remote or "")
    async with app.database.writing() as db:
        opened = await sessions.begin(db, principal.account_id, app.settings.session_hours)
        await audit.record(db, principal.name, "account.sign-in", f"account:{principal.name}")
    return opened


def remember(request: web.Request, response: web.Response, opened: sessions.Opened) -> None:
    """Give the browser the cookie of a new sign-in."""
    app = context.of(request)
    response.set_cookie(
        cookie_name(app), opened.cookie, path="/", secure=app.https, httponly=True, samesite="Lax",
        max_age=int(app.settings.session_hours * 3600),
    )  # fmt: skip


async def sign_out(request: web.Request, response: web.Response) -> None:
    """End the visitor's session, in the database and in the browser."""
    app = context.of(request)
    async with app.database.writing() as db:
        await sessions.end(db, context.visitor(request).cookie)
    response.del_cookie(cookie_name(app), path="/", secure=app.https, httponly=True, samesite="Lax")


async def visitor(request: web.Request) -> Visitor:
    """Return who sent `request`: by the `Authorization` header on the machines' paths, elsewhere by cookie.

    The API takes both; TAXII never a cookie, so that no page can make a browser speak it.

    Raises:
        Unauthenticated: there is a header, and what it says is not right.
        TooManyAttempts: too many wrong passwords.
    """
    app, header = context.of(request), request.headers.get("Authorization")
    machines = request.path.startswith(("/api/", "/taxii2/", "/metrics"))
    if header is not None and machines:
        return await _by_header(app, header, request.remote or "")
    cookie = request.cookies.get(cookie_name(app))
    if not cookie or request.path.startswith(("/static/", "/taxii2/")):
        return Visitor()
    async with app.database.reading() as db:
        found = await sessions.find(db, cookie)
    return Visitor(principal=found.principal, csrf=found.csrf, cookie=cookie) if found else Visitor()


async def check_intent(request: web.Request) -> None:
    """Pass where the visitor's own page, not somebody else's, made the browser send `request`.

    Asked of requests that change something with a cookie's authority, and of signing in: somebody else's page must
    not sign a reader in under another name either.

    Raises:
        Forbidden: it came from elsewhere, or without the token of the sign-in.
    """
    csrf = context.visitor(request).csrf
    if request.method in _SAFE or not (csrf or request.path == "/sign-in"):
        return
    if not _same_origin(request):
        raise Forbidden("the request does not come from a page of this service")
    if csrf and not hmac.compare_digest(csrf.encode(), (await _sent_token(request)).encode(errors="replace")):
        raise Forbidden("the form is out of date: go back, reload the page and send it again")


async def _by_header(app: AppContext, header: str, address: str) -> Visitor:
    scheme, _, value = header.partition(" ")
    match scheme.lower():
        case "basic":
            name, password = _basic(value.strip())
            principal = await app.door.enter(app.database, name, password, address)
        case "bearer" | "token":  # taxii2-client says `Token`
            principal = await tokens.find(app.database, value.strip())
        case _:
            raise Unauthenticated("use Basic or Bearer")
    if principal is None:
        raise Unauthenticated("the token is not valid")
    return Visitor(principal=principal)


def _basic(value: str) -> tuple[str, str]:
    try:
        name, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as err:
        raise Unauthenticated("the Basic credentials cannot be read") from err
    if not colon or "\0" in name:
        raise Unauthenticated("the Basic credentials cannot be read")
    return name, password


def _same_origin(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site", "none") in {"same-origin", "none"}
    return urlsplit(origin).netloc in {request.host, urlsplit(context.of(request).settings.base_url).netloc}


async def _sent_token(request: web.Request) -> str:
    if CSRF_HEADER in request.headers:
        return request.headers[CSRF_HEADER]
    if request.content_type not in _FORMS:
        return ""
    value = (await request.post()).get(CSRF_FIELD, "")
    return value if isinstance(value, str) else ""
