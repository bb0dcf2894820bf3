"""The API does what its description says, and nothing thrown at it breaks it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from citysec.access.door import Door
from citysec.access.throttle import Throttle
from citysec.db import Database, upgrade
from citysec.web.api import idempotency
from citysec.web.api.lookalikes import AllowBody
from citysec.web.api.operation import Csv, Operation
from citysec.web.api.serve import ROOT
from citysec.web.api.sightings import Observations, SightedBody
from citysec.web.api.table import OPERATIONS
from tests import city
from tests.web import feeding
from tests.web.api.world import EVERYTHING, seed

_WIDE = Door(by_name=Throttle(burst=10**6, refill_s=1), by_address=Throttle(burst=10**6, refill_s=1))
"""Schemathesis tries wrong passwords with every operation."""
_WIDE.passwords._decoy = city.password_hash()  # they cost as little as the right one does in tests


_UNSAID: dict[Any, list[Any]] = {
    Csv: [positive_data_acceptance],
    AllowBody: [positive_data_acceptance],
    SightedBody: [positive_data_acceptance],  # the city's team must say at whom it was
    Observations: [positive_data_acceptance, negative_data_rejection],  # a record that is none costs itself
}
"""What the bodies of operations want or bear that no schema says."""


class _Served(threading.Thread):
    """A seeded city, served by a loop of its own for clients that are not asynchronous."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self._database = f"sqlite+aiosqlite:///{folder / 'citysec.db'}"
        self._ready, self.url, self.token = threading.Event(), "", ""

    def run(self) -> None:
        asyncio.run(self._serve())

    def __enter__(self) -> _Served:
        self.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self.join(30)

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        await upgrade(self._database)
        async with Database.opened(self._database) as db:
            await seed(db, EVERYTHING)
            self.token = await city.token(db, "ada")
            async with city.served(replace(city.app_context(db), door=_WIDE, feeds=feeding.FEEDS)) as site:
                self.url = site.url
                self._ready.set()
                await self._ended.wait()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Served]:
    with _Served(tmp_path_factory.mktemp("api")) as service:
        yield service


@pytest.fixture(scope="module")
def described(service: _Served) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{service.url}/api/openapi.json")


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.name)
def test_every_operation_keeps_its_word(
    operation: Operation[Any, Any], mode: GenerationMode, service: _Served, described: schemathesis.BaseSchema
):
    @settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
    @given(case=described[ROOT + operation.path][operation.method].as_strategy(generation_mode=mode))
    def holds(case: Case[Any]) -> None:
        case.query.pop("cursor", None)  # a made-up one is rightly refused, and no schema can say so
        if mode is GenerationMode.POSITIVE and idempotency.HEADER in case.headers:
            case.headers[idempotency.HEADER] = uuid4().hex  # one that was used for another request is rightly refused
        headers = {"Authorization": f"Bearer {service.token}"}
        case.call_and_validate(headers=headers, excluded_checks=_UNSAID.get(operation.body, []))

    holds()
