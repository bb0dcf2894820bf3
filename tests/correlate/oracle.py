"""What touches what, by comparing every indicator with every asset: written from the rules, with nothing of citysec.

Values are made of few labels and few addresses, so that much of it touches; `expected` says what.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

Block = ipaddress.IPv4Network | ipaddress.IPv6Network
_NETWORKS = ("ipv4", "ipv6", "cidr")
_LABELS = ("a", "b", "ab", "uk")
_BASES = (int(ipaddress.ip_address("198.51.100.0")), int(ipaddress.ip_address("2001:db8::")))
_TRIED_ON = {"like": "domain", "matches": "domain", "url-like": "url", "url-matches": "url"}
_PIECES = {
    "like": ("%", "_", "a", "b", ".", ".uk", "ab"),
    "url-like": ("%", "_", "https://", "a", "b", ".", "/", "/x", ".uk", "ab", "[", "%."),
}
_EXPRESSIONS = {
    "matches": (r"^a\.", r"b$", r"^ab?\.uk$", "a.b", r"^(a|b)\.(a|uk)", r"[ab]+\.uk", r"^b\..*uk$", "z", r"\.ab\.", ""),
    "url-matches": (r"^https://a\.", "x$", r"//ab?\.uk/", "a.b", r"\.uk/", r"[ab]/x?$", r"//\[?[0-9]", "b/", ""),
}


@dataclass(frozen=True)
class Thing:
    """An asset or a term of a pattern: its kind as an asset's, or one of `_TRIED_ON`; a value in canonical form."""

    kind: str
    value: str
    scope: str = "exact"

    @property
    def block(self) -> Block:
        """The addresses of one that is made of some."""
        return ipaddress.ip_network(self.value)

    @property
    def host(self) -> Thing:
        """The host of a URL."""
        text = self.value.split("/")[2].removeprefix("[").removesuffix("]")
        return Thing("cidr", text) if re.fullmatch(r"[0-9.]+|.*:.*", text) else Thing("domain", text)

    @property
    def domain(self) -> str:
        """What stands behind the `@` of a mailbox."""
        return self.value.rpartition("@")[2]


@dataclass(frozen=True)
class Indicator:
    """Terms, of which each suffices alone, unless the pattern joins them by AND."""

    terms: tuple[Thing, ...]
    pattern: str
    alone: bool


def expected(assets: Sequence[Thing], indicator: Indicator) -> dict[int, bool]:
    """Return the place of each asset that is touched, and whether certainly."""
    found: dict[int, bool] = {}
    for place, asset in enumerate(assets):
        said = [certain for term in indicator.terms if (certain := _touches(term, asset)) is not None]
        if said:
            found[place] = indicator.alone and any(said)
    return found


def _touches(term: Thing, asset: Thing) -> bool | None:
    """Return whether a term touches an asset certainly; None where it does not at all."""
    if asset.kind == "url":
        return _touches_url(term, asset)
    if asset.kind == "host":  # one machine's name: as a domain's, without what is below
        asset = Thing("domain", asset.value)
    match term.kind:
        case "cidr":
            return _wide_enough(term.block) if asset.kind in _NETWORKS and _overlap(term.block, asset.block) else None
        case "domain":
            return _name_touches(term, asset)
        case "url":
            return _touches(term.host, asset)
        case "email":
            return _mailbox_touches(term, asset)
        case "asn":
            return True if term == asset else None
        case _:
            return True if asset.kind == _TRIED_ON[term.kind] and _fits(term, asset.value) else None


def _touches_url(term: Thing, asset: Thing) -> bool | None:
    """A bad host touches each URL on it; a bad URL touches another of its host possibly."""
    if term.kind == "url":
        return term.value == asset.value if term.host == asset.host else None
    if term.kind in _TRIED_ON:
        return True if _TRIED_ON[term.kind] == "url" and _fits(term, asset.value) else None
    if term.kind == "cidr" and asset.host.kind == "cidr":
        return True if term.block == asset.host.block else None
    return True if term == asset.host else None


def _name_touches(term: Thing, asset: Thing) -> bool | None:
    if asset.kind == "mail-domain":
        return False if term.value == asset.value else None
    return True if asset.kind == "domain" and _covers(asset, term.value) else None


def _wide_enough(block: Block) -> bool:
    return block.prefixlen >= (8 if block.version == 4 else 16)


def _overlap(one: Block, other: Block) -> bool:
    return one.version == other.version and one.overlaps(other)


def _covers(asset: Thing, name: str) -> bool:
    return name == asset.value or (asset.scope == "tree" and name.endswith(f".{asset.value}"))


def _mailbox_touches(term: Thing, asset: Thing) -> bool | None:
    match asset.kind:
        case "email":
            return True if term.value == asset.value else None
        case "mail-domain":
            return True if term.domain == asset.value else None
        case "domain":
            return False if _covers(asset, term.domain) else None
        case _:
            return None


