"""Whether a range holds a version: yes, no, or not to be told; never a silent no."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.software import product
from citysec.software.ranges import holds, phrase
from citysec.software.records import NAMED, Versions


def cpe(version: str) -> str:
    return f"cpe:2.3:a:a:b:{version}:{'*:' * 6}*" if ":" not in version else f"cpe:2.3:a:a:b:{version}:{'*:' * 5}*"


def held(one: Versions, version: str, kind: str = "") -> bool | None:
    """Return whether a range holds a version of a product, or of a package of a kind."""
    return holds(one, product.parse(f"pkg:{kind}/a/b@{version}" if kind else cpe(version)))


@pytest.mark.parametrize(
    ("exact", "kind", "version", "expected"),
    [
        ("1.0-1.5", "", "1.2", None),
        ("1.0-1.5", "", "1.0-1.5", True),
        ("1.0-1.5", "", "1.6", False),
        ("v1.0-v1.5", "", "1.2", None),
        ("1.0~1.5", "", "1.2", None),
        ("1.x-2.x", "", "2.9", None),
        ("1.0-2", "", "1.5", None),
        ("1.0-rc1", "", "1.0", False),
        ("1.0-1", "deb", "1.0-2", False),
        ("1.0-1.5", "deb", "1.0-1.2", False),
        ("1.0-1.el9", "rpm", "1.0-2.el9", False),
        ("1.0.0-2", "npm", "1.0.1", False),
        ("1.0.0-1.5.0", "npm", "1.2.0", None),
        ("13.1-51.15", "", "12.1", False),
    ],
)
def test_a_hyphen_may_be_a_range(exact: str, kind: str, version: str, expected: bool | None):
    assert held(Versions(exact=exact), version, kind) is expected


def test_the_publishers_own_order_says_that_a_hyphen_is_none():
    assert held(Versions(exact="1.0-1.5", order="deb"), "1.2") is False


@pytest.mark.parametrize(
    "exact", ["1.1 1.3", "1.1/1.3", "1.3|1.4", "1.3及之前", "[1.0,1.5)", "1.3-", "1.x.2", "9" * 300]
)
def test_what_nobody_understands_is_never_a_no(exact: str):
    assert held(Versions(exact=exact), "1.2") is None


@pytest.mark.parametrize("order", ["git", None])
def test_whether_a_version_has_a_commit_cannot_be_told(order: str | None):
    commit = "1da177e4c3f41524e886b7f1b8a0c1fc7321cac2"
    assert held(Versions(exact=commit, order=order), "5.10") is None
    assert held(Versions(end=commit, order=order), "5.10") is None
    assert held(Versions(exact=commit, order=order), commit) is True


@pytest.mark.parametrize(
    ("version", "expected"),
    [("9.7", True), ("9.7:p1", None), ("9.6:p1", True), ("9.7:rc1", True), ("9.7.1:p1", False), ("9.8:p1", False)],
)
def test_an_update_of_the_last_version_may_be_meant(version: str, expected: bool | None):
    assert held(Versions(start="9.0", end="9.7"), version) is expected


def test_an_update_of_a_version_that_is_not_meant_is_not():
    assert held(Versions(end="9.7", end_excluded=True), "9.7:p1") is False
    assert held(Versions(end="9.7-h1"), "9.7:h2") is False


@pytest.mark.parametrize("version", ["1.*", "1.x", "dev-master", "latest", "1.2 or so", r"\>1.0"])
def test_what_runs_in_no_single_version_is_never_a_no(version: str):
    software = product.parse(f"pkg:composer/a/b@{version}")
    assert holds(Versions(exact="1.2.3"), software) is None
    assert holds(Versions(start="1.2", end="1.5"), software) is None


@pytest.mark.parametrize(
    ("exact", "version", "expected"),
    [
        ("1.?", "1.5", True),
        ("1.?", "1.15", False),
        ("1*", "10.2", True),
        ("1.0", "1.0.0", True),
        ("1.0", "1.0:sp1", True),
        ("1.0 -", "1.0:sp1", False),
        ("1.0 -", "1.0:-", True),
        ("1.0 sp1", "1.0", None),
        ("1.0 sp?", "1.0:sp2", True),
        ("1.0 sp?", "1.0:rc2", False),
        ("2019 cumulative_update_1?", "2019:cu12", False),
        ("1.*.2", "1.5.2", None),
        ("1.0", "1.*", None),
        ("1.0", "-", None),
        (r"6.0\(2\)A6\(1\)", r"6.0\(2\)a6\(1\)", True),
    ],
)
def test_names_of_cpe_stand_for_what_the_standard_says(exact: str, version: str, expected: bool | None):
    assert held(Versions(exact=exact, order=NAMED), version) is expected


@pytest.mark.parametrize(
    ("one", "version", "expected"),
    [
        (Versions(start="4.x", end="4.5"), "4.0", True),
        (Versions(start="4.*", end="5.5"), "4.2", True),
        (Versions(start="4.x", start_excluded=True), "4.2", False),
        (Versions(start="14.1", end="12.35"), "14.1-8.50", None),
        (Versions(start="2.0", end="1.0"), "1.5", None),
        (Versions(start="14.1", end="12.35"), "11.0", False),
        (Versions(end="1.2, 1.3"), "1.2.5", None),
    ],
)
def test_odd_bounds_are_read_with_care(one: Versions, version: str, expected: bool | None):
    assert held(one, version) is expected


@pytest.mark.parametrize(
    ("one", "kind", "version", "expected"),
    [
        (Versions(end="1.0"), "rpm", "1.0-5.el8", True),
        (Versions(end="1.0"), "deb", "1.0-5", True),
        (Versions(exact="1.0"), "rpm", "1.0-5.el8", True),
        (Versions(exact="1.0-5.el8"), "rpm", "1:1.0-5.el8", None),
        (Versions(exact="1:1.0"), "deb", "1.0-5", None),
        (Versions(exact="1:1.0-5"), "deb", "2:1.0-5", False),
        (Versions(exact="1.0-5.el8"), "rpm", "1:1.0-6.el8", False),
        (Versions(end="1.0", end_excluded=True), "rpm", "1.0-5.el8", False),
        (Versions(end="1.1.1k-7.el8", end_excluded=True), "rpm", "1:1.1.1k-5.el8", None),
        (Versions(end="1.1.1k-7.el8", end_excluded=True), "rpm", "1:1.1.1k-9.el8", False),
        (Versions(end="0:1.2-3", end_excluded=True), "deb", "1.2-2", True),
    ],
)
def test_what_a_bound_leaves_out_does_not_hide_a_build(one: Versions, kind: str, version: str, expected: bool | None):
    assert held(one, version, kind) is expected


numbers = st.lists(st.integers(0, 9), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))


@given(numbers, numbers, numbers, st.sampled_from(["-", "~", " - ", "–", " ", "/", "|", ", ", " to ", " & "]))
def test_two_versions_in_one_text_never_hide_what_lies_between(low: str, high: str, version: str, between: str):
    apart = held(Versions(start=low, end=high), version)
    assert apart is not True or held(Versions(exact=f"{low}{between}{high}"), version) is not False


def test_a_name_of_cpe_is_read_without_its_quotes():
    assert phrase(Versions(exact=r"6.0\(2\) sp1", order=NAMED)) == "version 6.0(2) sp1"
    assert phrase(Versions(exact="2019 -", order=NAMED)) == "version 2019"
