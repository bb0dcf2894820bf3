"""One city-wide incident with all that hangs on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from citysec.advisories.content import Call, Content, Duty, Touched
from citysec.tlp import TLP
from citysec.web.views import (
    AdvisoryBody,
    AdvisoryRow,
    AdvisoryView,
    Answers,
    AnswerView,
    CappedRow,
    DeliveryView,
    IncidentRow,
    IncidentView,
    MatchView,
    Named,
    PossibleView,
    QuestionRow,
    QuestionView,
    RunView,
    StepView,
    TimelineEntry,
)
from tests.web.sample_names import BARTS, BRENT, CAMDEN, ISLINGTON, NOW, TFL, ago

TITLE = "Command-and-control traffic from registered addresses"
WORRY = "Camden, Brent and Islington share the IT service whose addresses a publisher lists as contacted by malware."


def row(ref: str, title: str, severity: str, *who: Named, given: int = 0) -> IncidentRow:
    """Return one line of a list of incidents, an hour and a bit old."""
    return IncidentRow(
        id=ref.lower(),
        ref=ref,
        title=title,
        severity=severity,
        state="open",
        tlp=TLP.AMBER,
        opened_at=ago(hours=1.4),
        constituents=who,
        answers=Answers(given=given, asked=len(who)),
        deadline=NOW + timedelta(hours=2, minutes=10),
        deadline_for=f"answer from {who[0].name}",
    )


def rows() -> tuple[IncidentRow, ...]:
    """Return the open incidents of a busy morning."""
    phishing = row("LDN-2026-0040", "Phishing against barts.example", "high", BARTS)
    copied = row("LDN-2026-0037", "Parking payment page copied", "high", CAMDEN, given=1)
    scanner = row("LDN-2026-0031", "Scanner listed among contacts", "medium", TFL)
    sinkhole = row("LDN-2026-0030", "Sinkholed name looked up", "low", ISLINGTON)
    return (
        city_row(given=2),
        replace(phishing, tlp=TLP.AMBER_STRICT, deadline=ago(minutes=20), opened_at=ago(hours=9)),
        replace(copied, tlp=TLP.CLEAR, state="contained"),
        replace(scanner, tlp=TLP.GREEN, opened_at=ago(hours=80)),
        replace(sinkhole, tlp=TLP.RED, deadline=None, deadline_for=""),
    )


def city_row(*, given: int = 0) -> IncidentRow:
    """Return the city incident as one line."""
    return replace(row("LDN-2026-0042", TITLE, "critical", CAMDEN, BRENT, ISLINGTON, given=given), city_wide=True)


def children() -> tuple[IncidentRow, ...]:
    """Return the city incident's part at each borough."""
    return (
        row("LDN-2026-0039", "Command-and-control traffic from 198.18.7.9", "high", CAMDEN),
        row("LDN-2026-0041", "Command-and-control traffic from 198.18.12.0/24", "high", BRENT, given=1),
        row("LDN-2026-0043", "Command-and-control traffic from 198.18.9.4", "high", ISLINGTON, given=1),
    )


def questions() -> tuple[QuestionRow, ...]:
    """Return three questions, one of them late, one not pressing."""
    return (
        QuestionRow(
            id="q1",
            title="Approve isolating the payment servers of three boroughs?",
            incident_id="ldn-2026-0042",
            incident=TITLE,
            severity="critical",
            due_at=NOW + timedelta(minutes=12),
        ),
        QuestionRow(
            id="q2",
            title="Warn the public about the copied payment page?",
            incident_id="ldn-2026-0037",
            incident="Parking payment page copied",
            severity="high",
            due_at=ago(minutes=8),
        ),
        QuestionRow(
            id="q3",
            title="Write down the lessons",
            incident_id="ldn-2026-0030",
            incident="Sinkholed name looked up",
            severity="low",
            due_at=NOW + timedelta(days=13),
        ),
    )


