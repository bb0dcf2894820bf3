"""Times, counts and marks as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from jinja2 import UndefinedError

from citysec.errors import Problem
from citysec.tlp import TLP
from citysec.web import render

NOW = datetime(2026, 11, 23, 4, 10, tzinfo=UTC)


def test_a_time_is_written_for_people_and_machines():
    assert render.when(NOW) == (
        '<time datetime="2026-11-23T04:10:00Z" title="23 Nov 2026, 04:10 UTC">23 Nov 2026, 04:10 UTC</time>'
    )


def test_a_time_of_another_zone_is_shown_in_utc():
    paris = timezone(timedelta(hours=1))
    assert "4 Mar 2026, 23:30 UTC" in render.when(datetime(2026, 3, 5, 0, 30, tzinfo=paris))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(5, "just now"), (60, "1 min ago"), (3599, "59 min ago"), (5000, "1 h ago"), (172_800, "2 days ago")],
)
def test_the_past_is_told_roughly(seconds: int, said: str):
    assert f">{said}<" in render.ago(NOW - timedelta(seconds=seconds), NOW)


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(12, "in 12 min"), (130, "in 2 h 10 min"), (120, "in 2 h"), (400, "in 6 h"), (-8, "overdue by 8 min")],
)
def test_a_deadline_is_told_closely(minutes: int, said: str):
    assert f">{said}<" in render.until(NOW + timedelta(minutes=minutes), NOW)


def test_a_deadline_that_falls_due_now_is_overdue():
    assert "overdue" in render.until(NOW, NOW)


@pytest.mark.parametrize("level", TLP)
def test_every_tlp_label_is_written_in_full(level: TLP):
    assert f">{level.label}<" in render.tlp(level)


def test_a_severity_has_a_mark_besides_its_colour():
    assert "<path d=" in render.severity("high")
    assert "High" in render.severity("high")


def test_a_severity_that_nobody_knows_is_refused():
    with pytest.raises(KeyError):
        render.severity("terrible")


@pytest.mark.parametrize(("count", "said"), [(0, "0 entries"), (1, "1 entry"), (1204, "1,204 entries")])
def test_a_count_agrees_with_its_noun(count: int, said: str):
    assert render.plural(count, "entry", "entries") == said


def test_a_word_of_the_rows_begins_a_line():
    assert render.sentence("local-government") == "Local government"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("London Borough of Camden", "Camden"),
        ("answer from Royal Borough of Greenwich", "answer from Greenwich"),
        ("City of London Corporation", "City of London Corporation"),
    ],
)
def test_boroughs_go_by_their_bare_names(name: str, said: str):
    assert render.short(name) == said


def test_the_first_problem_of_a_field_is_shown_at_the_field():
    problems = (Problem("name", "Enter your name"), Problem("name", "Too long"))
    assert render.fault(problems, "name") == {"text": "Enter your name"}
    assert render.fault(problems, "note") is None


def test_what_the_context_lacks_is_an_error():
    with pytest.raises(UndefinedError):
        render.render("parts/csrf.html")


def test_what_people_wrote_is_escaped_in_components_too():
    box = render.component("textarea", {"id": "n", "name": "n", "label": {"text": "N"}, "value": "</textarea><b>"})
    assert "<b>" not in box


def test_the_address_of_a_static_file_names_its_content():
    assert render.static("citysec.css").startswith("/static/citysec.css?v=")
