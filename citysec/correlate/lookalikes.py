"""Which indicators speak of names that look like registered ones, or like brands: looked up in the database, by forms.

Nothing of it is kept in memory. A name that belongs to anybody registered, with all that is below its registrable
domain, looks like nobody's: what is said of it is about the real one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate import patiently, vocabularies
from citysec.correlate.allowed import allowed
from citysec.correlate.assets import Assets
from citysec.correlate.batches import batches
from citysec.correlate.claims import Claim
from citysec.correlate.listing import Effect
from citysec.correlate.patience import Patience
from citysec.correlate.rules import Doubt, Relation
from citysec.correlate.subjects import carriers, names_of, owned
from citysec.correlate.touch import ANONYMIZATION, Outlook, Touch, beside, outlook
from citysec.correlate.unwatched import NOTHING, Unwatched
from citysec.correlate.warned import WarningIndex
from citysec.lookalikes.alike import Alike
from citysec.lookalikes.forms import Likeness, Reading, Subject, all_forms, likeness, readings, subject
from citysec.lookalikes.kinds import Kind, Strength
from citysec.lookalikes.vocabulary import Vocabulary
from citysec.patterning import Atom
from citysec.tables.lookalikes import Lookalike

_IDS: Final = 500  # values in one statement
_REMEMBER: Final = {
    "sqlite": "INSERT INTO name_form (form, object_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
    "postgresql": "INSERT INTO name_form (form, object_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
}
_CLOSENESS: Final = {kind: rank for rank, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Said:
    """What an indicator says: its atoms, its indicator types and labels, and whether only that its names are new."""

    atoms: Sequence[Atom]
    types: Collection[str] = ()
    is_news: bool = False


@dataclass(frozen=True, slots=True)
class Resemblance:
    """What an indicator touches by names that look like registered ones; `allowed` it would but for the allow list."""

    touches: Mapping[int, Touch] = field(default_factory=dict[int, Touch])
    allowed: Mapping[int, str] = field(default_factory=dict[int, str])


NO_RESEMBLANCE: Final = Resemblance()


@dataclass(frozen=True, slots=True)
class Hit:
    """A name that looks like a subject."""

    name: str
    of: Subject
    found: Likeness

    @property
    def rank(self) -> tuple[bool, int]:
        """Sorts the hit that says most first."""
        return self.found.strength is not Strength.CERTAIN, _CLOSENESS[self.found.kind]


async def meant(
    claims: Sequence[Claim], alike: Mapping[str, Resemblance], assets: Assets, warned: WarningIndex, at: datetime
) -> list[Outlook[int]]:
    """Return what each claim means for `assets` at `at`, by what it says of them and by names that look like theirs."""

    def outlook_of(claim: Claim, patience: Patience | None) -> Outlook[int]:
        found = outlook(claim.terms, claim.against, assets.index, warned, at, patience)
        like = alike.get(claim.indicator_id)
        return found if like is None else _beside(found, like, assets, claim)

    return await patiently.each(claims, assets.index, outlook_of)


def _beside(found: Outlook[int], alike: Resemblance, assets: Assets, claim: Claim) -> Outlook[int]:
    touched = {asset_id: touch for asset_id, touch in alike.touches.items() if asset_id in assets.owners}
    return beside(found, touched, alike.allowed, claim.terms)


async def resemblances(
    db: AsyncSession, claims: Sequence[Claim], warned: WarningIndex, unwatched: Unwatched = NOTHING
) -> dict[str, Resemblance]:
    """Return indicator -> what it touches by names that look like registered ones; the others are left out."""
    said = {claim.indicator_id: Said(claim.atoms, claim.terms.types, claim.is_news) for claim in claims}
    return await resembling(db, said, warned, unwatched)


async def resembling(
    db: AsyncSession, said: Mapping[str, Said], warned: WarningIndex, unwatched: Unwatched = NOTHING
) -> dict[str, Resemblance]:
    """Return the same for whatever says something of names, by any name of its own."""
    names = {one: names_of(each.atoms) for one, each in said.items()}
    hits = await alike(db, {name for found in names.values() for name in found}, unwatched)
    if not hits:
        return {}
    assets = await carriers(db, {hit.of.key for found in hits.values() for hit in found}, unwatched.rows)
    exempt = await allowed(db, hits)
    found: dict[str, Resemblance] = {}
    for one, named in names.items():
        here = {name: atom for name, atom in named.items() if name in hits}
        if here:
            touching = [(hit, here[hit.name]) for name in here if name not in exempt for hit in hits[name]]
            let = {i: name for name in here if name in exempt for hit in hits[name] for i in assets.get(hit.of.key, ())}
            found[one] = Resemblance(_touches(said[one], touching, assets, warned), let)
    return found


async def alike(db: AsyncSession, names: Collection[str], unwatched: Unwatched = NOTHING) -> dict[str, list[Hit]]:
    """Return name -> what it looks like, the closest first; names that look like nothing are left out.

    Args:
        db: a session.
        names: canonical.
        unwatched: what counts beside what is stored.
    """
    vocabulary = await vocabularies.current(db)
    read = {name: found for name in names if (found := readings(name, vocabulary))}
    texts = {form for found in read.values() for each in found for form in each.forms}
    forms = await _subjects(db, texts)
    for form in texts.intersection(unwatched.forms):
        forms.setdefault(form, []).extend(unwatched.forms[form])
    if not forms:
        return {}
    hits = {name: list(_hits(name, found, forms)) for name, found in read.items()}
    hits = {name: found for name, found in hits.items() if found}
    real = await owned(db, {read[name][0].parts.registrable for name in hits}, unwatched.rows)
    return {name: found for name, found in hits.items() if read[name][0].parts.registrable not in real}


async def remember(db: AsyncSession, objects: Mapping[int, Sequence[Atom]]) -> None:
    """Remember what names in the atoms of these objects may be taken for, so that who registers later finds them."""
    vocabulary = await vocabularies.current(db)
    forms = ((number, _forms(atoms, vocabulary)) for number, atoms in objects.items())
    rows = [(form, number) for number, found in forms for form in found]
    if rows:
        connection = await db.connection()
        await connection.exec_driver_sql(_REMEMBER[connection.dialect.name], rows)


async def known(db: AsyncSession, objects: Mapping[int, Sequence[Atom]]) -> set[int]:
    """Return those of the objects in whose atoms a name may look like something that is registered."""
    vocabulary = await vocabularies.current(db)
    forms = {number: _forms(atoms, vocabulary) for number, atoms in objects.items()}
    taken = await _subjects(db, {form for found in forms.values() for form in found})
    return {number for number, found in forms.items() if not found.isdisjoint(taken)}


def _forms(atoms: Iterable[Atom], vocabulary: Vocabulary) -> set[str]:
    return {form for name in names_of(atoms) for form in all_forms(name, vocabulary)}


async def _subjects(db: AsyncSession, forms: Collection[str]) -> dict[str, list[tuple[Subject, Kind | None]]]:
    connection, found = await db.connection(), dict[str, list[tuple[Subject, Kind | None]]]()
    columns = select(col(Lookalike.form), col(Lookalike.of), col(Lookalike.kind))
    for part in batches(sorted(forms), _IDS):
        for form, of, kind in await connection.execute(columns.where(col(Lookalike.form).in_(part))):
            found.setdefault(form, []).append((subject(of), Kind(kind) if kind else None))
    return found


def _hits(
    name: str, read: Sequence[Reading], forms: Mapping[str, Sequence[tuple[Subject, Kind | None]]]
) -> Iterator[Hit]:
    """Yield what a name looks like, each subject once, by what says most."""
    best: dict[str, Hit] = {}
    for each in read:
        for form in each.forms:
            for of, kind in forms.get(form, ()):
                found = likeness(each, form, of, kind)
                hit = Hit(name, of, found) if found else None
                if hit and (of.key not in best or hit.rank < best[of.key].rank):
                    best[of.key] = hit
    return iter(sorted(best.values(), key=lambda hit: (hit.rank, hit.of.key)))


def _touches(
    said: Said, hits: Iterable[tuple[Hit, Atom]], assets: Mapping[str, Sequence[int]], warned: WarningIndex
) -> dict[int, Touch]:
    best: dict[int, Touch] = {}
    for hit, atom in hits:
        touch = _touch(said, hit, atom, warned)
        for asset_id in assets.get(hit.of.key, ()):
            if asset_id not in best or touch.rank < best[asset_id].rank:
                best[asset_id] = touch
    return best


def _touch(said: Said, hit: Hit, atom: Atom, warned: WarningIndex) -> Touch:
    verdict = warned.verdict(atom) if warned else None
    about = Alike(hit.name, hit.of.value, hit.found.kind, said.is_news).facts()
    doubts = (
        (Doubt.PART, not atom.certain),
        (Doubt.LIKENESS, hit.found.strength is not Strength.CERTAIN),
        (Doubt.ANONYMIZATION, ANONYMIZATION in said.types),
        (Doubt.WARNING_LIST, verdict is not None and verdict.effect is Effect.DEMOTE),
    )
    doubt = next((doubt for doubt, holds in doubts if holds), None)
    return Touch(atom, Relation.LOOKALIKE, doubt, verdict, about)