def city() -> IncidentView:
    """Return the city incident as an analyst sees it."""
    return IncidentView(
        id="ldn-2026-0042",
        ref="LDN-2026-0042",
        title=TITLE,
        summary=WORRY,
        severity="critical",
        severity_why="Confidence 80 of 100 against a service of criticality 5, at three bodies within 24 hours.",
        state="open",
        tlp=TLP.AMBER,
        opened_at=ago(hours=1.4),
        constituents=(CAMDEN, BRENT, ISLINGTON),
        matches=matches(),
        matches_total=1204,
        capped=(CappedRow(value="198.18.64.0/22", owner=CAMDEN, kept=100, touched=1234, why="/explain"),),
        timeline=timeline(),
        answers=Answers(given=2, asked=3),
        city_wide=True,
        children=children(),
        runs=(run(),),
        questions=questions()[:1],
        advisories=advisories(),
        deadline=NOW + timedelta(minutes=12),
        deadline_for="decision by a coordinator",
        actions=("contain", "close", "note"),
        may_announce=True,
    )


def camden() -> IncidentView:
    """Return one borough's part as its security lead sees it."""
    whole = city()
    parent = replace(city_row(), constituents=(CAMDEN,))
    mine = replace(whole, ref="LDN-2026-0039", title="Command-and-control traffic from 198.18.7.9", parent=parent)
    return replace(
        mine,
        city_wide=False,
        constituents=(CAMDEN,),
        matches=whole.matches[:1],
        matches_total=1,
        children=(),
        questions=(),
        advisories=whole.advisories[:1],
        answers=Answers(given=0, asked=1),
        actions=("note",),
        may_announce=False,
    )


def reported() -> IncidentView:
    """Return an incident that a person has just reported: no match, no run, nobody told."""
    fresh = replace(camden(), matches=(), matches_total=0, runs=(), advisories=(), parent=None, state="closed")
    return replace(fresh, answers=Answers(given=0, asked=0), deadline=None, deadline_for="", actions=("reopen",))


def matches() -> tuple[MatchView, ...]:
    """Return three matches of one campaign, the last uncertain."""
    first = MatchView(
        feed="Early Warning",
        value="198.18.7.9",
        claim="a command-and-control server",
        tlp=TLP.AMBER,
        relation="equal",
        asset_kind="ipv4",
        asset="198.18.7.9",
        owners=(CAMDEN,),
        confidence=80,
        valid_from=ago(hours=30),
        valid_until=NOW + timedelta(days=6),
        service="Council tax payments",
    )
    shared = replace(first, value="198.18.64.0/22", relation="within", asset_kind="cidr", asset="198.18.64.0/20")
    name = replace(first, value="pay.camden.gov.uk.example", relation="possible", asset_kind="domain")
    return (
        first,
        replace(shared, owners=(CAMDEN, BRENT, ISLINGTON), service="Shared IT service", confidence=70),
        replace(
            name,
            asset="camden.gov.uk",
            owners=(CAMDEN,),
            certain=False,
            confidence=35,
            tlp=TLP.GREEN,
            service="",
            warning_lists=("Top 1000 websites",),
        ),
    )


def possible() -> PossibleView:
    """Return what waits for review, with more to come."""
    uncertain = tuple(replace(match, certain=False) for match in matches())
    return PossibleView(matches=uncertain, total=140, next_page="/possible?from=100")


def run() -> RunView:
    """Return a playbook in the middle of its work."""
    start = ago(hours=1.3)
    return RunView(
        playbook="Command-and-control traffic from a registered address",
        version="2026-10-02",
        state="running",
        started_at=start,
        steps=(
            StepView(name="Record and mark", state="completed", started_at=start, ended_at=start),
            StepView(
                name="Advise those concerned",
                state="completed",
                started_at=start,
                ended_at=start + timedelta(minutes=1),
                detail="3 advisories, none held back.",
            ),
            StepView(name="Ask the supplier", state="failed", started_at=ago(hours=1), detail="No contact registered."),
            StepView(
                name="Approve isolation",
                state="ongoing",
                started_at=ago(minutes=18),
                question_id="q1",
                due_at=NOW + timedelta(minutes=12),
            ),
        ),
    )


