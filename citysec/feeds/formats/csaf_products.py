"""The product tree of a CSAF document: what each product id stands for.

Source:
    CSAF 2.0 §3.1.2 (branches), §3.1.3 (full product names and identification helpers), §3.2.2 (product tree),
    §3.2.3.9 (product status).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from citysec.feeds.formats.affected import ranges
from citysec.feeds.formats.members import mapping, mappings, text, texts
from citysec.software import cpe
from citysec.software.product import known as software_named
from citysec.software.records import NAMED, Affected, Status, Versions
from citysec.software.versions import order

_STATUSES: Final[Mapping[str, Status]] = {
    "first_affected": Status.AFFECTED,
    "known_affected": Status.AFFECTED,
    "last_affected": Status.AFFECTED,
    "first_fixed": Status.UNAFFECTED,
    "fixed": Status.UNAFFECTED,
    "known_not_affected": Status.UNAFFECTED,
    "recommended": Status.UNAFFECTED,
    "under_investigation": Status.UNKNOWN,
}
_MENDED: Final = frozenset({"first_fixed", "fixed", "recommended"})
_LONGEST: Final = 1000  # characters of a version: each patch level adds to the one above it
_MOST: Final = 20  # platforms of a product: each relationship adds to those of the product that it refers to
_NOTHING: Final[Mapping[str, Any]] = {}
_RPM: Final = "rpm"
_EVERY: Final = (Versions(),)
Products = Mapping[str, Affected]
"""Product id -> the product; its `versions` say which of them the id means."""


def products(tree: object) -> Products:
    """Return what the ids of a product tree stand for; whatever is malformed stands for nothing."""
    found = dict(_of_branches(mapping(tree).get("branches")))
    for one in mappings(mapping(tree).get("full_product_names")):
        if product_id := text(one.get("product_id")):
            found[product_id] = _identified(Affected(product=text(one.get("name")), versions=_EVERY), one)
    for relation in mappings(mapping(tree).get("relationships")):
        full = mapping(relation.get("full_product_name"))
        if product_id := text(full.get("product_id")):
            found[product_id] = _related(relation, full, found)
    return found


def _of_branches(branches: object) -> Iterator[tuple[str, Affected]]:
    """Yield the products at the ends of branches, without recursion."""
    waiting = [(branch, Affected(versions=_EVERY)) for branch in mappings(branches)]
    while waiting:
        branch, above = waiting.pop()
        here = _narrowed(above, text(branch.get("category")), text(branch.get("name")))
        waiting.extend((below, here) for below in mappings(branch.get("branches")))
        product = mapping(branch.get("product"))
        if product_id := text(product.get("product_id")):
            yield product_id, _identified(here, product)


def _narrowed(above: Affected, category: str | None, name: str | None) -> Affected:
    """Return the product that a branch narrows the product above it down to."""
    if name is None:
        return above
    match category:
        case "vendor":
            return msgspec.structs.replace(above, vendor=name)
        case "product_name":
            return msgspec.structs.replace(above, product=name)
        case "product_family" if above.product is None:
            return msgspec.structs.replace(above, product=name)
        case "product_version" | "service_pack" | "patch_level":
            return msgspec.structs.replace(above, versions=(_exactly(above, name),))
        case "product_version_range":
            return msgspec.structs.replace(above, versions=ranges(name, Status.AFFECTED))
        case "architecture" | "host_name":
            return msgspec.structs.replace(above, platforms=(*above.platforms, name))
        case _:
            return above


def _exactly(above: Affected, name: str) -> Versions:
    """Return the version `name`, behind the version above it, of which it is a patch level or service pack."""
    base = above.versions[0].exact if above.versions else None
    return Versions(exact=(f"{base} {name}" if base else name)[:_LONGEST])


def _identified(found: Affected, product: Mapping[str, Any]) -> Affected:
    """Return a product with the names that machines know it by."""
    helper = mapping(product.get("product_identification_helper"))
    name, purl = text(helper.get("cpe")), text(helper.get("purl"))
    named = msgspec.structs.replace(
        found,
        product=found.product or text(product.get("name")),
        cpes=(name,) if name else found.cpes,
        purl=purl or next(iter(texts(helper.get("purls"))), found.purl),
    )
    return msgspec.structs.replace(named, versions=_identical(named))


def _identical(found: Affected) -> tuple[Versions, ...]:
    """Return the versions of a product, as the names say them that machines know it by: those are no words.

    Red Hat calls `openssl-1:1.1.1k-12.el8_9.x86_64` a version, and for all versions of openssl just `openssl`.
    """
    package = software_named(found.purl) if found.purl else None
    exact = found.versions[0].exact if len(found.versions) == 1 else None
    if package is not None and package.purl is not None and (exact or found.versions == _EVERY):
        if package.version:
            by = package.purl.type if order(package.purl.type) else None
            return (Versions(exact=package.version, order=by),)
        return _EVERY if exact == package.purl.name else found.versions
    software = software_named(found.cpes[0]) if found.cpes and found.versions == _EVERY else None
    exact = cpe.versioned(software.cpe) if software and software.cpe else None
    return (Versions(exact=exact, order=NAMED),) if exact else found.versions


def _related(relation: Mapping[str, Any], full: Mapping[str, Any], known: Products) -> Affected:
    """Return a product as it is part of another one, or installed on it."""
    part = known.get(text(relation.get("product_reference")) or "", Affected(versions=_EVERY))
    whole = known.get(text(relation.get("relates_to_product_reference")) or "")
    if whole is not None:
        name = (whole.product,) if whole.product and len(part.platforms) < _MOST else ()
        part = msgspec.structs.replace(part, platforms=(*part.platforms, *name), running_on=whole.cpes)
    return _identified(part, full)


def affected(product_status: object, known: Products) -> tuple[Affected, ...]:
    """Return the products that the status of a vulnerability names; ids of one product are put together."""
    found: dict[Affected, list[Versions]] = {}
    for name, ids in mapping(product_status).items():
        status = _STATUSES.get(name)
        for product_id in texts(ids) if status else ():
            product = known.get(product_id, Affected(product=product_id, versions=_EVERY))
            meant = [one for said in product.versions for one in _meant(name, status or Status.UNKNOWN, said)]
            builds = any(one.order == _RPM and one.status is Status.UNAFFECTED and one.start for one in meant)
            default = Status.AFFECTED if builds else Status.UNKNOWN
            found.setdefault(msgspec.structs.replace(product, versions=(), default=default), []).extend(meant)
    return tuple(
        msgspec.structs.replace(product, versions=tuple(dict.fromkeys(versions))) for product, versions in found.items()
    )


def _meant(name: str, status: Status, said: Versions) -> Iterator[Versions]:
    """Yield the versions that a status names, and those that it says something about beside them.

    Between the first and the last affected ones others may be affected. A build of RPM in which a fault is mended is
    mended in all later ones of its stream, and not before. What is mended in no version that is named says nothing.
    """
    one = msgspec.structs.replace(said, status=status)
    if name == "first_affected" and said.exact:
        yield Versions(status=Status.UNKNOWN, start=said.exact, order=said.order)
    elif name == "last_affected" and said.exact:
        yield Versions(status=Status.UNKNOWN, end=said.exact, order=said.order)
    elif name in _MENDED and said in _EVERY:
        one = Versions(status=Status.UNKNOWN)
    elif name in _MENDED and said.exact and said.order == _RPM:
        one = Versions(status=status, start=said.exact, order=_RPM)
    yield one
