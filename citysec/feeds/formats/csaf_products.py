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
from citysec.software.records import Affected, Status, Versions

_STATUSES: Final[Mapping[str, Status]] = {
    "first_affected": Status.AFFECTED,
    "known_affected": Status.AFFECTED,
    "last_affected": Status.AFFECTED,
    "first_fixed": Status.UNAFFECTED,
    "fixed": Status.UNAFFECTED,
    "known_not_affected": Status.UNAFFECTED,
    "under_investigation": Status.UNKNOWN,
}
_LONGEST: Final = 1000  # characters of a version: each patch level adds to the one above it
_MOST: Final = 20  # platforms of a product: each relationship adds to those of the product that it refers to
_NOTHING: Final[Mapping[str, Any]] = {}
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
    cpe, purl = text(helper.get("cpe")), text(helper.get("purl"))
    return msgspec.structs.replace(
        found,
        product=found.product or text(product.get("name")),
        cpes=(cpe,) if cpe else found.cpes,
        purl=purl or next(iter(texts(helper.get("purls"))), found.purl),
    )


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
            meant = (msgspec.structs.replace(one, status=status) for one in product.versions)
            found.setdefault(msgspec.structs.replace(product, versions=()), []).extend(meant)
    return tuple(
        msgspec.structs.replace(product, versions=tuple(dict.fromkeys(versions))) for product, versions in found.items()
    )
