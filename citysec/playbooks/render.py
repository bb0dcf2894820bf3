"""Commands with values in place of references, safe at the place where each value ends up.

Source:
    CACAO 2.0 §10.18.4: substitution happens at the latest moment. What a value may not contain where is our rule.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Final

from citysec.playbooks.cacao import Command
from citysec.playbooks.schema import START_LINE
from citysec.playbooks.shape import Json
from citysec.playbooks.variables import Lookup, VariableFault, references, substituted

_OVER_HTTP: Final = frozenset({"http-api", "openc2-http"})
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def rendered(command: Command, lookup: Lookup) -> Command:
    """Return `command` with all references replaced.

    In JSON content a value replaces text inside strings only, so that no value can add members to the object. In the
    start line and the headers of a request a value brings neither blanks nor line breaks.

    Raises:
        VariableFault: `undefined_variable`, `too_large`, `unsafe_value`.
    """
    text = substituted(command.text, lookup)
    if command.type in _OVER_HTTP and references(command.text) and START_LINE.fullmatch(text) is None:
        raise VariableFault("unsafe_value", "a value breaks the start line of the request")
    headers = {
        name: tuple(_header(substituted(value, lookup)) for value in values) for name, values in command.headers.items()
    }
    content = None if command.content is None else _content(command.content, lookup)
    return replace(command, text=text, headers=headers, content=content)


def _header(value: str) -> str:
    if _CONTROL.search(value):
        raise VariableFault("unsafe_value", "a value breaks a header of the request")
    return value


def _content(content: str, lookup: Lookup) -> str:
    if not references(content):
        return content
    try:
        document: Json = json.loads(content)
    except ValueError:
        return substituted(content, lookup)
    return json.dumps(_filled(document, lookup), ensure_ascii=False)


def _filled(value: Json, lookup: Lookup) -> Json:
    match value:
        case str():
            return substituted(value, lookup)
        case list():
            return [_filled(member, lookup) for member in value]
        case dict():
            return {name: _filled(member, lookup) for name, member in value.items()}
        case _:
            return value
