"""Constituents, contacts and services as CSV."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.constituency.sheets import (
    CONSTITUENTS,
    CONTACTS,
    SERVICES,
    SHEETS,
    Channel,
    Entry,
    Sheet,
    parse,
    recognised,
    render,
)
from citysec.errors import InvalidInput
from citysec.web.words import CHANNELS

CONTACT = "constituent,name,channel,address\n"


def _problems(sheet: Sheet, text: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        parse(sheet, text)
    return [str(problem) for problem in caught.value.problems]


def _contact(row: str) -> dict[str, str]:
    (entry,) = parse(CONTACTS, CONTACT + row)
    return dict(entry.cells)


_CELLS = st.one_of(st.text(max_size=8), st.sampled_from(("bath", "E06000022", "email", "ops@bath.example", "3", "red")))


def _read(sheet: Sheet, text: str) -> tuple[Entry, ...] | list[str]:
    """Return the entries of a file, or the places of what is wrong in it."""
    try:
        return parse(sheet, text)
    except InvalidInput as err:
        return [problem.at for problem in err.problems]


@given(st.sampled_from(list(SHEETS.values())), st.data())
def test_any_cells_are_entries_that_are_read_back_or_named_problems(sheet: Sheet, data: st.DataObject):
    rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(sheet.columns, _CELLS)), max_size=3))
    match _read(sheet, render(sheet, rows)):
        case list(places):
            assert all(place.startswith("line ") for place in places)
        case entries:
            again = parse(sheet, render(sheet, (entry.cells for entry in entries)))
            assert [entry.cells for entry in again] == [entry.cells for entry in entries]


@given(st.sampled_from(list(SHEETS.values())), st.text())
def test_any_text_is_entries_or_named_problems(sheet: Sheet, text: str):
    found = _read(sheet, ",".join(sheet.columns) + "\n" + text)
    assert isinstance(found, tuple) or all(place.startswith("line ") for place in found)


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=lambda sheet: sheet.noun)
def test_a_sheet_is_recognised_by_its_header(sheet: Sheet):
    assert recognised(render(sheet, ())) is sheet
    assert recognised(",".join(sheet.required).upper()) is sheet


def test_a_file_of_assets_is_none_of_the_sheets():
    assert recognised("asset_id,organisation\n") is None


def test_a_header_that_nobody_knows_is_answered_with_those_there_are():
    with pytest.raises(InvalidInput, match=r"line 1: `who,where` is no header.*contacts: `constituent,name,channel"):
        recognised("who,where\n")


def test_columns_come_in_any_order_and_what_may_be_left_out_stays_open():
    (entry,) = parse(CONSTITUENTS, "Sector,Name,Kind,Slug\nlocal-government,Bath,unitary,bath\n")
    assert entry.cells == {"sector": "local-government", "name": "Bath", "kind": "unitary", "slug": "bath"}


def test_a_wrong_header_names_each_column():
    (problem,) = _problems(SERVICES, "slug,name,nmae,operator,operator\n")
    wrong, _, columns = problem.partition("; ")
    assert wrong == "line 1: 'accountable' is missing, 'nmae' is no column of services, 'operator' is there twice"
    assert columns == "columns: slug,name,criticality,operator,accountable"


def test_cells_take_their_canonical_form():
    header = "slug,name,kind,sector,gss_code,grid_col,grid_row,clearance\n"
    (entry,) = parse(CONSTITUENTS, header + "BATH, Bath  Council,unitary,Health,e06000022,03,0,red\n")
    assert list(entry.cells.values()) == ["bath", "Bath Council", "unitary", "health", "E06000022", "3", "0", "TLP:RED"]


def test_several_constituents_answer_for_a_service():
    (entry,) = parse(SERVICES, "slug,name,accountable\npay,Payments,wells; bath;;wells\n")
    assert entry.cells["accountable"] == "bath;wells"


@pytest.mark.parametrize(
    ("row", "address"),
    [
        ("bath,Desk,email,Ops@Bath.Example", "ops@bath.example"),
        ("bath,Hook,Webhook,HTTPS://Hooks.bath.example", "https://hooks.bath.example/"),
    ],
)
def test_an_address_fits_its_channel(row: str, address: str):
    assert _contact(row)["address"] == address


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("bath,Desk,fax,0123", "line 2, channel: 'fax' is none of email, webhook"),
        ("bath,Desk,email,https://bath.example", "line 2, address: 'https://bath.example' is not a mail address"),
        ("bath,Desk,webhook,ops@bath.example", "line 2, address: 'ops@bath.example' does not begin with https://"),
        (
            "bath,Hook,webhook,https://me:secret@bath.example/",
            "line 2, address: names a user, who would not be sent: what we send is signed instead",
        ),
        (",Desk,email,ops@bath.example", "line 2, constituent: '' is not 1 to 64 letters a to z, digits and hyphens"),
        ("bath,,email,ops@bath.example", "line 2, name: is empty"),
        ("bath,Desk,email", "line 2: 3 columns where the header has 4"),
    ],
)
def test_a_bad_contact_is_named_by_line_and_column(row: str, problem: str):
    assert _problems(CONTACTS, CONTACT + row) == [problem]


def test_every_bad_cell_of_every_line_is_named():
    text = "slug,name,kind,sector,gss_code,clearance\n-,A,b,c,,\nbath,,b,c,E1,PINK\n"
    assert [problem.partition(":")[0] for problem in _problems(CONSTITUENTS, text)] == [
        "line 2, slug", "line 3, name", "line 3, gss_code", "line 3, clearance",
    ]  # fmt: skip


def test_a_line_that_repeats_another_is_named():
    rows = "bath,Desk,email,ops@bath.example\nbath,Other,email,OPS@bath.example\n"
    assert _problems(CONTACTS, CONTACT + rows) == ["line 3, address: ops@bath.example is on line 2 already"]


def test_half_a_tile_is_refused():
    text = "slug,name,kind,sector,grid_col,grid_row\nbath,Bath,unitary,health,3,\n"
    assert _problems(CONSTITUENTS, text) == ["line 2, grid_col: a tile has both grid_col and grid_row"]


def test_pages_have_a_word_for_every_channel():
    assert set(Channel) == set(CHANNELS)
