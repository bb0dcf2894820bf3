"""The `Accept` header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.web.negotiate import accepts_taxii, is_taxii


@pytest.mark.parametrize(
    "header",
    [None, "", "application/taxii+json;version=2.1", "application/taxii+json; version=2.1", "application/taxii+json",
     'APPLICATION/TAXII+JSON; Version="2.1"', "*/*", "application/*", "application/json",
     "application/taxii+json;version=2.1,application/stix+json;version=2.1", "text/html, */*;q=0.1",
     "application/taxii+json;version=2.0, application/taxii+json;q=0.5"],
)  # fmt: skip
def test_what_can_be_satisfied_is(header: str | None):
    assert accepts_taxii(header)


@pytest.mark.parametrize(
    "header",
    ["text/html", "application/taxii+json;version=2.0", "application/taxii+json;version=9.9", "*/*;q=0",
     "application/vnd.oasis.taxii+json; version=2.0", "application/taxii+json;version=2.1;q=0, */*", "nonsense"],
)  # fmt: skip
def test_what_cannot_is_not(header: str):
    assert not accepts_taxii(header)


@given(st.text())
def test_no_header_breaks_it(header: str):
    assert accepts_taxii(header) in (True, False)


@pytest.mark.parametrize(
    ("content_type", "taken"),
    [("application/taxii+json;version=2.1", True), ("application/taxii+json; charset=utf-8", True),
     ("application/json", False), ("application/stix+json;version=2.1", False), ("", False)],
)  # fmt: skip
def test_bodies_must_say_that_they_are_taxii(content_type: str, taken: bool):
    assert is_taxii(content_type) is taken
