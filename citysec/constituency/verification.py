"""Verified assets, of which somebody has made sure whose they are: of others nothing above TLP:GREEN is told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.constituency.lines import Line
from citysec.constituency.plan import Changed, Plan
from citysec.constituency.register import export
from citysec.errors import InvalidInput, Problem
from citysec.tables.register import Constituent


async def plan_verification(
    db: AsyncSession, refs: Collection[str], organisations: Collection[str], *, verified: bool
) -> Plan[Line]:
    """Return what makes assets verified, or no longer so; `register.apply` does it.

    Args:
        db: any session; the one that applies the plan, where it is to be applied.
        refs: ids of assets.
        organisations: slugs of constituents, all of whose assets are meant.
        verified: which of the two.

    Raises:
        InvalidInput: there is no such asset or constituent: every wrong name is named.
    """
    names = dict((await db.exec(select(Constituent.slug, Constituent.name))).all())
    stored = await export(db)
    unknown = [Problem(ref, "there is no asset of this id") for ref in sorted({*refs} - {line.ref for line in stored})]
    unknown += [Problem(slug, "there is no constituent of this slug") for slug in sorted({*organisations} - {*names})]
    if unknown:
        raise InvalidInput(unknown)
    whose = {names[slug] for slug in organisations}
    meant = [line for line in stored if line.ref in refs or line.organisation in whose]
    changed = tuple(Changed(line, replace(line, verified=verified)) for line in meant if line.verified is not verified)
    return Plan(changed=changed, unchanged=len(meant) - len(changed))
