"""What a feed's definition may say: the fields of `feeds/*.toml`, typed and frozen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from yarl import URL

from citysec import tlp
from citysec.errors import InvalidInput
from citysec.feeds import formats, schedule
from citysec.feeds.auth import Auth, check_secrecy
from citysec.feeds.formats import FORMATS, Item
from citysec.tables.feeds import NEW_DOMAIN, THREAT
from citysec.tlp import TLP


class Reliability(StrEnum):
    """How far a publisher is to be believed: the letters of the Admiralty scale; F is "cannot be judged"."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"


class Says(StrEnum):
    """What it means that something is in the feed: that it is a threat, or no more than that a name is new."""

    THREAT = THREAT
    NEW_DOMAIN = NEW_DOMAIN


class Semantics(StrEnum):
    """What it means that something is no longer in the feed: nothing, or that the publisher has taken it back."""

    STREAM = "stream"
    SNAPSHOT = "snapshot"


def _label(text: Any) -> TLP:
    if not isinstance(text, str):
        raise ValueError("a TLP label is text, for instance TLP:GREEN")
    try:
        return tlp.parse(text)
    except InvalidInput as err:
        raise ValueError(str(err)) from err


def _address(text: str) -> str:
    url = URL(text)
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError("an address begins with https:// or http:// and names a host")
    if url.user or url.password:
        raise ValueError("credentials do not belong into the address; use [auth]")
    return text


_Address = Annotated[str, AfterValidator(_address)]


