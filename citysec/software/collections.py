"""Collections of packages: which package a name means in the collection that a publisher gives for it.

Source:
    CVE Record Format 5.1, `collectionURL` ("identifying a package collection, determines the meaning of `packageName`")
    and `packageName`; ECMA-427 (Package-URL) for types and their names.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

_ADDRESS: Final = re.compile(r"https?://(?:www\.)?([^/?#]+)/?(.*)", re.IGNORECASE)
_NAME: Final = re.compile(r"[^\s:@?#%]+|@[^\s:@?#%/]+/[^\s:@?#%/]+")
_TYPES: Final = {
    **dict.fromkeys(("npmjs.com", "npmjs.org", "registry.npmjs.org"), "npm"),
    **dict.fromkeys(("pypi.org", "pypi.python.org"), "pypi"),
    **dict.fromkeys(
        (
            "central.sonatype.com",
            "central.sonatype.org",
            "mvnrepository.com",
            "repo.maven.apache.org",
            "repo1.maven.org",
            "search.maven.org",
        ),
        "maven",
    ),
    **dict.fromkeys(("crates.io", "static.crates.io"), "cargo"),
    **dict.fromkeys(("api.nuget.org", "nuget.org"), "nuget"),
    **dict.fromkeys(("packagist.org", "repo.packagist.org"), "composer"),
    **dict.fromkeys(("pkg.go.dev", "proxy.golang.org"), "golang"),
    "github.com": "github",
    "hex.pm": "hex",
    "pub.dev": "pub",
    "rubygems.org": "gem",
    "access.redhat.com": "rpm/redhat",
    **dict.fromkeys(("deb.debian.org", "packages.debian.org", "tracker.debian.org"), "deb/debian"),
    "packages.ubuntu.com": "deb/ubuntu",
}
"""Where a collection is -> the type of its packages, with their namespace where that is one."""
_OF_GO: Final = {"go standard library": "stdlib", "go toolchain": "toolchain"}


def package_url(package: str | None, collection: str | None, vendor: str | None) -> str | None:
    """Return the package URL of a name in a collection, None where one of them is not known for sure.

    What Go's records name is a part of a module; the module is their vendor, and that is what machines have.
    """
    address = _ADDRESS.fullmatch(collection or "")
    kind = _TYPES.get(address[1].lower()) if address else None
    if address is None or kind is None or package is None:
        return None
    path = _path(kind, package, vendor or "")
    if kind == "github" and address[2]:  # one repository instead of all
        path = _repository(address[2], package)
    return f"pkg:{kind}/{quote(path, safe='/')}" if _NAME.fullmatch(path) else None


def _repository(path: str, package: str) -> str:
    """Return owner and name of the repository at `path` if `package` is its name."""
    found = path.strip("/").removesuffix(".git")
    return found if found.count("/") == 1 and found.lower().endswith(f"/{package.lower()}") else ""


def _path(kind: str, package: str, vendor: str) -> str:
    """Return namespace and name, empty where `package` does not say both and its type needs them."""
    match kind:
        case "golang":
            return _module(package, vendor)
        case "maven":
            group, colon, name = package.partition(":")
            return f"{group}/{name}" if colon and name else ""
        case "composer" | "github":
            return package if package.count("/") == 1 else ""
        case _:
            return package


def _module(package: str, vendor: str) -> str:
    if name := _OF_GO.get(vendor.lower()):
        return name
    return vendor if f"{package}/".startswith(f"{vendor}/") else package
