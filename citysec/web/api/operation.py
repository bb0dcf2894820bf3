"""What an operation of the API is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access.policy import Action, Principal, Scope
from citysec.web.context import AppContext

Query = TypeVar("Query", bound=BaseModel)
Body = TypeVar("Body", bound=BaseModel)


class Method(StrEnum):
    """What may be done over HTTP: read, or do something."""

    GET = "get"
    POST = "post"

    @property
    def scope(self) -> Scope:
        """What a token needs for it."""
        return Scope.API_READ if self is Method.GET else Scope.API_WRITE


class Nothing(BaseModel):
    """No parameters, or an empty object."""

    model_config = ConfigDict(extra="forbid")


class Raw(BaseModel):
    """A body that the operation reads itself; `TYPES` says in which media types, each with its schema."""

    TYPES: ClassVar[Mapping[str, Mapping[str, Any]]]

    content: bytes = b""
    type: str = ""


class Csv(Raw):
    """A body that is `text/csv` instead of JSON."""

    TYPES: ClassVar[Mapping[str, Mapping[str, Any]]] = {"text/csv": {"type": "string"}}


@dataclass(frozen=True, slots=True)
class Call(Generic[Query, Body]):
    """One call of an operation.

    Args:
        name: of the operation, for what must not be confused between operations.
        db: for GET a session on one snapshot, for POST the transaction that is committed with the answer.
        path: the path's parameters by name.
        found: what the operation's `before` has found.
    """

    name: str
    app: AppContext
    db: AsyncSession
    principal: Principal
    path: Mapping[str, str]
    query: Query
    body: Body
    found: Any = None


@dataclass(frozen=True, slots=True)
class Ahead(Generic[Query, Body]):
    """A call before its transaction."""

    app: AppContext
    query: Query
    body: Body


@dataclass(frozen=True, slots=True)
class Operation(Generic[Query, Body]):
    """One operation, declared once; the docstring of `handler` is what the API's description says about it.

    Args:
        path: below `/api/v1`, parameters in braces; `PARAMETERS` says what each looks like.
        action: which roles may do it at all; on which rows is decided in the handler's queries.
        status: of success.
        only_reads: a POST that only reads: its question is too long for an address.
        before: of a POST, what takes long and only reads: done before the transaction, which keeps others waiting.
    """

    method: Method
    path: str
    action: Action
    handler: Callable[[Call[Query, Body]], Awaitable[BaseModel]]
    query: type[Query]
    body: type[Body]
    output: type[BaseModel]
    status: int = 200
    only_reads: bool = False
    before: Callable[[Ahead[Query, Body]], Awaitable[object]] | None = None

    @property
    def scope(self) -> Scope:
        """What a token needs for it."""
        return Scope.API_READ if self.only_reads else self.method.scope

    @property
    def name(self) -> str:
        """A name for it that is unique in the API."""
        return self.handler.__name__


PARAMETERS: Mapping[str, str] = {
    "id": "[A-Za-z0-9_-]{1,64}",
    "asset": "[0-9]{1,15}",
    "slug": "[a-z0-9][a-z0-9-]{0,99}",
    "feed": "[a-z0-9][a-z0-9_.-]{0,99}",
    "name": "[A-Za-z0-9_.-]{1,255}",
}
"""The parameters of paths and what they look like; what looks otherwise does not exist."""
