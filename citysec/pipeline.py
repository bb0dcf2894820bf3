"""The page: every kind of work, and the one function that does it.

    poll ──► correlate ──► triage ──► escalate
      │          ▲            └──┬───────┘
      │        retro             ▼
      ▼                       respond ──► start ◄── answer          (the engine conducts the run)
    share                                   │
                                 advise ◄───┘                       (a step of the playbook)
                                    ├──► deliver                    (mail, webhook)
                                    └──► clock                      (reminders)

    an incident is closed ──► stand-down                            (its runs end)
    a feed falls silent, or is heard again ──► outage               (an incident of the city's own)
    a warning list changes ──► rejudge ──► triage                   (its matches end, or come back)
    the words of lookalikes change ──► relook ──► correlate         (what names may be taken for)
    constituents' machines report ──► triage, sight                 (matches `sighted`, and STIX sightings)
    a feed's definition changes ──► restate ──► correlate, share    (what its word is worth)

Each function writes what it found and the next work in one transaction (`outbox`): the arrows are rows of that table.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import keys
from citysec.advisories import advice, clock, publish
from citysec.advisories.channels import configured
from citysec.advisories.compose import Desk
from citysec.advisories.content import Call
from citysec.advisories.deadlines import Deadline
from citysec.advisories.deliver import Post, deliver
from citysec.advisories.link import Links
from citysec.correlate.match import correlate_objects
from citysec.correlate.relook import relook
from citysec.correlate.retro import correlate_assets, rejudge_assets
from citysec.db import Database
from citysec.engine import Drive, Engine
from citysec.errors import InvalidInput
from citysec.feeds.poll import poll
from citysec.feeds.publishers import Publishers, definitions
from citysec.feeds.restate import restate
from citysec.feeds.sight import sight
from citysec.incidents import escalate, grading, outage, record, triage
from citysec.incidents.remedy import Rules
from citysec.incidents.severity import Severity, SeverityTable, severity
from citysec.lookalikes import vocabulary
from citysec.lookalikes.vocabulary import Vocabulary
from citysec.outbox import Effect, Stage
from citysec.playbooks import questions, respond, strategy
from citysec.playbooks.deeds import Deed, Does
from citysec.playbooks.drive import Conductor
from citysec.playbooks.strategy import Strategy, Vulnerabilities
from citysec.settings import Settings, declared
from citysec.share.collections import admit

STRATEGY: Final = "strategy.toml"
ADVICE: Final = "advice.toml"


@dataclass(frozen=True, slots=True)
class Parts:
    """What stages and pages are given besides their work: the city's decisions, read once before anything starts."""

    settings: Settings
    strategy: Strategy
    triage: grading.Policy
    advising: publish.Policy
    vocabulary: Vocabulary
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Parts:
        """Read the strategy and the feed definitions, the operator's own before the shipped ones.

        Raises:
            InvalidInput: a file is not legal; every problem with its place.
            SettingsError: the secret key is missing.
        """
        plan = _strategy(settings)
        titles = {name: feed.title for name, feed in definitions(settings).items()}
        call = Call(name=settings.duty_name, phone=settings.duty_phone, mail=settings.duty_mail)
        desk = Desk(city=settings.city, advice=advice.load(declared(settings, ADVICE)), call=call, feeds=titles)
        deadlines = {grade: Deadline(clock.answer_within, clock.reminders) for grade, clock in plan.clocks.items()}
        advising, words = publish.Policy(desk, deadlines), vocabulary.load(declared(settings, vocabulary.FILE))
        return cls(settings, plan, _triage(plan), advising, words, keys.signing_key(settings))

    @property
    def responding(self) -> respond.Policy:
        """How incidents get their playbooks."""
        return respond.Policy(self.strategy, self.settings.city, self.hands)

    @property
    def hands(self) -> Mapping[Does, Callable[[AsyncSession, Deed], Awaitable[None]]]:
        """What a playbook's commands do: the very functions that the API calls."""

        async def advise(db: AsyncSession, deed: Deed) -> None:
            await publish.publish(db, deed.incident_id, actor=deed.actor, policy=self.advising)

        async def raise_(db: AsyncSession, deed: Deed) -> None:
            await escalate.raise_to_city(db, deed.incident_id, deed.word("reason"), deed.actor, self.triage)

        async def note(db: AsyncSession, deed: Deed) -> None:
            await record.note(db, deed.incident_id, deed.word("text"), deed.actor)

        return {Does.ADVISE: advise, Does.ESCALATE: raise_, Does.NOTE: note}

    def conductor(self, database: Database) -> Drive:
        """Return what conducts playbook runs."""
        return Conductor(database, self.hands, self.strategy.owners).drive


