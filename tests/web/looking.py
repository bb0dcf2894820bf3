"""What to look for on a page in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.conftest import ROOT

if TYPE_CHECKING:
    from playwright.async_api import Page

WIDER: Final = "() => document.documentElement.scrollWidth > window.innerWidth"
"""Whether the page scrolls sideways."""
_OPEN_ALL: Final = "() => document.querySelectorAll('details').forEach(d => { d.open = true })"
_RUN: Final = "async () => (await axe.run()).violations.map(v => [v.id, ...v.nodes.map(n => n.html.slice(0, 120))])"


async def violations(page: Page) -> object:
    """Return what axe-core finds, with everything that can be unfolded unfolded."""
    await page.evaluate(_OPEN_ALL)
    await page.evaluate((ROOT / "tests/web/axe/axe.js").read_text())
    return await page.evaluate(_RUN)
