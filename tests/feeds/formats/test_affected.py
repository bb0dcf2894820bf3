"""Versions, as publishers of vulnerabilities write them, in one shape."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from citysec.feeds.formats.affected import ranges as specified
from citysec.feeds.formats.affected import versions, written
from citysec.feeds.formats.applicability import affected, cpe_name
from citysec.software.records import NAMED, Affected, Status, Versions

FIREFOX = "cpe:2.3:a:mozilla:firefox:{}:*:*:*:*:*:*:*"
DEVICE = "cpe:2.3:h:acme:router:-:*:*:*:*:*:*:*"


def ranges(**member: Any) -> list[Versions]:
    return list(versions({"status": "affected"} | member, Status.UNKNOWN))


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ({"version": "1.2"}, Versions(exact="1.2")),
        ({"version": "1.2", "lessThan": "1.4"}, Versions(start="1.2", end="1.4", end_excluded=True)),
        ({"version": "1.2", "lessThanOrEqual": "1.4"}, Versions(start="1.2", end="1.4")),
        (
            {"version": "0", "lessThan": "1.4", "versionType": "rpm"},
            Versions(end="1.4", end_excluded=True, order="rpm"),
        ),
        ({"version": "unspecified", "lessThan": "1.4"}, Versions(end="1.4", end_excluded=True)),
        ({"version": "1.2", "lessThan": "*"}, Versions(start="1.2")),
        ({"version": "*"}, Versions()),
        ({"version": "0"}, Versions(status=Status.UNKNOWN)),
        ({"version": "0.0.0"}, Versions(status=Status.UNKNOWN)),
        ({"version": "0", "status": "unaffected"}, Versions(status=Status.UNAFFECTED, exact="0")),
        ({"version": "all", "lessThan": "1.4"}, Versions(end="1.4", end_excluded=True)),
        ({"version": "116.0", "lessThan": "116.0"}, Versions(end="116.0", end_excluded=True)),
        ({"version": "n/a"}, Versions(status=Status.UNKNOWN)),
        ({"version": "n/a", "status": "unaffected"}, Versions(status=Status.UNAFFECTED)),
        ({"version": "1.2", "status": "odd"}, Versions(status=Status.UNKNOWN, exact="1.2")),
    ],
)
def test_a_member_of_a_cve_record_is_a_range(member: dict[str, Any], expected: Versions):
    assert ranges(**member) == [expected]


def test_a_change_of_the_status_ends_one_range_and_begins_another():
    changes = [{"at": "1.3", "status": "unaffected"}, {"at": "1.5", "status": "affected"}]
    assert ranges(version="1", lessThan="2", changes=changes) == [
        Versions(start="1", end="1.3", end_excluded=True),
        Versions(status=Status.UNAFFECTED, start="1.3", end="1.5", end_excluded=True),
        Versions(start="1.5", end="2", end_excluded=True),
    ]


def test_changes_need_not_be_sorted():
    changes = [{"at": "1.10", "status": "affected"}, {"at": "1.9", "status": "unaffected"}]
    found = ranges(version="1", lessThan="2", changes=changes)
    assert [(one.status, one.start, one.end) for one in found] == [
        (Status.AFFECTED, "1", "1.9"), (Status.UNAFFECTED, "1.9", "1.10"), (Status.AFFECTED, "1.10", "2"),
    ]  # fmt: skip


def test_between_the_mended_versions_of_two_branches_nothing_is_known():
    changes = [{"at": at, "status": "unaffected"} for at in ("10.2.9-h1", "10.2.8-h3")]
    found = ranges(version="10.2.0", lessThan="10.2.9-h1", changes=changes)
    assert [(one.status, one.start, one.end) for one in found] == [
        (Status.AFFECTED, "10.2.0", "10.2.8-h3"), (Status.UNKNOWN, "10.2.8-h3", "10.2.9-h1"),
    ]  # fmt: skip


def test_changes_at_commits_keep_their_order():
    changes = [{"at": "ffff", "status": "unaffected"}, {"at": "aaaa", "status": "affected"}]
    found = ranges(version="0", lessThan="*", versionType="git", changes=changes)
    assert [one.end for one in found] == ["ffff", "aaaa", None]


def test_a_change_at_the_end_begins_nothing():
    found = ranges(version="1.2.0", lessThan="1.2.96", changes=[{"at": "1.2.96", "status": "unaffected"}])
    assert found == [Versions(start="1.2.0", end="1.2.96", end_excluded=True)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (">= 2.24.0, < 2.24.4", Versions(start="2.24.0", end="2.24.4", end_excluded=True)),
        ("> 1,<=3", Versions(start="1", start_excluded=True, end="3")),
        ("= 1.0", Versions(exact="1.0")),
        ("versions prior to 4.2", Versions(end="4.2", end_excluded=True)),
        ("9.1 and earlier", Versions(end="9.1")),
        ("4.6 Patch 519", Versions(exact="4.6 Patch 519")),
        ("All versions", Versions()),
        (">=1.0 <1.5", Versions(start="1.0", end="1.5", end_excluded=True)),
        ("=< 1.5", Versions(end="1.5")),
        ("1.0 - 1.5", Versions(start="1.0", end="1.5")),
        ("1.0–1.5", Versions(start="1.0", end="1.5")),
        ("1.0 ~ 1.5", Versions(start="1.0", end="1.5")),
        ("7.4+", Versions(start="7.4")),
        ("1.2 or greater", Versions(start="1.2")),
        ("less than 1.3", Versions(end="1.3", end_excluded=True)),
        ("below 1.3", Versions(end="1.3", end_excluded=True)),
        ("1.0-1.5", Versions(exact="1.0-1.5")),
        ("from 1.0 to version 1.5", Versions(start="1.0", end="1.5")),
        ("10.1 < 10.1.3", Versions(start="10.1", end="10.1.3", end_excluded=True)),
        ("4.x before 4.2.1", Versions(start="4", end="4.2.1", end_excluded=True)),
        ("1.0 and later", Versions(start="1.0")),
        ("up to and including 1.5", Versions(end="1.5")),
        ("15.4.2 HF 1 and previous versions", Versions(end="15.4.2 HF 1")),
        ("Version 1.2", Versions(exact="1.2")),
        ("22.1.3 before 2024-06-21", Versions(exact="22.1.3 before 2024-06-21")),
        ("< 1.2, >= 2.0, < 2.3", Versions(exact="< 1.2, >= 2.0, < 2.3")),
    ],
)
def test_usual_words_about_versions_are_understood(words: str, expected: Versions):
    assert list(written(words, Status.AFFECTED)) == [expected]


@pytest.mark.parametrize("words", ["1.0, 1.1 and 1.2", "1.0 / 1.1 / 1.2", "1.0; 1.1; 1.2"])
def test_versions_in_a_row_are_one_each(words: str):
    assert [one.exact for one in written(words, Status.AFFECTED)] == ["1.0", "1.1", "1.2"]


def test_ranges_in_a_row_are_one_each():
    assert list(written("1.x before 1.5, 2.x before 2.3", Status.AFFECTED)) == [
        Versions(start="1", end="1.5", end_excluded=True),
        Versions(start="2", end="2.3", end_excluded=True),
    ]


@pytest.mark.parametrize("words", [">= 8.0 < 8.3", ">=8.0|<8.3", "vers:semver/>=8.0|<8.3"])
def test_a_range_of_csaf_has_both_ends_however_it_is_written(words: str):
    (found,) = specified(words, Status.AFFECTED)
    assert (found.start, found.end, found.end_excluded) == ("8.0", "8.3", True)


@pytest.mark.parametrize(("words", "expected"), [
    ("prior to 4.2", Versions(end="4.2", end_excluded=True)), ("1.0 - 1.5", Versions(start="1.0", end="1.5")),
])  # fmt: skip
def test_a_range_of_csaf_may_be_words(words: str, expected: Versions):
    assert specified(words, Status.AFFECTED) == (expected,)


def test_more_constraints_than_are_read_leave_the_rest_open():
    found = specified("vers:npm/" + "|".join(f"{n}.0" for n in range(1001)), Status.AFFECTED)
    assert (len(found), found[-1]) == (1001, Versions(status=Status.UNKNOWN))


def test_a_name_of_cpe_keeps_its_quotes_and_its_update():
    names = [r"cpe:2.3:o:acme:os:6.0\(2\):sp?:*:*:*:*:*:*", "cpe:2.3:o:acme:os:1.?:-:*:*:*:*:*:*"]
    (found,) = affected([{"nodes": [{"cpeMatch": [{"vulnerable": True, "criteria": name} for name in names]}]}])
    assert [(one.exact, one.order) for one in found.versions] == [(r"6.0\(2\) sp?", NAMED), ("1.? -", NAMED)]


def test_a_cpe_name_is_split_at_its_unquoted_colons():
    name = cpe_name(r"cpe:2.3:a:a\:b:c\+\+:1.0:sp1:*:*:*:*:*:*")
    assert name == ("a:b", "c++", "1.0", "sp1")
    assert cpe_name("cpe:/a:mozilla:firefox") is None


def test_criteria_of_one_product_are_put_together_and_keep_what_they_run_on():
    old = {"vulnerable": True, "criteria": FIREFOX.format("*"), "versionEndExcluding": "115"}
    new = {"vulnerable": True, "criteria": FIREFOX.format("120.0")}
    on = {"vulnerable": False, "criteria": DEVICE}
    (found,) = affected([{"operator": "AND", "nodes": [{"cpeMatch": [old, new]}, {"cpeMatch": [on]}]}])
    assert found == Affected(
        vendor="mozilla", product="firefox", cpes=(FIREFOX.format("*"),), default=Status.UNAFFECTED,
        versions=(Versions(end="115", end_excluded=True), Versions(exact="120.0", order=NAMED)), running_on=(DEVICE,),
    )  # fmt: skip


def test_all_four_kinds_of_bound_are_kept():
    bounds = {"versionStartExcluding": "1", "versionEndIncluding": "2"}
    other = {"versionStartIncluding": "3", "versionEndExcluding": "4"}
    matches = [{"vulnerable": True, "criteria": FIREFOX.format("*")} | said for said in (bounds, other)]
    (found,) = affected([{"nodes": [{"cpeMatch": matches}]}])
    assert found.versions == (
        Versions(start="1", start_excluded=True, end="2"),
        Versions(start="3", end="4", end_excluded=True),
    )


def test_a_negated_node_restricts_nothing():
    match, on = {"vulnerable": True, "criteria": FIREFOX.format("*")}, {"vulnerable": False, "criteria": DEVICE}
    (found,) = affected([{"nodes": [{"cpeMatch": [match]}, {"negate": True, "cpeMatch": [on]}]}])
    assert found.running_on == ()


def test_what_is_affected_survives_the_way_through_json():
    said = Affected(vendor="acme", versions=(Versions(end="2", end_excluded=True),), default=Status.UNAFFECTED)
    assert msgspec.json.decode(msgspec.json.encode(said), type=Affected) == said
