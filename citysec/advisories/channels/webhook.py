"""Webhooks: JSON over HTTPS, signed as Standard Webhooks prescribe.

`webhook-id` is the delivery's id: a receiver that sees it twice has got the same message twice.

Source:
    Standard Webhooks specification 1.0: headers, signature, meaning of the receiver's status codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
import msgspec
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError
from yarl import URL

from citysec import guard
from citysec.advisories.channels.message import Message
from citysec.errors import DeliveryDeferred, DeliveryRefused
from citysec.guard import Guard
from citysec.settings import Settings
from citysec.tables.columns import now

_LATER: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Outlet:
    """How we call receivers: which of them may be on inner addresses, and how long we wait for one."""

    guard: Guard
    timeout_s: float

    @classmethod
    def of(cls, settings: Settings) -> Outlet:
        """Return what the operator has set up.

        Raises:
            SettingsError: `webhook_allow_hosts` cannot be read.
        """
        return cls(Guard.of(settings.webhook_allow_hosts), settings.delivery_timeout_s)


async def send(outlet: Outlet, message: Message) -> None:
    """POST `message` to its address; what the receiver answers with is not read beyond the status.

    Raises:
        DeliveryRefused: the address may not be called, or the receiver says no for good.
        DeliveryDeferred: it is not there, or asks to be called later.
    """
    url = _url(outlet, message.address)
    body = msgspec.json.encode(message.payload)
    headers = _signed(message, body, now()) | {"Content-Type": "application/json", "User-Agent": "citysec"}
    try:
        async with (
            aiohttp.ClientSession(connector=outlet.guard.connector(url), timeout=_timeout(outlet)) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            _judge(answer.status, answer.headers)
    except aiohttp.ClientConnectorError as err:
        if guard.refused(err):
            raise DeliveryRefused(f"{url.host} is not on the public internet, and not allowed by the operator") from err
        raise DeliveryDeferred(f"{url.host}: {err.strerror or err}") from err
    except (aiohttp.ClientError, OSError) as err:
        raise DeliveryDeferred(f"{url.host}: {type(err).__name__}: {err}") from err


def _url(outlet: Outlet, address: str) -> URL:
    try:
        url = URL(address)
    except ValueError as err:
        raise DeliveryRefused(f"{address!r} is not an address: {err}") from err
    if not url.host or url.scheme not in {"http", "https"}:
        raise DeliveryRefused(f"{address!r} is not an HTTP address")
    if url.scheme == "http" and not outlet.guard.names(url):
        raise DeliveryRefused("the address must begin with https:// unless the operator allows its host")
    return url


def _signed(message: Message, body: bytes, at: datetime) -> dict[str, str]:
    try:
        signature = Webhook(message.secret or "").sign(message.id, at, body.decode())
    except (ValueError, EmptyWebhookSecretError) as err:
        raise DeliveryRefused("the contact's signing secret is missing or broken") from err
    return {
        "webhook-id": message.id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def _judge(status: int, headers: Mapping[str, str]) -> None:
    if 200 <= status < 300:
        return
    if status >= 500 or status in _LATER:
        raise DeliveryDeferred(f"the receiver answered {status}", retry_after_s=_retry_after(headers))
    raise DeliveryRefused(f"the receiver answered {status}")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds the receiver asks us to wait (RFC 9110 §10.2.3: a number or a date), None when it does not."""
    asked = headers.get("Retry-After", "")
    if asked.isdecimal():
        return float(asked)
    try:
        return max((parsedate_to_datetime(asked) - now()).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def _timeout(outlet: Outlet) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=outlet.timeout_s)
