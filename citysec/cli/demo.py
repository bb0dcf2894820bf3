"""`citysec demo`: the whole job on one machine, with real parts.

A second citysec is the publisher: it serves the sample campaign over TAXII 2.1. The first one polls it, and mails what
it has to say to a sink that keeps every message and shows them on a page. Nothing leaves the machine.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import signal
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import aiohttp
import typer
from rich.console import Console
from rich.table import Table

from citysec.cli.admin import COORDINATOR
from citysec.cli.inbox import Inbox, inbox
from citysec.cli.instance import Instance, InstanceFailed, free_port
from citysec.constituency.sample import FOLDER
from citysec.errors import SettingsError

CAMPAIGN: Final = FOLDER / "campaign.json"
QUIET_S: Final = 4.0
"""So long without a new mail means that all have come."""
PATIENCE_S: Final = 120.0
LEADS: Final = ("camden", "barnet")
"""Constituents whose security lead gets an account."""
_screen: Final = Console(stderr=True)

_PUBLISHER_FEED: Final = """\
name = "campaign"
title = "Sample campaign"
publisher = "Sample publisher"
licence = "Apache-2.0"
kind = "stix-bundle"
reliability = "A"
tlp = "TLP:GREEN"
"""
_CITY_FEED: Final = """\
name = "sample-publisher"
title = "Sample publisher"
publisher = "Sample publisher"
licence = "Apache-2.0"
kind = "taxii-2.1"
url = "{url}/taxii2/city/"
collection = "{collection}"
every_s = 10
overlap_s = 0
enabled = true
reliability = "A"
tlp = "TLP:AMBER"
allow_hosts = ["127.0.0.1:{port}"]

[auth]
scheme = "basic"
file = "sample-publisher.secret"
"""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the demonstration listens, all on loopback."""

    city: int
    publisher: int
    smtp: int
    inbox: int


def demo(
    folder: Annotated[Path, typer.Option("--data", help="Made anew each time.")] = Path(".demo"),
    port: Annotated[int, typer.Option(help="Of the console; 0 takes a free one.")] = 8080,
    once: Annotated[bool, typer.Option("--once", help="Stop when everything has been shown.")] = False,
) -> None:
    """Play the whole job with sample London, and leave the console running until Ctrl-C."""
    if find_spec("aiosmtpd") is None:
        raise SettingsError("the mail sink of the demonstration needs an extra: pip install 'citysec[demo]'")
    ports = Ports(port or free_port(), free_port(), free_port(), free_port())
    asyncio.run(_demo(folder, ports, stay=not once))


async def _demo(folder: Path, ports: Ports, *, stay: bool) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    publisher = Instance(folder / "publisher")
    city = Instance(
        folder / "london",
        {"CITYSEC_SMTP_PORT": str(ports.smtp), "CITYSEC_SMTP_TLS": "none", "CITYSEC_PORT": str(ports.city)},
    )
    people = {name: secrets.token_urlsafe(9) for name in (COORDINATOR, *(f"{slug}-lead" for slug in LEADS))}
    async with AsyncExitStack() as stack:
        with _screen.status("Setting up a publisher and London …") as status:
            async with asyncio.TaskGroup() as group:
                collection = group.create_task(_publish(publisher, password := secrets.token_urlsafe(18)))
                group.create_task(_settle(city, people))
            _subscribe(city, ports, collection.result(), password)
            status.update("Starting both, and a mail sink …")
            mails = await stack.enter_async_context(inbox(ports.smtp, ports.inbox))
            await stack.enter_async_context(publisher.serving(ports.publisher))
            await publisher.run("feeds", "import", str(CAMPAIGN.resolve()), "--feed", "campaign")
            console = await stack.enter_async_context(city.serving(ports.city))
            status.update("The campaign is on its way: poll, match, open incidents, advise …")
            await _all_mailed(mails)
        await _show(console, mails, people, ports)
        if stay:
            await _until_stopped()


async def _publish(publisher: Instance, password: str) -> str:
    """Set the publisher up and return the id of its collection."""
    publisher.data.mkdir(parents=True)
    await publisher.run("init")
    feeds = publisher.data / "feeds"
    feeds.mkdir(exist_ok=True)
    (feeds / "campaign.toml").write_text(_PUBLISHER_FEED)
    title = "What the sample publisher shares"
    printed = await publisher.run("collections", "add", "campaign", "--title", title, "--tlp", "TLP:AMBER")
    add = ("accounts", "add", "london", "--role", "machine", "--clearance", "TLP:AMBER", "--password-stdin")
    await publisher.run(*add, stdin=password)
    await publisher.run("collections", "grant", "campaign", "london", "--read")
    return printed.strip()


async def _settle(city: Instance, people: Mapping[str, str]) -> None:
    """Load London and give people accounts: the coordinator, and the leads of two boroughs."""
    city.data.mkdir(parents=True)
    await city.run("init", "--sample", "london", "--password-stdin", stdin=people[COORDINATOR])
    for slug in LEADS:
        add = ("accounts", "add", f"{slug}-lead", "--role", "lead", "--constituent", slug, "--password-stdin")
        await city.run(*add, stdin=people[f"{slug}-lead"])


def _subscribe(city: Instance, ports: Ports, collection: str, password: str) -> None:
    feeds = city.data / "feeds"
    feeds.mkdir(exist_ok=True)
    address = f"http://127.0.0.1:{ports.publisher}"
    definition = _CITY_FEED.format(url=address, collection=collection, port=ports.publisher)
    (feeds / "sample-publisher.toml").write_text(definition)
    (feeds / "sample-publisher.secret").write_text(f"london:{password}")


async def _all_mailed(mails: Inbox) -> None:
    """Wait until mails have come and no more come."""
    known, quiet = 0, 0.0
    async with asyncio.timeout(PATIENCE_S):
        while not known or quiet < QUIET_S:
            await asyncio.sleep(0.25)
            quiet = quiet + 0.25 if len(mails.mails) == known else 0.0
            known = len(mails.mails)


async def _show(console: str, mails: Inbox, people: Mapping[str, str], ports: Ports) -> None:
    table = Table(title="Who was told", title_justify="left")
    table.add_column("Recipient")
    table.add_column("About")
    table.add_column("Messages", justify="right")
    counts = Counter((m.to, m.subject) for m in mails.mails)
    for (to, subject), count in sorted(counts.items()):
        table.add_row(to, subject, str(count))
    _screen.print(table)
    accounts = Table(title="Sign in as", title_justify="left")
    accounts.add_column("Name")
    accounts.add_column("Password")
    for name, password in people.items():
        accounts.add_row(name, password)
    _screen.print(accounts)
    await _check(console)
    _screen.print(f"\nMail sink: http://127.0.0.1:{ports.inbox}/")
    print(console, flush=True)  # noqa: T201


async def _check(console: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{console}/healthz") as response:
        if response.status != 200:
            raise InstanceFailed(f"{console}/healthz answers {response.status}")


async def _until_stopped() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _screen.print("Ctrl-C stops it.")
    await stop.wait()
