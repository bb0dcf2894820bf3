"""Every refusal, said in the reader's own language: a page, problem+json, or a TAXII error."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from aiohttp import web

from citysec.errors import (
    CitysecError,
    Conflict,
    Forbidden,
    InvalidInput,
    NotShared,
    Problem,
    TooManyAttempts,
    Unauthenticated,
)
from citysec.tables.columns import now
from citysec.web import context, render
from citysec.web.views import ErrorView, Page, Reader

PROBLEM_TYPE: Final = "application/problem+json"
TAXII_TYPE: Final = "application/taxii+json;version=2.1"
_STATUS: Final[Mapping[type[CitysecError], int]] = {
    InvalidInput: 422,
    Unauthenticated: 401,
    Forbidden: 403,
    NotShared: 404,
    Conflict: 409,
    TooManyAttempts: 429,
    CitysecError: 503,
}
_CHALLENGES: Final = {
    "/api/": 'Bearer realm="citysec"',
    "/taxii2/": 'Basic realm="taxii", charset="UTF-8", Bearer realm="taxii"',
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer of 400 or more; `detail` tells no more than the reader may know."""

    status: int
    detail: str = ""
    problems: tuple[Problem, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def title(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase


def of(error: Exception) -> Refusal:
    """Return how to refuse because of `error`; what citysec did not raise on purpose is a 500 without detail."""
    if isinstance(error, web.HTTPException):
        allow = error.headers.get("Allow")
        plain = f"{error.status}: {error.reason}"  # what aiohttp says by itself tells nothing new
        detail = "" if error.text in {None, plain} else error.text or ""
        return Refusal(error.status, detail, headers={"Allow": allow} if allow else {})
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)
    match error:
        case InvalidInput():
            return Refusal(status, "what was sent cannot be used", error.problems)
        case TooManyAttempts():
            return Refusal(status, str(error), headers={"Retry-After": str(math.ceil(error.wait_s))})
        case Unauthenticated() | Forbidden() | Conflict():
            return Refusal(status, str(error))
        case _:
            return Refusal(status)  # of NotShared not even the wording may differ; the rest is not the reader's


def answer(request: web.Request, refusal: Refusal, request_id: str) -> web.Response:
    """Return `refusal` in the form that the part of the site at `request`'s path speaks."""
    headers = dict(refusal.headers)
    prefix = next((p for p in _CHALLENGES if request.path.startswith(p)), None)
    if refusal.status == 401 and prefix:
        headers["WWW-Authenticate"] = _CHALLENGES[prefix]
    match prefix:
        case "/api/":
            return _json(refusal, _problem(refusal, request_id), PROBLEM_TYPE, headers)
        case "/taxii2/":
            return _json(refusal, _taxii_error(refusal, request_id), TAXII_TYPE, headers)
        case _ if refusal.status == 401 and request.method == "GET":
            return web.Response(status=303, headers={"Location": f"/sign-in?next={quote(request.raw_path, safe='')}"})
        case _:
            return _page(request, refusal, request_id, headers)


def _problem(refusal: Refusal, request_id: str) -> dict[str, object]:
    """Source: RFC 9457; `problems` and `request_id` are our extensions."""
    return {
        "type": "about:blank",
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
        "problems": [{"at": p.at, "message": p.message} for p in refusal.problems],
        "request_id": request_id,
    }


def _taxii_error(refusal: Refusal, request_id: str) -> dict[str, object]:
    """Source: TAXII 2.1 §3.6.1; the status is a string there, and empty values are left out."""
    error: dict[str, object] = {"title": refusal.title, "error_id": request_id, "http_status": str(refusal.status)}
    if refusal.detail:
        error["description"] = refusal.detail
    if refusal.problems:
        error["details"] = {p.at or "body": p.message for p in refusal.problems}
    return error


def _json(refusal: Refusal, body: dict[str, object], content_type: str, headers: dict[str, str]) -> web.Response:
    headers["Content-Type"] = content_type
    return web.Response(status=refusal.status, body=json.dumps(body).encode(), headers=headers)


def _page(request: web.Request, refusal: Refusal, request_id: str, headers: dict[str, str]) -> web.Response:
    # A visitor that could not be established is nobody; the constituent's name would cost a look at the database.
    visitor = request.get(context.VISITOR, context.Visitor())
    principal = visitor.principal
    frame = Page(
        city=context.of(request).settings.city,
        now=now(),
        path=request.path,
        reader=Reader(name=principal.name, role=principal.role) if principal else None,
        csrf=visitor.csrf,
    )
    view = ErrorView(status=refusal.status, detail=refusal.detail, problems=refusal.problems, request_id=request_id)
    return web.Response(status=refusal.status, text=render.page(frame, view), content_type="text/html", headers=headers)
