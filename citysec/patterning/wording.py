"""How a pattern's faults are said: what was expected, what stands there instead, and what people mostly meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from citysec.patterning.tokens import KEYWORDS, Form, Token

BRACKETS: Final = ": a comparison stands in brackets, as in [ipv4-addr:value = '198.51.100.7']"
_NAMES: Final[Mapping[Form, str]] = {
    Form.PATH: "a property such as ipv4-addr:value",
    Form.STRING: "a text in single quotes",
    Form.TIME: "a time such as t'2026-11-23T10:00:00Z'",
    Form.INT: "a whole number",
    Form.FLOAT: "a number",
}
_UNQUOTED: Final = frozenset({Form.INT, Form.FLOAT})


def expected(*forms: Form) -> str:
    """Return what is said where none of `forms` stands."""
    return f"expected {' or '.join(_NAMES.get(form, form) for form in forms)}"


def instead(token: Token) -> str:
    """Return what is said of `token`, which stands where something else must."""
    text = token.path or token.text
    if not text:
        return "found the end"
    capitals = token.form is Form.WORD and text not in KEYWORDS and text.upper() in KEYWORDS
    return f"found {text[:40]!r}" + (f"; write {text.upper()}" if capitals else "")


def after_value(token: Token) -> str:
    """Return what may be wrong with the value in front of `token`, which goes on where it should have ended."""
    return "; texts, addresses too, stand in single quotes" if token.form in _UNQUOTED else ""
