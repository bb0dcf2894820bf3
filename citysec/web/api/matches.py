"""Matches: which indicator touches which asset, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import ColumnElement
from sqlmodel import col, or_, select, true

from citysec.access import policy
from citysec.tables.matches import Capped, Match, Unmatchable
from citysec.tables.register import Asset, AssetOwner, Constituent
from citysec.web.api.operation import Call, Nothing
from citysec.web.api.paging import Keyset, page
from citysec.web.api.values import Instant, Label, Name, Out, Page, Paging


class MatchedAssetOut(Out):
    """The asset that is touched, with those of its owners that the reader may know of."""

    id: int
    kind: str
    value: str
    scope: str
    owners: Annotated[list[str], Field(description="Slugs.")]


class MatchOut(Out):
    """One match; open while `closed_at` is null."""

    id: str
    indicator_id: str
    indicator_value: str
    path: str
    asset: Annotated[MatchedAssetOut | None, Field(description="Null where it was sighted instead.")]
    sighted_at: Annotated[str | None, Field(description="Slug of the constituent whose own machines reported it.")]
    relation: str
    certain: bool
    feed: str
    confidence: int
    tlp: Label
    valid_from: datetime | None
    valid_until: datetime | None
    matched_at: datetime
    closed_at: datetime | None
    close_reason: str | None
    prefix: Annotated[str | None, Field(description="Through which an autonomous system is touched (`announced`).")]
    warning_lists: Annotated[list[str], Field(description="Names of the warning lists that its value is on.")]
    about: Annotated[
        dict[str, Any], Field(description="Of a vulnerability: which software has it, and how urgent that is.")
    ]


class CappedOut(Out):
    """An indicator touches more assets of a constituent than are kept as matches, which would say nothing new."""

    indicator_id: str
    constituent: Annotated[str, Field(description="Slug.")]
    touched: Annotated[int, Field(description="Assets, all of them.")]
    kept: Annotated[int, Field(description="Open matches.")]


class UnmatchableOut(Out):
    """A vulnerability of which no feed says which versions of which product have it."""

    cve: str
    since: datetime
    product: Annotated[str | None, Field(description="What is said of it in words.")]
    exploited: Annotated[bool, Field(description="Known to be exploited.")]


class CappedQuery(Paging):
    """Which of them."""

    constituent: Annotated[Name | None, Field(description="Slug.")] = None


class MatchQuery(Paging):
    """Which matches."""

    asset: Annotated[int | None, Field(ge=0, lt=10**15)] = None
    certain: bool | None = None
    updated_since: Instant | None = None


_Row = tuple[Match, Asset | None, str | None]
_BY_AGE: Keyset[_Row] = Keyset((col(Match.id),), lambda row: (row[0].id,))


async def list_matches(call: Call[MatchQuery, Nothing]) -> Page[MatchOut]:
    """List matches, open and closed."""
    query, wanted = call.query, true()
    if query.asset is not None:
        wanted &= col(Match.asset_id) == query.asset
    if query.certain is not None:
        wanted &= col(Match.certain) == query.certain
    if query.updated_since is not None:
        since = query.updated_since
        wanted &= or_(col(Match.matched_at) >= since, col(Match.closed_at) >= since)
    return await listed(call, wanted)


_CappedRow = tuple[Capped, str]
_BY_SEAT: Keyset[_CappedRow] = Keyset(
    (col(Capped.indicator_id), col(Capped.constituent_id)), lambda row: (row[0].indicator_id, row[0].constituent_id)
)


async def list_capped(call: Call[CappedQuery, Nothing]) -> Page[CappedOut]:
    """List where an indicator touches more than is kept as matches, with the exact counts."""
    statement = select(Capped, Constituent.slug).join(Constituent, col(Constituent.id) == col(Capped.constituent_id))
    statement = statement.where(policy.capped(call.principal))
    if call.query.constituent is not None:
        statement = statement.where(Constituent.slug == call.query.constituent)
    return await page(call, statement, _BY_SEAT, _capped_out)


def _capped_out(row: _CappedRow) -> CappedOut:
    return CappedOut.model_validate({**row[0].model_dump(), "constituent": row[1]})


async def listed(call: Call[Any, Any], wanted: ColumnElement[bool]) -> Page[MatchOut]:
    """Return the page of the matches that are `wanted` and that the caller may see."""
    statement = (
        select(Match, Asset, col(Constituent.slug))
        .outerjoin(Asset, col(Asset.id) == col(Match.asset_id))
        .outerjoin(Constituent, col(Constituent.id) == col(Match.constituent_id))
        .where(wanted, policy.matches(call.principal))
    )
    rows = await page(call, statement, _BY_AGE, lambda row: row)
    owners = await owners_of(call, (asset.id for _, asset, _ in rows.items if asset is not None))
    return Page(items=[_out(row, owners) for row in rows.items], next=rows.next)


async def owners_of(call: Call[Any, Any], assets: Iterable[int | None]) -> Mapping[int, list[str]]:
    """Return the slugs of the owners of each asset, as far as the caller may know of them."""
    statement = (
        select(AssetOwner.asset_id, Constituent.slug)
        .join(Constituent)
        .where(col(AssetOwner.asset_id).in_(set(assets)), policy.owners(call.principal))
        .order_by(Constituent.slug)
    )
    owners: dict[int, list[str]] = defaultdict(list)
    for asset_id, slug in await call.db.exec(statement):
        owners[asset_id].append(slug)
    return owners


def _out(row: _Row, owners: Mapping[int, list[str]]) -> MatchOut:
    match, asset, slug = row
    touched = None if asset is None else {**asset.model_dump(), "owners": owners.get(asset.id or 0, [])}
    return MatchOut.model_validate({**match.model_dump(), "asset": touched, "sighted_at": slug})


_QUEUE: Keyset[Unmatchable] = Keyset(
    (col(Unmatchable.since), col(Unmatchable.object_id)), lambda row: (row.since, row.object_id)
)


async def list_unmatchable(call: Call[Paging, Nothing]) -> Page[UnmatchableOut]:
    """List vulnerabilities that cannot be matched with software, the oldest first."""
    return await page(call, select(Unmatchable), _QUEUE, UnmatchableOut.model_validate)
