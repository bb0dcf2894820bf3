"""What somebody writes for the public: the form, and the look at it before it is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from citysec.errors import Problem
from citysec.web.views.advisory import AdvisoryBody, PublicAdvisoryView
from citysec.web.views.frame import IncidentRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The fields of the form as they were typed; `todo` is one step a line.

    Args:
        revision: the newest that the public could read when this was begun, 0 for none: what is sent with another one
            in between is refused.
    """

    title: str = ""
    what: str = ""
    todo: str = ""
    change: str = ""
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceView:
    """`GET /incidents/<id>/public`; POSTs there: the fields of `Wording` and `step` (`check`, `edit`, `publish`).

    Another form POSTs to `/incidents/<id>/public/withdraw`: fields `note` and `revision`.

    Args:
        standing: what the public reads now, or that it was withdrawn; None where it was told nothing.
        note: what was sent with the form for withdrawing.
        problems: `at` names the field.
    """

    template: ClassVar[str] = "announce.html"
    incident: IncidentRow
    wording: Wording
    standing: PublicAdvisoryView | None = None
    note: str = ""
    problems: tuple[Problem, ...] = ()

    @property
    def corrects(self) -> bool:
        """Whether the public reads something now that would be replaced."""
        return self.standing is not None and not self.standing.advisory.content.withdrawn


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceCheckView:
    """After `step=check`: what the public would read, word for word; POSTs `confirm` besides.

    Args:
        named: constituents concerned whose names stand in it.
        problems: `at` names the field.
    """

    template: ClassVar[str] = "announce/check.html"
    incident: IncidentRow
    wording: Wording
    advisory: AdvisoryBody
    named: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
