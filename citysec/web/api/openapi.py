"""The API's description, OpenAPI 3.1, made from the same table as its routes."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from citysec.web.api import idempotency, read
from citysec.web.api.operation import PARAMETERS, Method, Operation, Raw
from citysec.web.refusals import PROBLEM_TYPE

_Json: TypeAlias = dict[str, Any]
_Mode: TypeAlias = Literal["serialization", "validation"]
_Names: TypeAlias = Mapping[Any, _Json]
_OUT: Final[_Mode] = "serialization"
_IN: Final[_Mode] = "validation"
_REF: Final = "#/components/schemas/{model}"
_SECURITY: Final[list[_Json]] = [{"token": []}, {"password": []}, {"cookie": []}]
_SCHEMES: Final[_Json] = {
    "token": {"type": "http", "scheme": "bearer", "description": "Of `citysec tokens issue`."},
    "password": {"type": "http", "scheme": "basic"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "citysec", "description": "Of the console's sign-in."},
}
_KEY: Final[_Json] = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": "The same request under the same key is done once, and answered alike for a day.",
    "schema": {"type": "string", "pattern": f"^{idempotency.KEY}$"},
}
_READ_FAULTS: Final[Mapping[int, str]] = {
    401: "Who asks is unknown.",
    403: "The role or the token does not allow it.",
    422: "What was sent cannot be used.",
    429: "Too many attempts.",
    500: "A fault of ours.",
}
_DO_FAULTS: Final = {
    **_READ_FAULTS,
    409: "Not legal in the present state.",
    413: "The body is too large.",
    415: "The body is not JSON.",
}
_ABSENT: Final = {404: "It does not exist, or not for this reader."}


class ProblemPlace(BaseModel):
    """One thing wrong, with its place."""

    at: str
    message: str


class ProblemDetails(BaseModel):
    """Any refusal (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    problems: list[ProblemPlace]
    request_id: str = Field(description="Tells the operator which lines of the log belong to it.")


def document(operations: Sequence[Operation[Any, Any]], root: str, server: str) -> str:
    """Return the description of `operations` as JSON text."""
    models: dict[tuple[type[BaseModel], _Mode], None] = {(ProblemDetails, _OUT): None}
    for operation in operations:
        models |= {(operation.output, _OUT): None, (operation.body, _IN): None}
    distinct = sorted(models, key=lambda pair: (pair[0].__name__, pair[1]))
    names, schemas = models_json_schema(distinct, ref_template=_REF)
    paths: dict[str, _Json] = {}
    for operation in operations:
        paths.setdefault(root + operation.path, {})[operation.method] = _operation(operation, names)
    info = {"title": "citysec", "version": "1", "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}}
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": info,
            "servers": [{"url": server}],
            "security": _SECURITY,
            "paths": paths,
            "components": {"schemas": schemas["$defs"], "securitySchemes": _SCHEMES},
        }
    )


def _operation(operation: Operation[Any, Any], names: _Names) -> _Json:
    says = inspect.getdoc(operation.handler) or ""
    described: _Json = {
        "operationId": operation.name,
        "summary": says.partition("\n")[0],
        "parameters": _path_parameters(operation.path) + _query_parameters(operation.query),
        "responses": _responses(operation, names),
    }
    if operation.method is Method.POST:
        described["parameters"] += [] if operation.only_reads else [_KEY]
        described["requestBody"] = {"required": _needed(operation.body), "content": _content(operation.body, names)}
    return described


def _content(body: type[BaseModel], names: _Names) -> _Json:
    if issubclass(body, Raw):
        return {kind: {"schema": schema} for kind, schema in body.TYPES.items()}
    return {kind: {"schema": names[body, _IN]} for kind in read.media_types(body)}


def _path_parameters(path: str) -> list[_Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": f"^{PARAMETERS[name]}$"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(model: type[BaseModel]) -> list[_Json]:
    schema = model.model_json_schema(ref_template=_REF)
    definitions: _Json = schema.get("$defs", {})
    needed: list[str] = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": _inlined(_plain(field), definitions)}
        for name, field in schema.get("properties", {}).items()
    ]


def _plain(field: _Json) -> _Json:
    """Return the schema of a value that may be left out, without the null that stands for leaving it out."""
    given: list[_Json] = [s for s in field.get("anyOf", []) if s.get("type") != "null"]
    return field if not given else given[0] | {k: v for k, v in field.items() if k == "description"}


def _inlined(schema: _Json, definitions: _Json) -> _Json:
    """Return `schema` with what it refers to in its place, one level deep: closed sets of words."""
    if "$ref" in schema:
        return definitions[str(schema["$ref"]).rpartition("/")[2]]
    return schema | {"items": _inlined(schema["items"], definitions)} if "items" in schema else schema


def _responses(operation: Operation[Any, Any], names: _Names) -> _Json:
    success = {"description": "Done.", "content": {"application/json": {"schema": names[operation.output, _OUT]}}}
    refusal = {PROBLEM_TYPE: {"schema": names[ProblemDetails, _OUT]}}
    faults = _READ_FAULTS if operation.method is Method.GET else _DO_FAULTS
    answers: _Json = {str(operation.status): success, "400": {"description": "Not HTTP, or its address is too long."}}
    if operation.method is Method.GET or operation.only_reads:
        answers["304"] = {"description": "What `If-None-Match` names is still right."}
    if "{" in operation.path or _needed(operation.query):  # something is named
        faults = {**faults, **_ABSENT}
    return answers | {str(s): {"description": text, "content": refusal} for s, text in sorted(faults.items())}


def _needed(model: type[BaseModel]) -> bool:
    return any(field.is_required() for field in model.model_fields.values())
