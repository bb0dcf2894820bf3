"""Made-up values for every page, so that each can be rendered, looked at and checked without a database.

`full()` and `bare()` map an address to what is shown there: with much to show, and with nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from citysec.advisories.content import Content
from citysec.errors import Problem
from citysec.web.views import (
    AdvisoryBody,
    AnnounceCheckView,
    AnnounceView,
    AnswerView,
    AuditRow,
    AuditView,
    BoardFilter,
    BoardView,
    ErrorView,
    FeedHealth,
    FeedRow,
    FeedsView,
    Page,
    PossibleView,
    PublicAdvisoriesView,
    PublicAdvisoryRow,
    PublicAdvisoryView,
    QuestionAnswer,
    Reader,
    SignInView,
    ThanksView,
    View,
    Wording,
)
from tests.web import sample_city, sample_feed, sample_incident, sample_lookalikes, sample_lookup
from tests.web.sample_names import CAMDEN, NOW, ago

Pages = Mapping[str, tuple[Page, View]]
ANALYST = Reader(name="R. Okafor", role="analyst")
COORDINATOR = Reader(name="T. Adeyemi", role="coordinator")
LEAD = Reader(name="J. Marsh", role="lead", constituent=CAMDEN)

FINES = Content(
    reference="LDN-2026-0042",
    title="Fake parking fines sent by text message",
    severity="high",
    tlp="TLP:CLEAR",
    what="Text messages in the name of several London boroughs ask for payment of a parking charge.\n"
    "They link to a copy of the payment page. Boroughs never ask for payment by text message.",
    since=ago(hours=5),
    confidence=80,
    how_sure="",
    todo=("Do not open the link.", "Forward the message to 7726."),
)

GONE = "What it said no longer holds. Please do not act on it, and do not pass it on."


def frame(path: str, *, reader: Reader | None = ANALYST, notice: str | None = None) -> Page:
    """Return the frame of a page at `path`."""
    return Page(city="London", now=NOW, path=path, reader=reader, csrf="c5rf" if reader else "", notice=notice)


def full() -> Pages:
    """Return every page with much to show."""
    incident, question, advisory = sample_incident.city(), sample_incident.question(), sample_incident.advisory()
    answered = AnswerView(choice="in-hand", by="J. Marsh", at=ago(minutes=4), note="Host isolated, logs secured.")
    settled = QuestionAnswer(choice="approved", by="R. Okafor", at=ago(minutes=3), note="Agreed with the duty officer.")
    blank = replace(
        advisory, problems=(Problem("choice", "Choose where you stand"), Problem("name", "Enter your name"))
    )
    taken_back = replace(advisory.advisory.content, withdrawn=True, todo=(), duties=(), what="The list was wrong.")
    gone = replace(advisory.advisory, content=taken_back)
    public = AdvisoryBody(content=FINES, published_at=ago(hours=3))
    retracted = replace(
        public, content=replace(FINES, withdrawn=True, todo=(), title="This advisory was withdrawn", what=GONE)
    )
    return {
        "/sign-in": (frame("/sign-in", reader=None), SignInView()),
        "/sign-in/refused": (
            frame("/sign-in", reader=None),
            SignInView(name="okafor", problems=(Problem("", "Name or password is wrong"),)),
        ),
        "/": (frame("/", notice="Signed in as R. Okafor."), board()),
        "/incidents/city": (frame("/incidents/city"), incident),
        "/incidents/camden": (frame("/incidents/camden", reader=LEAD), sample_incident.camden()),
        "/questions/q1": (frame("/questions/q1"), question),
        "/questions/q1/answered": (frame("/questions/q1"), replace(question, answer=settled)),
        **announcing(public),
        "/constituents/camden": (frame("/constituents/camden", reader=LEAD), sample_city.constituent()),
        "/a/token": (frame("/a/token", reader=None), advisory),
        "/a/token/incomplete": (frame("/a/token", reader=None), blank),
        "/a/token/answered": (frame("/a/token", reader=None), replace(advisory, answer=answered)),
        "/a/token/withdrawn": (frame("/a/token", reader=None), replace(advisory, advisory=gone)),
        "/a/token/thanks": (
            frame("/a/token", reader=None),
            ThanksView(recipient="Camden", advisory=advisory.advisory, answer=answered),
        ),
        "/advisories/": (frame("/advisories/", reader=None), public_list()),
        "/advisories/p1": (frame("/advisories/p1", reader=None), PublicAdvisoryView(id="p1", advisory=public)),
        "/advisories/p1/corrected": (
            frame("/advisories/p1", reader=None),
            PublicAdvisoryView(
                id="p1", advisory=replace(public, content=replace(FINES, change="Also by mail."), revision=2)
            ),
        ),
        "/advisories/p1/withdrawn": (
            frame("/advisories/p1", reader=None),
            PublicAdvisoryView(id="p1", advisory=replace(retracted, revision=2)),
        ),
        "/feeds": (frame("/feeds"), feeds()),
        "/feeds/busy": (frame("/feeds/busy", reader=COORDINATOR), sample_feed.busy()),
        "/feeds/troubled": (frame("/feeds/troubled", reader=COORDINATOR), sample_feed.troubled()),
        "/submit": (frame("/submit"), sample_feed.handed_in()),
        "/submit/refused": (
            frame("/submit"),
            replace(sample_feed.handed_in(), problems=(Problem("text", "No indicator was found in it."),)),
        ),
        "/submit/check": (frame("/submit"), sample_feed.checked()),
        "/submit/check/refused": (
            frame("/submit"),
            replace(sample_feed.checked(), problems=(Problem("take", "Tick at least one indicator."),)),
        ),
        "/lookup": (frame("/lookup"), sample_lookup.looked_up()),
        "/lookup/refused": (frame("/lookup"), sample_lookup.refused()),
        "/explain": (frame("/explain"), sample_lookup.explained()),
        "/audit": (frame("/audit"), audit()),
        "/lookalikes": (frame("/lookalikes"), sample_lookalikes.many()),
        "/possible": (frame("/possible"), sample_incident.possible()),
        "/lookalikes/refused": (frame("/lookalikes"), sample_lookalikes.refused()),
        "/errors/404": (frame("/nowhere", reader=None), ErrorView(status=404, request_id="7f3e0fc2")),
        "/errors/422": (
            frame("/api"),
            ErrorView(status=422, problems=(Problem("line 7", "'198.18.7' is not an IPv4 address"),)),
        ),
    }


def announcing(public: AdvisoryBody) -> Pages:
    """Return the pages by which the public is told, corrected, and told that something is withdrawn."""
    path, row, content = "/incidents/city/public", sample_incident.city_row(), public.content
    wording = Wording(title=content.title, what=content.what, todo="\n".join(content.todo), revision=1)
    correcting = AnnounceView(incident=row, wording=wording, standing=PublicAdvisoryView(id="p1", advisory=public))
    check = AnnounceCheckView(incident=row, wording=wording, advisory=public)
    unconfirmed = Problem("confirm", "Confirm that everybody may read this.")
    faults = (Problem("title", "Enter a title."), Problem("note", "Say why, for the record."))
    framed = frame(path, reader=COORDINATOR)
    return {
        path: (framed, correcting),
        f"{path}/refused": (framed, replace(correcting, wording=replace(wording, title=""), problems=faults)),
        f"{path}/check": (framed, check),
        f"{path}/check/unconfirmed": (framed, replace(check, named=("Camden", "Brent"), problems=(unconfirmed,))),
    }


def bare() -> Pages:
    """Return the pages that can be empty with nothing to show."""
    board_of_peace = replace(board(), incidents=(), questions=(), open_incidents=0, advisories_waiting=0)
    calm = replace(board_of_peace, questions_waiting=0, possible_matches=0, tiles=sample_city.tiles(calm=True))
    nothing = replace(sample_city.constituent(), incidents=(), advisories=(), assets=(), contacts=(), assets_total=0)
    return {
        "/": (frame("/"), replace(calm, tiles=(), sectors=(), feeds=FeedHealth(working=0, total=0))),
        "/calm": (frame("/"), calm),
        "/filtered": (frame("/"), replace(calm, open_incidents=3, chosen=BoardFilter(severity="low", sector="health"))),
        "/incidents/city/public": (
            frame("/incidents/city/public"),
            AnnounceView(incident=sample_incident.city_row(), wording=Wording()),
        ),
        "/incidents/reported": (frame("/incidents/reported"), sample_incident.reported()),
        "/constituents/camden": (frame("/constituents/camden"), nothing),
        "/advisories/": (frame("/advisories/", reader=None), PublicAdvisoriesView(advisories=())),
        "/feeds": (frame("/feeds"), FeedsView(feeds=())),
        "/feeds/off": (frame("/feeds"), FeedsView(feeds=tuple(replace(feed, state="off") for feed in feeds().feeds))),
        "/feeds/untouched": (frame("/feeds/untouched"), sample_feed.untouched()),
        "/feeds/by-hand": (frame("/feeds/by-hand"), sample_feed.by_hand()),
        "/explain": (frame("/explain", reader=LEAD), sample_lookup.unasked()),
        "/audit": (frame("/audit"), AuditView(entries=(), total=0, checked_at=NOW)),
        "/lookalikes": (frame("/lookalikes"), sample_lookalikes.none()),
        "/possible": (frame("/possible"), PossibleView(matches=(), total=0)),
    }


def board() -> BoardView:
    """Return the board on a busy morning."""
    return BoardView(
        tiles=sample_city.tiles(),
        sectors=sample_city.sectors(),
        open_incidents=9,
        advisories_waiting=5,
        questions_waiting=2,
        possible_matches=14,
        feeds=FeedHealth(working=5, total=6, failing=("Blocklist.de SSH",), last_success_at=ago(minutes=3)),
        incidents=sample_incident.rows(),
        questions=sample_incident.questions(),
        sector_options={"local-government": "Local government", "health": "Health", "transport": "Transport"},
        next_page="/?after=3",
    )


def public_list() -> PublicAdvisoriesView:
    """Return three public advisories."""
    rows = (
        ("p1", FINES.title, "high", 3),
        ("p2", "Council tax refund mails are not ours", "medium", 50),
        ("p3", "Update library self-service terminals", "low", 400),
    )
    return PublicAdvisoriesView(
        advisories=tuple(
            PublicAdvisoryRow(id=i, title=title, severity=severity, published_at=ago(hours=hours), what=FINES.what)
            for i, title, severity, hours in rows
        )
    )


def feeds() -> FeedsView:
    """Return feeds in every state."""
    rows = (
        ("ncsc-early-warning", "Early Warning", "NCSC", "taxii-2.1", "healthy", 3, 184_201, 0, ""),
        ("abusech-feodo", "Feodo Tracker", "abuse.ch", "stix-bundle", "late", 95, 12_840, 2, ""),
        (
            "blocklist-de",
            "Blocklist.de SSH",
            "blocklist.de",
            "stix-bundle",
            "failing",
            610,
            41_022,
            17,
            "HTTP 503, 6 times",
        ),
        ("city-exchange", "City exchange", "Greater Manchester", "taxii-2.1", "new", None, 0, 0, ""),
        ("by-hand", "Files imported by hand", "Whoever", "stix-bundle", "hand", None, 25, 0, ""),
        ("misp-osint", "OSINT", "CIRCL", "stix-bundle", "off", 9000, 310_554, 211, ""),
    )
    return FeedsView(
        feeds=tuple(
            FeedRow(
                name=name,
                title=title,
                publisher=publisher,
                kind=kind,
                state=state,
                last_success_at=None if age is None else ago(minutes=age),
                next_poll_at=None if state in ("off", "hand") else NOW + timedelta(minutes=7),
                objects=objects,
                rejects=rejects,
                problem=problem,
            )
            for name, title, publisher, kind, state, age, objects, rejects, problem in rows
        ),
        may_submit=True,
    )


def audit() -> AuditView:
    """Return the newest entries of a chain that verifies."""
    rows = (
        ("citysec", "advisory.published", "advisory/0d91c2"),
        ("R. Okafor", "question.approved", "question/q1"),
        ("J. Marsh", "advisory.acknowledged", "advisory/77ab10"),
        ("citysec", "incident.escalated", "incident/LDN-2026-0042"),
        ("admin", "account.added", "account/j.marsh"),
    )
    return AuditView(
        entries=tuple(
            AuditRow(seq=1284 - n, at=ago(minutes=4 * n), actor=actor, action=action, subject=subject)
            for n, (actor, action, subject) in enumerate(rows)
        ),
        total=1284,
        checked_at=datetime(2026, 11, 23, 4, 9, tzinfo=UTC),
        next_page="/audit?before=1280",
    )
