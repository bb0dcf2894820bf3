"""How what correlation found is put into words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from citysec.correlate.rules import WIDEST, Doubt
from citysec.correlate.said import State

RELATIONS: Final[Mapping[str, str]] = {
    "equal": "equals",
    "within": "lies within",
    "contains": "contains",
    "below": "lies below",
    "mailbox": "is a mailbox of",
    "pattern": "fits",
    "host": "has the host of",
    "name": "bears the name of",
    "announced": "lies in what is announced by",
    "affected": "affects",
    "sighted": "was seen by machines of",
    "possible": "may affect",
    "lookalike": "looks like",
}
"""Between what an indicator says and an asset."""

DOUBTS: Final[Mapping[str, str]] = {
    Doubt.PART: "That is only a part of what its pattern asks for.",
    Doubt.TOO_WIDE: (
        f"It is a block wider than /{WIDEST[4]} (IPv6: /{WIDEST[6]}), too wide to say much of any one asset."
    ),
    Doubt.NAME: "Mail and web of one name may well be run by different people.",
    Doubt.OTHER_URL: "It is another web address on the same host.",
    Doubt.ANONYMIZATION: "It hides where traffic comes from: many use such relays, few of them do harm.",
    Doubt.LIKENESS: "The likeness may be chance: it is short, or stands under another ending.",
    Doubt.WARNING_LIST: "A warning list says that it is often a false alarm.",
    Doubt.VERSION: "Which versions have it is not said, or the version that runs cannot be compared.",
    Doubt.SERIAL: "Serial numbers are unique for each issuer only: another one's certificate may have the same.",
    Doubt.AS_SET: "The prefix is announced for several systems together: which of them has the address is not known.",
}
"""Why a touch is only possible."""

STATES: Final[Mapping[State, str]] = {
    State.IN_FORCE: "It is in force until {until}.",
    State.REVOKED: "Its creator has revoked it.",
    State.BENIGN: "Its creator calls it benign.",
    State.NOT_EXECUTED: "Its pattern is in the language {language}: it is kept and shared, but not executed.",
    State.NOT_YET_VALID: "It is not valid before {start}.",
    State.EXPIRED: "It expired on {until}.",
    State.DECAYED: "It has decayed: what was said of it counted until {until}, and nobody has confirmed it since.",
    State.DELISTED: "No feed lists it any more; the last one dropped it on {gone}.",
    State.SUPERSEDED: "A newer version of it says otherwise.",
}
"""How an indicator stands."""

ENDS: Final[Mapping[str, str]] = {
    State.REVOKED: "its creator has revoked the indicator",
    State.BENIGN: "its creator calls it benign",
    State.NOT_EXECUTED: "its pattern is in a language that is not executed",
    State.NOT_YET_VALID: "it is not valid yet",
    State.EXPIRED: "the indicator has expired",
    State.DELISTED: "no feed lists it any more",
    State.SUPERSEDED: "a newer version of the indicator, or a change of the register, says otherwise",
    "asset-withdrawn": "the asset was withdrawn",
    "warning-list": "a warning list says that it is a false alarm",
    "public-suffix": "the asset is a public suffix now: what is below it has many owners",
    "allowed": "the city’s team has allowed the name that looks like it",
}
"""Why a match has ended, by its `close_reason`."""
