"""What something is called: CVE ids, numbers of autonomous systems, software, brands."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from citysec.errors import InvalidInput
from citysec.observable.kinds import Kind, Observable
from citysec.software import product

_OF_CVE: Final = Kind.CVE
_CVE: Final = re.compile(r"[Cc][Vv][Ee]-[0-9]{4}-[0-9]{4,19}")
_ASN: Final = re.compile(r"(?:AS)?([0-9]{1,10})", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W_]+")
_JOINING: Final = re.compile(r"(?<=\w)['\u2019](?=\w)")
_SHORTEST_BRAND: Final = 3
_LONGEST_BRAND: Final = 40


def cve(text: str) -> Observable:
    """Return the vulnerability with that CVE id.

    Raises:
        InvalidInput: `text` is not a CVE id.
    """
    if _CVE.fullmatch(text) is None:
        raise InvalidInput.at("", f"{text!r} is not a CVE id")
    name = text.upper()
    return Observable(_OF_CVE, name, name)


def autonomous_system(text: str) -> Observable:
    """Return the autonomous system of number `text`, with or without `AS`.

    Raises:
        InvalidInput: `text` is not a number of 32 bits.
    """
    found = _ASN.fullmatch(text)
    if found is None or int(found[1]) >> 32:
        raise InvalidInput.at("", f"{text!r} is not the number of an autonomous system")
    return Observable(Kind.ASN, str(int(found[1])), f"AS{int(found[1])}")


def software(text: str) -> Observable:
    """Return the software that a CPE name or a package URL names, with its version.

    Raises:
        InvalidInput: `text` is neither, or names no single product.
    """
    canonical = str(product.parse(text))
    return Observable(Kind.SOFTWARE, canonical, canonical)


def brand(text: str) -> Observable:
    """Return the brand that `text` writes: its words in lower case, without accents, as names of hosts could hold them.

    An apostrophe joins what it stands between; whatever else is no letter or digit parts words.

    Raises:
        InvalidInput: nothing is left that a name could hold, or too little to know it by.
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    words = _WORD.findall(_JOINING.sub("", plain.replace("&", " and ")))
    letters = "".join(words)
    if not letters.isascii() or not _SHORTEST_BRAND <= len(letters) <= _LONGEST_BRAND or letters.isdigit():
        limits = f"{_SHORTEST_BRAND} to {_LONGEST_BRAND}"
        raise InvalidInput.at("", f"{text!r} is no brand: {limits} letters a to z and digits, not digits alone")
    shown = "".join(c if c.isprintable() else " " for c in text)  # of PostgreSQL's texts none holds a NUL
    return Observable(Kind.BRAND, " ".join(words), " ".join(shown.split()))
