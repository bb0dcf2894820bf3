"""Sample London: a register to try citysec with; `london/NOTICE.txt` says what in it is fact."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.constituency import people, sheets
from citysec.constituency.lines import parse
from citysec.constituency.records import decode
from citysec.constituency.register import apply, plan_import
from citysec.constituency.sheets import Sheet

FOLDER: Final = Path(__file__).parent / "london"


@dataclass(frozen=True, slots=True)
class Loaded:
    """How much was new."""

    constituents: int
    contacts: int
    services: int
    assets: int


async def load_sample(db: AsyncSession, actor: str) -> Loaded:
    """Add what the register lacks of sample London; what is there already stays as it is.

    Args:
        db: a writing session.
        actor: account name, for the audit.
    """
    constituents, contacts, services = [await _add(db, sheet, actor) for sheet in sheets.SHEETS.values()]
    plan = await plan_import(db, parse(_text("assets")))
    added = replace(plan, changed=(), removed=())
    await apply(db, added, actor)
    return Loaded(constituents, contacts, services, len(added.added))


async def _add(db: AsyncSession, sheet: Sheet, actor: str) -> int:
    plan = await people.plan_import(db, sheet, sheets.parse(sheet, _text(sheet.noun)))
    await people.apply(db, sheet, replace(plan, changed=()), actor)
    return len(plan.added)


def _text(name: str) -> str:
    return decode((FOLDER / f"{name}.csv").read_bytes())
