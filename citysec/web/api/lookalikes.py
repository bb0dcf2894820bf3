"""The allow list of lookalikes: names that look like registered ones, and are harmless because a person says so."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlmodel import col, select

from citysec.correlate import allow_list
from citysec.errors import InvalidInput, NotShared
from citysec.observable import reverse_labels
from citysec.tables.lookalikes import AllowedName
from citysec.web.api.operation import Call, Nothing
from citysec.web.api.paging import Keyset, page
from citysec.web.api.values import In, Out, Page, Paging, Text


class AllowBody(In):
    """A name that is to look like nobody's."""

    name: Annotated[str, Field(max_length=1000, description="What is below it is allowed, too.")]
    note: Annotated[Text, Field(description="Why it is harmless.")] = ""


class AllowedOut(Out):
    """A name that is allowed, with all names below it."""

    name: str
    note: str
    by: Annotated[str, Field(description="Account.")]
    at: datetime


_BY_AGE: Keyset[AllowedName] = Keyset((col(AllowedName.at), col(AllowedName.key)), lambda row: (row.at, row.key))


async def list_allowed(call: Call[Paging, Nothing]) -> Page[AllowedOut]:
    """List the names that are allowed although they look like registered ones."""
    return await page(call, select(AllowedName), _BY_AGE, _out)


async def allow_name(call: Call[Nothing, AllowBody]) -> AllowedOut:
    """Allow a name: the matches of lookalikes by it, and by names below it, end."""
    return _out(await allow_list.allow(call.db, call.body.name, call.body.note, call.principal.name))


async def withdraw_name(call: Call[Nothing, Nothing]) -> AllowedOut:
    """Take a name off the list, and say what stood there: the matches that it had ended come back."""
    try:
        return _out(await allow_list.disallow(call.db, call.path["name"], call.principal.name))
    except InvalidInput as err:
        raise NotShared from err


def _out(entry: AllowedName) -> AllowedOut:
    return AllowedOut(name=reverse_labels(entry.key), note=entry.note, by=entry.by, at=entry.at)
