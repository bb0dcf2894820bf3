"""The city's strategy: what an incident is worth, who is told by when, and which playbook answers it.

The file is TOML, `playbooks/strategy.toml`; every number of the strategy lives there with its source. A name that is
not known there is an error, not a wish. Stages get what they need of it from the composition.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Final, Literal, TypeAlias, get_args

import msgspec
from msgspec import Meta, Struct, field

from citysec.errors import InvalidInput, Problem

Grade: TypeAlias = Literal["low", "medium", "high", "critical"]
Kind: TypeAlias = Literal["command-and-control", "phishing", "ransomware", "vulnerability", "lookalike"]
Scope: TypeAlias = Literal["constituent", "city"]
Role: TypeAlias = Literal["coordinator", "lead"]

GRADES: Final[tuple[Grade, ...]] = get_args(Grade)
_Count = Annotated[int, Meta(ge=1)]
_Share = Annotated[float, Meta(ge=0, le=1)]
_Shift = Annotated[int, Meta(ge=-3, le=3)]
_Minutes = Annotated[float, Meta(gt=0, le=60 * 24 * 31)]
_PLACE: Final = re.compile(r" - at (?:`key` in )?`\$\.?(?P<at>[^`]*)`$")


class Band(Struct, frozen=True, forbid_unknown_fields=True):
    """From this confidence on: the grade for each criticality, 1 to 5."""

    least_confidence: Annotated[int, Meta(ge=0, le=100)]
    grades: Annotated[tuple[Grade, ...], Meta(min_length=5, max_length=5)]


class Severities(Struct, frozen=True, forbid_unknown_fields=True):
    """How severe a match is; `bands` by falling confidence, the last from 0; `shifts` in grades up or down.

    `new_lookalike` is one more shift, for a lookalike of which nobody says more than that it is new.
    """

    bands: Annotated[tuple[Band, ...], Meta(min_length=1)]
    shifts: dict[Kind, _Shift] = field(default_factory=dict[Kind, int])
    new_lookalike: _Shift = -1


class Opening(Struct, frozen=True, forbid_unknown_fields=True):
    """What opens an incident; see `incidents.grading.Policy`, which these become."""

    possible_opens: bool
    bare_max: _Count
    update_after_minutes: Annotated[int, Meta(ge=0)]

    @property
    def update_after(self) -> timedelta:
        """How long further matches are gathered before people are told again."""
        return timedelta(minutes=self.update_after_minutes)


class VulnerabilityShifts(Struct, frozen=True, forbid_unknown_fields=True):
    """Grades up or down from the table of severity; those that hold are added up."""

    known_exploited: _Shift
    other: _Shift
    ransomware: _Shift
    exposed: _Shift


class Deadlines(Struct, frozen=True, forbid_unknown_fields=True):
    """By when a vulnerability is to be mended; the earliest counts, and the date of the catalogue of KEV."""

    exposed_days: _Count
    other_days: _Count
    ransomware_hours: _Count


class Vulnerabilities(Struct, frozen=True, forbid_unknown_fields=True):
    """Which vulnerabilities of registered software are worth an incident; see `incidents.remedy.Rules`."""

    known_exploited: bool
    least_epss: _Share
    keep_epss: _Share
    least_cvss: Annotated[float, Meta(ge=0, le=10)]
    exposed_cvss: Annotated[float, Meta(ge=0, le=10)]
    shifts: VulnerabilityShifts
    due: Deadlines

    def __post_init__(self) -> None:
        """Refuse what each value alone does not tell."""
        if self.keep_epss > self.least_epss:
            raise ValueError("keep_epss must not be above least_epss")


class City(Struct, frozen=True, forbid_unknown_fields=True):
    """From how many constituents within what time a threat is the city's affair."""

    constituents: Annotated[int, Meta(ge=2)]
    window_hours: _Count

    @property
    def window(self) -> timedelta:
        """Within what time the constituents must be touched."""
        return timedelta(hours=self.window_hours)


