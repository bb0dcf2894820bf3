"""Objects that we make for what feeds list that are no STIX: one for each thing, whoever lists it. Pure.

Such an object says only what the thing is; what a feed says of it is the feed's assertion. Its id is made from the
thing (as STIX 2.1 §2.9 makes ids of observables), so all who list it meet in one object. The namespace of these ids is
chance, drawn once for each installation: nobody can take an id of ours before we use it.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from typing import Any, Final

import msgspec

from citysec.errors import InvalidInput
from citysec.feeds.formats import Draft, Entry
from citysec.feeds.formats.draft import Subject

_encoder: Final = msgspec.json.Encoder(order="sorted")


class Author:
    """Makes the objects of one installation; `ref` is the `created_by_ref` of what it makes."""

    def __init__(self, namespace: uuid.UUID) -> None:
        self._namespace = namespace.bytes
        self.ref = f"identity--{self._uuid5('author')}"

    def stix_id(self, entry: Entry) -> str:
        """Return the id of the object that stands for what `entry` is about."""
        return f"{entry.subject}--{self._uuid5(f'{entry.subject} {entry.key}')}"

    def id_of(self, kind: str, name: str) -> str:
        """Return the id of the object of a STIX type that `name` names."""
        return f"{kind}--{self._uuid5(name)}"

    def _uuid5(self, name: str) -> str:
        """Return the UUID that RFC 9562 §5.5 makes of a name; the standard library's takes five times as long."""
        digest = hashlib.sha1(self._namespace + name.encode(), usedforsecurity=False).hexdigest()
        variant = "89ab"[int(digest[16], 16) & 3]
        return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"

    def draft(self, stix_id: str, entry: Entry, at: datetime) -> Draft:
        """Return the object that stands for what `entry` is about, made at `at`."""
        written = at.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
        head = {
            "type": entry.subject.value,
            "spec_version": "2.1",
            "id": stix_id,
            "created_by_ref": self.ref,
            "created": written,
            "modified": written,
        }
        text = _encoder.encode(head | self._body(entry, written))
        is_indicator = entry.subject is Subject.INDICATOR
        return Draft(
            stix_id=stix_id,
            type=entry.subject.value,
            spec_version="2.1",
            text=text.decode(),
            created=at,
            modified=at,
            valid_from=at if is_indicator else None,
            created_by_ref=self.ref,
            name=None if is_indicator else entry.key,
            pattern=entry.key if is_indicator else None,
            pattern_type="stix" if is_indicator else None,
            observables=entry.observables,
        )

    def _body(self, entry: Entry, written: str) -> dict[str, Any]:
        match entry.subject:
            case Subject.INDICATOR:
                kinds = ["malicious-activity"]
                return {"pattern": entry.key, "pattern_type": "stix", "valid_from": written, "indicator_types": kinds}
            case Subject.VULNERABILITY:
                return {"name": entry.key, "external_references": [{"source_name": "cve", "external_id": entry.key}]}
            case Subject.REPORT:
                links = [{"source_name": "advisory", "url": url} for url in entry.references]
                title = entry.name or entry.key
                report = {"name": entry.key, "description": title, "published": written, "object_refs": [self.ref]}
                return report | ({"external_references": links} if links else {})
            case Subject.WARNING:
                raise InvalidInput.at(entry.at, "what is on a warning list is no news of a feed")
