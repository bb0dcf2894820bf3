"""Settings: what the environment says, and nothing that it says is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from citysec import settings
from citysec.errors import SettingsError


def test_an_unknown_name_is_refused_by_name():
    with pytest.raises(SettingsError, match=r"CITYSEC_PROT\b"):
        settings.read({"CITYSEC_PROT": "8080", "CITYSEC_HOST": "127.0.0.1"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CITYSEC_PORT", "http"),
        ("CITYSEC_PORT", "65536"),
        ("CITYSEC_LOG_LEVEL", "loud"),
        ("CITYSEC_FEED_TIMEOUT_S", "0"),
        ("CITYSEC_SECURE_COOKIES", "perhaps"),
        ("CITYSEC_DATABASE_URL", "mysql://127.0.0.1/citysec"),
    ],
)
def test_a_bad_value_is_refused_with_the_name_of_its_setting(name: str, value: str):
    with pytest.raises(SettingsError, match=name):
        settings.read({name: value})


def test_every_fault_is_named_at_once():
    with pytest.raises(SettingsError, match=r"CITYSEC_PORT.*CITYSEC_LOG_FORMAT"):
        settings.read({"CITYSEC_PORT": "-1", "CITYSEC_LOG_FORMAT": "xml"})


def test_the_defaults_are_a_laptop_s_on_loopback_and_sqlite():
    found = settings.read({})
    assert (found.host, found.port, found.data_dir) == ("127.0.0.1", 8080, Path("citysec-data"))
    assert found.app_database == "sqlite+aiosqlite:///citysec-data/citysec.db"
    assert found.runs_database == "sqlite:///citysec-data/citysec-runs.db"


def test_other_variables_are_none_of_ours(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CITYSEC_PORT", "1234")
    assert settings.read({"PORT": "1", "HOST": "example.org", "XCITYSEC_PORT": "2"}) == settings.read({})


def test_what_is_given_comes_before_the_environment():
    assert settings.read({"CITYSEC_PORT": "1234"}, port=4321, host=None).port == 4321


def test_passwords_are_not_shown():
    assert "hunter2" not in repr(settings.read({"CITYSEC_SMTP_PASSWORD": "hunter2"}))