def stages(parts: Parts, publishers: Publishers, engine: Callable[[], Engine]) -> Mapping[str, Stage | Effect]:
    """Return what does each kind of work."""
    settings = parts.settings
    links = Links(parts.key, settings.base_url)
    post = Post(settings.city, configured(settings), links, settings.delivery_retry_s)
    return {
        "poll": Effect(partial(poll, publishers=publishers)),
        "restate": Stage(partial(restate, definitions=publishers.definitions)),
        "correlate": Stage(correlate_objects),
        "retro": Stage(correlate_assets),
        "rejudge": Stage(rejudge_assets),
        "relook": Stage(relook),
        "triage": Stage(partial(triage.triage, policy=parts.triage)),
        "escalate": Stage(partial(escalate.escalate, policy=parts.triage)),
        "outage": Stage(partial(outage.outage, policy=parts.triage)),
        "respond": Stage(partial(respond.respond, policy=parts.responding)),
        "start": Effect(lambda _, payload: respond.start(payload, engine())),
        "answer": Effect(lambda database, payload: questions.pass_on(database, payload, engine())),
        "stand-down": Effect(lambda database, payload: respond.stand_down(database, payload, engine())),
        "advise": Stage(partial(publish.correct, policy=parts.advising)),
        "deliver": Effect(partial(deliver, post=post)),
        "clock": Stage(partial(clock.remind, deadlines=parts.advising.deadlines)),
        "sight": Stage(partial(sight, definitions=publishers.definitions)),
        "share": Stage(admit),
    }


def _strategy(settings: Settings) -> Strategy:
    path = declared(settings, STRATEGY)
    try:
        return strategy.load(path.read_bytes())
    except InvalidInput as err:
        raise InvalidInput.at(str(path), str(err)) from err


def _triage(plan: Strategy) -> grading.Policy:
    bands = tuple((b.least_confidence, tuple(map(Severity, b.grades))) for b in plan.severity.bands)
    table = SeverityTable(bands, {str(kind): by for kind, by in plan.severity.shifts.items()})
    return grading.Policy(
        grade=partial(severity, table=table),
        ref_prefix=plan.incident_prefix,
        possible_opens=plan.incidents.possible_opens,
        city_threshold=plan.city.constituents,
        window=plan.city.window,
        remedy=_remedy(plan.vulnerabilities),
        bare_max=plan.incidents.bare_max,
        update_after=plan.incidents.update_after,
        new_lookalike=plan.severity.new_lookalike,
    )


def _remedy(plan: Vulnerabilities) -> Rules:
    return Rules(
        known_exploited=plan.known_exploited,
        least_epss=plan.least_epss,
        keep_epss=plan.keep_epss,
        least_cvss=plan.least_cvss,
        exposed_cvss=plan.exposed_cvss,
        exploited_shift=plan.shifts.known_exploited,
        other_shift=plan.shifts.other,
        ransomware_shift=plan.shifts.ransomware,
        exposed_shift=plan.shifts.exposed,
        exposed_within=timedelta(days=plan.due.exposed_days),
        within=timedelta(days=plan.due.other_days),
        ransomware_within=timedelta(hours=plan.due.ransomware_hours),
    )
