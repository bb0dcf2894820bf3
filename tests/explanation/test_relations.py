"""Every way in which an indicator may touch an asset is said, in the explanation and on the page of the incident."""

from __future__ import annotations

from dataclasses import replace

import pytest

from citysec.correlate.rules import Relation
from citysec.explanation import wording
from citysec.explanation.chain import Question
from citysec.web import render, words
from tests.correlate.city import City, indicator
from tests.explanation.conftest import Desk
from tests.web import sample_incident

CASES = {
    Relation.EQUAL: ("domain-name:value = 'Camden.example.'", "domain", "camden.example", "exact"),
    Relation.WITHIN: ("ipv4-addr:value = '192.0.2.7'", "cidr", "192.0.2.0/24", "exact"),
    Relation.CONTAINS: ("ipv6-addr:value ISSUBSET '2001:db8::/32'", "ipv6", "2001:db8::1", "exact"),
    Relation.BELOW: ("domain-name:value = 'pay.camden.example'", "domain", "camden.example", "tree"),
    Relation.MAILBOX: ("email-addr:value = 'x@camden.example'", "mail-domain", "camden.example", "exact"),
    Relation.PATTERN: ("domain-name:value LIKE 'pay.%'", "domain", "pay.camden.example", "exact"),
    Relation.HOST: ("url:value = 'http://pay.camden.example/x'", "domain", "camden.example", "tree"),
    Relation.NAME: ("domain-name:value = 'camden.example'", "mail-domain", "camden.example", "exact"),
}
ELSEWHERE = {
    Relation.ANNOUNCED: "test_explain: through which prefix, according to whom",
    Relation.AFFECTED: "test_vulnerabilities",
    Relation.SIGHTED: "tests/telemetry",
    Relation.LOOKALIKE: "tests/correlate/test_lookalikes",
    Relation.POSSIBLE: "written by `citysec correlate` only; no match has it",
}
"""Where the explanation of other relations is tested; their sentences on pages are tested here, too."""


def test_every_relation_has_its_case():
    assert CASES.keys() | ELSEWHERE.keys() == set(Relation)


@pytest.mark.parametrize("relation", CASES)
async def test_an_explanation_says_how_an_asset_is_touched(city: City, desk: Desk, relation: Relation):
    pattern, kind, value, scope = CASES[relation]
    await city.own("camden", kind, value, scope=scope)
    await city.say(said := indicator(1, f"[{pattern}]"))
    step = await desk.step(said["id"], Question.TOUCHES)
    assert f" {wording.RELATIONS[relation]} {value}, registered by" in step.sentence
    assert step.facts["relation"] == relation


@pytest.mark.parametrize("relation", Relation)
def test_the_page_of_an_incident_says_how_each_match_touches(relation: Relation):
    _, match, *_ = sample_incident.matches()
    view = replace(sample_incident.camden(), matches=(replace(match, relation=relation),), matches_total=1)
    page = " ".join(render.render("incident/why.html", view=view, words=words).split())
    kind = words.ASSET_KINDS[match.asset_kind]
    assert f"; {words.RELATIONS[relation]} the {kind} <code>{match.asset}</code> registered by" in page


async def test_a_long_expression_is_cut_where_people_read_it(city: City, desk: Desk):
    await city.own("camden", "domain", "camden.example")
    await city.say(indicator(1, f"[domain-name:value MATCHES 'camden|{'(a|b)*' * 200}']"))
    await city.work()
    step = await desk.step(indicator(1, "")["id"], Question.TOUCHES)
    assert len(step.sentence) < 300
    assert "… fits camden.example" in step.sentence
