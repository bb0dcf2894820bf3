"""A city and a publisher in processes of their own, driven as people and machines drive them."""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from citysec.cli.inbox import Inbox, inbox
from citysec.cli.instance import Instance, free_port
from tests.flow.forked import Forked
from tests.waiting import until

PUBLISHED = "2026-05-18T07:30:00.000Z"
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
PASSWORD = "a sentence for the tests"

FEED = """\
name = "{name}"
title = "{name}"
publisher = "Test publisher"
licence = "CC0-1.0"
tlp = "TLP:GREEN"
reliability = "A"
"""


@dataclass(frozen=True)
class Running:
    """A running citysec and the client of its coordinator's machine."""

    instance: Instance
    url: str
    api: aiohttp.ClientSession
    mails: Inbox

    async def get(self, path: str) -> Any:
        """GET a resource of the API."""
        async with self.api.get(f"/api/v1{path}") as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def all(self, path: str) -> list[dict[str, Any]]:
        """GET all pages of a list of the API."""
        items, cursor = [], ""
        while True:
            page = await self.get(f"{path}{'&' if '?' in path else '?'}limit=500{cursor}")
            items += page["items"]
            if not page["next"]:
                return items
            cursor = f"&cursor={page['next']}"

    async def incidents(self) -> dict[str | None, list[dict[str, Any]]]:
        """The open incidents by constituent, None the city's own."""
        found: dict[str | None, list[dict[str, Any]]] = {}
        for incident in await self.all("/incidents"):
            if incident["state"] != "closed":
                found.setdefault(incident["constituent"], []).append(incident)
        return found

    async def settled(self) -> None:
        """Wait until nothing is under way but clocks."""

        async def quiet() -> bool:
            async with self.api.get("/metrics") as response:
                text = await response.text()
            waiting = re.findall(r'citysec_work_waiting{kind="(\w+)"} ([0-9.]+)', text)
            return all(float(count) == 0 for kind, count in waiting if kind not in {"clock", "advise"})

        await until(quiet, timeout_s=90)

    def told(self) -> dict[str, list[str]]:
        """Subjects of the mails so far by recipient's constituent."""
        found: dict[str, list[str]] = {}
        for mail in self.mails.mails:
            found.setdefault(mail.to.partition("@")[2].partition(".")[0], []).append(mail.subject)
        return found


@asynccontextmanager
async def running(instance: Instance, name: str = "watcher") -> AsyncGenerator[Running, None]:
    """Serve `instance` with a mail sink, and ask it by a token of the coordinator `name`."""
    async with AsyncExitStack() as stack:
        mails = await stack.enter_async_context(inbox(int(instance.settings["CITYSEC_SMTP_PORT"]), free_port()))
        url = await stack.enter_async_context(instance.serving(int(instance.settings["CITYSEC_PORT"])))
        token = (await instance.run("tokens", "issue", name, "--scope", "api:read", "--scope", "api:write")).strip()
        headers = {"Authorization": f"Bearer {token}"}
        api = await stack.enter_async_context(aiohttp.ClientSession(url, headers=headers))
        yield Running(instance, url, api, mails)


async def installed(data: Path, sample: Sequence[str] = (), **settings: str) -> Instance:
    """Install citysec in `data` with ports of its own, and a coordinator called `watcher`.

    With SQLite it is a copy of what the first test has installed beside the folders of all tests.
    """
    ports = {"CITYSEC_PORT": str(free_port()), "CITYSEC_SMTP_PORT": str(free_port()), "CITYSEC_SMTP_TLS": "none"}
    instance = Forked(data, ports | settings)
    if "CITYSEC_DATABASE_URL" in settings:
        await _install(instance, sample)
        return instance
    first = data.parents[1] / "-".join(["installed", *sample])
    if not first.exists():
        await _install(Forked(first), sample)
    shutil.copytree(first, data)
    return instance


async def _install(instance: Instance, sample: Sequence[str]) -> None:
    await instance.run("init", *sample)
    add = ("accounts", "add", "watcher", "--role", "coordinator", "--clearance", "TLP:RED", "--password-stdin")
    await instance.run(*add, stdin=PASSWORD)


def define(instance: Instance, name: str, **fields: Any) -> None:
    """Write the definition of a feed into the instance's folder."""
    folder = instance.data / "feeds"
    folder.mkdir(exist_ok=True)
    own = "".join(f"{key} = {json.dumps(value)}\n" for key, value in fields.items() if key != "auth")
    table = "".join(f"{key} = {json.dumps(value)}\n" for key, value in fields.get("auth", {}).items())
    (folder / f"{name}.toml").write_text(FEED.format(name=name) + own + (f"[auth]\n{table}" if table else ""))


async def subscribed(city: Instance, publisher: Running, slug: str) -> None:
    """Have the publisher share all it has as a collection, and the city poll it every few seconds."""
    printed = await publisher.instance.run("collections", "add", slug, "--title", slug, "--tlp", "TLP:AMBER")
    add = ("accounts", "add", "reader", "--role", "machine", "--clearance", "TLP:AMBER", "--password-stdin")
    await publisher.instance.run(*add, stdin=PASSWORD)
    await publisher.instance.run("collections", "grant", slug, "reader", "--read")
    host = publisher.url.removeprefix("http://")
    define(
        city, "publisher", kind="taxii-2.1", url=f"{publisher.url}/taxii2/city/", collection=printed.strip(),
        every_s=5, overlap_s=0, enabled=True, page_limit=4, allow_hosts=[host],
        auth={"scheme": "basic", "file": "publisher.secret"},
    )  # fmt: skip
    (city.data / "feeds" / "publisher.secret").write_text(f"reader:{PASSWORD}")


class Campaign:
    """A threat, and what says that something is a sign of it."""

    def __init__(self, name: str) -> None:
        self.objects = [_sdo("malware", name=name, is_family=True)]

    def sign(self, pattern: str, *, labels: Sequence[str] = ("c2",), confidence: int = 85, **more: Any) -> str:
        """Add an indicator of the threat and return its id."""
        indicator = _sdo(
            "indicator", name=f"Sign {len(self.objects)}", pattern=pattern, pattern_type="stix", labels=list(labels),
            valid_from=PUBLISHED, confidence=confidence, **more,
        )  # fmt: skip
        threat = self.objects[0]["id"]
        link = _sdo("relationship", relationship_type="indicates", source_ref=indicator["id"], target_ref=threat)
        self.objects += [indicator, link]
        return indicator["id"]

    async def publish(self, publisher: Running) -> None:
        """Give everything to the publisher."""
        bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": self.objects}
        file = publisher.instance.data / "campaign.json"
        file.write_text(json.dumps(bundle))
        await publisher.instance.run("feeds", "import", str(file), "--feed", "by-hand")


def _sdo(kind: str, **properties: Any) -> dict[str, Any]:
    times = {"created": PUBLISHED, "modified": PUBLISHED}
    head = {"type": kind, "spec_version": "2.1", "id": f"{kind}--{uuid.uuid4()}", "object_marking_refs": [GREEN]}
    return head | times | properties
