"""Mail: text and HTML over SMTP.

A message that is sent again has the same `Message-ID`, so that a mailbox may recognise it.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any, Final

import aiosmtplib

from citysec.advisories.channels.message import Message
from citysec.errors import DeliveryDeferred, DeliveryRefused
from citysec.settings import Settings

_AUTHENTICATION: Final = frozenset({530, 534, 535, 538})
"""RFC 4954 §6: the relay wants other credentials of us, which says nothing about the receiver."""


class _Headers(HeaderRegistry):
    """Makes the class of each header once; left to itself, the library makes one for each header of each message."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        found = self._made.get(name)
        if found is None:
            found = self._made[name] = super().__getitem__(name)
        return found


_POLICY: Final = EmailPolicy(header_factory=_Headers())


@dataclass(frozen=True, slots=True)
class Relay:
    """The mail relay that takes our messages.

    Args:
        sender: mailbox, with or without a display name.
        starttls: None takes TLS where the relay offers it.
    """

    host: str
    port: int
    sender: str
    timeout_s: float
    tls: bool = False
    starttls: bool | None = None
    user: str | None = None
    password: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> Relay:
        """Return the relay that the operator has set up; a password never travels in the clear by default."""
        auto = True if settings.smtp_user else None
        return cls(
            host=settings.smtp_host,
            port=settings.smtp_port,
            sender=settings.smtp_from,
            timeout_s=settings.delivery_timeout_s,
            tls=settings.smtp_tls == "tls",
            starttls={"auto": auto, "starttls": True}.get(settings.smtp_tls, False),
            user=settings.smtp_user,
            password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        )

    @property
    def domain(self) -> str:
        """The name we go by: the part of the sender's mailbox behind the @."""
        return parseaddr(self.sender)[1].partition("@")[2] or "localhost"


async def send(relay: Relay, message: Message) -> None:
    """Hand `message` to the relay.

    Raises:
        DeliveryRefused: the address is none, or the relay refuses it or the message for good (5xx).
        DeliveryDeferred: anything else.
    """
    mail = _mail(relay, message)
    try:
        await aiosmtplib.send(
            mail,
            hostname=relay.host,
            port=relay.port,
            local_hostname=relay.domain,  # else the resolver is asked for it, and the event loop waits
            use_tls=relay.tls,
            start_tls=relay.starttls,
            username=relay.user,
            password=relay.password,
            timeout=relay.timeout_s,
        )
    except aiosmtplib.SMTPRecipientsRefused as err:
        raise _failure(err.recipients[0].code, err.recipients[0].message) from err
    except (aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError) as err:
        raise _failure(err.code, err.message) from err
    except (aiosmtplib.SMTPException, OSError) as err:
        raise DeliveryDeferred(f"mail relay: {type(err).__name__}: {err}") from err


def _mail(relay: Relay, message: Message) -> EmailMessage:
    mail = EmailMessage(_POLICY)
    mail["Subject"] = message.subject
    mail["From"] = relay.sender
    mail["To"] = _mailbox(message.address)
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{message.id}@{relay.domain}>"
    if message.thread != message.id:
        mail["In-Reply-To"] = mail["References"] = f"<{message.thread}@{relay.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    mail.add_alternative(message.html, subtype="html")
    return mail


def _mailbox(address: str) -> Address:
    try:
        mailbox = Address(addr_spec=address)
    except (HeaderParseError, ValueError, IndexError) as err:
        raise DeliveryRefused(f"{address!r} is not a mail address") from err
    if not mailbox.domain or not address.isprintable():
        raise DeliveryRefused(f"{address!r} is not a mail address")
    return mailbox


def _failure(code: int, text: str) -> DeliveryRefused | DeliveryDeferred:
    said = f"the mail relay answered {code}: {text}"
    return DeliveryRefused(said) if code >= 500 and code not in _AUTHENTICATION else DeliveryDeferred(said)
