"""Which of the objects that arrive are new, which are known, which contradict what is known: pure.

Source:
    STIX 2.1 §3.5 (who may make a version), §3.6 (versions, revocation). That of two objects with one id and version
    the first is kept, that a revocation stays the newest whatever comes later, and that an observable with other
    content is a new version, are our rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from citysec.feeds.formats import Draft, Reject
from citysec.feeds.formats.draft import rejected

Key = tuple[str, datetime, str]
"""STIX id, version, spec_version: what names one object version."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object version that we have."""

    id: int
    stix_id: str
    version: datetime
    spec_version: str
    content_hash: str
    created_by_ref: str | None
    revoked: bool
    latest: bool
    tlp: int


@dataclass(slots=True)
class Plan:
    """What to do with a batch: versions to store, versions that we have and are said again, and contradictions."""

    new: dict[Key, Draft] = field(default_factory=dict[Key, Draft])
    again: list[tuple[Draft, Stored]] = field(default_factory=list[tuple[Draft, Stored]])
    clashes: list[Reject] = field(default_factory=list[Reject])


def plan(drafts: Iterable[Draft], stored: Mapping[str, Sequence[Stored]], at: datetime) -> Plan:
    """Return what to do with `drafts`.

    Args:
        drafts: in the order of arrival.
        stored: all versions that we have of their ids.
        at: when they arrived; the version of those that have none.
    """
    result = Plan()
    known = {(s.stix_id, s.version, s.spec_version): s for versions in stored.values() for s in versions}
    creators = {stix_id: versions[0].created_by_ref for stix_id, versions in stored.items() if versions}
    contents = {(s.stix_id, s.content_hash): s for s in known.values()}
    fresh = set[tuple[str, str]]()
    for index, draft in enumerate(drafts):
        if creators.setdefault(draft.stix_id, draft.created_by_ref) != draft.created_by_ref:
            result.clashes.append(_clash(draft, "only its creator may make a new version of an object"))
        elif draft.version is None:
            key = (draft.stix_id, at + timedelta(microseconds=index), draft.spec_version)
            _place_unversioned(result, draft, key, contents, fresh)
        else:
            _place(result, draft, (draft.stix_id, draft.version, draft.spec_version), known)
    return result


def _place(result: Plan, draft: Draft, key: Key, known: Mapping[Key, Stored]) -> None:
    have = known.get(key) or result.new.get(key)
    if have is None:
        result.new[key] = draft
    elif have.content_hash != draft.content_hash:
        result.clashes.append(_clash(draft, "this version is already here with other content: the first is kept"))
    elif isinstance(have, Stored):
        result.again.append((draft, have))


def _place_unversioned(
    result: Plan, draft: Draft, key: Key, contents: Mapping[tuple[str, str], Stored], fresh: set[tuple[str, str]]
) -> None:
    have = contents.get((draft.stix_id, draft.content_hash))
    if have is not None:
        result.again.append((draft, have))
    elif (draft.stix_id, draft.text) not in fresh:
        fresh.add((draft.stix_id, draft.text))
        result.new[key] = draft


def _clash(draft: Draft, reason: str) -> Reject:
    version = draft.version.isoformat() if draft.version else ""
    return rejected(f"{draft.stix_id} {version}", reason, draft.text.encode())


def newest(new: Mapping[Key, Draft], stored: Mapping[str, Sequence[Stored]]) -> dict[str, Key]:
    """Return the version that counts of each id of `new`: the revoked one, else the greatest, whoever came first."""
    alone = {key[0]: key for key in new}
    if len(alone) == len(new) and not any(map(stored.get, alone)):
        return alone
    result: dict[str, tuple[bool, datetime, str]] = {}
    for key, draft in new.items():
        rank = draft.revoked, key[1], key[2]
        best = result.get(key[0]) or max(
            ((s.revoked, s.version, s.spec_version) for s in stored.get(key[0], ())), default=rank
        )
        result[key[0]] = max(best, rank)
    return {stix_id: (stix_id, version, spec) for stix_id, (_, version, spec) in result.items()}
