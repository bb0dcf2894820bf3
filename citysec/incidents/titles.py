"""What incidents are called."""

from __future__ import annotations

from typing import Final

from citysec.incidents.touches import Touch

_LONGEST: Final = 160
"""Characters; expressions and names of threats may have thousands."""


def called(kind: str, subject: str = "") -> str:
    """Return the title of an incident of that kind, about `subject` where that may be told to all who see it."""
    words = kind.replace("-", " ").capitalize()
    name = f"{words}: {subject}" if subject else words
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def title(touch: Touch) -> str:
    """Return what to call an incident: by the threat, else by the observable where its constituent may know that."""
    return called(touch.kind, touch.threat_name or (touch.match.indicator_value if touch.owned else ""))
