"""Software that somebody runs, and the keys by which it and what is said of it find each other.

A key stands for a product in all its versions: `fortinet:fortios` for names of CPE and for words, with case, blanks and
punctuation left out; `maven/org.example/core` for packages. Equal products have equal keys, seldom others, too: whether
something said is about a product is for `citysec.correlate.vulnerability` to judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import msgspec

from citysec.errors import InvalidInput
from citysec.software import cpe, purl
from citysec.software.cpe import ANY, CPE, NA
from citysec.software.purl import PURL
from citysec.software.records import Affected
from citysec.software.versions import Order, order

_WORD: Final = re.compile(r"[^\W_]+")
_COMPANY: Final = frozenset(
    [
        "ag",
        "co",
        "company",
        "corp",
        "corporation",
        "foundation",
        "gmbh",
        "inc",
        "limited",
        "llc",
        "ltd",
        "plc",
        "project",
        "software",
        "systems",
    ]
)
"""Words that vendors' names end with in one record and not in the next."""
_OWNED: Final = frozenset({"generic", "github", "gitlab", "bitbucket"})
"""Types of packages whose namespace is who makes them."""
_BUILT: Final = frozenset({"deb", "rpm"})
_COLLECTED: Final = {
    **dict.fromkeys(("deb", "dpkg", "debian"), "deb"),
    **dict.fromkeys(("python", "pypi", "pep440"), "pypi"),
    **dict.fromkeys(("gem", "rubygems"), "gem"),
    **{kind: kind for kind in ("cargo", "composer", "maven", "npm", "nuget", "rpm")},
}
"""How versions are compared, in the words of CVE records -> the type of the packages whose versions are compared so."""
_LANGUAGES: Final = {"node.js": "npm", "nodejs": "npm", "python": "pypi", "ruby": "gem", "rust": "cargo"}
"""Systems that names of CPE say a product is for -> the type of its packages."""
_ALSO: Final = {"linux:linux": "linux:kernel"}
"""Keys of products that their own vendor names otherwise than everybody else."""
_DISTRIBUTORS: Final = {
    "canonical": "ubuntu",
    "debian": "debian",
    "redhat": "redhat",
    "suse": "suse",
    "ubuntu": "ubuntu",
}
"""Who, in words, builds packages, and the namespace of those."""


class Software(msgspec.Struct, frozen=True):
    """One product in one version: either `cpe` or `purl` is there.

    `version` is empty where it is not known, `-` where the product has none.
    """

    cpe: CPE | None = None
    purl: PURL | None = None

    @property
    def version(self) -> str:
        """The version as people write it, with the update if the name has one."""
        if self.purl is not None:
            return self.purl.full_version
        if self.cpe is None or cpe.has_wildcard(self.cpe.version):
            return ""
        version, update = cpe.plain(self.cpe.version), cpe.plain(self.cpe.update)
        return version if update in {ANY, NA} or cpe.has_wildcard(self.cpe.update) else f"{version} {update}"

    @property
    def order(self) -> Order:
        """How versions of it are compared where nobody says so."""
        return (order(self.purl.type) if self.purl else None) or Order.NATURAL

    @property
    def title(self) -> str:
        """Product and version as people write them."""
        if self.purl is not None:
            name = "/".join(part for part in (self.purl.namespace, self.purl.name) if part)
        else:
            name = cpe.plain(self.cpe.product).replace("_", " ") if self.cpe else ""
        return f"{name} {self.version}" if self.version not in {"", NA} else name

    def __str__(self) -> str:
        return str(self.cpe or self.purl)


@lru_cache(maxsize=65536)
def parse(text: str) -> Software:
    """Return the software that a CPE name or a package URL names.

    Raises:
        InvalidInput: `text` is neither, or names no single product.
    """
    if not text.lower().startswith("cpe:"):
        return Software(purl=purl.parse(text))
    name = cpe.parse(text)
    if name.part in {ANY, NA} or any(_open(part) for part in (name.vendor, name.product)):
        raise InvalidInput.at("", f"{text!r} leaves open which product it is")
    return Software(cpe=name)


def known(text: str) -> Software | None:
    """Return the software that `text` names, None where it names none."""
    try:
        return parse(text)
    except InvalidInput:
        return None


