"""Orders of versions: what their publishers mean, and that each is an order at all."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.software.versions import Order, compare, is_of, is_one, is_ordered, key, order

RISING = {
    Order.NATURAL: [
        ["1.0.2", "1.0.2a", "1.0.2z", "1.0.2za", "1.0.2zg", "1.0.2zh", "1.0.3", "1.1.1"],
        ["7.0.13", "7.2.0", "7.2.6", "7.2.10", "7.4"],
        ["2.0-beta9", "2.0-rc1", "2.0", "2.14.1", "2.15.0"],
        ["2019", "2019 CU2", "2019 Cumulative Update 13", "2019 cumulative_update_14"],
        ["13.1-4.43", "13.1-51.15", "14.1-8.50"],
        ["10.1.3", "10.1.3-h1", "10.1.4"],
        ["21.2R3", "21.2R3-S7", "21.4R1"],
        ["10.0.17763.1", "10.0.17763.5458", "10.0.19044"],
        ["2.426.3", "2.426.99", "2.426.*", "2.427"],
    ],
    Order.SEMVER: [
        [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
        ],
        ["1.0.0-1", "1.0.0-a", "1.0.0", "v1.0.1", "1.10.0"],
    ],
    Order.MAVEN: [["1.0-a1", "1.0-beta", "1.0-m1", "1.0-rc1", "1.0-SNAPSHOT", "1.0.GA", "1.0-sp1", "1.0.1"]],
    Order.GEM: [["6.0.0.beta2", "6.0.0.rc1", "6.0.0", "6.0.0.1"]],
    Order.PYTHON: [["1.dev0", "1.0a1", "1.0a2.dev4", "1.0a2", "1.0b1", "1.0rc1", "1.0", "1.0.post1", "1.0.1", "1!0.1"]],
    Order.DEBIAN: [["1.0~~", "1.0~rc1", "1.0", "1.0-1~bpo1", "1.0-1", "1.0-2", "1.0a", "1.0+b1", "1.10", "1:0.9"]],
    Order.RPM: [["1.0~rc1-1", "1.0-1.el8", "1.0-2.el8", "1.0^git1-1", "1.0a", "1.0.0", "1.0.1", "1:0.1"]],
}
texts = st.text("0123456789.abrcvzup~^+-_:* ", max_size=12) | st.text(max_size=20)


@pytest.mark.parametrize(("by", "rising"), [(by, rising) for by, lists in RISING.items() for rising in lists])
def test_each_version_is_earlier_than_the_next(by: Order, rising: list[str]):
    assert [pair for pair in pairwise(rising) if compare(*pair, by) != -1] == []


@pytest.mark.parametrize(
    ("one", "other", "by"),
    [
        ("1.4", "1.4.0", Order.NATURAL),
        ("v1.4", "1.4", Order.NATURAL),
        ("2019 cumulative_update_13", "2019 CU13", Order.NATURAL),
        ("1.0-rc1", "1.0.0-rc1", Order.NATURAL),
        ("1.2.3+build5", "1.2.3", Order.SEMVER),
        ("1.0.GA", "1.0", Order.MAVEN),
        ("1.0.alpha-1", "1.0a1", Order.PYTHON),
        ("0:1.0", "1.0", Order.DEBIAN),
    ],
)
def test_versions_written_otherwise_are_equal(one: str, other: str, by: Order):
    assert compare(one, other, by) == 0


@given(st.sampled_from(Order), texts, texts, texts)
def test_every_order_is_total_and_transitive(by: Order, one: str, two: str, three: str):
    low, middle, high = sorted((one, two, three), key=lambda version: key(version, by))
    assert compare(low, middle, by) <= 0
    assert compare(middle, high, by) <= 0
    assert compare(low, high, by) <= 0
    assert compare(one, two, by) == -compare(two, one, by)


@given(st.sampled_from(Order), texts)
def test_a_version_equals_itself(by: Order, version: str):
    assert compare(version, version, by) == 0


@pytest.mark.parametrize(("version", "family", "expected"), [
    ("4.5.1", "4.x", True), ("5.0", "4.x", False), ("7.0", "7.0.*", True),
    ("7.10.2", "7.1.*", False), ("4.5", "4.5", False), ("1.5.2", "1.x.x", True), ("1.25", "1.2*", True),
    ("1.0.2k", "1.0.2x", False), ("4.5", "4x", True),
])  # fmt: skip
def test_a_version_with_a_wildcard_stands_for_a_family(version: str, family: str, expected: bool):
    assert is_of(version, family) is expected


def test_what_has_no_order_is_known():
    assert is_ordered("v1.2", Order.NATURAL)
    assert not is_ordered("ESXi80U3-24022510", Order.NATURAL)
    assert not is_ordered("1f0c3b7", order("git") or Order.NATURAL)
    assert order("vendor's own") is None


@pytest.mark.parametrize(("text", "expected"), [
    ("1.2", True), ("v1.2.3-rc.1+build5", True), ("7.5 SP2 Update 17", True), ("2019 cumulative_update_13", True),
    ("15.2(1)SY", True), (r"6.0\(2\)a6\(1\)", True), ("1:1.1.1k-5.el8~1", True), ("2.426.*", True), ("1.2 LTS", True),
    ("1.1 1.2", False), ("1 2", False),
    ("1.1/1.2", False), ("1.1|1.2", False), ("1.5-", False), ("7.4+", False), ("1.5及之前", False),
    ("1.2 and others", False), ("5.0 on Windows", False), ("1.x.2", False), ("latest", False), ("", False),
    ("1" * 300, False), ("1da177e4c3f41524e886b7f1b8a0c1fc7321cac2", False), ("1DA177E4C3F4" * 5 + "beef", False),
])  # fmt: skip
def test_one_version_is_told_from_words_about_several(text: str, expected: bool):
    assert is_one(text) is expected
