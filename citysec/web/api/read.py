"""What comes in over HTTP, as the models of an operation."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar, get_origin

from aiohttp import web
from pydantic import BaseModel, ValidationError

from citysec.errors import InvalidInput, Problem
from citysec.web.api.operation import Raw

_Model = TypeVar("_Model", bound=BaseModel)


def query(request: web.Request, model: type[_Model]) -> _Model:
    """Return the query string as `model`; a parameter may be repeated where the model has a list.

    Raises:
        InvalidInput: a parameter is unknown, repeated without need, or its value is not legal.
    """
    values: dict[str, Any] = {}
    for name in request.query:
        given = request.query.getall(name)
        values[name] = given if _is_list(model, name) or len(given) > 1 else given[0]
    return _validated(model.model_validate, values)


async def body(request: web.Request, model: type[_Model]) -> _Model:
    """Return the body as `model`: JSON, of which none at all counts as an empty object, or for `Raw` as it came.

    Raises:
        web.HTTPUnsupportedMediaType: the body says that it is something else.
        web.HTTPRequestEntityTooLarge: it is longer than `api_max_bytes`.
        InvalidInput: it is not JSON, or not what the operation wants.
    """
    content = await request.read()
    wanted = media_types(model)
    if content and request.content_type not in wanted:
        raise web.HTTPUnsupportedMediaType(text=f"send {' or '.join(wanted)}")
    if issubclass(model, Raw):
        return model(content=content, type=request.content_type)
    return _validated(model.model_validate_json, content or b"{}")


def media_types(model: type[BaseModel]) -> Collection[str]:
    """Return the types of the bodies that `model` stands for."""
    return tuple(model.TYPES) if issubclass(model, Raw) else ("application/json",)


def _is_list(model: type[BaseModel], name: str) -> bool:
    field = model.model_fields.get(name)
    return field is not None and get_origin(field.annotation) is list


def _validated(validate: Callable[[Any], _Model], value: object) -> _Model:
    try:
        return validate(value)
    except ValidationError as err:
        faults = err.errors(include_url=False, include_input=False, include_context=False)
        raise InvalidInput(Problem(".".join(map(str, e["loc"])), e["msg"]) for e in faults) from err
