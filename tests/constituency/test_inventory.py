"""Bills of materials: what of them becomes software in the register."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.constituency.inventory import read
from citysec.errors import InvalidInput

LOG4J = "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"
OPENSSL = "cpe:2.3:a:openssl:openssl:1.0.2zf:*:*:*:*:*:*:*"


def bom(*components: Any, **more: Any) -> bytes:
    """Return a bill in CycloneDX."""
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": components} | more).encode()


def names(data: bytes) -> list[str]:
    """Return the software of a bill."""
    return [asset.key for asset in read(data).software]


def test_components_of_cyclonedx_at_any_depth():
    inner = {"name": "openssl", "cpe": OPENSSL, "components": [{"purl": LOG4J}, {"name": "nobody's"}]}
    data = bom({"name": "app", "components": [inner]}, metadata={"component": {"purl": "pkg:generic/app@1"}})
    assert names(data) == ["pkg:generic/app@1", OPENSSL, LOG4J]
    assert read(data).nameless == 2


def test_a_component_with_two_names_is_registered_by_both():
    assert names(bom({"purl": LOG4J, "cpe": OPENSSL}, {"purl": LOG4J})) == [LOG4J, OPENSSL]


def test_a_name_without_a_version_takes_the_component_s():
    open_name = "cpe:2.3:a:openssl:openssl:*:*:*:*:*:*:*:*"
    data = bom({"version": "2.14.1", "purl": LOG4J.partition("@")[0]}, {"version": "1.0.2zf", "cpe": open_name})
    assert names(data) == [LOG4J, OPENSSL]


def test_cyclonedx_in_xml():
    data = f"""<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.4"><components>
      <component type="library"><name>x</name><version>9</version><purl>{LOG4J}</purl>
        <components><component><name>y</name><cpe>{OPENSSL}</cpe></component></components></component>
    </components></bom>"""
    assert names(data.encode()) == [LOG4J, OPENSSL]


def test_spdx_as_json():
    references = [
        {"referenceType": "purl", "referenceLocator": LOG4J},
        {"referenceType": "other", "referenceLocator": ""},
    ]
    packages = [{"name": "log4j", "externalRefs": references}, {"name": "none"}]
    found = read(json.dumps({"spdxVersion": "SPDX-2.3", "packages": packages}).encode())
    assert ([asset.key for asset in found.software], found.nameless) == ([LOG4J], 1)


def test_spdx_as_tags():
    data = f"""SPDXVersion: SPDX-2.3
PackageName: log4j
PackageVersion: 2.14.1
ExternalRef: PACKAGE-MANAGER purl {LOG4J.partition("@")[0]}
PackageName: openssl
ExternalRef: SECURITY cpe23Type {OPENSSL}
"""
    assert names(data.encode()) == [LOG4J, OPENSSL]


def test_every_bad_component_is_named_by_its_place():
    with pytest.raises(InvalidInput) as refused:
        read(bom({"purl": "log4j"}, {"purl": LOG4J}, {"components": [{"cpe": "cpe:2.3:a"}]}))
    assert [problem.at for problem in refused.value.problems] == ["/components/0", "/components/2/components/0"]


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b"\xff", b"<a/>", b"<!DOCTYPE a []><a/>", b'{"spdxVersion": "SPDX-3.0"}', b"[" * 100_000],
)
def test_what_is_no_bill_is_refused(data: bytes):
    with pytest.raises(InvalidInput):
        read(data)


anything = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5) | st.sampled_from([LOG4J, OPENSSL, "1.0", "-"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["components", "purl", "cpe", "version", "packages", "externalRefs"]), inner)
    ),
    max_leaves=12,
)


@given(anything, st.sampled_from([{"bomFormat": "CycloneDX"}, {"spdxVersion": "SPDX-2.2"}]))
def test_any_structure_is_read_or_refused(inner: Any, head: dict[str, str]):
    with suppress(InvalidInput):
        read(json.dumps({**(inner if isinstance(inner, dict) else {"components": inner}), **head}).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes):
    with suppress(InvalidInput):
        read(data)
