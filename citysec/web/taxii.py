"""The TAXII 2.1 server's HTTP: `share.taxii` decides what a reader sees, this module says it in TAXII.

Decisions where the standard leaves a choice: answers always carry the type with its version; collections without any
right are 404, as if they did not exist; `next` goes with `more` always, also on manifests and versions; date headers
are left out of empty answers.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from aiohttp import web
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.errors import Forbidden, InvalidInput, NotShared
from citysec.share import filters, taxii
from citysec.share.filters import Filters
from citysec.share.taxii import Entry, Page, View, Walk
from citysec.web import context, negotiate, posting, refusals
from citysec.web.context import AppContext
from citysec.web.refusals import TAXII_TYPE, Refusal

ROOT: Final = "/taxii2/city/"
_COLLECTION: Final = ROOT + "collections/{collection}/"
_OBJECT: Final = _COLLECTION + "objects/{object}/"
_MEDIA: Final = "application/stix+json;version="
_HEADERS: Final = {
    "Content-Type": TAXII_TYPE,
    "Cache-Control": "private, no-cache",
    "Vary": "Accept, Authorization",
}
_Handler = Callable[[web.Request], Awaitable[web.Response]]


def routes(_app: AppContext) -> Sequence[web.AbstractRouteDef]:
    """Return the routes of TAXII 2.1 §§4 and 5."""
    reading: dict[str, _Handler] = {
        "/taxii2/": discovery,
        ROOT: api_root,
        ROOT + "collections/": collections,
        ROOT + "status/{status}/": status,
        _COLLECTION: collection,
        _COLLECTION + "manifest/": manifest,
        _COLLECTION + "objects/": objects,
        _OBJECT: object_versions,
        _OBJECT + "versions/": versions,
    }
    found = [web.get(path, _endpoint(handler)) for path, handler in reading.items()]
    found.append(web.post(_COLLECTION + "objects/", _endpoint(add_objects)))
    return [*found, web.get("/{path:taxii2|taxii2/.*[^/]}", close_path)]


def _endpoint(handler: _Handler) -> _Handler:
    async def answer(request: web.Request) -> web.Response:
        if not negotiate.accepts_taxii(request.headers.get("Accept")):
            raise web.HTTPNotAcceptable(text=f"this server speaks {TAXII_TYPE}")
        try:
            return await handler(request)
        except InvalidInput as err:
            refusal = Refusal(400, "a parameter cannot be read", err.problems)
            return refusals.answer(request, refusal, request[context.REQUEST_ID])

    return answer


async def close_path(request: web.Request) -> web.Response:
    """Send readers who left the closing slash out to where it is (§3.1)."""
    target = request.rel_url.with_path(request.rel_url.raw_path + "/", encoded=True, keep_query=True)
    raise web.HTTPPermanentRedirect(str(target))


async def discovery(request: web.Request) -> web.Response:
    """§4.1: which API roots there are."""
    city = context.of(request).settings.city
    return _answer({"title": f"citysec {city}", "default": ROOT, "api_roots": [ROOT]})


async def api_root(request: web.Request) -> web.Response:
    """§4.2: what the one API root is."""
    settings = context.of(request).settings
    return _answer(
        {
            "title": f"Threat information of {settings.city}",
            "versions": [TAXII_TYPE],
            "max_content_length": settings.taxii_max_bytes,
        }
    )


async def collections(request: web.Request) -> web.Response:
    """§5.1: the collections that exist for this reader."""
    async with context.of(request).database.reading() as db:
        found = await taxii.views(db, context.principal(request), _inlets(request))
    return _answer({"collections": [_described(view) for view in found]} if found else {})


async def collection(request: web.Request) -> web.Response:
    """§5.2: one of them."""
    async with context.of(request).database.reading() as db:
        return _answer(_described(await _view(db, request)))


async def manifest(request: web.Request) -> web.Response:
    """§5.3: what is in a collection, without the objects."""
    asked = _filters(request, "id", "type", "version", "spec_version")
    async with context.of(request).database.reading() as db:
        page = await _page(db, request, asked)
    records = [
        {
            "id": entry.stix_id,
            "date_added": filters.timestamp(entry.date_added),
            "version": entry.version,
            "media_type": _MEDIA + entry.spec_version,
        }
        for entry in page.entries
    ]
    return _answer(_head(page) | ({"objects": records} if records else {}), page.entries)


async def objects(request: web.Request) -> web.Response:
    """§5.4: the objects of a collection."""
    asked = _filters(request, "id", "type", "version", "spec_version")
    async with context.of(request).database.reading() as db:
        return _envelope(await _page(db, request, asked))


async def add_objects(request: web.Request) -> web.Response:
    """§5.5: add objects; the answer tells what came of each."""
    app = context.of(request)
    async with app.database.reading() as db:
        view = await _view(db, request)
    if not view.can_write:
        raise Forbidden("objects cannot be added to this collection")
    if not negotiate.is_taxii(request.headers.get("Content-Type", "")):
        raise web.HTTPUnsupportedMediaType(text=f"send an envelope, {TAXII_TYPE}")
    body = await _body(request, app.settings.taxii_max_bytes)
    return _answer(await posting.accept(app, context.principal(request), view.collection, body), status=202)


async def status(request: web.Request) -> web.Response:
    """§4.3: what came of objects that were added within the last day, for whoever added them."""
    async with context.of(request).database.reading() as db:
        found = await posting.receipt(db, context.principal(request), request.match_info["status"])
    if found is None:
        raise NotShared
    return _answer(found)


async def object_versions(request: web.Request) -> web.Response:
    """§5.6: one object, in the versions asked for."""
    asked = replace(_filters(request, "version", "spec_version"), ids=(request.match_info["object"],))
    async with context.of(request).database.reading() as db:
        page = await _page(db, request, asked)
        await _demand_object(db, request, page)
    return _envelope(page)


async def versions(request: web.Request) -> web.Response:
    """§5.8: the versions of one object, oldest arrival first."""
    asked = replace(_filters(request, "spec_version"), ids=(request.match_info["object"],), versions=("all",))
    async with context.of(request).database.reading() as db:
        page = await _page(db, request, asked)
        await _demand_object(db, request, page)
    listed = [entry.version for entry in page.entries]
    return _answer(_head(page) | ({"versions": listed} if listed else {}), page.entries)


def _filters(request: web.Request, *fields: str) -> Filters:
    query = request.query
    return filters.parse({name: query.getall(name) for name in query}, fields)


def _inlets(request: web.Request) -> frozenset[str]:
    return posting.inlets(context.of(request).feeds)


async def _body(request: web.Request, max_bytes: int) -> bytes:
    """Return the body, expanded; the application's own limit is for other parts of the site."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > max_bytes:
            raise web.HTTPRequestEntityTooLarge(max_size=max_bytes, actual_size=len(body))
    return bytes(body)


