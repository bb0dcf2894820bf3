"""What a channel gets to send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to one contact, for people and for machines.

    Args:
        id: the delivery's: the idempotency key, the same when it is sent again.
        thread: the id of the first message about the same incident, its own where it is that.
        address: a mailbox or a URL.
        secret: signs for machines.
        at: when it was queued.
        payload: JSON, for machines.
    """

    id: str
    thread: str
    address: str
    secret: str | None
    at: datetime
    subject: str
    text: str
    html: str
    payload: Mapping[str, Any]