class Clock(Struct, frozen=True, forbid_unknown_fields=True):
    """What a severity demands: an answer in time, reminders before that, who is told, and how NCSC might call it.

    Source:
        NCSC incident categories, 1 (national emergency) to 6 (localised); we propose, they decide.
    """

    answer_minutes: _Minutes
    remind_minutes: tuple[_Minutes, ...]
    tell: Annotated[tuple[str, ...], Meta(min_length=1)]
    ncsc: Annotated[tuple[Annotated[int, Meta(ge=1, le=6)], ...], Meta(min_length=1)]
    at_once: bool

    @property
    def answer_within(self) -> timedelta:
        """How long a constituent has to answer an advisory."""
        return timedelta(minutes=self.answer_minutes)

    @property
    def reminders(self) -> tuple[timedelta, ...]:
        """When to remind, counted from the advisory, in order."""
        return tuple(timedelta(minutes=minutes) for minutes in self.remind_minutes)


class Response(Struct, frozen=True, forbid_unknown_fields=True):
    """Which playbook answers which incidents; empty `kinds` or `sectors` mean every one."""

    playbook: Annotated[str, Meta(pattern=r"^playbook--[0-9a-f-]{36}$")]
    kinds: tuple[Kind, ...] = ()
    sectors: tuple[str, ...] = ()
    least_severity: Grade = "low"
    scope: Scope = "constituent"

    def fits(self, kind: str, severity: str, sector: str, scope: Scope) -> bool:
        """Return whether this response is for such an incident."""
        return (
            scope == self.scope
            and (not self.kinds or kind in self.kinds)
            and (not self.sectors or sector in self.sectors)
            and GRADES.index(_grade(severity)) >= GRADES.index(self.least_severity)
        )


class Strategy(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of it. `owners` says which role answers for an agent that a playbook names."""

    name: str
    version: str
    incident_prefix: Annotated[str, Meta(pattern=r"^[A-Z]{2,8}$")]
    severity: Severities
    incidents: Opening
    vulnerabilities: Vulnerabilities
    city: City
    clocks: dict[Grade, Clock]
    owners: dict[str, Role]
    responses: tuple[Response, ...]

    def clock(self, severity: str) -> Clock:
        """Return the clock of a severity."""
        return self.clocks[_grade(severity)]

    def playbook_for(self, kind: str, severity: str, sector: str, scope: Scope) -> str | None:
        """Return the CACAO id of the playbook that answers such an incident, None where the strategy names none."""
        return next((r.playbook for r in self.responses if r.fits(kind, severity, sector, scope)), None)


def _grade(word: str) -> Grade:
    return next(grade for grade in GRADES if grade == word)


def load(content: bytes) -> Strategy:
    """Return the strategy that the TOML file in `content` writes down.

    Raises:
        InvalidInput: each problem with its place, for instance `city.constituents`.
    """
    try:
        strategy = msgspec.convert(tomllib.loads(content.decode()), Strategy)
    except UnicodeDecodeError as err:
        raise InvalidInput.at("", f"is not UTF-8: {err}") from err
    except tomllib.TOMLDecodeError as err:
        raise InvalidInput.at("", f"is not TOML: {err}") from err
    except msgspec.ValidationError as err:
        raise InvalidInput((_problem(str(err)),)) from err
    problems = tuple(_contradictions(strategy))
    if problems:
        raise InvalidInput(problems)
    return strategy


def _problem(message: str) -> Problem:
    place = _PLACE.search(message)
    return Problem(place["at"] if place else "", _PLACE.sub("", message))


def _contradictions(strategy: Strategy) -> Iterator[Problem]:
    """Yield what each value alone does not tell."""
    bands = strategy.severity.bands
    if any(upper.least_confidence <= lower.least_confidence for upper, lower in pairwise(bands)):
        yield Problem("severity.bands", "least_confidence must fall from band to band")
    if bands[-1].least_confidence != 0:
        yield Problem("severity.bands", "the last band must begin at 0")
    for grade in GRADES:
        if grade not in strategy.clocks:
            yield Problem("clocks", f"lacks {grade}")
    for grade, clock in strategy.clocks.items():
        if list(clock.remind_minutes) != sorted(set(clock.remind_minutes)):
            yield Problem(f"clocks.{grade}.remind_minutes", "must rise")
        if clock.remind_minutes and clock.remind_minutes[-1] >= clock.answer_minutes:
            yield Problem(f"clocks.{grade}.remind_minutes", "must come before answer_minutes")
