"""`citysec advisories`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from citysec.advisories.acknowledge import acknowledge, reply
from citysec.db import Database
from citysec.tables import Advisory, AuditEntry, Delivery, Outbox
from tests.advisories.conftest import Town, settle
from tests.cli.line import app


@pytest.fixture
def data(tmp_path: Path, sqlite_url: str) -> Path:
    """A data directory in which Camden has been told: the mail was refused, the webhook has it."""

    async def tell(town: Town) -> None:
        incident = await town.incident("camden", await town.match(await town.asset("198.51.100.7", "camden")))
        await town.publish(incident)
        mail, hook = await town.deliveries()
        await town.change(Delivery, mail.id, state="dead", attempts=1, error="550 no such mailbox")
        await town.change(Delivery, hook.id, state="sent", attempts=1)

    _in_town(tmp_path, settle)
    _in_town(tmp_path, tell)
    return tmp_path


def _url(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder / 'citysec.db'}"


def _in_town(folder: Path, act: Callable[[Town], Awaitable[Any]]) -> Any:
    async def opened() -> Any:
        async with Database.opened(_url(folder)) as db:
            return await act(Town(db))

    return asyncio.run(opened())


def _run(data: Path, *arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, ["advisories", *arguments, "--data", str(data)], input=typed)


def _rows(data: Path, table: type[Any], **where: object) -> Any:
    return _in_town(data, lambda town: town.rows(table, **where))


def test_the_list_says_how_far_each_advisory_is(data: Path):
    shown = _run(data, "list")
    assert shown.exit_code == 0
    assert "Camden" in shown.stdout
    assert "1 sent, 1 dead" in shown.stdout
    assert "by 20" in shown.stdout


def test_dead_letters_are_listed_with_their_reason_and_exit_code_1(data: Path):
    shown = _run(data, "list", "--dead")
    assert shown.exit_code == 1
    assert "550 no such mailbox" in shown.stdout


def test_show_prints_text_decisions_messages_and_answers(data: Path):
    (mail,) = _rows(data, Delivery, state="dead")

    async def answer(town: Town) -> None:
        async with town.db.writing() as session:
            await acknowledge(session, mail.advisory_id, reply("in-hand", contact_id="c1", note="Rule 12"))

    _in_town(data, answer)
    shown = _run(data, "show", mail.advisory_id[-12:])
    assert shown.exit_code == 0
    for part in ("WHAT TO DO NOW", "contact:c1", "allowed", "550 no such mailbox", "in-hand", "Rule 12"):
        assert part in shown.stdout


def test_replay_asks_and_queues_the_letter_anew(data: Path):
    (mail,) = _rows(data, Delivery, state="dead")
    assert _run(data, "replay", mail.id[-12:], typed="y\n").exit_code == 0
    (again,) = _rows(data, Delivery, id=mail.id)
    assert (again.state, again.attempts, again.error) == ("queued", 0, None)
    assert len([w for w in _rows(data, Outbox, kind="deliver") if w.payload["delivery"] == mail.id]) == 2
    assert len(_rows(data, AuditEntry, action="delivery.replay")) == 1


def test_advisories_of_one_millisecond_are_told_apart_by_what_the_list_shows(data: Path):
    (row,) = _rows(data, Advisory)
    ids = [f"{row.id[:12]}{number:020x}" for number in range(2)]

    async def tell(town: Town) -> None:
        async with town.db.writing() as session:
            for number, each in enumerate(ids, 2):
                session.add(Advisory(**row.model_dump() | {"id": each, "revision": number}))

    _in_town(data, tell)
    shown = _run(data, "list").stdout
    assert all(each[-12:] in shown for each in ids)
    assert _run(data, "show", ids[1][-12:]).exit_code == 0


def test_a_no_changes_nothing(data: Path):
    assert _run(data, "replay", "--all-dead", typed="n\n").exit_code == 1
    assert len(_rows(data, Delivery, state="dead")) == 1


def test_all_dead_leaves_out_what_a_newer_revision_has_overtaken(data: Path):
    async def grow(town: Town) -> None:
        town.numbers = {"asset": 1, "match": 1}
        await town.grow("i1")
        await town.publish("i1")

    _in_town(data, grow)
    shown = _run(data, "replay", "--all-dead", "--yes")
    assert "Queued anew: 0." in shown.stdout
    (mail,) = _rows(data, Delivery, state="dead")
    assert "is the newest" in str(_run(data, "replay", mail.id, "--yes").exception)


@pytest.mark.parametrize(("arguments", "said"), [(["show", "zzz"], "none"), (["replay", "zzz", "--yes"], "none")])
def test_an_id_that_nobody_has_is_an_error(data: Path, arguments: list[str], said: str):
    assert said in str(_run(data, *arguments).exception)


def test_a_letter_that_is_not_dead_is_not_replayed(data: Path):
    (hook,) = _rows(data, Delivery, state="sent")
    assert "not dead" in str(_run(data, "replay", hook.id, "--yes").exception)


@pytest.mark.parametrize("arguments", [[], ["x", "--all-dead"]])
def test_replay_wants_one_letter_or_all_of_them(data: Path, arguments: list[str]):
    assert _run(data, "replay", *arguments).exit_code == 2
