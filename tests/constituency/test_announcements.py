"""Tables of announced prefixes as publishers write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.constituency.announcements import read
from citysec.errors import Problem
from citysec.observable import network
from citysec.routing import Announcement

NET = network("198.51.100.0/24").key


def found(*lines: str) -> list[Announcement | Problem]:
    return list(read(lines))


@pytest.mark.parametrize(
    "lines",
    [
        ("prefix,asn", "198.51.100.0/24,64496"),
        ('"Prefix", "ASN"', '"198.51.100.0/24", AS64496', ""),
        ("198.51.100.0\t24\t64496",),
        ("198.51.100.0/24\t64496\n",),
        ("; IP-ASN32-DAT file", "# Original file", "198.51.100.0/24\t64496"),
        ("198.51.100.0 24 AS64496\r\n",),
    ],
)
def test_the_usual_forms_say_the_same(lines: tuple[str, ...]):
    assert found(*lines) == [Announcement(NET, 64496)]


@pytest.mark.parametrize(
    ("origins", "expected"),
    [
        ("64496_64497", [(64496, True), (64497, True)]),
        ("64496,64497", [(64496, False), (64497, False)]),
        ("{64496,64497}", [(64496, False), (64497, False)]),
        ("64496,64497_64498", [(64496, False), (64497, False), (64498, True)]),
    ],
)
def test_several_origins_are_each_one_and_the_members_of_a_set_are_not_certain(
    origins: str, expected: list[tuple[int, bool]]
):
    assert found(f"198.51.100.0\t24\t{origins}") == [Announcement(NET, *one) for one in expected]
    assert found("prefix,asn", f'198.51.100.0/24,"{origins}"') == [Announcement(NET, *one) for one in expected]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("198.51.100.0\t33\t64496", "no legal prefix length"),
        ("198.51.100.1\t24\t64496", "has bits beyond its length"),
        ("198.51.100.0\t24\tAS", "not the number of an autonomous system"),
        ("198.51.100.0/24", "no prefix with its origin"),
        ("198.51.100.0/24,64496", "no prefix with its origin; files begin with `prefix,asn`"),
        ("198.51.100.0/24\t" + "64496_" * 3000, "are the most"),
    ],
)
def test_a_bad_line_is_named_and_costs_itself(line: str, complaint: str):
    problem, good = found(line, "198.51.100.0/24\t64496")
    assert isinstance(problem, Problem)
    assert (problem.at, complaint in problem.message) == ("line 1", True)
    assert good == Announcement(NET, 64496)


@given(st.lists(st.text(st.characters(codec="utf-8") | st.sampled_from("0123456789./:,_\t{} "), max_size=30)))
def test_any_lines_are_announcements_or_named_problems(lines: list[str]):
    assert all(isinstance(one, Announcement) or one.at.startswith("line ") for one in read(lines))
