"""What axe-core finds wrong with a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page

_AXE = Path(__file__).parents[2] / "sdk_js" / "node_modules" / "axe-core" / "axe.min.js"
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")  # level AA of WCAG 2.2


def violations(page: Page, rules: Sequence[str] = WCAG, *, within: str = "", frames: bool = True) -> list[str]:
    """Every element that breaks one of ``rules``, with what is wrong; only ``within`` a selector, if there is one."""
    page.evaluate(_AXE.read_text())
    found: list[str] = page.evaluate(
        """([rules, within, iframes]) => axe.run(within ? {include: [within]} : document, {runOnly: rules, iframes})
        .then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html + " " + n.failureSummary)))""",
        [list(rules), within, frames],
    )
    return found
