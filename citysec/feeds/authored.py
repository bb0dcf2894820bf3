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

from citysec.feeds.formats import Draft, Entry
from citysec.feeds.formats.draft import Subject

_encoder: Final = msgspec.json.Encoder(order="sorted")


class Author(msgspec.Struct, frozen=True):
    """Makes the objects of one installation."""

    namespace: uuid.UUID

    @property
    def ref(self) -> str:
        """The `created_by_ref` of what it makes."""
        return f"identity--{uuid.uuid5(self.namespace, 'author')}"

    def stix_id(self, entry: Entry) -> str:
        """Return the id of the object that stands for what `entry` is about."""
        return f"{entry.subject}--{uuid.uuid5(self.namespace, f'{entry.subject} {entry.key}')}"

    def draft(self, entry: Entry, at: datetime) -> Draft:
        """Return the object that stands for what `entry` is about, made at `at`."""
        written = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        head = {
            "type": entry.subject.value,
            "spec_version": "2.1",
            "id": self.stix_id(entry),
            "created_by_ref": self.ref,
            "created": written,
            "modified": written,
        }
        text = _encoder.encode(head | self._body(entry, written))
        is_indicator = entry.subject is Subject.INDICATOR
        return Draft(
            stix_id=head["id"],
            type=entry.subject.value,
            spec_version="2.1",
            text=text.decode(),
            content_hash=hashlib.sha256(text).hexdigest(),
            created=at,
            modified=at,
            valid_from=at if is_indicator else None,
            created_by_ref=self.ref,
            name=None if is_indicator else entry.key,
            pattern=entry.key if is_indicator else None,
            pattern_type="stix" if is_indicator else None,
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
