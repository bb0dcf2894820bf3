"""What a file would change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from citysec.constituency.lines import Line
from citysec.constituency.plan import Changed, Mode, Organisation, Plan, compare, resolve
from citysec.errors import InvalidInput
from tests.constituency.lines import ORGANISATIONS, SECTORS, line, registers

CAMDEN, ISLINGTON, TFL = ORGANISATIONS
KNOWN = [Organisation(name, SECTORS[name]) for name in ORGANISATIONS]


def _resolve(*lines: Line) -> list[Line]:
    return resolve(lines, KNOWN, ["tube", "bus"])


def _faults(*lines: Line) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        _resolve(*lines)
    return [problem.message for problem in caught.value.problems]


@given(registers())
def test_a_register_compared_with_itself_changes_nothing(lines: list[Line]):
    assert compare(lines, lines, Mode.REPLACE) == Plan(unchanged=len(lines))


@given(registers(), registers())
def test_a_replaced_register_says_what_the_file_says_of_its_organisations(stored: list[Line], lines: list[Line]):
    plan = compare(stored, lines, Mode.REPLACE)
    gone = {one.ref for one in plan.removed} | {change.before.ref for change in plan.changed}
    after = [one for one in stored if one.ref not in gone] + [*plan.added, *(change.after for change in plan.changed)]
    organisations = {one.organisation for one in lines}
    assert {one for one in after if one.organisation in organisations} == set(lines)
    assert len({one.ref for one in after}) == len({one.identity for one in after}) == len(after)


def test_lines_are_added_changed_and_kept():
    old, kept, new = line("A1", criticality=2), line("A2", "islington.gov.uk"), line("A3", "tfl.gov.uk")
    plan = compare([old, kept], [changed := line("A1", criticality=5), kept, new], Mode.MERGE)
    assert plan == Plan(added=(new,), changed=(Changed(old, changed),), unchanged=1)


def test_what_a_file_leaves_out_stays_unless_it_replaces():
    stored = [line("A1"), line("A2", "a.example"), line("B1", "b.example", organisation=TFL)]
    assert compare(stored, stored[:1], Mode.MERGE).removed == ()
    assert compare(stored, stored[:1], Mode.REPLACE).removed == (stored[1],)


def test_a_new_id_for_a_registered_asset_renames_it():
    old, new = line("LDN-1", service="tube"), line("A1", service=None)
    assert compare([old], [new], Mode.MERGE).changed == (
        Changed(old, replace(new, service="tube", exposed=False, verified=True)),
    )


def test_an_id_that_takes_over_another_asset_leaves_no_double():
    stored = [line("A1"), line("A2", "a.example")]
    plan = compare(stored, [line("A1", "a.example")], Mode.MERGE)
    assert plan.removed == (stored[1],)
    assert [change.after.ref for change in plan.changed] == ["A1"]


def test_ids_may_be_exchanged():
    stored = [line("A1"), line("A2", "a.example")]
    plan = compare(stored, [line("A2"), line("A1", "a.example")], Mode.REPLACE)
    assert (len(plan.changed), plan.removed) == (2, ())


def test_organisations_are_found_whatever_their_case_and_take_their_sector():
    (resolved,) = _resolve(replace(line(), organisation="london borough  of CAMDEN", sector=""))
    assert (resolved.organisation, resolved.sector) == (CAMDEN, SECTORS[CAMDEN])


def test_an_unknown_organisation_is_refused_with_the_nearest_name():
    assert _faults(line(organisation="London Borough of Cambden"), line("A2", organisation="Zoo")) == [
        "'London Borough of Cambden' is unknown; did you mean 'London Borough of Camden'?",
        "'Zoo' is unknown",
    ]


def test_an_unknown_service_and_a_foreign_sector_are_refused():
    assert _faults(line(service="tubes"), replace(line("A2"), sector="health")) == [
        "'tubes' is unknown; did you mean 'tube'?",
        "London Borough of Camden is in sector 'local-government', not 'health'",
    ]


def test_every_one_of_many_unknown_names_is_reported():
    assert len(_faults(*(line(f"A{n}", f"n{n}.example", organisation=f"Body {n}") for n in range(3000)))) == 3000