def advisories() -> tuple[AdvisoryRow, ...]:
    """Return advisories that wait, were answered, could not be delivered, and were refused by the gate."""
    mail = DeliveryView(channel="email", address="security@camden.example", state="sent", at=ago(hours=1.2))
    waiting = AdvisoryRow(
        id="a1",
        title="Command-and-control traffic from 198.18.7.9",
        recipient=CAMDEN,
        severity="high",
        tlp=TLP.AMBER,
        verdict="allowed",
        reason="TLP:AMBER content, Camden is cleared for TLP:AMBER and needs to know.",
        sent_at=ago(hours=1.2),
        deliveries=(mail,),
        answer_due=NOW + timedelta(hours=2, minutes=10),
        reminders=1,
        url="/a/token",
    )
    hook = replace(mail, channel="webhook", address="https://soc.brent.example/in", attempts=3)
    dead = replace(mail, address="desk@islington.example", state="dead", attempts=9, error="550 no such mailbox")
    acted = AnswerView(choice="in-hand", by="S. Patel", at=ago(minutes=41), note="Host isolated at 03:20, logs kept.")
    return (
        waiting,
        replace(waiting, id="a2", recipient=BRENT, deliveries=(mail, hook), answer=acted, verdict="reduced",
                removed=("confidence", "source"), reason="The indicator’s author allows TLP:GREEN fields only."),
        replace(waiting, id="a3", recipient=ISLINGTON, deliveries=(dead,), answer_due=ago(minutes=5), reminders=2),
        replace(waiting, id="a4", recipient=TFL, deliveries=(), answer_due=None, verdict="refused", url=None,
                tlp=TLP.RED, reason="TLP:RED content, Transport for London is cleared for TLP:GREEN."),
    )  # fmt: skip


def timeline() -> tuple[TimelineEntry, ...]:
    """Return the newest entries first."""
    return (
        TimelineEntry(
            at=ago(minutes=9),
            actor="R. Okafor",
            text="The public was told: Beware of fake fines",
            public="/advisories/p1",
        ),
        TimelineEntry(at=ago(minutes=18), actor="citysec", text="Question put to the coordinators"),
        TimelineEntry(
            at=ago(minutes=41),
            actor="S. Patel, Brent",
            text="Brent answered: acting on it",
            detail="Host isolated at 03:20, logs kept.",
        ),
        TimelineEntry(at=ago(hours=1.2), actor="citysec", text="3 advisories published"),
        TimelineEntry(at=ago(hours=1.4), actor="citysec", text="Opened: third borough touched within 24 hours"),
    )


def question() -> QuestionView:
    """Return the question that the run waits for."""
    return QuestionView(
        id="q1",
        title="Approve isolating the payment servers of three boroughs?",
        text="Isolation stops council tax payments online for about two hours.\nThe boroughs’ leads have been called.",
        playbook="Command-and-control traffic from a registered address",
        owner="coordinator",
        asked_at=ago(minutes=18),
        due_at=NOW + timedelta(minutes=12),
        incident=rows()[0],
        incident_summary=WORRY,
        if_approved="The boroughs are asked to isolate, and the supplier is told.",
        if_refused="Monitoring goes on; the question comes back with the next sighting.",
        if_expired="the duty officer is called.",
    )


def advisory() -> AdvisoryView:
    """Return what Camden is told."""
    body = AdvisoryBody(
        content=content(),
        published_at=ago(hours=1.2),
        answer_due=NOW + timedelta(hours=2, minutes=10),
        revision=2,
    )
    return AdvisoryView(recipient="Camden", advisory=body)


def content() -> Content:
    """Return all that an advisory can tell."""
    first = Touched(
        value="198.18.7.9",
        service="Council tax payments",
        indicator="203.0.113.77",
        relation="equal",
        others=2,
        since=ago(hours=30),
    )
    return Content(
        reference="LDN-2026-0039",
        title="Command-and-control traffic from 198.18.7.9",
        kind="command-and-control",
        severity="high",
        tlp="TLP:AMBER",
        what="A publisher lists one of your addresses as talking to a server that controls malware. Two other bodies "
        "of the city see the same.",
        touched=(first, replace(first, value="pay.camden.gov.uk", service="", certain=False, others=0)),
        touched_total=14,
        since=ago(hours=30),
        confidence=80,
        how_sure="It is likely: confidence 80 of 100, from a publisher that is usually reliable.",
        sources=("Early Warning",),
        todo=(
            "Take 198.18.7.9 off the network, but leave it switched on.",
            "Keep its logs and the firewall’s logs of the last 30 days.",
            "Look for connections to 203.0.113.77 from any other host.",
        ),
        duties=(
            Duty(
                what="Report a personal data breach",
                to="the Information Commissioner’s Office",
                hours=72,
                by=NOW + timedelta(hours=42),
                basis="UK GDPR Article 33",
            ),
        ),
        call=Call(name="London coordinating team", phone="020 7946 0018", mail="cyber@london.example"),
        left_out="The name of the reporting body is held back because of its marking.",
        change="One more of your addresses is named.",
    )