class _Common(BaseModel):
    """What every feed says of itself, whatever its kind."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$", description="The file's name without `.toml`.")
    title: str = Field(min_length=1)
    publisher: str = Field(min_length=1)
    licence: str = Field(min_length=1, description="On which terms the publisher lets us use and share it.")
    homepage: _Address | None = Field(default=None, description="Where a person reads about the feed.")
    enabled: bool = Field(default=False, description="Whether it is polled from the start; later the console decides.")
    every_s: float | None = Field(default=None, ge=5, le=31 * 86400, description="Seconds from one poll to the next.")
    cron: Annotated[str, AfterValidator(schedule.checked)] | None = Field(
        default=None, description="Five fields in UTC, weekdays by name; instead of `every_s`."
    )
    reliability: Reliability = Field(default=Reliability.F, description="Admiralty letter A to F.")
    confidence: int = Field(default=50, ge=0, le=100, description="For objects that state none.")
    tlp: Annotated[TLP, BeforeValidator(_label)] = Field(
        default=TLP.AMBER, description="For objects that no TLP marking applies to."
    )
    lifetime_days: float | None = Field(
        default=None,
        gt=0,
        le=36500,
        description="So long an indicator without `valid_until` counts; unset never ends, 30 days for a snapshot.",
    )
    lifetimes: Mapping[Annotated[str, Field(pattern=r"^[a-z0-9-]+$")], Annotated[float, Field(gt=0, le=36500)]] = Field(
        default_factory=dict[str, float],
        description="The same in days for kinds of observables, for instance `{url = 14, file = 1825}`.",
    )
    decay_speed: float = Field(
        default=1.0, gt=0, le=10, description="How soon confidence falls: 1 evenly, above 1 sooner, below 1 later."
    )
    floor: int = Field(default=0, ge=0, le=99, description="Decayed to this confidence, an indicator counts no more.")
    semantics: Semantics = Field(default=Semantics.STREAM, description="`stream` or `snapshot`.")
    confirmations: int = Field(
        default=2, ge=1, le=100, description="Snapshots in a row that something is missing from until it is delisted."
    )
    max_shrink: float = Field(
        default=0.5, ge=0, le=1, description="A snapshot that lacks a larger part of what it had waits for a person."
    )
    says: Says = Field(
        default=Says.THREAT,
        description="`threat`, or `new-domain`: its names are new, and touch nothing but what they look like.",
    )
    labels: tuple[str, ...] = Field(default=(), description="Kinds of threat, for entries that state none.")
    timeout_s: float = Field(default=600, gt=0, le=86400, description="Longest time for one answer, slow or not.")
    allow_hosts: tuple[str, ...] = Field(
        default=(), description="`host` or `host:port` of this publisher that may lie on private addresses."
    )
    auth: Auth | None = None

    @model_validator(mode="after")
    def _one_schedule(self) -> _Common:
        if self.every_s is not None and self.cron is not None:
            raise ValueError("every_s and cron exclude each other")
        return self

    @property
    def origin(self) -> str:
        """What a cursor belongs to: where the feed is read and how, in a few letters.

        Labels are a part of how: what is stored does not say whether an entry stated its own.
        """
        return self._digest("url", "path", "collection", "format", "semantics", "labels")

    @property
    def worth(self) -> str:
        """What decides what its word is worth, in a few letters."""
        return self._digest(
            "reliability", "confidence", "tlp", "lifetime_days", "lifetimes", "decay_speed", "floor", "semantics"
        )

    def _digest(self, *fields: str) -> str:
        said = self.model_dump_json(include=set(fields))
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def next_poll(self, after: datetime) -> datetime | None:
        """Return when the feed is due after `after`, None when it has no schedule."""
        return schedule.next_poll(self.every_s, self.cron, after)


class Layout(BaseModel):
    """In which format a feed comes, and how that is tuned: the name, and beside it the options of that format."""

    model_config = ConfigDict(frozen=True, extra="allow", str_strip_whitespace=True)

    name: str = Field(description="One of `citysec feeds formats`.")

    @model_validator(mode="after")
    def _is_legal(self) -> Layout:
        if self.name not in FORMATS:
            raise ValueError(f"{self.name!r} is none of {', '.join(FORMATS)}")
        if not FORMATS[self.name].of_feeds:
            raise ValueError(f"no feed comes as {self.name!r}; `citysec warnings import` reads that")
        try:
            FORMATS[self.name].tuned(self.options)
        except InvalidInput as err:
            raise ValueError("; ".join(problem.message for problem in err.problems)) from err
        return self

    @property
    def options(self) -> dict[str, Any]:
        """What the definition says beside the name."""
        return self.model_extra or {}

    def read(self, file: BinaryIO) -> Iterator[Item]:
        """Yield what `file` holds.

        Raises:
            InvalidInput: the file as a whole is none of the format.
        """
        return formats.read(self.name, file, self.options)


_STIX = Layout(name="stix")


def _layout(written: Any) -> Any:
    return {"name": written} if isinstance(written, str) else written


class FileFeed(_Common):
    """What is fetched as a whole: over HTTP, from a local file, or handed in by a person (neither)."""

    url: _Address | None = None
    path: Path | None = Field(default=None, description="A local file; relative to the definition.")

    @model_validator(mode="after")
    def _one_origin(self) -> FileFeed:
        if self.url is not None and self.path is not None:
            raise ValueError("url and path exclude each other")
        if self.by_hand and (self.every_s, self.cron) != (None, None):
            raise ValueError("a schedule needs a url or a path")
        check_secrecy(self.auth, self.url, self.allow_hosts)
        return self

    @property
    def by_hand(self) -> bool:
        """Whether a person hands the files in."""
        return self.url is None and self.path is None


class DocumentFeed(FileFeed):
    """A list, a table or another document in one of the formats that citysec reads."""

    kind: Literal["document"]
    format: Annotated[Layout, BeforeValidator(_layout)] = Field(
        description="A format's name, or a table of its `name` and options."
    )


class BundleFeed(FileFeed):
    """A STIX bundle."""

    kind: Literal["stix-bundle"]

    @property
    def format(self) -> Layout:
        """STIX."""
        return _STIX


class TAXIIFeed(_Common):
    """One collection of a TAXII server, read on from where the last poll ended."""

    kind: Literal["taxii-2.1", "taxii-2.0"]
    url: _Address = Field(description="The API root.")
    collection: str = Field(pattern=r"^[A-Za-z0-9._~-]{1,250}$", description="The collection's id or alias.")
    page_limit: int = Field(default=1000, ge=1, le=10000, description="Objects asked for at a time.")
    overlap_s: float = Field(
        default=600, ge=0, le=7 * 86400, description="How far each poll goes back: servers that write slowly show late."
    )

    @property
    def format(self) -> Layout:
        """STIX."""
        return _STIX

    @model_validator(mode="after")
    def _is_safe_to_read(self) -> TAXIIFeed:
        _check_stream(self.semantics)
        check_secrecy(self.auth, self.url, self.allow_hosts)
        return self


class MISPFeed(_Common):
    """A folder with a MISP manifest and its events, read on from what the last poll has read."""

    kind: Literal["misp-feed"]
    url: _Address = Field(description="The folder that holds `manifest.json`.")
    format: Annotated[Layout, BeforeValidator(_layout)] = Field(
        default=Layout(name="misp"), description="`misp`, or a table of it and its options."
    )

    @model_validator(mode="after")
    def _is_safe_to_read(self) -> MISPFeed:
        _check_stream(self.semantics)
        check_secrecy(self.auth, self.url, self.allow_hosts)
        return self


def _check_stream(semantics: Semantics) -> None:
    if semantics is Semantics.SNAPSHOT:
        raise ValueError("a feed that is read on from its last poll is a stream: a poll does not bring all that counts")


Definition = DocumentFeed | BundleFeed | TAXIIFeed | MISPFeed
