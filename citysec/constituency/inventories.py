"""Inventories in the register: the software of one owner's service, replaced as a whole by its next inventory."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.constituency.inventory import Inventory
from citysec.constituency.lines import INVENTORY, Line
from citysec.constituency.plan import Mode, Plan, compare
from citysec.constituency.register import export
from citysec.errors import InvalidInput
from citysec.observable import AssetKind, Scope
from citysec.tables.register import Constituent, Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where software runs.

    Args:
        owner: slug.
        service: slug of the service that it carries; empty for none.
        exposed: whether it can be reached from the internet.
        criticality: 1 least … 5 most; None is the service's, else 3.
    """

    owner: str
    service: str = ""
    exposed: bool = False
    criticality: int | None = None

    @property
    def prefix(self) -> str:
        """What the ids of all software of this owner's service begin with."""
        return f"{INVENTORY}{_digest(f'{self.owner}/{self.service}', 5)}:"


async def plan_inventory(db: AsyncSession, place: Place, inventory: Inventory) -> Plan[Line]:
    """Return what makes `inventory` the software of `place`; `register.apply` does it.

    What is registered there under another id stays as it is.

    Raises:
        InvalidInput: there is no such owner or service, or the inventory holds nothing that can be looked up.
    """
    if not inventory.software:
        raise InvalidInput.at("", "no component has a package URL or a CPE name")
    owner = (await db.exec(select(Constituent).where(col(Constituent.slug) == place.owner))).first()
    if owner is None:
        raise InvalidInput.at("owner", f"no constituent {place.owner!r}: `citysec constituency list` names them")
    criticality = place.criticality or await _criticality(db, place.service)
    lines = [
        Line(
            ref=place.prefix + _digest(asset.key, 8),
            organisation=owner.name,
            sector=owner.sector,
            kind=AssetKind.SOFTWARE,
            scope=Scope.EXACT,
            asset=asset,
            criticality=criticality,
            service=place.service,
            exposed=place.exposed,
        )
        for asset in inventory.software
    ]
    stored = await export(db)
    others = {line.identity for line in stored if not line.ref.startswith(place.prefix)}
    here = [line for line in stored if line.ref.startswith(place.prefix)]
    wanted = [line for line in lines if line.identity not in others]
    plan = compare(here, wanted, Mode.MERGE)
    kept = {line.ref for line in wanted}
    return Plan(
        added=plan.added,
        changed=plan.changed,
        removed=tuple(line for line in here if line.ref not in kept),
        unchanged=plan.unchanged + len(lines) - len(wanted),
    )


async def _criticality(db: AsyncSession, slug: str) -> int:
    if not slug:
        return 3
    service = (await db.exec(select(Service).where(col(Service.slug) == slug))).first()
    if service is None:
        raise InvalidInput.at("service", f"no service {slug!r}")
    return service.criticality


def _digest(text: str, size: int) -> str:
    return blake2b(text.encode(), digest_size=size).hexdigest()
