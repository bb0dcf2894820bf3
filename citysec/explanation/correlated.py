"""The steps of an explanation up to the match: what correlation found, in sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from citysec.access import policy
from citysec.advisories.words import count, listed, moment, often, one_line
from citysec.blocks import around
from citysec.correlate import vulnerable
from citysec.correlate.concerned import Concerned
from citysec.correlate.explain import Finding, Point, Sight
from citysec.correlate.listing import Effect
from citysec.correlate.said import State, Word
from citysec.correlate.touch import Touch
from citysec.explanation.chain import Noun, Outcome, Pointer, Question, Step
from citysec.explanation.wording import DOUBTS, ENDS, RELATIONS, STATES
from citysec.lookalikes.alike import WAYS, alike
from citysec.observable import network
from citysec.patterning import URL_PATH
from citysec.tlp import TLP

LONGEST: Final = 160
"""Characters of a value that a sentence shows."""
SHOWN: Final = 5
"""Most of anything that a sentence names."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Of whom an explanation is, and to whom.

    Args:
        name: of the constituent.
        whole: whether the reader may know assets that are not the constituent's, too.
        near: a sentence about what of the constituent's the indicator just misses.
        table: which table of announced prefixes counts, to stand behind "according to".
    """

    name: str
    whole: bool
    near: str = ""
    table: str = ""


def steps(finding: Finding, listener: Listener) -> Iterator[Step]:
    """Yield what correlation made of an indicator for a constituent."""
    yield _known(finding)
    if finding.state is None:
        return
    yield _counts(finding)
    if finding.state in {State.DELISTED, State.NOT_EXECUTED} and not finding.points:
        return
    if finding.state is not State.DELISTED:
        yield _compared(finding)
        if finding.atoms and (finding.sight is None or finding.touched):
            yield from _touching(finding, listener)
    if finding.sight is not None:
        yield _sighted(finding.sight, listener)
    if finding.points:
        yield _kept(finding)
        yield from _verified(finding)


def unknown(why: str = "No feed has said it, as far as you may know.") -> Step:
    """Return the step with which an explanation ends that nothing is known for."""
    return Step(Question.KNOWN, Outcome.NO, why)


def _known(finding: Finding) -> Step:
    if finding.version is None or not finding.words:
        return unknown()
    now = [word for word in finding.words if word.gone_at is None]
    said = listed(tuple(map(_word, finding.words[:SHOWN])))
    more = f" and {len(finding.words) - SHOWN} more" if len(finding.words) > SHOWN else ""
    verb = ("says" if len(now) == 1 else "say") if now else "said"
    pointers = [Pointer(Noun.FEED, word.feed, word.feed) for word in finding.words]
    since = finding.version.received_at
    sentence = f"{said}{more} {verb} it. This version is here since {moment(since)}."
    return Step(Question.KNOWN, Outcome.YES, sentence, {"since": since, "feeds": [p.id for p in pointers]}, pointers)


def _word(word: Word) -> str:
    return f"{word.feed} ({TLP(word.tlp).label}, confidence {word.confidence} of 100)"


def _counts(finding: Finding) -> Step:
    state = finding.state or State.DELISTED
    outcome = Outcome.YES if state is State.IN_FORCE else Outcome.NO
    facts = {"state": state.value, "until": finding.until}
    return Step(Question.COUNTS, outcome, _standing(finding, state), facts)


def _standing(finding: Finding, state: State) -> str:
    version, until = finding.version, finding.until
    gone = max((word.gone_at for word in finding.words if word.gone_at), default=None)
    return STATES[state].format(
        until=moment(until) if until else "further notice",
        start=moment(version.valid_from) if version and version.valid_from else "a day to come",
        gone=moment(gone) if gone else "a day unknown",
        language=(version.pattern_type if version else None) or "none",
    )


def _compared(finding: Finding) -> Step:
    product = finding.indicator_id.startswith(vulnerable.PREFIX)
    values = list(dict.fromkeys(atom.key if product else atom.value for atom in finding.atoms))
    facts = {"values": values[:SHOWN], "count": len(values)}
    if values:
        more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
        speaks = "It is in" if product else "Its pattern speaks of"
        return Step(Question.COMPARED, Outcome.YES, f"{speaks} {', '.join(map(_shown, values[:SHOWN]))}{more}.", facts)
    if product:
        return Step(Question.COMPARED, Outcome.NO, "Nobody says in which products it is.", facts)
    error = finding.version.pattern_error if finding.version else None
    why = f"Its pattern cannot be used: {error}" if error else "Its pattern says nothing about anything registered."
    return Step(Question.COMPARED, Outcome.NO, why, facts)


def _shown(value: str) -> str:
    """Return a value as a sentence has it: an expression may have 2,000 characters."""
    return one_line(value, LONGEST)


_NEWS: Final = "Feeds only say that its names are new, so that nothing counts but what they look like."


def _touching(finding: Finding, listener: Listener) -> Iterator[Step]:
    touching = [point for point in finding.points if point.touch is not None]
    if not touching or touching[0].touch is None:
        yield _apart(finding, listener)
        return
    first, touch = touching[0], touching[0].touch
    shown = [p.asset for p in touching if listener.whole or p.asset.owned][:SHOWN]
    more = f", and {count(len(touching) - 1, 'more asset')}" if len(touching) > 1 else ""
    how = _announced(touch, first.asset, listener) if touch.prefix else _related(touch, first.asset, listener)
    sentence = f"{_shown(touch.atom.value)} {how}{more}.{_alike(touch)}"
    facts = {"relation": touch.relation.value, "path": touch.atom.path, "assets": len(touching)}
    facts |= {"prefix": touch.prefix, "according_to": listener.table} if touch.prefix else {}
    pointers = [Pointer(Noun.ASSET, str(asset.id), asset.value) for asset in shown]
    yield Step(Question.TOUCHES, Outcome.YES, sentence, facts, pointers)
    yield _warned(touch)
    if not touch.suppressed:
        yield _certain(touch)


def _sighted(sight: Sight, listener: Listener) -> Step:
    when = f"on {moment(sight.first)}"
    if sight.last > sight.first:
        when = f"first {when}, last on {moment(sight.last)}"
    how = "" if sight.match.certain else " That it was this is only possible."
    sentence = f"{listener.name}’s own machines saw {sight.match.indicator_value} {often(sight.count)}, {when}.{how}"
    facts = {"count": sight.count, "first": sight.first, "last": sight.last, "match": sight.match.id}
    return Step(Question.SIGHTED, Outcome.YES if sight.match.certain else Outcome.POSSIBLY, sentence, facts)


def _related(touch: Touch, asset: Concerned, listener: Listener) -> str:
    return f"{RELATIONS[touch.relation]} {_asset(asset, listener)}"


def _announced(touch: Touch, asset: Concerned, listener: Listener) -> str:
    """Say through which prefix an autonomous system is touched, and who says that it announces that."""
    prefix = touch.prefix or ""
    inside = network(prefix).key in around(touch.atom.key)
    verb = "has its host in" if touch.atom.path == URL_PATH else "lies in" if inside else "has addresses in"
    return f"{verb} {prefix}, which is announced, according to {listener.table}, by {_asset(asset, listener)}"


def _alike(touch: Touch) -> str:
    """Say by what a name looks like an asset, where it does no more than that."""
    like = alike(touch.about)
    if like is None:
        return ""
    new = " Nobody says more of it than that it is new." if like.new else ""
    return f" It is somebody else’s, and looks like it: {WAYS[like.kind]}.{new}"


def _apart(finding: Finding, listener: Listener) -> Step:
    if finding.allowed:
        named = listed(tuple(finding.allowed[:SHOWN]))
        why = f"{named} looks like what {listener.name} has registered, but was allowed by the city’s team."
        return Step(Question.TOUCHES, Outcome.NO, why, {"assets": 0, "allowed": list(finding.allowed[:SHOWN])})
    news = f"{_NEWS} " if finding.is_news else ""
    sentence = f"{news}It touches nothing that {listener.name} has registered. {'' if news else listener.near}".rstrip()
    return Step(Question.TOUCHES, Outcome.NO, sentence, {"assets": 0})


def _asset(asset: Concerned, listener: Listener) -> str:
    for_service = f" for {listed(tuple(f'“{s}”' for s in asset.services))}" if asset.services else ""
    if asset.owned:
        return f"{asset.value}, registered by {listener.name}{for_service}"
    what = asset.value if listener.whole else "an asset of somebody else"
    return f"{what}{for_service}, which {listener.name} answers for"


def _warned(touch: Touch) -> Step:
    if touch.verdict is None:
        return Step(Question.WARNED, Outcome.YES, "No warning list names it.", {"lists": ()})
    effect, lists = touch.verdict.effect, touch.verdict.lists
    named = f"{'Warning list' if len(lists) == 1 else 'Warning lists'} {listed(tuple(f'“{one}”' for one in lists))}"
    verb = "says" if len(lists) == 1 else "say"
    facts = {"effect": effect.value, "lists": list(lists)}
    match effect:
        case Effect.SUPPRESS:
            return Step(Question.WARNED, Outcome.NO, f"{named} {verb} that it is a false alarm.", facts)
        case Effect.DEMOTE:
            said = f"{named} {verb} that it is often a false alarm, which makes it no more than possible."
            return Step(Question.WARNED, Outcome.POSSIBLY, said, facts)
        case Effect.ANNOTATE:
            name_it = "names" if len(lists) == 1 else "name"
            return Step(Question.WARNED, Outcome.YES, f"{named} {name_it} it, which is only noted.", facts)


def _certain(touch: Touch) -> Step:
    if touch.doubt is None:
        return Step(Question.CERTAIN, Outcome.YES, "Nothing speaks against it.", {"doubt": None})
    return Step(Question.CERTAIN, Outcome.POSSIBLY, DOUBTS[touch.doubt], {"doubt": touch.doubt.value})


def _kept(finding: Finding) -> Step:
    if standing := finding.standing_matches:
        return _standing_matches(standing, len(finding.touched), capped=finding.capped)
    ended = [(p.match.closed_at, p.match) for p in finding.points if p.match is not None and p.match.closed_at]
    if ended:
        at, last = max(ended, key=lambda pair: pair[0])
        why = ENDS.get(last.close_reason or "", last.close_reason or "nobody knows why")
        sentence = f"The match of {moment(last.matched_at)} ended on {moment(at)}: {why}."
        return Step(Question.KEPT, Outcome.NO, sentence, {"match": last.id, "why": last.close_reason})
    if finding.state is not State.IN_FORCE or not finding.touched:
        return Step(Question.KEPT, Outcome.NO, "There was never a match.", {"match": None})
    if finding.capped:
        said = (
            f"Capped: 0 of {len(finding.touched):,} shown. It touches more of whose they are than is kept as matches."
        )
        return Step(Question.KEPT, Outcome.NO, said, {"match": None, "capped": True, "touched": len(finding.touched)})
    return Step(Question.KEPT, Outcome.NO, "Correlation has not come to it yet.", {"match": None})


def _verified(finding: Finding) -> Iterator[Step]:
    """Yield why doubtful owners are not told, where only those are concerned."""
    standing = [(point.asset, point.match) for point in finding.standing_matches if point.match is not None]
    if not standing or any(asset.verified or match.tlp <= policy.UNVERIFIED for asset, match in standing):
        return
    asset, match = standing[0]
    whose = f"Nobody has made sure yet whose {asset.value if asset.owned else 'the asset'} is"
    label = TLP(match.tlp).label
    sentence = f"{whose}: until then nothing above {policy.UNVERIFIED.label} is told of it, and this is {label}."
    yield Step(Question.VERIFIED, Outcome.NO, sentence, {"label": label})


def _standing_matches(standing: Sequence[Point], touched: int, *, capped: bool) -> Step:
    matches = [point.match for point in standing if point.match is not None]
    first = min(matches, key=lambda match: match.matched_at)
    capped = capped and touched > len(matches)
    sentence = f"{count(len(matches), 'match', 'matches')} kept, since {moment(first.matched_at)}."
    if capped:
        sentence += f" Capped: {len(matches):,} of {touched:,} shown; more would say nothing new."
    facts = {"match": first.id, "matches": len(matches), "touched": touched, "capped": capped}
    return Step(Question.KEPT, Outcome.YES, sentence, facts)
