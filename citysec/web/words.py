"""How the words that rows hold are said to people.

Each table is closed: a word that is not in it is an error, because a page that leaves out a state it does not know
would be believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SEVERITIES: Final[Mapping[str, str]] = {"critical": "Critical", "high": "High", "medium": "Medium", "low": "Low"}
"""Worst first."""

INCIDENT_STATES: Final[Mapping[str, str]] = {"open": "Open", "contained": "Contained", "closed": "Closed"}

RUN_STATES: Final[Mapping[str, str]] = {
    "waiting": "Not started",
    "running": "Running",
    "completed": "Completed",
    "failed": "Failed",
    "cancelled": "Cancelled",
}

STEP_STATES: Final[Mapping[str, str]] = {
    "ongoing": "In progress",
    "completed": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}

DELIVERY_STATES: Final[Mapping[str, str]] = {
    "queued": "Waiting to be sent",
    "sent": "Sent",
    "dead": "Could not be delivered",
    "cancelled": "Cancelled",
}

VERDICTS: Final[Mapping[str, str]] = {"allowed": "In full", "reduced": "In part", "refused": "Held back"}

ANSWERS: Final[Mapping[str, str]] = {
    "received": "We have received this",
    "in-hand": "We are acting on it",
    "not-ours": "This is not ours",
}

QUESTION_ANSWERS: Final[Mapping[str, str]] = {"approved": "Approved", "refused": "Refused", "expired": "Not answered"}

FEED_STATES: Final[Mapping[str, str]] = {
    "healthy": "Healthy",
    "late": "Late",
    "failing": "Failing",
    "new": "Not polled yet",
    "off": "Switched off",
    "hand": "Imported by hand",
    "held": "List held back",
}

FEED_KINDS: Final[Mapping[str, str]] = {
    "document": "List or document",
    "stix-bundle": "STIX bundle",
    "misp-feed": "MISP feed",
    "taxii-2.0": "TAXII 2.0",
    "taxii-2.1": "TAXII 2.1",
}

SEMANTICS: Final[Mapping[str, str]] = {
    "stream": "A stream: what is no longer sent still counts",
    "snapshot": "A whole list: what is no longer on it is delisted",
}

RELIABILITIES: Final[Mapping[str, str]] = {
    "A": "Completely reliable",
    "B": "Usually reliable",
    "C": "Fairly reliable",
    "D": "Not usually reliable",
    "E": "Unreliable",
    "F": "Cannot be judged",
}
"""The Admiralty scale."""

ROLES: Final[Mapping[str, str]] = {
    "coordinator": "Coordinator",
    "analyst": "Analyst",
    "lead": "Security lead",
    "member": "Member",
    "machine": "Machine",
}

CHANNELS: Final[Mapping[str, str]] = {"email": "Mail", "webhook": "Webhook"}

ASSET_KINDS: Final[Mapping[str, str]] = {
    "ipv4": "address",
    "ipv6": "address",
    "cidr": "address range",
    "asn": "network number",
    "domain": "name",
    "host": "machine",
    "mail-domain": "mail domain",
    "email": "mailbox",
    "url": "web address",
    "certificate": "certificate",
    "software": "software",
    "brand": "brand",
}

OBSERVABLES: Final[Mapping[str, str]] = {
    "ip": "Address",
    "name": "Name",
    "url": "Web address",
    "mailbox": "Mailbox",
    "hash": "File hash",
    "certificate": "Certificate",
    "asn": "Network number",
    "cve": "Vulnerability",
    "software": "Software",
    "product": "Product",
    "brand": "Brand",
}
"""What a text can hold."""

THREATS: Final[Mapping[str, str]] = {
    "phishing": "Phishing",
    "c2": "Command and control",
    "ransomware": "Ransomware",
    "compromised": "Compromised machine",
    "malicious-activity": "Something else that does harm",
}

SCOPES: Final[Mapping[str, str]] = {"exact": "only this", "tree": "and all below"}

RELATIONS: Final[Mapping[str, str]] = {
    "equal": "it equals",
    "within": "it lies within",
    "contains": "it contains",
    "below": "it lies below",
    "mailbox": "it is a mailbox of",
    "pattern": "its pattern fits",
    "host": "its host belongs to",
    "name": "it bears the same name as",
    "announced": "it lies in what is announced by",
    "affected": "it is in",
    "sighted": "it was seen by machines of",
    "possible": "it may concern",
    "lookalike": "it looks like",
}
"""Between atom and asset, to stand before "the name …"; `possible` is how the command line writes uncertain ones."""

QUESTIONS: Final[Mapping[str, str]] = {
    "known": "Has a feed said it?",
    "counts": "Does it count now?",
    "compared": "Can it be compared with what is registered?",
    "touches": "Does it touch something of theirs?",
    "warned": "Do warning lists let it pass?",
    "certain": "Is that certain?",
    "sighted": "Have their own machines seen it?",
    "kept": "Is there a match?",
    "verified": "Is it sure whose that is?",
    "incident": "Is there an incident?",
    "allowed": "May they know?",
    "told": "Were they told?",
    "answered": "Have they answered?",
}
"""Of an explanation, in its order."""

OUTCOMES: Final[Mapping[str, str]] = {"yes": "Yes", "no": "No", "possibly": "Possibly"}

STANDINGS: Final[Mapping[str, str]] = {
    "in-force": "Counts",
    "revoked": "Revoked",
    "benign": "Called benign",
    "not-executed": "Not executed",
    "not-yet-valid": "Not valid yet",
    "expired": "Expired",
    "decayed": "Decayed",
    "delisted": "Delisted",
    "superseded": "Superseded",
}
"""How an indicator stands."""

SEEN: Final[Mapping[str, str]] = {
    "equal": "names this value",
    "contains": "speaks of a range around it",
    "within": "speaks of a part of it",
    "fits": "has an expression that fits this",
    "host": "speaks of its host",
}
"""How an indicator is related to a value that was looked up."""

ERRORS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("This could not be read", "What was sent is not complete or not correct."),
    401: ("Sign in to go on", "You are not signed in, or your session has ended."),
    403: ("This is not for you", "It is for people with another role."),
    404: ("Nothing here", "There is no such page, or it is not for you."),
    405: ("This is not possible here", "The address is right, but it does not take this kind of request."),
    409: ("Somebody was faster", "This has changed since you opened it. Go back, look again, then decide."),
    413: ("Too large", "What was sent is larger than we accept."),
    422: ("This could not be used", "What was sent can be read, but not used."),
    429: ("Too many attempts", "Wait a minute, then try again."),
    500: ("Something broke on our side", "Nothing that was already stored is lost. Try again in a moment."),
    503: ("Not ready", "The service is starting or stopping. Try again in a moment."),
}
"""Heading and explanation by HTTP status."""

SHAPES: Final[Mapping[str, str]] = {
    "critical": "M6 0 12 6 6 12 0 6Z",
    "high": "M6 1 12 11.5H0Z",
    "medium": "M6 1A5 5 0 1 1 6 11 5 5 0 0 1 6 1Z",
    "low": "M6 1A5 5 0 1 1 6 11 5 5 0 0 1 6 1ZM6 3A3 3 0 1 0 6 9 3 3 0 0 0 6 3Z",
}
"""A mark for each severity in a square of 12: diamond, triangle, disc, ring. Colour never speaks alone."""
