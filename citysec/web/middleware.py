"""What happens around every handler, the outermost first."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from citysec import log
from citysec.errors import CitysecError
from citysec.web import context, credentials, refusals

_log: Final = log.get(__name__)

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # `no-referrer` would make browsers send `Origin: null` with our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on whatever leaves, streams and errors too; a handler that set one of them knows better."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-Id"] = request.get(context.REQUEST_ID, "")
    response.headers.pop("Server", None)


@web.middleware
async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id for logs and answers, and count it when it is answered."""
    started, status = time.perf_counter(), 500
    request[context.REQUEST_ID] = request_id = secrets.token_hex(8)
    try:
        with structlog.contextvars.bound_contextvars(request=request_id):
            response = await handler(request)
        status = response.status
    except web.HTTPRedirection as err:
        status = err.status
        raise
    finally:
        context.of(request).metrics.answered(request.method, _route(request), status, time.perf_counter() - started)
    return response


@web.middleware
async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into an answer of the right form; redirects pass."""
    try:
        return await handler(request)
    except web.HTTPException as err:
        if err.status < 400:
            raise
        refusal = refusals.of(err)
    except CitysecError as err:
        refusal = refusals.of(err)
    except Exception as err:  # noqa: BLE001  # the reader gets an answer, the operator the trace
        _log.error("request.failed", method=request.method, route=_route(request), exc_info=True)
        refusal = refusals.of(err)
    return refusals.answer(request, refusal, request[context.REQUEST_ID])


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who asks, and that nobody else made their browser ask.

    Under `/taxii2/` a stranger does not even learn which addresses exist.
    """
    request[context.VISITOR] = await credentials.visitor(request)
    if request.path.startswith("/taxii2/"):
        context.principal(request)
    await credentials.check_intent(request)
    return await handler(request)


MIDDLEWARES: Final[tuple[Middleware, ...]] = (identify, refuse, authenticate)


def _route(request: web.Request) -> str:
    """Return the form of the address, without its values: `/a/<token>` itself would be a working link."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unknown"
