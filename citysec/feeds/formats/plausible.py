"""What has the form of an indicator but is none: files, code, version numbers, addresses that are nobody's.

Only for what stands in a text plainly: nobody defangs a file name.

Source:
    The Public Suffix List for names; IANA's special-purpose registries, as `ipaddress` knows them, for addresses. The
    rest are our rules.
"""

from __future__ import annotations

import ipaddress
import re
from functools import cache
from typing import Final

from publicsuffixlist import PublicSuffixList

from citysec import observable
from citysec.observable import Kind, Observable

_VERSION: Final = re.compile(r"(?:\b(?:version|ver|release|build|firmware)\W{0,2}|\bv\.?)\s?\Z", re.IGNORECASE)
_SENTENCE: Final = re.compile(r".*\.[A-Z][a-z]+", re.DOTALL)
_FILES: Final = frozenset(
    {"bz", "cab", "cc", "dot", "inc", "md", "mk", "mm", "mov", "pm", "ps", "pub", "py", "rs", "sh", "so", "tf", "zip"}
)
"""Top-level domains that are endings of files, too."""
_PRODUCTS: Final = frozenset({"asp.net", "ado.net", "vb.net", "socket.io", "system.io"})
_ONION: Final = re.compile(r"(?:.*\.)?[a-z2-7]{16}(?:[a-z2-7]{40})?\.onion")
_FEWEST_DIGITS: Final = 6


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False)


def is_plausible(found: Observable, written: str, before: str) -> bool:
    """Return whether an observable that a text writes plainly is likely meant as one.

    Args:
        found: what it would be.
        written: as it stands there.
        before: a few characters of the text before it.
    """
    match found.kind:
        case Kind.IP:
            return _is_public(found) and not _is_version(before)
        case Kind.NAME:
            return _is_name(found.value, written.partition(":")[0])
        case Kind.MAILBOX:
            return _is_registrable(found.value.rpartition("@")[2])
        case Kind.URL:
            return _is_url(found, written)
        case Kind.HASH:
            return not found.value.isdigit() and len(set(found.value)) >= _FEWEST_DIGITS
        case _:
            return True


def _is_public(found: Observable) -> bool:
    network = ipaddress.ip_network(found.value)
    return network.is_global and not network.is_multicast


def _is_version(before: str) -> bool:
    return _VERSION.search(before) is not None


def _is_name(name: str, written: str) -> bool:
    """Return whether a name can be one: no file, no two sentences in a row (`it.Then`), no code (`System.Net`)."""
    if name in _PRODUCTS or _SENTENCE.fullmatch(written):
        return False
    stem, _, ending = name.rpartition(".")
    return _is_registrable(name) and not (ending in _FILES and "." not in stem)


def _is_registrable(name: str) -> bool:
    return _ONION.fullmatch(name) is not None or _suffixes().privatesuffix(name) is not None


def _is_url(found: Observable, written: str) -> bool:
    host = observable.url(found.value)[1]
    if host.kind is Kind.IP:
        return _is_public(host)
    return _is_registrable(host.value) if "://" in written else _is_name(host.value, re.split("[:/]", written)[0])
