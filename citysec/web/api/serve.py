"""The table of operations as routes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import Any, Final

from aiohttp import web
from sqlalchemy.exc import IntegrityError

from citysec.access import policy
from citysec.access.policy import Principal
from citysec.errors import Conflict, Forbidden
from citysec.web import context
from citysec.web.api import idempotency, openapi, read
from citysec.web.api.operation import PARAMETERS, Ahead, Call, Method, Operation
from citysec.web.api.table import OPERATIONS
from citysec.web.context import AppContext

ROOT: Final = "/api/v1"
_JSON: Final = "application/json"
_REVALIDATE: Final = "private, no-cache"


def routes(app: AppContext) -> Sequence[web.AbstractRouteDef]:
    """Return the routes of the API and of its description."""

    @cache  # made when somebody asks: it needs every model's schema
    def document() -> bytes:
        return openapi.document(OPERATIONS, ROOT, app.settings.base_url).encode()

    async def describe(request: web.Request) -> web.Response:
        return _answer(request, 200, document())

    found: list[web.AbstractRouteDef] = [web.get("/api/openapi.json", describe)]
    for operation in OPERATIONS:
        path = ROOT + re.sub(r"{(\w+)}", lambda name: f"{{{name[1]}:{PARAMETERS[name[1]]}}}", operation.path)
        route = web.get if operation.method is Method.GET else web.post
        found.append(route(path, _handler(operation)))
    return found


def _handler(operation: Operation[Any, Any]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        principal = context.principal(request)
        if operation.scope not in principal.scopes:
            raise Forbidden(f"the token lacks the scope {operation.scope}")
        policy.demand(principal, operation.action)
        if operation.method is Method.GET or operation.only_reads:
            return await _read(request, operation, principal)
        return await _do(request, operation, principal)

    return handle


async def _read(request: web.Request, operation: Operation[Any, Any], principal: Principal) -> web.Response:
    app, query = context.of(request), read.query(request, operation.query)
    body = await read.body(request, operation.body) if operation.only_reads else operation.body()
    async with app.database.reading() as db:
        call = Call(operation.name, app, db, principal, request.match_info, query, body)
        result = await operation.handler(call)
    return _answer(request, operation.status, result.model_dump_json().encode())


async def _do(request: web.Request, operation: Operation[Any, Any], principal: Principal) -> web.Response:
    app, query = context.of(request), read.query(request, operation.query)
    body, once = await read.body(request, operation.body), await idempotency.of(request, principal)
    found = await operation.before(Ahead(app, query, body)) if operation.before else None
    try:
        async with app.database.writing() as db:
            if once and (before := await once.answered(db)):
                return web.Response(status=before.status, text=before.body, content_type=_JSON)
            call = Call(operation.name, app, db, principal, request.match_info, query, body, found)
            text = (await operation.handler(call)).model_dump_json()
            if once:
                await once.keep(db, operation.status, text)
    except IntegrityError as err:
        raise Conflict("somebody else changed the same thing at the same moment: send it again") from err
    return web.Response(status=operation.status, text=text, content_type=_JSON)


def _answer(request: web.Request, status: int, body: bytes) -> web.Response:
    """Answer a reader, with an `ETag` by which it can ask whether anything has changed."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": _REVALIDATE}
    if etag in re.findall(r'"[^"]*"', request.headers.get("If-None-Match", "")):
        return web.Response(status=304, headers=headers)
    return web.Response(status=status, body=body, headers=headers | {"Content-Type": _JSON})
