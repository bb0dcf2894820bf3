"""`citysec doctor`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import SQLModel, col, update
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.tables import (
    Account,
    Advisory,
    Asset,
    AssetOwner,
    Constituent,
    Contact,
    Decision,
    Delivery,
    Feed,
    Incident,
    Outbox,
)
from citysec.tables.columns import now
from tests.cli.conftest import Run, written


def _wrong(run: Run) -> dict[str, str]:
    """What the doctor finds wrong, by name."""
    report = run("doctor", "--json")
    answer = json.loads(report.stdout)
    wrong = {check["name"]: check["detail"] for check in answer["checks"] if not check["ok"]}
    assert (report.exit_code, answer["ok"]) == (bool(wrong), not wrong)
    return wrong


def test_a_fresh_installation_is_well(data: Path, run: Run):
    assert _wrong(run) == {}


def test_people_get_a_table(data: Path, run: Run):
    report = run("doctor")
    assert report.exit_code == 0
    assert "secret key" in report.stdout


def test_without_an_installation_it_says_what_to_do(run: Run):
    assert all("citysec init" in detail for detail in _wrong(run).values())


def test_doors_left_open_are_named(data: Path, run: Run):
    data.chmod(0o755)
    (data / "secret.key").chmod(0o644)
    assert set(_wrong(run)) == {"data directory", "secret key"}


def test_definitions_with_which_the_service_does_not_start_are_named(data: Path, run: Run):
    (data / "feeds").mkdir()
    (data / "feeds" / "mine.toml").write_text("kind = [")
    assert "mine.toml" in _wrong(run)["definitions"]


def test_a_file_that_is_no_database_is_named(data: Path, run: Run):
    (data / "citysec.db").write_bytes(b"x" * 5000)
    assert set(_wrong(run)) == {"database"}


EARLIER = timedelta(hours=1)


@pytest.mark.parametrize(
    ("name", "rows", "detail"),
    [
        ("work that waits", lambda: [_work()], "citysec serve"),
        ("failing work", lambda: [_work(error="OSError: gone", attempts=3)], "poll: OSError: gone"),
        ("feeds", lambda: [Feed(name="kev", enabled=True, failures=2, error="500")], "kev: failed 2 times (500)"),
        ("feeds", lambda: [Feed(name="kev", enabled=True, held="the list has shrunk")], "kev: the list has shrunk"),
        ("feeds", lambda: [Feed(name="kev", enabled=True, next_at=now() - EARLIER)], "kev: due since"),
    ],
)
def test_what_is_stuck_is_named(data: Path, run: Run, name: str, rows: Callable[[], list[SQLModel]], detail: str):
    async def add(session: AsyncSession) -> None:
        session.add_all(rows())

    written(data, add)
    wrong = _wrong(run)
    assert set(wrong) == {name}
    assert detail in wrong[name]


def _work(**more: object) -> Outbox:
    at = now() - EARLIER
    return Outbox.model_validate({"kind": "poll", "payload": {}, "created_at": at, "due_at": at} | more)


def test_clocks_and_feeds_that_are_off_are_well(data: Path, run: Run):
    async def add(session: AsyncSession) -> None:
        session.add(Outbox(kind="clock", payload={}, created_at=now() - EARLIER, due_at=now() + EARLIER))
        session.add(Feed(name="kev", enabled=False, failures=9))

    written(data, add)
    assert _wrong(run) == {}


def test_constituents_that_nobody_can_tell_are_named(data: Path, run: Run):
    async def add(session: AsyncSession) -> None:
        session.add(Constituent(id="c", slug="camden", name="Camden", kind="borough", sector="local-government"))
        session.add(Asset(id=1, kind="domain", value="camden.gov.uk", key_kind="name", key="uk.gov.camden"))
        await session.flush()
        session.add(AssetOwner(ref="A1", asset_id=1, constituent_id="c", registered_at=now()))

    written(data, add)
    assert _wrong(run) == {"contacts": "nobody to tell at Camden"}


def test_systems_of_which_nobody_says_what_they_announce_are_named(data: Path, run: Run):
    async def add(session: AsyncSession) -> None:
        session.add(Constituent(id="c", slug="camden", name="Camden", kind="borough", sector="local-government"))
        session.add(Contact(constituent_id="c", name="Lee", channel="email", address="lee@camden.example"))
        session.add(Asset(id=1, kind="asn", value="AS64496", key_kind="asn", key="64496"))
        await session.flush()
        session.add(AssetOwner(ref="A1", asset_id=1, constituent_id="c", registered_at=now()))

    written(data, add)
    assert "constituency prefixes import" in _wrong(run)["autonomous systems"]


def test_an_installation_that_nobody_can_enter_is_named(data: Path, run: Run):
    async def disable(session: AsyncSession) -> None:
        await session.exec(update(Account).values({col(Account.disabled_at): now()}))

    written(data, disable)
    assert set(_wrong(run)) == {"coordinators"}


def test_messages_that_their_relay_does_not_take_are_named(data: Path, run: Run):
    at = now() - EARLIER

    async def add(session: AsyncSession) -> None:
        session.add(Constituent(id="c", slug="camden", name="Camden", kind="borough", sector="local-government"))
        await session.flush()
        session.add(Contact(id="d", constituent_id="c", name="Desk", channel="email", address="desk@camden.example"))
        session.add(
            Incident(id="i", ref="1", constituent_id="c", threat="x", kind="phishing", title="x", severity="low",
                     state="open", confidence=1, tlp=1, aware_at=at, updated_at=at)
        )  # fmt: skip
        await session.flush()
        session.add(
            Advisory(id="a", incident_id="i", constituent_id="c", subject="x", content={}, severity="low", tlp=1,
                     published_at=at)
        )  # fmt: skip
        session.add(Decision(id="y", recipient="contact:d", verdict="allowed", reason="x", tlp=1, clearance=1, at=at))
        await session.flush()
        session.add(
            Delivery(id="m", advisory_id="a", contact_id="d", decision_id="y", channel="email", error="refused",
                     queued_at=at)
        )  # fmt: skip

    written(data, add)
    assert _wrong(run)["messages not sent"].endswith("refused")
