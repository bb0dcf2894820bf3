"""Everything an operator can change: environment `CITYSEC_*`, read once, before anything starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from citysec.errors import SettingsError

_PREFIX: Final = "CITYSEC_"
_PACKAGE: Final = Path(__file__).parent


class Settings(BaseSettings):
    """What the operator decides; frozen once read.

    The defaults are safe on a laptop and honest in production: loopback only, TLS verified, no built-in password.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="forbid")

    data_dir: Path = Field(default=Path("citysec-data"), description="Where databases, keys and feed definitions live.")
    database_url: str | None = Field(
        default=None,
        pattern=r"^postgres(ql)?(\+\w+)?://",
        description="`postgresql://user:password@host/name`; without it SQLite files in the data directory.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    public_url: str | None = Field(
        default=None,
        description="Where people reach the console, for links in messages; the listening address when unset.",
    )
    city: str = Field(default="London", min_length=1, description="Name of the city on pages and in messages.")
    log_format: str = Field(default="text", pattern="^(text|json)$", description="`text` or `json` lines.")
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$", description="Least level logged.")

    feed_timeout_s: float = Field(default=60, gt=0, le=3600, description="Longest silence accepted from a publisher.")
    feed_max_bytes: int = Field(default=512 << 20, gt=0, description="Largest answer of a publisher, expanded.")
    feed_allow_hosts: str = Field(
        default="",
        description="Comma-separated `host` or `host:port` of publishers allowed on private addresses.",
    )

    smtp_host: str = Field(default="127.0.0.1", description="Mail relay for advisories.")
    smtp_port: int = Field(default=25, gt=0, le=65535, description="Port of the mail relay.")
    smtp_user: str | None = Field(default=None, description="Account at the mail relay; none when unset.")
    smtp_password: SecretStr | None = Field(default=None, description="Password of that account.")
    smtp_tls: str = Field(
        default="auto",
        pattern="^(auto|none|starttls|tls)$",
        description="`auto` takes TLS where the relay offers it.",
    )
    smtp_from: str = Field(default="citysec@localhost", min_length=3, description="Sender of advisories.")
    duty_name: str = Field(default="", description="Whom constituents call about an advisory.")
    duty_phone: str = Field(default="", description="That desk's telephone number.")
    duty_mail: str = Field(default="", description="That desk's mailbox, which people read.")
    webhook_allow_hosts: str = Field(default="", description="As `feed_allow_hosts`, for the receivers of webhooks.")
    delivery_timeout_s: float = Field(default=20, gt=0, le=600, description="Longest wait for a mail relay or webhook.")
    delivery_retry_s: float = Field(
        default=30, gt=0, le=3600, description="Wait before a message that failed is tried again; doubles each time."
    )

    session_hours: float = Field(default=12, gt=0, le=720, description="How long a sign-in lasts.")
    secure_cookies: bool | None = Field(
        default=None, description="Cookies over HTTPS only; unset follows the scheme of `public_url`."
    )
    api_max_bytes: int = Field(default=10 << 20, gt=0, description="Largest request body of the API and the console.")
    taxii_max_bytes: int = Field(default=100 << 20, gt=0, description="`max_content_length` of the TAXII API root.")
    telemetry_keep_hours: float = Field(
        default=0,
        ge=0,
        le=8784,
        description="How long observations that touch no indicator are kept for what is said later; 0 keeps none.",
    )
    work_poll_s: float = Field(default=0.2, gt=0, le=60, description="How often the dispatcher looks for work.")
    executor_id: str = Field(
        default="local", min_length=1, description="Unique name of this process among the workers."
    )

    @property
    def app_database(self) -> str:
        """SQLAlchemy URL of the application's database."""
        if self.database_url is None:
            return f"sqlite+aiosqlite:///{self.data_dir / 'citysec.db'}"
        return "postgresql+asyncpg://" + self.database_url.partition("://")[2]

    @property
    def runs_database(self) -> str:
        """SQLAlchemy URL of the durable engine's database: a SQLite file of its own, or the same PostgreSQL."""
        if self.database_url is None:
            return f"sqlite:///{self.data_dir / 'citysec-runs.db'}"
        return "postgresql+psycopg://" + self.database_url.partition("://")[2]

    @property
    def base_url(self) -> str:
        """Where links in messages point, without a closing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def read(environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Return the settings of `environment`, the process's own by default, with `overrides` on top.

    Raises:
        SettingsError: a value is not legal, or a `CITYSEC_*` name is unknown; the message names each one.
    """
    given = os.environ if environment is None else environment
    values: dict[str, Any] = {
        name[len(_PREFIX) :].lower(): value for name, value in given.items() if name.startswith(_PREFIX)
    }
    values |= {name: value for name, value in overrides.items() if value is not None}
    unknown = sorted(set(values) - set(Settings.model_fields))
    if unknown:
        raise SettingsError("unknown settings: " + ", ".join(_PREFIX + name.upper() for name in unknown))
    try:
        return Settings(**values)
    except ValidationError as err:
        faults = [f"{_PREFIX}{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in err.errors()]
        raise SettingsError("; ".join(faults)) from err


def declared(settings: Settings, name: str) -> Path:
    """Return the operator's file of that name, in `playbooks/` of the data directory, else the shipped one."""
    own = settings.data_dir / "playbooks" / name
    return own if own.is_file() else shipped("playbooks") / name


def shipped(folder: str) -> Path:
    """Return where the declarations that come with citysec lie: `feeds` or `playbooks`, in a wheel or in a checkout."""
    installed = _PACKAGE / "shipped" / folder
    return installed if installed.is_dir() else _PACKAGE.parent / folder
