"""One feed in every state: a list that is read every hour, a file by hand, one that fails, one that is polled now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from citysec.tlp import TLP
from citysec.web.chart import Outcome, chart
from citysec.web.views import (
    CandidateRow,
    FeedCounts,
    FeedFacts,
    FeedHealthView,
    FeedView,
    Judged,
    PollRow,
    RejectRow,
    SubmitCheckView,
    SubmitView,
    TouchedRow,
)
from tests.web.sample_names import NOW, ago

_FACTS = FeedFacts(
    name="abusech-urlhaus",
    title="URLhaus: addresses that serve malware",
    publisher="abuse.ch",
    licence="CC0-1.0; attribution is asked for",
    homepage="https://urlhaus.abuse.ch/",
    kind="document",
    format="Plain list",
    origin="https://urlhaus.abuse.ch/downloads/text_online/",
    schedule="every 1 h",
    reliability="B",
    confidence=75,
    tlp=TLP.CLEAR,
    lifetime="14 days",
    semantics="snapshot",
    labels=("malware-distribution",),
)
_FAULT = "https://urlhaus.abuse.ch/downloads/text_online/ answered 503"


def busy() -> FeedView:
    """A feed with a long history, some of it bad, and with rejects."""
    polls = [_poll(n) for n in range(30)]
    drawn = [Outcome(p.started_at, p.stored, p.gone, failed=bool(p.error)) for p in reversed(polls)]
    rejects = (
        RejectRow(
            times=1204, reason="no address, name, URL, mail address, hash, CVE id or AS number", at="line 88",
            excerpt="# the following are " + "very-long-" * 12 + "words", received_at=ago(minutes=40),
        ),
        RejectRow(times=1, reason="'300.1.2.3' is no address", at="line 9", excerpt="http://300.1.2.3/a.sh",
                  received_at=ago(hours=30)),
    )  # fmt: skip
    return FeedView(
        facts=_FACTS,
        health=FeedHealthView(
            state="healthy", last_success_at=ago(minutes=20), next_poll_at=NOW + timedelta(minutes=40)
        ),
        counts=FeedCounts(listed=18_412, gone=220_190, objects=238_602, rejects=1205),
        polls=polls,
        chart=chart(drawn),
        rejects=rejects,
        reasons=12,
        again=14,
        actions=frozenset({"poll", "disable", "replay"}),
    )


def troubled() -> FeedView:
    """The same feed while everything is wrong with it at once."""
    held = "the list has shrunk from 18,412 to 12: nothing was delisted"
    health = FeedHealthView(
        state="held", last_success_at=ago(hours=7), failures=9, error=_FAULT, held=held, silent_since=ago(hours=2),
        next_poll_at=NOW + timedelta(hours=4), resting_until=NOW + timedelta(hours=4),
    )  # fmt: skip
    running = replace(_poll(4), ended_at=None, stored=5000, known=7000)
    return replace(busy(), health=health, running=running, actions=frozenset({"poll", "disable", "accept", "replay"}))


def untouched() -> FeedView:
    """A feed that was never switched on."""
    return FeedView(
        facts=replace(_FACTS, homepage=None, labels=(), schedule="17 6 * * mon (UTC)"),
        health=FeedHealthView(state="off"),
        counts=FeedCounts(listed=0, gone=0, objects=0, rejects=0),
        actions=frozenset({"poll", "enable"}),
    )


def by_hand() -> FeedView:
    """A feed whose files people hand in."""
    facts = replace(
        _FACTS, name="by-hand", title="Files imported by hand", kind="stix-bundle", format="STIX", origin="",
        schedule="by hand", lifetime="no end", semantics="stream", labels=(), homepage=None, reliability="F",
    )  # fmt: skip
    counts = FeedCounts(listed=25, gone=0, objects=25, rejects=0)
    return FeedView(facts=facts, health=FeedHealthView(state="hand"), counts=counts, may_submit=True)


TEXT = "The kit is live at hxxps://pay-camden[.]parking-fines[.]top/login.\n\nThe real page is camden.gov.uk/parking."
_OURS = TouchedRow(asset="camden.gov.uk", relation="host", owners="London Borough of Camden")


def handed_in() -> SubmitView:
    """A text that is about to be looked at."""
    return SubmitView(text=TEXT, longest=256)


def checked() -> SubmitCheckView:
    """What was found in a text: new things, known ones, and what is our own."""
    url, ours = "https://pay-camden.parking-fines.top/login", "https://www.camden.gov.uk/parking"
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    rows = (
        CandidateRow(key="1", kind="url", value=url, at="line 1", sentence=TEXT.partition("\n")[0], ticked=True),
        CandidateRow(key="2", kind="ip", value="203.0.113.77", at="part 1, line 4, column 12", sentence="", ticked=True,
                     known=("abusech-urlhaus", "blocklist-de")),
        CandidateRow(key="3", kind="hash", value=digest, at="line 6", sentence=f"SHA-256 {digest}", ticked=True),
        CandidateRow(key="4", kind="cve", value="CVE-2024-3400", at="line 7", sentence="It abuses CVE-2024-3400.",
                     warned=("Vulnerabilities that everybody talks about",)),
        CandidateRow(key="5", kind="url", value=ours, at="line 7", sentence="The real page is fine. " * 9,
                     touches=[_OURS, _OURS, _OURS], touched=14),
    )  # fmt: skip
    return SubmitCheckView(
        content="aGVsbG8=",
        feed="Files imported by hand",
        candidates=rows,
        judged=Judged(tlp="TLP:AMBER", confidence="75"),
        lifetimes={"": "As usual for its kind", "30": "30 days"},
        labels={"": "Not known", "phishing": "Phishing"},
        tlps={"TLP:GREEN": "TLP:GREEN", "TLP:AMBER": "TLP:AMBER"},
        confidences={"75": "Likely (75; counts as 38)"},
    )


def _poll(number: int) -> PollRow:
    began = ago(hours=number, minutes=20)
    if number in (3, 17):
        return PollRow(
            started_at=began, ended_at=began + timedelta(seconds=30), stored=0, known=0, refused=0, gone=0, error=_FAULT
        )
    stored = {29: 184_201, 5: 0, 6: 0}.get(number, 3 + number * 37 % 190)
    gone = {11: 40_112}.get(number, number * 53 % 60 if number < 27 else 0)
    ended = began + timedelta(seconds=3.2)
    return PollRow(started_at=began, ended_at=ended, stored=stored, known=18_000 if stored else 0, refused=4, gone=gone)
