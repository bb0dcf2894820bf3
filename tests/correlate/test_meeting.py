"""Whether an indicator was seen, in little time."""

from __future__ import annotations

import json
import time
from itertools import count

import pytest

from citysec.correlate.meeting import meeting
from citysec.correlate.warned import WarningIndex
from citysec.errors import NotEvaluable
from citysec.patterning import compile  # noqa: A004
from citysec.telemetry import Form, Seen, read

ADDRESSES = [f"ipv4-addr:value = '198.51.{number // 64}.{number % 64}'" for number in range(1024)]
HOSTILE = [f"url:value MATCHES '([a-z0-9]{{1,9}}[./:]*)+(x|{number})'" for number in range(100)]


def _observed(fact: str, form: str) -> list[Seen]:
    records = [{"seen_at": n, fact: form.format(n, n % 16, n % 64)} for n in range(20_000)]
    return [one for one in read(json.dumps(records).encode(), Form.JSON) if isinstance(one, Seen)]


@pytest.mark.parametrize(
    ("terms", "fact", "form", "seconds"),
    [(ADDRESSES, "ip", "198.51.{1}.{2}", 2), (HOSTILE, "url", "http://a{0}.example/{2}", 5)],
    ids=["addresses", "expressions"],
)
def test_many_terms_meet_many_observations_in_time(terms: list[str], fact: str, form: str, seconds: int):
    pattern, observed = f"[{' OR '.join(terms)}]", _observed(fact, form)
    atoms, began = compile(pattern).atoms, time.process_time()
    how = meeting(pattern, atoms, observed, WarningIndex())
    assert how is not None
    assert how.seen == len(observed)
    assert time.process_time() - began < seconds


@pytest.mark.parametrize("fitting", ["domain-name:value = 'a.example'", "url:value LIKE 'http://h%'"])
def test_what_was_seen_whatever_an_expression_says_that_takes_too_long_was_seen(fitting: str):
    slow = "url:value MATCHES '(a{1,30}b?){1,30}c'"
    records = [{"seen_at": 0, "domain": "a.example"}, {"seen_at": 1, "url": "http://h.example/"}]
    observed = [one for one in read(json.dumps(records).encode(), Form.JSON) if isinstance(one, Seen)]
    pattern, hours = f"[{fitting} OR {slow}]", map(float, count())
    how = meeting(pattern, compile(pattern).atoms, observed, WarningIndex(), clock=lambda: next(hours))
    assert how is not None
    assert how.seen == 1


def test_nothing_but_an_expression_that_takes_too_long_is_left_undecided():
    pattern, hours = "[url:value MATCHES '(a{1,30}b?){1,30}c']", map(float, count())
    observed = _observed("url", "http://h{0}.example/")[:1]
    with pytest.raises(NotEvaluable):
        meeting(pattern, compile(pattern).atoms, observed, WarningIndex(), clock=lambda: next(hours))
