"""Streams of builds: what is said of one release of a distribution is about no other."""

import pytest

from citysec.software.builds import Kin, Stream, kin, of_name, of_version
from citysec.software.records import Affected, Versions


@pytest.mark.parametrize(
    ("version", "stream"),
    [
        ("1:1.1.1k-12.el8_9", Stream("el8", "9")),
        ("1.1.1k-7.el8", Stream("el8")),
        ("3.0.7-25.el9_3.1", Stream("el9", "3")),
        ("18.19.0-1.module+el8.9.0+19644+d68f775d", Stream("el8", "9")),
        ("4.4.1-11.rhaos4.13.el8", Stream("rhaos4.13.el8")),
        ("2.1-3.el8sat", Stream("el8sat")),
        ("8.2-1.fc39", Stream("fc39")),
        ("1.1.1m-15.oe2203sp1", Stream("oe2203sp1")),
        ("1.1.1l-150400.7.60.2", Stream("150400")),
        ("1.1.1n-0+deb11u4", None),
        ("1.2.3", None),
    ],
)
def test_a_release_says_what_it_was_built_for(version: str, stream: Stream | None):
    assert of_version(version) == stream


@pytest.mark.parametrize(
    ("name", "stream"),
    [
        ("cpe:/o:redhat:enterprise_linux:8::baseos", Stream("el8")),
        ("cpe:2.3:o:redhat:enterprise_linux:9.2:*:*:*:*:*:*:*", Stream("el9")),
        ("cpe:/a:redhat:rhel_eus:8.6::appstream", Stream("el8", "6", pinned=True)),
        ("cpe:/o:redhat:rhel_els:7", Stream("el7")),
        ("cpe:/o:fedoraproject:fedora:39", Stream("fc39")),
        ("cpe:/a:redhat:openshift:4.13::el8", None),
        ("cpe:/o:redhat:enterprise_linux", None),
        ("no name", None),
    ],
)
def test_a_name_of_cpe_says_which_release_it_is(name: str, stream: Stream | None):
    assert of_name(name) == stream


@pytest.mark.parametrize(
    ("version", "name", "build", "expected"),
    [
        ("5.el8_4", "enterprise_linux:8", "12.el8_9", Kin.SAME),
        ("9.el8_6", "rhel_eus:8.6", "9.el8_6", Kin.PINNED),
        ("14.el8_10", "rhel_eus:8.6", "9.el8_6", Kin.NEAR),
        ("6.el9_2", "enterprise_linux:8", "12.el8_9", Kin.OTHER),
        ("5.el8", None, "7.el8", Kin.SAME),
        ("5.el8_4", None, "7.el8_6", Kin.NEAR),
        ("5.el8", "openshift:4", "7.rhaos4.13.el8", Kin.OTHER),
        ("5", "enterprise_linux:8", "7.el8", Kin.NEAR),
        ("5", "openshift:4", "7", Kin.NEAR),
        ("5", None, "7", Kin.SAME),
    ],
)
def test_builds_are_of_one_stream_or_not(version: str, name: str | None, build: str, expected: Kin):
    on = (f"cpe:/o:redhat:{name}",) if name else ()
    said = Affected(running_on=on, versions=(Versions(start=f"1.1.1k-{build}", order="rpm"),))
    assert kin(f"1.1.1k-{version}", said) is expected
