"""A text or mail that somebody hands in: the form, and the look at what is in it before it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from citysec.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitView:
    """`GET /submit`; POSTs there: `text` or the file `file`, and `step` (`check`, `edit`, `save`).

    Args:
        text: as it was sent; of a file that is no text, nothing.
        longest: KiB that are taken.
        problems: `at` names the field.
    """

    template: ClassVar[str] = "submit.html"
    text: str = ""
    longest: int
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedRow:
    """A registered asset that would be touched, how, and whose it is."""

    asset: str
    relation: str
    owners: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateRow:
    """One indicator of the text.

    Args:
        key: what the form sends back where it is ticked.
        kind: as `words.OBSERVABLES` says it.
        value: as it is, not defanged.
        at: where it stands; `sentence` is what stands around it.
        touches: registered assets, the closest first; `touched` counts all.
        warned: warning lists that it is on: it is known to be a false alarm.
        known: feeds that say so already.
    """

    key: str
    kind: str
    value: str
    at: str
    sentence: str
    touches: Sequence[TouchedRow] = ()
    touched: int = 0
    warned: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    ticked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The fields of the form about all of it, as they were chosen."""

    tlp: str
    confidence: str
    label: str = ""
    threat: str = ""
    days: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitCheckView:
    """After `step=check`: what is in it; POSTs `take` (the keys), the fields of `Judged`, and `content`.

    Args:
        content: what was handed in, base64: it comes back with the form, for nothing is stored yet.
        feed: title of the feed under whose name it will be stored.
        labels, tlps, confidences, lifetimes: what can be chosen, value -> words.
    """

    template: ClassVar[str] = "submit/check.html"
    content: str
    feed: str
    candidates: Sequence[CandidateRow]
    judged: Judged
    labels: Mapping[str, str]
    tlps: Mapping[str, str]
    confidences: Mapping[str, str]
    lifetimes: Mapping[str, str]
    problems: tuple[Problem, ...] = ()