async def _view(db: AsyncSession, request: web.Request) -> View:
    name = request.match_info["collection"]
    view = await taxii.view(db, context.principal(request), name, _inlets(request))
    if view is None:
        raise NotShared
    return view


async def _page(db: AsyncSession, request: web.Request, asked: Filters) -> Page:
    view, app = await _view(db, request), context.of(request)
    if not view.can_read:
        raise Forbidden("this collection can be written to, not read")
    walk = Walk(
        key=app.derived("taxii cursor"),
        account_id=context.principal(request).account_id,
        collection_id=view.collection.id,
        endpoint=request.path.rstrip("/").rpartition("/")[2],
    )
    return await taxii.page(db, view, asked, walk)


async def _demand_object(db: AsyncSession, request: web.Request, page: Page) -> None:
    """Pass where the object exists for the reader, though perhaps not in the version asked for."""
    if not page.entries and not await taxii.known(db, await _view(db, request), request.match_info["object"]):
        raise NotShared


def _described(view: View) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": view.collection.id,
        "title": view.collection.title,
        "alias": view.collection.slug,
        "can_read": view.can_read,
        "can_write": view.can_write,
        "media_types": [_MEDIA + "2.1", _MEDIA + "2.0"],
    }
    if view.collection.description:
        described["description"] = view.collection.description
    return described


def _head(page: Page) -> dict[str, Any]:
    return {"more": True, "next": page.next} if page.next else {}


def _envelope(page: Page) -> web.Response:
    """Return the objects as they were received: their texts are joined, never read (§3.7)."""
    head = json.dumps(_head(page))[1:-1].encode()
    listed = b'"objects": [' + b",".join(entry.text for entry in page.entries) + b"]" if page.entries else b""
    body = b"{" + b", ".join(part for part in (head, listed) if part) + b"}"
    return web.Response(body=body, headers=_HEADERS | _dates(page.entries))


def _answer(resource: dict[str, Any], entries: Sequence[Entry] = (), *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=json.dumps(resource).encode(), headers=_HEADERS | _dates(entries))


def _dates(entries: Sequence[Entry]) -> dict[str, str]:
    """Return the headers of §3.2; an empty answer has no dates to tell."""
    if not entries:
        return {}
    return {
        "X-TAXII-Date-Added-First": filters.timestamp(entries[0].date_added),
        "X-TAXII-Date-Added-Last": filters.timestamp(entries[-1].date_added),
    }
