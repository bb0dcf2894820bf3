"""Webhooks, to a real receiver that verifies them with the Standard Webhooks library."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from citysec.advisories.channels import webhook
from citysec.advisories.channels.webhook import Outlet
from citysec.errors import DeliveryDeferred, DeliveryRefused
from citysec.guard import Guard
from tests.advisories.channels.receivers import Hook, message

OPEN = Outlet(Guard.of("127.0.0.1"), timeout_s=5)


@pytest.fixture
async def hook() -> AsyncGenerator[Hook, None]:
    async with Hook().listening() as listening:
        yield listening


async def test_the_receiver_verifies_it_and_sees_the_deliverys_id(hook: Hook):
    await webhook.send(OPEN, message(address=str(hook.url)))
    assert hook.got == [("d" * 64, {"type": "x"})]


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 410, 422])
async def test_a_no_for_good_is_one_and_redirects_are_not_followed(hook: Hook, status: int):
    hook.answers.append(web.Response(status=status, headers={"Location": str(hook.url)}))
    with pytest.raises(DeliveryRefused, match=str(status)):
        await webhook.send(OPEN, message(address=str(hook.url)))
    assert len(hook.got) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
async def test_a_no_for_now_is_tried_again(hook: Hook, status: int):
    hook.answers.append(web.Response(status=status))
    with pytest.raises(DeliveryDeferred, match=str(status)) as caught:
        await webhook.send(OPEN, message(address=str(hook.url)))
    assert caught.value.retry_after_s is None


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_the_receiver_may_say_when_to_call_again(hook: Hook, form: str):
    later = datetime.now(UTC) + timedelta(seconds=600)
    asked = "600" if form == "seconds" else format_datetime(later, usegmt=True)
    hook.answers.append(web.Response(status=503, headers={"Retry-After": asked}))
    with pytest.raises(DeliveryDeferred) as caught:
        await webhook.send(OPEN, message(address=str(hook.url)))
    assert caught.value.retry_after_s == pytest.approx(600, abs=60)


@pytest.mark.parametrize("asked", ["soon", "-5", "", "Tue, 99 Foo"])
async def test_nonsense_for_when_to_call_again_is_no_answer(hook: Hook, asked: str):
    hook.answers.append(web.Response(status=503, headers={"Retry-After": asked}))
    with pytest.raises(DeliveryDeferred) as caught:
        await webhook.send(OPEN, message(address=str(hook.url)))
    assert caught.value.retry_after_s is None


async def test_a_receiver_that_is_not_there_is_tried_again(unused_tcp_port: int):
    with pytest.raises(DeliveryDeferred):
        await webhook.send(OPEN, message(address=f"http://127.0.0.1:{unused_tcp_port}/"))


async def test_an_inner_address_is_refused_unless_the_operator_allows_it(hook: Hook):
    with pytest.raises(DeliveryRefused, match="not on the public internet"):
        await webhook.send(Outlet(Guard(), 5), message(address=f"https://127.0.0.1:{hook.url.port}/in"))
    assert hook.got == []


@pytest.mark.parametrize(
    "address", ["http://soar.camden.example/in", "ftp://x.example", "soar", "http://[x", "https://"]
)
async def test_what_is_no_https_address_is_refused(address: str):
    with pytest.raises(DeliveryRefused, match="address"):
        await webhook.send(OPEN, message(address=address))


@pytest.mark.parametrize("secret", [None, "", "whsec_", "whsec_*", "whsec_a"])
async def test_without_a_good_secret_nothing_is_sent(hook: Hook, secret: str | None):
    with pytest.raises(DeliveryRefused, match="signing secret"):
        await webhook.send(OPEN, message(address=str(hook.url), secret=secret))
    assert hook.got == []
