"""Made-up look-ups and explanations."""

from __future__ import annotations

from citysec.errors import Problem
from citysec.web.views import (
    ChainStep,
    ChainView,
    ExplainView,
    LinkView,
    LookupRow,
    LookupView,
    ObservedRow,
    SeenRow,
    TouchedRow,
)
from tests.web.sample_names import CAMDEN, NOW, ago

_FEEDS = (LinkView(href="/feeds/abusech-feodo", text="abusech-feodo"), LinkView(href="", text="city-exchange"))
_INCIDENT = LinkView(href="/incidents/camden", text="LDN-2026-0042")
_OBSERVED = (
    ObservedRow(constituent="London Borough of Camden", count=3, last=ago(hours=2)),
    ObservedRow(constituent="Transport for London", count=1, last=ago(hours=30)),
)
_WHY = "/explain?indicator=203.0.113.77"


def looked_up() -> LookupView:
    """Return three values: a known one that is somebody's, one that nobody has seen, and one that is none."""
    seen = (
        SeenRow(
            name="QakBot controller", relation="equal", state="in-force", since=ago(hours=50), feeds=_FEEDS, matches=2,
            ended=1, incidents=(_INCIDENT,), why=_WHY,
        ),
        SeenRow(
            name="indicator--0d3a2c11-1111-4111-8111-111111111111", relation="contains", state="decayed",
            since=ago(hours=900), feeds=_FEEDS[:1], matches=0, ended=0, incidents=(), why=_WHY,
        ),
    )  # fmt: skip
    whose = (TouchedRow(asset="203.0.113.0/24", relation="within", owners="London Borough of Camden"),)
    return LookupView(
        text="203.0.113[.]77\nhxxps://pay-camden[.]parking-fines[.]top/login\nwhat is this",
        most=1000,
        rows=(
            LookupRow(
                asked="203.0.113[.]77", kind="ip", value="203.0.113.77", problem="", touches=whose, touched=4,
                warned=("public-dns-v4",), seen=seen, known=9, observed=_OBSERVED, observers=3, why=_WHY,
            ),
            LookupRow(
                asked="hxxps://pay-camden[.]parking-fines[.]top/login", kind="url",
                value="https://pay-camden.parking-fines.top/login", problem="", touches=(), touched=0, warned=(),
                seen=(), known=0, why=_WHY,
            ),
            LookupRow(
                asked="what", kind="", value="", problem="This is no address, name or hash.", touches=(), touched=0,
                warned=(), seen=(), known=0, why=_WHY,
            ),
        ),
    )  # fmt: skip


def refused() -> LookupView:
    """Return the form after nothing was pasted."""
    return LookupView(most=1000, problems=(Problem("text", "Paste at least one value."),))


def explained() -> ExplainView:
    """Return one indicator that came all the way, and one that did not."""
    return ExplainView(
        asked="203.0.113[.]77",
        value="203.0.113.77",
        constituent=CAMDEN,
        choices=(CAMDEN,),
        chains=(_told(), _not_told()),
    )


def unasked() -> ExplainView:
    """Return the form alone."""
    return ExplainView(asked="", value="", constituent=None, choices=(CAMDEN,))


def _told() -> ChainView:
    asset = LinkView(href="/lookup?value=203.0.113.0%2F24", text="203.0.113.0/24")
    steps = (
        ("known", "yes", "abusech-feodo (TLP:GREEN, confidence 80 of 100) says it.", _FEEDS),
        ("counts", "yes", f"It is in force until {NOW:%d %B %Y}.", ()),
        ("compared", "yes", "Its pattern speaks of 203.0.113.77.", ()),
        ("touches", "yes", "203.0.113.77 lies within 203.0.113.0/24, registered by Camden.", (asset,)),
        ("warned", "yes", "No warning list names it.", ()),
        ("certain", "possibly", "It hides where traffic comes from: many use such relays, few of them do harm.", ()),
        ("kept", "yes", "2 matches kept.", ()),
        ("incident", "yes", "LDN-2026-0042, of severity high, was opened.", (_INCIDENT,)),
        ("allowed", "yes", "All of it is TLP:GREEN or below, which may reach this recipient.", ()),
        ("told", "yes", "An advisory was published. 2 messages sent.", ()),
        ("answered", "possibly", "Not yet.", ()),
    )
    return ChainView(
        indicator_id="indicator--0d3a2c11-1111-4111-8111-111111111111",
        name="QakBot controller",
        pattern="[ipv4-addr:value = '203.0.113.77']",
        told=True,
        sent=True,
        steps=[
            ChainStep(question=q, outcome=o, sentence=s, links=links, deciding=q == "told") for q, o, s, links in steps
        ],
    )


def _not_told() -> ChainView:
    steps = (
        ChainStep(question="known", outcome="yes", sentence="abusech-feodo said it.", links=_FEEDS),
        ChainStep(question="counts", outcome="no", sentence="Its creator has revoked it.", deciding=True),
    )
    return ChainView(
        indicator_id="indicator--1d3a2c11-1111-4111-8111-111111111111",
        name="",
        pattern="",
        told=False,
        sent=False,
        steps=steps,
    )
