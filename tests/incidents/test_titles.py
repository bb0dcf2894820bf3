"""What incidents are called."""

from __future__ import annotations

from citysec.incidents.titles import called


def test_a_title_names_the_kind_and_what_it_is_about() -> None:
    assert called("command-and-control") == "Command and control"
    assert called("command-and-control", "Qakbot") == "Command and control: Qakbot"


def test_a_long_name_is_cut_and_not_lost() -> None:
    title = called("phishing", "x" * 5000)
    assert len(title) == 160
    assert title.startswith("Phishing: xxx")
    assert title.endswith("x…")
