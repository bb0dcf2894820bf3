"""How values are written in the API, in both directions."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.functional_validators import AfterValidator

from citysec.tlp import TLP

_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_NO_NUL: Final = r"^[^\x00]*$"  # PostgreSQL's text cannot hold it
_T = TypeVar("_T")


def _instant(value: Any) -> Any:
    if isinstance(value, str) and not _RFC3339.fullmatch(value):
        raise ValueError("must be a time as in RFC 3339, with an offset, for instance 2026-06-01T12:00:00Z")
    return value


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as err:
        raise ValueError("is outside the years 1 to 9999") from err


Name = Annotated[str, Field(max_length=100, pattern=_NO_NUL)]
"""Something to look for: a slug, an id."""

Instant = Annotated[AwareDatetime, BeforeValidator(_instant), AfterValidator(_utc)]
"""An instant as RFC 3339 writes it; naive times are refused."""

Text = Annotated[str, Field(max_length=10_000, pattern=_NO_NUL)]
"""Words of a person."""

Label = Annotated[
    int,
    PlainSerializer(lambda level: TLP(level).label, return_type=str),
    WithJsonSchema({"type": "string", "enum": [level.label for level in TLP]}),
]
"""A TLP label, stored as its rank."""


class Out(BaseModel):
    """What an operation answers: read from a row's attributes of the same names."""

    model_config = ConfigDict(from_attributes=True, defer_build=True)


class In(BaseModel):
    """What an operation takes: what it does not know, it refuses."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class Paging(In):
    """The parameters of every list."""

    limit: Annotated[int, Field(ge=1, le=500, description="At most so many.")] = 100
    cursor: Annotated[str | None, Field(max_length=1000, description="`next` of the page before.")] = None


class Page(BaseModel, Generic[_T]):
    """One page of a list, oldest first: what is added while a reader pages comes at the end."""

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Return what the API's description calls a page of something, for instance `IncidentPage`."""
        return params[0].__name__.removesuffix("Out") + "Page"

    items: list[_T]
    next: Annotated[str | None, Field(description="`cursor` of the next page; null after the last.")] = None
