"""Why an incident exists, in sentences: the matches it rests on, and what its severity comes from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import ColumnElement, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import announced
from citysec.access import policy
from citysec.access.policy import Principal
from citysec.blocks import around
from citysec.feeds.definition import Definition
from citysec.lookalikes import alike
from citysec.observable import network
from citysec.patterning import URL_PATH
from citysec.software.particulars import particulars, told
from citysec.tables.feeds import StixObject
from citysec.tables.incidents import Incident, IncidentMatch
from citysec.tables.matches import Match
from citysec.tables.register import Asset, AssetOwner, Constituent, Service
from citysec.tables.warnings import WarningList
from citysec.tlp import TLP
from citysec.web import views as v
from citysec.web.console.lookup import address
from citysec.web.console.sighted import sighted_at

SHOWN: Final = 100
_CLAIMS: Final[Mapping[str, str]] = {
    "c2": "a command-and-control address",
    "command-and-control": "a command-and-control address",
    "botnet": "part of a botnet",
    "phishing": "used for phishing",
    "compromised": "compromised",
    "anonymization": "used to hide where traffic comes from",
    "anomalous-activity": "a sign of anomalous activity",
    "malicious-activity": "a sign of malicious activity",
}
_VULNERABILITY: Final = "vulnerability"


async def matches_of(
    db: AsyncSession, principal: Principal, incident_ids: Sequence[str], feeds: Mapping[str, Definition]
) -> tuple[tuple[v.MatchView, ...], int]:
    """Return the matches of these incidents that `principal` may read, surest first and at most `SHOWN`, and how many.

    `feeds` gives the titles of feeds.
    """
    linked = select(IncidentMatch.match_id).where(col(IncidentMatch.incident_id).in_(incident_ids))
    return await matches_where(db, principal, (col(Match.id).in_(linked),), feeds)


async def matches_where(
    db: AsyncSession,
    principal: Principal,
    conditions: Sequence[ColumnElement[bool]],
    feeds: Mapping[str, Definition],
    offset: int = 0,
) -> tuple[tuple[v.MatchView, ...], int]:
    """Return the matches of which the conditions hold, as `matches_of` does, from `offset` on."""
    where = (*conditions, policy.matches(principal))
    total = (await db.exec(select(func.count()).select_from(Match).where(*where))).one()
    query = (
        select(Match, Asset, col(StixObject.name), col(StixObject.labels))
        .outerjoin(Asset, col(Asset.id) == col(Match.asset_id))
        .join(StixObject, col(StixObject.id) == col(Match.object_id))
        .where(*where)
        .order_by(col(Match.certain).desc(), col(Match.confidence).desc(), col(Match.id))
        .offset(offset)
        .limit(SHOWN)
    )
    rows: Sequence[tuple[Match, Asset | None, str | None, list[str]]] = (await db.exec(query)).all()
    lists = await _titles(db, {name for match, *_ in rows for name in match.warning_lists})
    table = await announced.origin(db)
    owners, services = await _owners(db, principal, {match.asset_id for match, *_ in rows if match.asset_id})
    homes, often = await sighted_at(db, [match for match, *_ in rows])
    found = tuple(
        v.MatchView(
            feed=feeds[match.feed].title if match.feed in feeds else match.feed,
            value=match.indicator_value,
            claim=_claim(name, labels),
            tlp=TLP(match.tlp),
            relation=match.relation,
            asset_kind=asset.kind if asset else "",
            asset=asset.value if asset else "",
            owners=_whose(match, owners, homes),
            confidence=match.confidence,
            valid_from=match.valid_from,
            valid_until=match.valid_until,
            service=services.get(match.asset_id or 0, ""),
            certain=match.certain,
            warning_lists=tuple(lists.get(name, name) for name in match.warning_lists),
            prefix=match.prefix or "",
            lies=_lies(match),
            according=table.said if table else "",
            said=_said(match),
            why=next((address(match.indicator_id, owner.slug) for owner in _whose(match, owners, homes)), ""),
            sighted=often.get(match.id, ""),
        )
        for match, asset, name, labels in rows
    )
    return found, total


def _whose(match: Match, owners: Mapping[int, list[v.Named]], homes: Mapping[str, v.Named]) -> tuple[v.Named, ...]:
    if match.asset_id is not None:
        return tuple(owners.get(match.asset_id, ()))
    home = homes.get(match.constituent_id or "")
    return () if home is None else (home,)


def summary(incident: Incident, row: v.IncidentRow, matches: int, *, sighted: bool = False) -> str:
    """Return what happened, in one or two sentences."""
    count = "One match" if matches == 1 else f"{matches:,} matches"
    if incident.constituent_id is None:
        bodies = len(row.constituents)
        return f"{count} of the same threat at {bodies} constituents. Each of them has an incident of its own below."
    where = row.constituents[0].name if row.constituents else "a constituent"
    if sighted:
        return f"{count} between threat feeds and what {where} has registered with the city, or its own machines saw."
    return f"{count} between threat feeds and what {where} has registered with the city."


def severity_why(incident: Incident, matches: Sequence[v.MatchView]) -> str:
    """Return what the severity comes from, as a sentence."""
    if incident.kind == _VULNERABILITY:
        return _urgency(incident, matches)
    sure = max((m.confidence for m in matches), default=incident.confidence)
    kind = incident.kind.replace("-", " ")
    carries = sorted({m.service for m in matches if m.service})
    touched = f", and what is touched carries {_listed(carries)}" if carries else ""
    return f"The strategy grades {kind} {incident.severity} here: the best confidence is {sure} of 100{touched}."


def _urgency(incident: Incident, matches: Sequence[v.MatchView]) -> str:
    """Return what the severity of a vulnerability comes from."""
    carries = sorted({m.service for m in matches if m.service})
    touched = f", and by what runs there: {_listed(carries)}" if carries else ""
    return (
        f"The strategy grades a vulnerability {incident.severity} here by whether it is exploited, also by ransomware, "
        f"whether the software can be reached from the internet{touched}."
    )


def _listed(names: Sequence[str]) -> str:
    quoted = [f"“{n}”" for n in names[:3]]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(quoted) + more


def _said(match: Match) -> str:
    if (like := alike.alike(match.about)) is not None:
        return alike.told(like)
    about = particulars(match.about)
    return told(about, certain=match.certain) if about else ""


def _lies(match: Match) -> str:
    """Return how what an indicator names lies to the prefix that an autonomous system announces."""
    if not match.prefix:
        return ""
    if match.path == URL_PATH:
        return "has its host in"
    inside = network(match.prefix).key in around(network(match.indicator_value).key)
    return "lies in" if inside else "has addresses in"


def _claim(name: str | None, labels: Sequence[str]) -> str:
    said = next((claim for label, claim in _CLAIMS.items() if label in {x.lower() for x in labels}), "a threat")
    return f"{said} (“{name}”)" if name else said


async def _titles(db: AsyncSession, names: set[str]) -> dict[str, str]:
    """Return name -> title of the warning lists; of those that have been removed, nothing."""
    if not names:
        return {}
    titles = select(WarningList.name, WarningList.title).where(col(WarningList.name).in_(names))
    return dict((await db.exec(titles)).all())


async def _owners(
    db: AsyncSession, principal: Principal, asset_ids: set[int]
) -> tuple[dict[int, list[v.Named]], dict[int, str]]:
    """Return asset -> the owners that `principal` may know of, and asset -> the service it carries."""
    query = (
        select(AssetOwner.asset_id, Constituent.slug, Constituent.name, col(Service.name))
        .join(Constituent, col(Constituent.id) == col(AssetOwner.constituent_id))
        .join(Service, col(Service.id) == col(AssetOwner.service_id), isouter=True)
        .where(col(AssetOwner.asset_id).in_(asset_ids), policy.owners(principal))
        .order_by(col(Constituent.name))
    )
    owners: dict[int, list[v.Named]] = defaultdict(list)
    services: dict[int, str] = {}
    for asset_id, slug, name, service in await db.exec(query):
        owners[asset_id].append(v.Named(slug=slug, name=name))
        if service:
            services[asset_id] = service
    return owners, services