def _open(component: str) -> bool:
    return component == NA or cpe.has_wildcard(component)


def keys(software: Software) -> tuple[str, ...]:
    """Return the keys under which something about `software` may be said."""
    found: list[str] = []
    if software.cpe is not None:
        found.append(named(software.cpe))
    if (package := software.purl) is not None:
        found += (package.package, package.source, _owned(package))
        if package.type in _COLLECTED.values():
            found.append(package.anywhere)
    return tuple(dict.fromkeys(filter(None, found)))


def _owned(package: PURL) -> str:
    """Return the key of a package whose namespace is who makes it, as a product in words; alone it is its own maker."""
    maker = package.namespace.split("/")[-1] or package.name
    return worded(maker, package.name) if package.type in _OWNED else ""


def keys_about(said: Affected) -> set[str]:
    """Return the keys of the products that `said` is about; there may be none."""
    found = {named(name) for name in names(said)} | {wordy(said), *packages(said), *anywhere(said)}
    return found - {""}


def wordy(said: Affected) -> str:
    """Return the key of the product that `said` names in words; empty for a pattern that stands for several."""
    return "" if "*" in (said.product or "") else worded(said.vendor, said.product or "")


def names(said: Affected) -> Iterator[CPE]:
    """Yield the names of CPE in `said` that name one product each."""
    for text in said.cpes:
        try:
            found = cpe.parse(text)
        except InvalidInput:
            continue
        if not (_open(found.vendor) or _open(found.product)):
            yield found


def packages(said: Affected) -> Iterator[str]:
    """Yield the keys of the packages that `said` names."""
    found = known(said.purl) if said.purl else None
    if found is not None and found.purl is not None:
        yield from filter(None, (found.purl.package, _owned(found.purl)))
    group, colon, name = (said.package or "").partition(":")
    if colon and group and name:  # only Maven writes its packages so
        yield f"maven/{group.lower()}/{name.lower()}"
    makers = "".join(_WORD.findall((said.vendor or "").lower()))
    if said.package and not said.purl and (space := _DISTRIBUTORS.get(makers)):
        yield from (f"{kind}/{space}/{said.package.lower()}" for kind in _kinds(said) & _BUILT)


def anywhere(said: Affected) -> Iterator[str]:
    """Yield keys for packages whose collection `said` leaves open, by the type that its versions are of.

    Names of CPE say for which language a product is a package, and do not say that it has the same name there.
    """
    kinds = _kinds(said) if said.package and not said.purl else set[str]()
    found = {(kind, (said.package or "").replace(":", "/")) for kind in kinds}
    for name in names(said):
        if kind := _LANGUAGES.get(name.target_sw):
            found.add((kind, cpe.plain(name.product)))
    for kind, path in found:
        package = known(f"pkg:{kind}/{path}")
        if package is not None and package.purl is not None:
            yield package.purl.anywhere


def is_built(said: Affected) -> bool:
    """Return whether `said` speaks of a distribution's build, so that its names of CPE are the distribution's."""
    found = known(said.purl) if said.purl else None
    if found is not None and found.purl is not None:
        return found.purl.is_built
    return said.package is not None and not _kinds(said).isdisjoint(_BUILT)


def _kinds(said: Affected) -> set[str]:
    return {kind for one in said.versions if (kind := _COLLECTED.get((one.order or "").lower()))}


def named(name: CPE) -> str:
    """Return the key of a name of CPE."""
    return worded(cpe.plain(name.vendor), cpe.plain(name.product))


@lru_cache(maxsize=16384)
def worded(vendor: str | None, product: str) -> str:
    """Return the key of a product in words; empty where that says too little.

    The vendor's name before the product's is left out; where only a product is said, its first word is the vendor.
    """
    makers, words = _WORD.findall((vendor or "").lower()), _WORD.findall(product.lower())
    if not makers:
        makers, words = words[:1], words[1:]
    while len(makers) > 1 and makers[-1] in _COMPANY:
        makers.pop()
    if len(words) > len(makers) and words[: len(makers)] == makers:
        words = words[len(makers) :]
    found = f"{''.join(makers)}:{''.join(words)}" if makers and words else ""
    return _ALSO.get(found, found)
