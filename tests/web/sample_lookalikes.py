"""Made-up lookalikes."""

from __future__ import annotations

from dataclasses import replace

from citysec.errors import Problem
from citysec.lookalikes.alike import WAYS
from citysec.lookalikes.kinds import Kind
from citysec.web.views import AllowedRow, LookalikeRow, LookalikesView, Named
from tests.web.sample_names import CAMDEN, ago

_BRENT = Named(slug="brent", name="London Borough of Brent")


def many() -> LookalikesView:
    """Return a new name, a threat in two alphabets, one that may be chance, and two names that are allowed."""
    rows = (
        LookalikeRow(
            name="camden-council-parking.example", shown="", of=("camden council", "camden.gov.uk"),
            way=WAYS[Kind.KEYWORD], new=True, certain=True, owners=(CAMDEN,), since=ago(hours=2), why="/explain",
        ),
        LookalikeRow(
            name="xn--brnt-w4d.gov.uk.login.example", shown="br\u0435nt.gov.uk.login.example", of=("brent.gov.uk",),
            way=WAYS[Kind.HOMOGLYPH], new=False, certain=True, owners=(_BRENT,), since=ago(hours=20), why="/explain",
        ),
        LookalikeRow(
            name="camdem.example", shown="", of=("camden.gov.uk",), way=WAYS[Kind.REPLACEMENT], new=False,
            certain=False, owners=(CAMDEN, _BRENT), since=ago(hours=90), why="/explain",
        ),
    )  # fmt: skip
    allowed = (
        AllowedRow(name="camdenmarket.example", note="The market’s own shop", by="R. Okafor", at=ago(hours=300)),
        AllowedRow(name="brent-cross.example", note="", by="cli:ada", at=ago(hours=900)),
    )
    return LookalikesView(rows=rows, total=120, allowed=allowed, may_allow=True)


def refused() -> LookalikesView:
    """Return the page after a name was allowed twice."""
    problem = Problem("name", "camdenmarket.example is allowed already")
    return replace(many(), name="camdenmarket.example", note="Ours", problems=(problem,))


def none() -> LookalikesView:
    """Return the page of a reader who may only look, and of a city that nobody imitates."""
    return LookalikesView(rows=(), total=0, allowed=(), may_allow=False)
