"""Package URLs in one canonical form.

Source:
    ECMA-427 (Package-URL): components, their order and percent-encoding, and the rules of single types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote

import msgspec

from citysec.errors import InvalidInput

_TYPE: Final = re.compile(r"[a-z][a-z0-9.+-]*")
_QUALIFIER: Final = re.compile(r"[a-z][a-z0-9._-]*")
_KEPT: Final = ":"
_CASELESS: Final = frozenset(
    {"alpm", "apk", "bitbucket", "composer", "deb", "github", "gitlab", "golang", "hex", "npm", "oci", "pypi", "rpm"}
)
"""Types whose names are compared without regard to case."""
_BUILT: Final = frozenset({"apk", "deb", "rpm"})
"""Types whose namespace is a distribution, and whose packages may be built of a source of another name."""
_SPACES: Final = {"rhel": "redhat", "sles": "suse"}
"""Namespaces by which tools call a distribution, who takes it from `/etc/os-release`, and what its publisher writes."""
_SOURCE: Final = re.compile(r"(.+?)(?:-[^-]+-[^-]+\.src\.rpm|@.*)?")


class PURL(msgspec.Struct, frozen=True):
    """A package: `type` where it comes from, `namespace` whose it is there; `qualifiers` as pairs, sorted."""

    type: str
    name: str
    namespace: str = ""
    version: str = ""
    qualifiers: tuple[tuple[str, str], ...] = ()
    subpath: str = ""

    @property
    def package(self) -> str:
        """The package in every version: what an index can search."""
        return self._named(self.name)

    @property
    def source(self) -> str:
        """The package that this one is built of, as `package` writes it; empty where that is not said."""
        upstream = dict(self.qualifiers).get("upstream", "") if self.type in _BUILT else ""
        found = _SOURCE.fullmatch(upstream)
        return self._named(found[1]) if found else ""

    @property
    def anywhere(self) -> str:
        """The name in whichever collection of its type: `rpm//openssl`."""
        path = self.name if self.type in _BUILT or not self.namespace else f"{self.namespace}/{self.name}"
        return f"{self.type}//{path.lower()}"

    @property
    def is_built(self) -> bool:
        """Whether it is a distribution's build of something."""
        return self.type in _BUILT

    def _named(self, name: str) -> str:
        space = self.namespace.lower()
        space = _SPACES.get(space, space) if self.type in _BUILT else space
        return "/".join(part for part in (self.type, space, name.lower()) if part)

    @property
    def full_version(self) -> str:
        """The version with the epoch before it, which packages of RPM say apart."""
        epoch = dict(self.qualifiers).get("epoch", "") if self.version else ""
        return f"{epoch}:{self.version}" if epoch.isdecimal() and ":" not in self.version else self.version

    def __str__(self) -> str:
        path = "/".join(_coded(part) for part in (*self.namespace.split("/"), self.name) if part)
        version = f"@{_coded(self.version)}" if self.version else ""
        said = "&".join(f"{key}={_coded(value)}" for key, value in self.qualifiers)
        inside = "/".join(_coded(part) for part in self.subpath.split("/") if part)
        return f"pkg:{self.type}/{path}{version}{said and '?' + said}{inside and '#' + inside}"


@lru_cache(maxsize=8192)
def parse(text: str) -> PURL:
    """Return the package that a package URL names.

    Raises:
        InvalidInput: `text` is none.
    """
    scheme, _, rest = text.strip().partition(":")
    rest, _, subpath = rest.partition("#")
    rest, _, qualifiers = rest.partition("?")
    kind, _, path = rest.strip("/").partition("/")
    path, version = _versioned(path)
    parts = [unquote(part) for part in path.split("/") if part]
    if scheme.lower() != "pkg" or not parts or _TYPE.fullmatch(kind.lower()) is None or any(map(_odd, parts)):
        raise InvalidInput.at("", f"{text!r} is not a package URL")
    return PURL(
        type=kind.lower(),
        name=_named(kind.lower(), parts[-1]),
        namespace=_spaced(kind.lower(), "/".join(parts[:-1])),
        version=unquote(version),
        qualifiers=tuple(sorted(_qualifiers(qualifiers))),
        subpath="/".join(part for part in map(unquote, subpath.split("/")) if part not in {"", ".", ".."}),
    )


def _versioned(path: str) -> tuple[str, str]:
    """Return path and version; an `@` that begins a scope of npm begins no version."""
    before, at, version = path.rpartition("@")
    return (path, "") if not at or not before or before.endswith("/") else (before, version)


def _odd(part: str) -> bool:
    return not part.strip() or not part.isprintable()


def _named(kind: str, name: str) -> str:
    low = name.lower() if kind in _CASELESS else name
    return re.sub(r"[-_.]+", "-", low) if kind == "pypi" else low


def _spaced(kind: str, namespace: str) -> str:
    return namespace.lower() if kind in _CASELESS else namespace


def _qualifiers(text: str) -> Iterator[tuple[str, str]]:
    for pair in text.split("&") if text else ():
        key, _, value = pair.partition("=")
        if _QUALIFIER.fullmatch(key.lower()) is None:
            raise InvalidInput.at("", f"{pair!r} is no qualifier of a package URL")
        if value:
            yield key.lower(), unquote(value)


def _coded(text: str) -> str:
    return quote(text, safe=_KEPT)
