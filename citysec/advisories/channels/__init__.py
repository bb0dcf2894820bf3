"""Channels: one module for each way in which a message reaches a contact."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from citysec.advisories.channels import mail, webhook
from citysec.advisories.channels.message import Message
from citysec.settings import Settings

Channel = Callable[[Message], Awaitable[None]]
"""Sends one message, or raises `DeliveryDeferred` or `DeliveryRefused`; the same message may be sent twice."""

Channels = Mapping[str, Channel]
"""Name of a contact's channel -> how to send."""


def configured(settings: Settings) -> Channels:
    """Return all channels as the operator has set them up.

    Raises:
        SettingsError: `webhook_allow_hosts` cannot be read.
    """
    return {
        "email": partial(mail.send, mail.Relay.of(settings)),
        "webhook": partial(webhook.send, webhook.Outlet.of(settings)),
    }
