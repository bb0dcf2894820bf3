"""`citysec init` and `citysec db`."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from sqlmodel import select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access.passwords import Passwords
from citysec.constituency.sample import FOLDER
from citysec.errors import InvalidInput
from citysec.tables import Account, Constituent, Outbox, Playbook
from tests.cli.conftest import Run, written


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def _accounts(session: AsyncSession) -> list[Account]:
    return list(await session.exec(select(Account)))


async def _playbooks(session: AsyncSession) -> list[Playbook]:
    return list(await session.exec(select(Playbook)))


async def _boroughs(session: AsyncSession) -> int:
    return len((await session.exec(select(Constituent).where(Constituent.kind == "borough"))).all())


def test_init_keeps_directory_and_key_from_others(run: Run, tmp_path: Path):
    run("init")
    data = tmp_path / "data"
    assert (_mode(data), _mode(data / "secret.key")) == (0o700, 0o600)


async def _fits(password: str, account: Account) -> bool:
    return await Passwords().fits(password, account.password_hash)


def test_init_makes_the_first_coordinator_and_shows_the_password_once(run: Run, tmp_path: Path):
    printed = re.search(r"coordinator, password (\S+) ", run("init").stdout)
    assert printed is not None
    (account,) = written(tmp_path / "data", _accounts)
    assert (account.name, account.role) == ("coordinator", "coordinator")
    assert written(tmp_path / "data", lambda _: _fits(printed[1], account))
    assert "password" not in run("init").stdout


def test_a_given_password_is_not_shown(run: Run, tmp_path: Path):
    shown = run("init", "--password-stdin", stdin="correct horse battery\n")
    assert "correct horse" not in shown.output
    (account,) = written(tmp_path / "data", _accounts)
    assert written(tmp_path / "data", lambda _: _fits("correct horse battery", account))


def test_a_password_that_is_too_short_sets_nothing_up(run: Run, tmp_path: Path):
    assert isinstance(run("init", "--password-stdin", stdin="short\n").exception, InvalidInput)
    assert not (tmp_path / "data").exists()


def test_init_with_the_sample_loads_london_and_again_changes_nothing(run: Run, tmp_path: Path):
    assert "115 constituents, 115 contacts, 154 services, 881 assets" in run("init", "--sample", "london").stdout
    key = (tmp_path / "data" / "secret.key").read_bytes()
    again = run("init", "--sample", "london").stdout
    assert "0 constituents, 0 contacts, 0 services, 0 assets" in again
    assert (tmp_path / "data" / "secret.key").read_bytes() == key
    assert written(tmp_path / "data", _boroughs) == 33


def test_init_approves_the_playbooks_that_come_with_it_once(run: Run, tmp_path: Path):
    async def forget(session: AsyncSession) -> None:
        await session.exec(update(Playbook).values(approved_at=None))

    run("init")
    assert all(one.approved_at for one in written(tmp_path / "data", _playbooks))
    written(tmp_path / "data", forget)
    run("init")
    assert not any(one.approved_at for one in written(tmp_path / "data", _playbooks))


def test_init_tells_what_to_do_next(run: Run, tmp_path: Path):
    assert f"citysec serve --data {tmp_path / 'data'}" in run("init").stdout.replace("\n", " ")


def test_init_says_how_to_register_somebody_while_there_is_nobody(run: Run):
    assert "citysec constituency import constituents.csv --data" in run("init").stdout
    assert "constituency" not in run("init", "--sample", "london").stdout


def test_db_upgrade_makes_the_schema(run: Run, tmp_path: Path):
    assert run("db", "upgrade").exit_code == 0
    assert written(tmp_path / "data", _accounts) == []


async def _correlated(session: AsyncSession) -> list[int]:
    works = await session.exec(select(Outbox).where(Outbox.kind == "correlate"))
    return [object_id for work in works for object_id in work.payload["objects"]]


def test_db_recorrelate_has_what_touches_the_register_compared_again(run: Run, tmp_path: Path):
    run("init", "--sample", "london")
    run("feeds", "import", str(FOLDER / "campaign.json"), "--feed", "by-hand")
    before = written(tmp_path / "data", _correlated)
    assert re.fullmatch(r"(\d+) objects are correlated again\.\n", run("db", "recorrelate").stdout)
    again = written(tmp_path / "data", _correlated)[len(before) :]
    assert again
    assert set(again) < set(before)
