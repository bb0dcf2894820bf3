"""CPE names and package URLs in one canonical form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.software import cpe, product, purl
from citysec.software.cpe import Fit
from citysec.software.records import Affected, Versions


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("cpe:2.3:o:Fortinet:FortiOS:7.2.3:*:*:*:*:*:*:*", "cpe:2.3:o:fortinet:fortios:7.2.3:*:*:*:*:*:*:*"),
        (r"cpe:2.3:a:a\.b:c\-d:1:*:*:*:*:*:*:*", "cpe:2.3:a:a.b:c-d:1:*:*:*:*:*:*:*"),
        (r"cpe:2.3:a:m:visual_c\+\+:2019:*:*:*:*:*:*:*", r"cpe:2.3:a:m:visual_c\+\+:2019:*:*:*:*:*:*:*"),
        (r"cpe:2.3:a:x:a\:b\\c:\-:*:*:*:*:*:*:*", r"cpe:2.3:a:x:a\:b\\c:\-:*:*:*:*:*:*:*"),
        ("cpe:/o:fortinet:fortios:7.2.3", "cpe:2.3:o:fortinet:fortios:7.2.3:*:*:*:*:*:*:*"),
        ("cpe:/a:hp:insight:7.4::~~online~win2003~x64~", "cpe:2.3:a:hp:insight:7.4:*:*:*:online:win2003:x64:*"),
        ("cpe:/a:x:visual_c%2b%2b:-", r"cpe:2.3:a:x:visual_c\+\+:-:*:*:*:*:*:*:*"),
    ],
)
def test_a_cpe_has_one_form(text: str, canonical: str):
    assert str(cpe.parse(text)) == canonical
    assert cpe.parse(canonical) == cpe.parse(text)


@pytest.mark.parametrize(
    ("text", "canonical", "package"),
    [
        (
            "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
            "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
            "maven/org.apache.logging.log4j/log4j-core",
        ),
        ("pkg:npm/@angular/core@1.0", "pkg:npm/%40angular/core@1.0", "npm/@angular/core"),
        ("pkg:npm/@angular/core", "pkg:npm/%40angular/core", "npm/@angular/core"),
        ("PKG://PyPI/Django_x@1.2", "pkg:pypi/django-x@1.2", "pypi/django-x"),
        (
            "pkg:deb/debian/openssl@1.1.1n-0+deb11u4?distro=debian-11&arch=amd64",
            "pkg:deb/debian/openssl@1.1.1n-0%2Bdeb11u4?arch=amd64&distro=debian-11",
            "deb/debian/openssl",
        ),
        ("pkg:golang/x.org/Foo@v1.0#sub/./p", "pkg:golang/x.org/foo@v1.0#sub/p", "golang/x.org/foo"),
    ],
)  # fmt: skip
def test_a_package_url_has_one_form(text: str, canonical: str, package: str):
    found = purl.parse(text)
    assert (str(found), found.package) == (canonical, package)
    assert purl.parse(canonical) == found


@pytest.mark.parametrize(
    "text", ["", "cpe:2.3:a:b", "cpe:2.3:a:b c:d:1:*:*:*:*:*:*:*", "pkg:", "pkg:npm", "http://x/y", "pkg:npm/a?=b"]
)
def test_what_is_no_name_is_refused(text: str):
    for read in (cpe.parse, purl.parse):
        with pytest.raises(InvalidInput):
            read(text)


@given(st.text(max_size=60) | st.text("pkg:npm/@%?#&=a.1", max_size=40).map("pkg:npm/".__add__))
def test_any_text_is_read_or_refused(text: str):
    try:
        found = purl.parse(text)
    except InvalidInput:
        return
    assert purl.parse(str(found)) == found


@given(st.lists(st.text(r"aB1_.\-*?+:", min_size=1, max_size=6), min_size=10, max_size=10))
def test_any_components_are_read_or_refused(parts: list[str]):
    try:
        found = cpe.parse(":".join(("cpe:2.3:a", *parts)))
    except InvalidInput:
        return
    assert cpe.parse(str(found)) == found


@pytest.mark.parametrize(
    ("criteria", "name", "fits"),
    [
        ("a:x:y:*:*:*:*:*:*:*:*", "a:x:y:1:*:*:*:*:*:*:*", Fit.YES),
        ("a:x:y:*:*:*:*:*:wordpress:*:*", "a:x:y:1:*:*:*:*:*:*:*", Fit.YES),
        ("a:x:y:*:*:*:*:*:wordpress:*:*", "a:x:y:1:*:*:*:*:joomla:*:*", Fit.NO),
        ("a:x:y:*:*:*:*:enterprise:*:*:*", "a:x:y:1:*:*:*:*:*:*:*", Fit.UNSURE),
        ("a:x:y:*:*:*:*:-:*:*:*", "a:x:y:1:*:*:*:enterprise:*:*:*", Fit.NO),
        ("o:x:y:*:*:*:*:*:*:*:*", "a:x:y:1:*:*:*:*:*:*:*", Fit.NO),
        ("a:x:y:*:*:*:*:*:win*:*:*", "a:x:y:1:*:*:*:*:windows:*:*", Fit.YES),
        ("a:x:y:*:*:*:*:*:win?:*:*", "a:x:y:1:*:*:*:*:windows:*:*", Fit.NO),
        ("a:x:y:*:*:*:*:*:windows???:*:*", "a:x:y:1:*:*:*:*:windows10:*:*", Fit.YES),
        (r"a:x:y:*:*:*:*:*:win\\*:*:*", "a:x:y:1:*:*:*:*:windows:*:*", Fit.NO),
        ("a:x:y:*:*:*:*:*:w*s:*:*", "a:x:y:1:*:*:*:*:windows:*:*", Fit.UNSURE),
        ("a:x:y:*:*:*:*:pro:*:*:*", "a:x:y:1:*:*:*:pr*:*:*:*", Fit.UNSURE),
    ],
)
def test_criteria_stand_for_names(criteria: str, name: str, fits: Fit):
    assert cpe.fit(cpe.parse(f"cpe:2.3:{criteria}"), cpe.parse(f"cpe:2.3:{name}")) is fits


@pytest.mark.parametrize(("criterion", "component", "is_covered"), [
    ("1.?", "1.5", True), ("1.?", "1.", True), ("1.?", "1.15", False), ("1.*", "1.15.2", True), ("1*", "10", True),
    (r"1.\?", "1.5", False), ("1?", r"1\+", True), ("*.5", "1.5", True), ("?.5", "12.5", False), ("1.*", "-", False),
])  # fmt: skip
def test_wildcards_stand_for_what_the_standard_says(criterion: str, component: str, is_covered: bool):
    assert cpe.covers(criterion, component) is is_covered


def test_many_wildcards_cost_no_more_than_few():
    assert not cpe.covers("*a" * 500 + "b", "a" * 1000)


@pytest.mark.parametrize(("text", "keys"), [
    ("pkg:rpm/rhel/openssl-libs@1-2.el8?upstream=openssl-1-2.el8.src.rpm",
     ("rpm/redhat/openssl-libs", "rpm/redhat/openssl", "rpm//openssl-libs")),
    ("pkg:deb/debian/libssl3@3.0.9-1?upstream=openssl%403.0.9-1",
     ("deb/debian/libssl3", "deb/debian/openssl", "deb//libssl3")),
    ("pkg:npm/%40angular/core@1", ("npm/@angular/core", "npm//@angular/core")),
    ("pkg:github/acme/portal@1", ("github/acme/portal", "acme:portal")),
    ("pkg:generic/openssl@3", ("generic/openssl", "openssl:openssl")),
])  # fmt: skip
def test_software_is_found_by_every_name_that_it_goes_by(text: str, keys: tuple[str, ...]):
    assert product.keys(product.parse(text)) == keys


@pytest.mark.parametrize(("said", "key"), [
    (Affected(vendor="Linux", product="Linux"), "linux:kernel"),
    (Affected(cpes=("cpe:2.3:a:palletsprojects:werkzeug:*:*:*:*:*:python:*:*",)), "pypi//werkzeug"),
    (Affected(package="Django_x", versions=(Versions(end="2", order="python"),)), "pypi//django-x"),
    (Affected(purl="pkg:github/acme/portal"), "acme:portal"),
    (Affected(cpes=("cpe:2.3:*:acme:portal:*:*:*:*:*:*:*:*",)), "acme:portal"),
])  # fmt: skip
def test_what_is_said_is_found_by_what_it_may_mean(said: Affected, key: str):
    assert key in product.keys_about(said)


def test_a_pattern_for_several_products_is_about_none():
    said = Affected(vendor="acme", product="router*", cpes=("cpe:2.3:o:acme:router*:1:*:*:*:*:*:*:*",))
    assert product.keys_about(said) == set()
