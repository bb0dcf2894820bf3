"""What the columns of a table, or the members of a JSON record, mean: declared in a feed's definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from citysec.errors import InvalidInput
from citysec.feeds.formats.values import Reader, reader
from citysec.observable import Kind

ANY: Final = "any"
"""Instead of a kind: the form of a value, or the field `kind` of its record, says of what kind it is."""
Names = tuple[Annotated[str, Meta(min_length=1)], ...]


class Fields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a record says what: the name of a column or of a member, or the JSON pointer of a member deep inside.

    Args:
        kind: of what kind the value is, in the publisher's words.
        port: the port beside an address or a name.
        prefix: the prefix length beside an address.
        since: first seen, published or added.
        seen: last seen.
        until: to be disregarded from then on.
        threat: what malware or campaign it belongs to.
        description: in a sentence.
        confidence: 0 to 100, or low, medium, high.
        tlp: the label.
        labels: what it is about; of a cell each word between commas is one.
        references: addresses to read on.
        facts: kept as they are.
    """

    kind: str | None = None
    port: str | None = None
    prefix: str | None = None
    since: str | None = None
    seen: str | None = None
    until: str | None = None
    threat: str | None = None
    description: str | None = None
    confidence: str | None = None
    tlp: str | None = None
    labels: Names = ()
    references: Names = ()
    facts: Names = ()


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the records of a feed are read.

    Args:
        values: where the observables stand -> of what kind they are, or `any`. Several are for several observables of
            one thing, for instance the hashes of a file. When left out, this and `fields` go by usual names.
        fields: where the record says what of them.
        kinds: the publisher's words for kinds -> ours, beside those that are known.
        words: the publisher's words for labels -> ours.
        dates: forms of dates in the language of `strptime`, beside ISO 8601 and seconds since 1970.
        threat: whom or what its records belong to; for every record that does not say.
    """

    values: Mapping[str, str] = {}
    fields: Fields = Fields()
    kinds: Mapping[str, Kind] = {}
    words: Mapping[str, str] = {}
    dates: Names = ()
    threat: str | None = None

    def __post_init__(self) -> None:
        for name, kind in self.values.items():
            try:
                reader_of(kind)
            except InvalidInput as err:
                raise ValueError(f"values.{name}: {err}") from err

    def names(self) -> Iterator[str]:
        """Yield all names under which records are asked for something."""
        yield from self.values
        for declared in msgspec.to_builtins(self.fields).values():
            yield from (declared,) if isinstance(declared, str) else declared or ()


@lru_cache(maxsize=64)
def reader_of(kind: str) -> Reader:
    """Return what reads the values of a kind, or of `any`.

    Raises:
        InvalidInput: there is no such kind.
    """
    if kind == ANY:
        return reader()
    try:
        return reader((Kind(kind),))
    except ValueError:
        raise InvalidInput.at("", f"{kind!r} is neither a kind nor {ANY!r}") from None


_OF_ANY: Final = frozenset({"value", "ioc", "iocvalue", "indicator", "indicatorvalue", "observable", "artifact"})
_GROUPS: Final = (
    (ANY, _OF_ANY),
    ("hash", frozenset({"sha256", "sha256hash", "sha1", "sha1hash", "md5", "md5hash", "hash", "filehash", "sha512"})),
    ("url", frozenset({"url", "uri", "malwareurl", "phishingurl", "maliciousurl"})),
    ("name", frozenset({"domain", "domainname", "hostname", "host", "fqdn", "maliciousdomain"})),
    ("mailbox", frozenset({"email", "emailaddress", "mail"})),
    (
        "ip",
        frozenset({"ip", "ipaddress", "ipv4", "ipv6", "dstip", "srcip", "address", "cidr", "network"}),
    ),
    ("cve", frozenset({"cve", "cveid"})),
    ("asn", frozenset({"asn"})),
)
_ROLES: Final[Mapping[str, frozenset[str]]] = {
    "kind": frozenset({"type", "kind", "entitytype", "ioctype", "indicatortype", "observabletype", "valuetype"}),
    "port": frozenset({"port", "dstport", "destinationport"}),
    "since": frozenset(
        {"firstseen", "firstseenutc", "dateadded", "added", "listingdate", "submissiontime", "created", "published"}
    ),
    "seen": frozenset({"lastseen", "lastseenutc", "lastonline"}),
    "until": frozenset({"validuntil", "expires", "expiration", "expirationdate"}),
    "threat": frozenset({"malware", "malwareprintable", "malwarefamily", "family", "signature", "campaign"}),
    "description": frozenset({"description", "comment", "notes", "listingreason"}),
    "confidence": frozenset({"confidence", "confidencelevel"}),
    "tlp": frozenset({"tlp", "tlplevel"}),
}
_LISTS: Final[Mapping[str, frozenset[str]]] = {
    "labels": frozenset({"threat", "threattype", "category"}),
    "references": frozenset({"reference", "references", "urlhauslink", "phishdetailurl"}),
    "facts": frozenset({"tags", "reporter", "asn", "country", "ip", "ipaddress", "filename"}),
}


@lru_cache(maxsize=256)
def usual(names: tuple[str, ...]) -> Profile | None:
    """Return the profile that the usual names among `names` make, None where none of them names an observable.

    Of names of several kinds the one that says most counts: beside a URL, the address only says where it was served.
    """
    plain: dict[str, str] = {}
    for name in names:
        plain.setdefault("".join(filter(str.isalnum, name.lower())), name)
    values = next((found for kind, group in _GROUPS if (found := _named(plain, group, kind))), None)
    if values is None:
        return None
    roles = {role: next((plain[name] for name in plain if name in group), None) for role, group in _ROLES.items()}
    lists = {
        role: tuple(name for name in _named(plain, group, ANY) if name not in values) for role, group in _LISTS.items()
    }
    if ANY not in values.values():
        roles["kind"] = None
    return Profile(values=values, fields=msgspec.convert({**roles, **lists}, Fields))


def _named(plain: Mapping[str, str], group: frozenset[str], kind: str) -> dict[str, str]:
    return {plain[name]: kind for name in plain if name in group}
