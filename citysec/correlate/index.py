"""The asset index: all registered assets in memory, asked which of them an atom touches.

The rules are those of `rules`; this module is exact, so nothing that follows has to check again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic

from citysec.blocks import BITS, network_key, network_text, parse_network_key
from citysec.correlate.fitting import Fitting
from citysec.correlate.networks import Networks
from citysec.correlate.patience import Patience
from citysec.correlate.rules import WIDEST, Doubt, Hit, Id, RegisteredAsset, Relation
from citysec.observable import AssetKind, Kind, Scope, is_serial, parents, reverse_labels, url
from citysec.patterning import TRIED_ON, URL_PATH, Atom, regex
from citysec.routing import Share
from citysec.software import product
from citysec.software.product import Software

_Ids = dict[str, tuple[Id, ...]]


class AssetIndex(Generic[Id]):
    """Registered assets by canonical key; costs about as much memory as the keys themselves."""

    def __init__(self, assets: Iterable[RegisteredAsset[Id]] = ()) -> None:
        self._networks: dict[int, Networks[Id]] = {family: Networks(family) for family in BITS}
        self._regions: set[str] = set()
        self._names: _Ids[Id] = {}
        self._trees: _Ids[Id] = {}
        self._has_wide_trees = False  # of one label: what lies below is in any region
        self._mail_domains: _Ids[Id] = {}
        self._mailboxes: _Ids[Id] = {}
        self._urls: _Ids[Id] = {}
        self._url_texts: _Ids[Id] = {}
        self._url_hosts: _Ids[Id] = {}
        self._systems: _Ids[Id] = {}
        self._announced: dict[int, Networks[int]] = {family: Networks(family) for family in BITS}
        self._shares: list[tuple[Id, Share]] = []
        self._certificates: _Ids[Id] = {}
        self._products: _Ids[Id] = {}
        self._software: dict[Id, str] = {}
        self._equal: dict[AssetKind, _Ids[Id]] = {
            AssetKind.MAIL_DOMAIN: self._mail_domains,
            AssetKind.EMAIL: self._mailboxes,
            AssetKind.ASN: self._systems,
            AssetKind.CERTIFICATE: self._certificates,
        }
        names, urls = Fitting(self._names, reverse_labels), Fitting(self._url_texts)
        self._texts = names, urls
        self._fitting = {kind: names if tried_on is Kind.NAME else urls for kind, tried_on in TRIED_ON.items()}
        self._touched: dict[Kind, Callable[[Atom], Iterator[Hit[Id]]]] = {
            Kind.IP: self._by_address,
            Kind.NAME: self._by_name,
            Kind.URL: self._by_url,
            Kind.MAILBOX: self._by_mailbox,
            Kind.ASN: self._by_system,
            Kind.CERTIFICATE: self._by_certificate,
            **{kind: fitting.hits for kind, fitting in self._fitting.items()},
        }
        self._reached: dict[Kind, Callable[[str], bool]] = {
            Kind.IP: self._reaches_address,
            Kind.NAME: self._reaches_name,
            Kind.MAILBOX: self._reaches_mailbox,
            Kind.URL: self._urls.__contains__,
            Kind.ASN: self._systems.__contains__,
            Kind.CERTIFICATE: self._certificates.__contains__,
            Kind.PRODUCT: self._products.__contains__,
            **dict.fromkeys((Kind.NAME_LIKE, Kind.NAME_REGEX), lambda _: bool(self._names)),
            **dict.fromkeys((Kind.URL_LIKE, Kind.URL_REGEX), lambda _: bool(self._urls)),
        }
        for asset in assets:
            self._add(asset)

    @property
    def size(self) -> int:
        """How many bytes the names and URLs are that expressions are tried on."""
        return sum(each.size for each in self._texts)

    def matches(self, atom: Atom) -> Iterator[Hit[Id]]:
        """Yield every asset that `atom` touches; an asset may come more than once, in different relations."""
        touched = self._touched.get(atom.kind)
        return touched(atom) if touched is not None and self.may_touch(atom.kind, atom.key) else iter(())

    def fitting(self, expression: Atom, patience: Patience) -> Iterator[Hit[Id]]:
        """Yield what an expression touches in the time that `patience` has left: nothing, if that is too short."""
        return self._fitting[expression.kind].hits(expression, patience=patience)

    def hits(self, atoms: Iterable[Atom], patience: Patience | None = None) -> Iterator[tuple[Atom, Hit[Id]]]:
        """Yield what the atoms of one indicator touch, each with the atom.

        Its expressions share one time of `patience`; those for which none is left touch nothing.

        A value that many others are with fits its expressions once, and once more a certain one: a hundred expressions
        that fit every name cost hardly more than two.
        """
        reached = self._reached
        near = [atom for atom in atoms if atom.kind in reached and reached[atom.kind](atom.key)]
        return self._hits(near, patience) if near else iter(())

    def _hits(self, atoms: Iterable[Atom], patience: Patience | None) -> Iterator[tuple[Atom, Hit[Id]]]:
        left: dict[Kind, dict[bool, bytes]] = {}
        for atom in atoms:
            tried_on = TRIED_ON.get(atom.kind)
            if tried_on is None:
                hits = self.matches(atom)
            else:
                if patience is not None and not left:
                    patience.begin()
                hits = self._fitting[atom.kind].hits(atom, left.setdefault(tried_on, {}), patience)
            for hit in hits:
                yield atom, hit

    def may_touch(self, kind: Kind, key: str) -> bool:
        """Return whether an atom of that key may touch an asset; nearly all that do not are told by a look-up or two.

        Of an expression that is only whether there are names, or URLs, at all, of a product whether software is
        registered.
        """
        reached = self._reached.get(kind)
        return reached is not None and reached(key)

    def running(self, key: str) -> Iterator[tuple[Id, Software]]:
        """Yield the software that is registered under the key of a product (`citysec.software.product`)."""
        for asset_id in self._products.get(key, ()):
            yield asset_id, product.parse(self._software[asset_id])

    def _add(self, asset: RegisteredAsset[Id]) -> None:
        match asset.kind:
            case AssetKind.IPV4 | AssetKind.IPV6 | AssetKind.CIDR:
                family, prefix, number = parse_network_key(asset.key)
                self._networks[family].add(prefix, number, asset.id)
            case AssetKind.DOMAIN | AssetKind.HOST:
                self._add_name(asset)
            case AssetKind.MAIL_DOMAIN | AssetKind.EMAIL | AssetKind.ASN | AssetKind.CERTIFICATE:
                _put(self._equal[asset.kind], asset.key, asset.id)
                self._add_shares(asset)
                if asset.kind is AssetKind.MAIL_DOMAIN:
                    self._regions.add(_region(asset.key))
            case AssetKind.URL:
                _put(self._urls, asset.key, asset.id)
                _put(self._url_texts, regex.composed(asset.key), asset.id)
                host = url(asset.key)[1].key
                _put(self._url_hosts, host, asset.id)
                self._regions.add(_region(host))
            case AssetKind.SOFTWARE:
                self._add_software(asset)
            case AssetKind.BRAND:
                pass  # only lookalikes of it are looked for

    def _add_name(self, asset: RegisteredAsset[Id]) -> None:
        _put(self._names, asset.key, asset.id)
        self._regions.add(_region(asset.key))
        if asset.scope is Scope.TREE:
            _put(self._trees, asset.key, asset.id)
            self._has_wide_trees = self._has_wide_trees or "." not in asset.key

    def _add_shares(self, asset: RegisteredAsset[Id]) -> None:
        for share in asset.shares:
            self._shares.append((asset.id, share))
            for key in share.blocks:
                family, prefix, number = parse_network_key(key)
                self._announced[family].add(prefix, number, len(self._shares) - 1)

    def _add_software(self, asset: RegisteredAsset[Id]) -> None:
        self._software[asset.id] = asset.key
        for key in product.keys(product.parse(asset.key)):
            _put(self._products, key, asset.id)

    def _reaches_address(self, key: str) -> bool:
        family = 4 if key[0] == "4" else 6
        near = not self._networks[family].is_far(key) or key in self._url_hosts
        return near or (bool(self._shares) and not self._announced[family].is_far(key))

    def _reaches_name(self, key: str) -> bool:
        if _region(key) not in self._regions and not self._has_wide_trees:
            return False
        return self._is_named(key) or key in self._mail_domains or key in self._url_hosts

    def _reaches_mailbox(self, key: str) -> bool:
        domain = key.partition("@")[0]
        return key in self._mailboxes or domain in self._mail_domains or self._is_named(domain)

    def _is_named(self, key: str) -> bool:
        """Return whether a name is registered, or is below one that is a tree."""
        return key in self._names or not self._trees.keys().isdisjoint(parents(key))

    def _by_address(self, atom: Atom) -> Iterator[Hit[Id]]:
        family, prefix, number = parse_network_key(atom.key)
        doubt = _part(atom) or (Doubt.TOO_WIDE if prefix < WIDEST[family] else None)
        for asset_id, relation, block in self._networks[family].overlapping(prefix, number):
            shared = network_key(family, *block) if relation is Relation.CONTAINS else None
            yield Hit(asset_id, Relation.HOST if atom.path == URL_PATH else relation, doubt, shared)
        if self._shares:
            yield from self._by_announcement(atom, doubt)
        if atom.key in self._url_hosts:
            yield from self._by_host_of_url(atom)

    def _by_announcement(self, atom: Atom, doubt: Doubt | None) -> Iterator[Hit[Id]]:
        family, prefix, number = parse_network_key(atom.key)
        for share_number, relation, block in self._announced[family].overlapping(prefix, number):
            asset_id, share = self._shares[share_number]
            shared = network_key(family, *block) if relation is Relation.CONTAINS else None
            unsure = doubt or (None if share.certain else Doubt.AS_SET)
            yield Hit(asset_id, Relation.ANNOUNCED, unsure, shared, network_text(*parse_network_key(share.prefix)))

    def _by_name(self, atom: Atom) -> Iterator[Hit[Id]]:
        is_host = atom.path == URL_PATH
        for asset_id in self._names.get(atom.key, ()):
            yield Hit(asset_id, Relation.HOST if is_host else Relation.EQUAL, _part(atom))
        for name in parents(atom.key):
            for asset_id in self._trees.get(name, ()):
                yield Hit(asset_id, Relation.HOST if is_host else Relation.BELOW, _part(atom))
        for asset_id in self._mail_domains.get(atom.key, ()):
            yield Hit(asset_id, Relation.NAME, _part(atom) or Doubt.NAME)
        if atom.key in self._url_hosts:
            yield from self._by_host_of_url(atom)

    def _by_host_of_url(self, atom: Atom) -> Iterator[Hit[Id]]:
        """A bad host makes each URL on it bad; a bad URL says little about the other URLs of its host."""
        doubt = _part(atom) or (Doubt.OTHER_URL if atom.path == URL_PATH else None)
        for asset_id in self._url_hosts[atom.key]:
            yield Hit(asset_id, Relation.HOST, doubt)

    def _by_url(self, atom: Atom) -> Iterator[Hit[Id]]:
        for asset_id in self._urls.get(atom.key, ()):
            yield Hit(asset_id, Relation.EQUAL, _part(atom))

    def _by_mailbox(self, atom: Atom) -> Iterator[Hit[Id]]:
        domain = atom.key.partition("@")[0]
        for asset_id in self._mailboxes.get(atom.key, ()):
            yield Hit(asset_id, Relation.EQUAL, _part(atom))
        for asset_id in self._mail_domains.get(domain, ()):
            yield Hit(asset_id, Relation.MAILBOX, _part(atom))
        for asset_id in self._names.get(domain, ()):
            yield Hit(asset_id, Relation.NAME, _part(atom) or Doubt.NAME)
        for name in parents(domain):
            for asset_id in self._trees.get(name, ()):
                yield Hit(asset_id, Relation.NAME, _part(atom) or Doubt.NAME)

    def _by_system(self, atom: Atom) -> Iterator[Hit[Id]]:
        for asset_id in self._systems.get(atom.key, ()):
            yield Hit(asset_id, Relation.EQUAL, _part(atom))

    def _by_certificate(self, atom: Atom) -> Iterator[Hit[Id]]:
        """Two issuers may give two certificates one serial number (RFC 5280 §4.1.2.2)."""
        doubt = _part(atom) or (Doubt.SERIAL if is_serial(atom.key) else None)
        for asset_id in self._certificates.get(atom.key, ()):
            yield Hit(asset_id, Relation.EQUAL, doubt)


def _region(key: str) -> str:
    """Return the two labels that a name ends in, by which most names of a feed are told to be nobody's here."""
    end = key.find(".", key.find(".") + 1)
    return key if end < 0 else key[:end]


def _part(atom: Atom) -> Doubt | None:
    return None if atom.certain else Doubt.PART


def _put(ids: _Ids[Id], key: str, asset_id: Id) -> None:
    ids[key] = (*ids.get(key, ()), asset_id)
