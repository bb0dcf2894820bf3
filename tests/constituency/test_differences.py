"""What a sheet would change."""

from __future__ import annotations

import pytest

from citysec.constituency.differences import compare
from citysec.constituency.plan import Changed, Plan
from citysec.constituency.sheets import CONSTITUENTS, CONTACTS, Cells, parse
from citysec.errors import InvalidInput

HEADER = "slug,name,kind,sector"


def _body(slug: str, name: str, **more: str) -> Cells:
    return {**CONSTITUENTS.unsaid, "slug": slug, "name": name, "kind": "unitary", "sector": "local-government", **more}


BATH, WELLS = _body("bath", "Bath Council", gss_code="E06000022"), _body("wells", "Wells Council")


def _plan(text: str, *stored: Cells) -> Plan[Cells]:
    return compare(CONSTITUENTS, stored, parse(CONSTITUENTS, text), {line["slug"] for line in stored})


def _problems(text: str, *stored: Cells) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        _plan(text, *stored)
    return [str(problem) for problem in caught.value.problems]


def test_a_new_line_says_what_is_usual_in_columns_that_are_left_out():
    assert _plan(f"{HEADER}\nwells,Wells Council,unitary,local-government\n").added == (WELLS,)
    assert WELLS["clearance"] == "TLP:AMBER"


def test_columns_that_are_left_out_stay_as_they_are():
    plan = _plan(f"{HEADER}\nbath,Bath City,unitary,local-government\n", BATH)
    assert plan == Plan(changed=(Changed(BATH, _body("bath", "Bath City", gss_code="E06000022")),))


def test_an_empty_cell_takes_away():
    plan = _plan(f"{HEADER},gss_code\nbath,Bath Council,unitary,local-government,\n", BATH)
    assert [change.after["gss_code"] for change in plan.changed] == [""]


def test_lines_that_a_file_leaves_out_stay():
    assert _plan(f"{HEADER}\nbath,Bath Council,unitary,local-government\n", BATH, WELLS) == Plan(unchanged=1)


def test_two_may_exchange_their_names():
    text = f"{HEADER}\nbath,Wells Council,unitary,local-government\nwells,Bath Council,unitary,local-government\n"
    assert len(_plan(text, BATH, WELLS).changed) == 2


def test_a_name_that_another_has_is_named_with_its_holder():
    text = f"{HEADER}\nbath,wells  council,unitary,local-government\n"
    assert _problems(text, BATH, WELLS) == ["line 2, name: 'wells council' is taken by wells"]


def test_a_tile_is_for_one():
    text = f"{HEADER},grid_col,grid_row\na,A,x,y,3,4\nb,B,x,y,3,4\nc,C,x,y,,\nd,D,x,y,,\n"
    assert _problems(text) == ["line 3, grid_col: '3 4' is taken by a"]


def test_an_unknown_constituent_is_named_with_the_nearest():
    entries = parse(CONTACTS, "constituent,name,channel,address\nbaht,Desk,email,ops@bath.example\n")
    with pytest.raises(InvalidInput, match=r"line 2, constituent: 'baht' is unknown; did you mean 'bath'\?"):
        compare(CONTACTS, (), entries, {"bath", "wells"})
