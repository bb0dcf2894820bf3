"""Indicators against the register, one by one: a thread tries their expressions, and none of them for too long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from time import thread_time
from typing import Final, TypeVar

from citysec import log
from citysec.correlate.claims import Claim
from citysec.correlate.index import AssetIndex
from citysec.correlate.patience import PATTERN, Patience
from citysec.patterning import TRIED_ON

_Judged = TypeVar("_Judged")
_log: Final = log.get(__name__)


async def each(
    claims: Sequence[Claim], index: AssetIndex[int], judge: Callable[[Claim, Patience | None], _Judged]
) -> list[_Judged]:
    """Return what `judge` says of each claim; an expression that takes too long touches nothing, which is logged.

    Args:
        claims: what indicators say.
        index: the assets that they are judged against.
        judge: is given the patience that the indicator's expressions deserve, None where there are no expressions.
    """
    if any(atom.kind in TRIED_ON for claim in claims for atom in claim.against):
        return await asyncio.to_thread(lambda: list(_patiently(claims, index, judge)))
    return [judge(claim, None) for claim in claims]


def _patiently(
    claims: Iterable[Claim], index: AssetIndex[int], judge: Callable[[Claim, Patience | None], _Judged]
) -> Iterable[_Judged]:
    patience = Patience(index.size, thread_time, PATTERN)
    for claim in claims:
        spent = patience.spent
        yield judge(claim, patience)
        if patience.spent > spent:
            _log.warning("match.undecided", indicator=claim.indicator_id, size=index.size)
