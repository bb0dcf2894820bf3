"""How publishers write kinds and observables: their words for a kind, defanged values, ranges, hashes in a row."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from citysec.errors import InvalidInput
from citysec.feeds.formats.values import HASHES, Reader, Value
from citysec.observable import Kind

MAX_VALUE: Final = 4096
"""Longest observable in characters: far beyond what is used, and what is longer costs more than it is worth."""
_WORDS: Final[Mapping[Kind, str]] = {
    Kind.IP: "ip ipv4 ipv6 ipaddress ipv4address ipv6address ipv4addr ipv6addr address addr cidr cidr4 cidr6 subnet "
    "network netblock ipport ipv4port ipv6port ipsrc ipdst srcip dstip ipcidr ipv4cidr ipv6cidr host4 host6",
    Kind.NAME: "domain domainname hostname host fqdn dns name subdomain hostport domainport",
    Kind.URL: "url uri urls link href phishingurl malwareurl",
    Kind.MAILBOX: "email mail emailaddress emailaddr emailsrc emaildst mailaddress emailwhois whoisregistrantemail",
    Kind.HASH: "hash hashes file filehash md5 sha1 sha256 sha384 sha512 md5hash sha1hash sha256hash sha384hash "
    "sha512hash filehashmd5 filehashsha1 filehashsha256 filehashsha512 filemd5 filesha1 filesha256 malwaresample",
    Kind.CERTIFICATE: "certificate cert sslcert x509 x509fingerprintmd5 x509fingerprintsha1 x509fingerprintsha256 "
    "certificatefingerprint sslcertfingerprint certsha1 certsha256",
    Kind.ASN: "as asn autonomoussystem",
    Kind.CVE: "cve cveid vulnerability cves",
}
_KIND_OF: Final = {word: kind for kind, words in _WORDS.items() for word in words.split()}


@lru_cache(maxsize=1024)
def kind_of(word: str) -> Kind | None:
    """Return the kind that a publisher means by `word`, for instance `ip:port`, `hostname` or `FileHash-SHA256`."""
    return _KIND_OF.get("".join(filter(str.isalnum, word.lower())))


_BLUNTED: Final = (
    (re.compile(r"^(?:h(?:xx|tt|\*\*)p|meow)(s?)\s?(?:\[:\]|:)?(?:\[?//\]?|\[://\])", re.IGNORECASE), r"http\1://"),
    (re.compile(r"\s?[\[({]\s?(?:\.|dot|,)\s?[\])}]\s?", re.IGNORECASE), "."),
    (re.compile(r"\s?[\[({]\s?(?:@|at)\s?[\])}]\s?", re.IGNORECASE), "@"),
    (re.compile(r"\[:\]|\[://\]"), ":"),
    (re.compile(r"\\\."), "."),
)


def refanged(text: str) -> str:
    """Return an observable that was written so that nobody follows it (`hxxp`, `[.]`, `(at)`) as it really is."""
    for blunt, sharp in _BLUNTED:
        text = blunt.sub(sharp, text)
    return text


_HEX: Final = re.compile(r"[0-9A-Fa-f]+")
_AROUND: Final = " \t\"'<>,;="
"""What publishers leave around an observable: quotes, `=""`, the brackets of a mail address, a closing comma."""
_APART: Final = re.compile(r"[\s,;|]+")


def several(text: str, read: Reader) -> tuple[Value, ...]:
    """Return the observables that one cell or line writes: nearly always one.

    What is defanged is put right, what stands around it (quotes, a closing comma) is passed over. A range `first-last`
    is the blocks that make it up; hashes behind one another are those of one file.

    Raises:
        InvalidInput: there is something else in it.
    """
    if len(text) > MAX_VALUE:
        raise InvalidInput.at("", f"longer than {MAX_VALUE} characters")
    try:
        return (read(text),)
    except InvalidInput:
        parts = [part for part in _APART.split(text.strip()) if part]
        if len(parts) > 1 and all(map(_is_hash, parts)):
            return tuple(read(part) for part in parts)
        if parts := blocks(text):
            return tuple(read(part) for part in parts)
        sharp = refanged(text.strip(_AROUND))
        if sharp != text:
            return (read(sharp),)
        raise


def _is_hash(text: str) -> bool:
    return len(text) in HASHES and _HEX.fullmatch(text) is not None


def blocks(text: str) -> list[str]:
    """Return the blocks that make up the range `first-last`, none where `text` is no range."""
    first, dash, last = text.partition("-")
    if not dash:
        return []
    try:
        low, high = ipaddress.ip_address(first.strip()), ipaddress.ip_address(last.strip())
        return [str(block) for block in ipaddress.summarize_address_range(low, high)]
    except (ValueError, TypeError):
        return []