def _fits(term: Thing, name: str) -> bool:
    if term.kind.endswith("matches"):
        return re.search(term.value, name) is not None
    wildcards = {"%": ".*", "_": "."}
    return re.fullmatch("".join(wildcards.get(c) or re.escape(c) for c in term.value), name) is not None


def asset(random: Random) -> Thing:
    """Return any asset."""
    kind = random.choice(
        ("ipv4", "ipv6", "cidr", "cidr", "domain", "domain", "mail-domain", "email", "url", "host", "asn")
    )
    match kind:
        case "ipv4" | "ipv6":
            return Thing(kind, str(_block(random, 4 if kind == "ipv4" else 6, single=True).network_address))
        case "domain":
            return Thing(kind, _name(random), random.choice(("exact", "tree")))
        case _:
            return Thing(kind, _value(random, kind))


def indicator(random: Random) -> Indicator:
    """Return an indicator of one to three terms, its values spelt in any way."""
    number, joint = random.choice((1, 1, 1, 2, 3)), random.choice((" OR ", " OR ", " AND ", "] OR [", "] AND ["))
    terms = tuple(_term(random, joint) for _ in range(number))
    pattern = f"[{joint.join(_comparison(random, term) for term in terms)}]"
    return Indicator(terms, pattern, alone=number == 1 or "OR" in joint)


def _term(random: Random, joint: str) -> Thing:
    """Return a term; parts that AND joins in one object must not contradict each other: they are of one kind each."""
    if joint == " AND ":
        return Thing("domain", _name(random))
    kind = random.choice(("cidr", "cidr", "domain", "url", "email", "asn", *_TRIED_ON))
    return Thing(kind, _value(random, kind))


def _value(random: Random, kind: str) -> str:
    match kind:
        case "cidr":
            return str(_block(random, random.choice((4, 4, 6))))
        case "url":
            return f"https://{_host(random)}/{random.choice(('', 'x'))}"
        case "email":
            return f"{random.choice('xy')}@{_name(random)}"
        case "like" | "url-like":
            return "".join(random.choice(_PIECES[kind]) for _ in range(random.randint(1, 5)))
        case "matches" | "url-matches":
            return random.choice(_EXPRESSIONS[kind])
        case "asn":
            return f"AS{random.choice((64496, 64497))}"
        case _:
            return _name(random)


def _name(random: Random) -> str:
    return ".".join(random.choice(_LABELS) for _ in range(random.randint(2, 4)))


def _host(random: Random) -> str:
    if random.random() < 0.6:
        return _name(random)
    address = _block(random, random.choice((4, 6)), single=True).network_address
    return f"[{address}]" if address.version == 6 else str(address)


def _block(random: Random, family: int, *, single: bool = False) -> Block:
    bits = 32 if family == 4 else 128
    length = bits if single else random.choice((0, bits // 4 - 1, bits // 4, bits - 9, bits - 4, bits - 1, bits))
    number = _BASES[family == 6] ^ random.getrandbits(5)
    return ipaddress.ip_network((number, length), strict=False)


def _comparison(random: Random, term: Thing) -> str:
    match term.kind:
        case "cidr":
            return _address_comparison(random, term.block)
        case "like" | "matches":
            return f"domain-name:value {term.kind.upper()} {_quoted(term.value)}"
        case "url-like" | "url-matches":
            return f"url:value {term.kind.removeprefix('url-').upper()} {_quoted(term.value)}"
        case "domain":
            spelt = random.choice((term.value, term.value.upper(), f"{term.value}."))
            return f"domain-name:value = {_quoted(spelt)}"
        case "asn":
            return f"autonomous-system:number = {term.value.removeprefix('AS')}"
        case "email":
            return f"email-addr:value = {_quoted(random.choice((term.value, term.value.upper())))}"
        case _:
            spelt = random.choice((term.value, term.value.replace("https://", "HTTPS://u@"), f"{term.value}#f"))
            return f"url:value = {_quoted(spelt)}"


def _address_comparison(random: Random, block: Block) -> str:
    whole = block.prefixlen == block.max_prefixlen
    if isinstance(block, ipaddress.IPv6Network):
        text = random.choice((block.compressed, block.exploded, block.compressed.upper()))
        return f"ipv6-addr:value {random.choice(('=', 'ISSUBSET'))} {_quoted(text)}"
    if whole and random.random() < 0.3:
        return f"ipv6-addr:value = '::ffff:{block.network_address}'"
    text = random.choice((str(block), str(block.network_address))) if whole else str(block)
    return f"ipv4-addr:value {random.choice(('=', 'ISSUBSET'))} {_quoted(text)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
