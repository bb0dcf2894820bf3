"""Reads all there is over the API, as Camden's lead, and looks for what is not for that reader."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from aiohttp import ClientSession
from sqlmodel import select

from citysec.db import Database
from citysec.tables import Asset
from citysec.web.api.operation import Method
from citysec.web.api.table import OPERATIONS
from tests import city
from tests.web.api.world import SECRET


async def api_keeps_secrets(site: city.Site, client: ClientSession) -> None:
    """Fail where an operation that reads tells `lee` what is secret, by whatever id it is asked."""
    ids = await _ids(client, await token_of(site.app.database, "ada"))
    for path, (status, body) in (await answers(client, await token_of(site.app.database, "lee"), ids)).items():
        assert SECRET.lower() not in json.dumps(body).lower(), path
        assert status in (403, 404) or SECRET.lower() not in path.lower(), path


async def explanations_keep_secrets(site: city.Site, client: ClientSession) -> None:
    """Fail where a look-up of, or an explanation about, anybody's asset tells `lee` what is secret."""
    headers = await token_of(site.app.database, "lee")
    async with site.app.database.reading() as db:
        names = [asset.value for asset in await db.exec(select(Asset))]
    for name in names:
        async with client.post("/api/v1/lookup", headers=headers, json={"values": [name]}) as answer:
            assert answer.status == 200
            _is_silent(await answer.text(), name)
        for slug in ("camden", "brent-secret"):
            query = {"indicator": name, "constituent": slug}
            async with client.get("/api/v1/explain", headers=headers, params=query) as answer:
                assert answer.status == (200 if slug == "camden" else 404)
                _is_silent((await answer.text()).replace("brent-secret", ""), name)


def _is_silent(text: str, asked: str) -> None:
    """Fail where `text` tells more than what was asked for."""
    told = text.lower().replace(asked.lower(), "")
    assert SECRET.lower() not in told, text


async def answers(client: ClientSession, headers: dict[str, str], ids: Iterable[str]) -> dict[str, Any]:
    """Return what every reading operation answers, for every id where it takes one."""
    found: dict[str, Any] = {}
    for operation in OPERATIONS:
        if operation.method is Method.GET:
            for path in {re.sub(r"{\w+}", key, operation.path) for key in ids}:
                async with client.get("/api/v1" + path, headers=headers) as answer:
                    found[path] = (answer.status, await answer.json())
    return found


async def _ids(client: ClientSession, headers: dict[str, str]) -> set[str]:
    """Return everything that names something, as the coordinator sees it."""
    read = await answers(client, headers, ["camden"])
    items = [i for _, body in read.values() for i in body.get("items", [])]
    return {str(i[k]) for i in items for k in ("id", "slug") if k in i}


async def token_of(db: Database, name: str) -> dict[str, str]:
    """Return the header by which an account shows who it is."""
    return {"Authorization": f"Bearer {await city.token(db, name)}"}
