"""The whole journey of a visitor, driven in a real browser against a real collector, and what was seen at each step."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dongui_collector.core.errors import CollectorError
from dongui_collector.demo.holdings import destruction_of, find_bytes, holdings
from dongui_collector.demo.stage import Stage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

_PATIENCE_S = 20.0
_ASKING = {f"/_dongui/v1/{name}" for name in ("dongui.js", "ui.js", "position.js", "release.js", "queue.js", "notice")}


@dataclass(frozen=True, slots=True)
class Observation:
    """One observation: what was looked at in which step, what must be, what was."""

    step: str
    what: str
    wanted: str
    found: str
    ok: bool

    def json(self) -> dict[str, Any]:
        return asdict(self)

    def line(self) -> str:
        mark = "" if self.ok else f"   (must be: {self.wanted})"
        return f"{self.step:<22} {self.what:<52} {self.found}{mark}"


def journey(stage: Stage, browser: Browser) -> Iterator[Observation]:
    """Go through the journey on a running stage; yields each observation as it is made."""
    context = browser.new_context(locale="ko-KR")
    context.set_default_timeout(_PATIENCE_S * 1000)
    try:
        visitor = DemoVisitor(stage, context)
        for step in (before, statistics, pages, marketing, live_page, withdrawal, ageing_out):
            yield from step(visitor)
    finally:
        context.close()


class DemoVisitor:
    """A browser on the shop, with values of its own to look for in the data folder afterwards."""

    def __init__(self, stage: Stage, context: BrowserContext) -> None:
        self.stage = stage
        self.context = context
        self.page: Page = context.new_page()
        self.requests: list[str] = []
        context.on("request", lambda request: self.requests.append(request.url))
        self.click_id = f"gclid-{secrets.token_hex(12)}"
        self.campaign = f"campaign-{secrets.token_hex(12)}"

    def open(self, path: str = "", *, click: bool = False) -> None:
        """Load a page of the shop; with ``click`` as if from an advertisement."""
        query = f"?utm_campaign={self.campaign}&gclid={self.click_id}" if click else ""
        self.page.goto(f"{self.stage.shop}/ko/{path}{query}")

    def asked(self) -> set[str]:
        """The paths that were asked of the collector, through the shop's origin or past it."""
        collector = urlsplit(self.stage.collector).netloc
        parts = [urlsplit(url) for url in self.requests]
        return {p.path for p in parts if p.path.startswith("/_dongui/") or p.netloc == collector}

    def cookies(self) -> set[str]:
        return {cookie["name"] for cookie in self.context.cookies()}

    def press(self, action: str) -> None:
        self.page.locator(f"dongui-root [data-action={action}]").click()

    def choose(self, **grants: bool) -> None:
        """Set switches in the interface that is open, save, and wait until it is on the ledger and in force here."""
        for purpose, on in grants.items():
            self.page.locator(f"dongui-root [data-purpose-switch={purpose}]").set_checked(on)
        with self.page.expect_response(lambda answer: answer.url.endswith("/v1/consents")):
            self.press("save")
        granted = "(purpose) => dongui.consent.granted(purpose)"
        self.until(lambda: all(self.page.evaluate(granted, purpose) == on for purpose, on in grants.items()))

    def mine(self) -> list[dict[str, Any]]:
        """The rows that the collector shows this visitor as their own; none for somebody it does not know."""
        script = """async (site) => {
            const answer = await fetch(`/_dongui/v1/me?site=${site}`, {headers: {"X-Dongui": "1"}});
            return answer.ok ? (await answer.json()).events : [];
        }"""
        rows: list[dict[str, Any]] = self.page.evaluate(script, self.stage.installed.site)
        return rows

    def until(self, condition: Callable[[], object]) -> bool:
        """Wait until something holds; False when it never did."""
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            if condition():
                return True
            self.page.wait_for_timeout(50)
        return False

    def sentinel_in_data(self, text: str) -> list[str]:
        return find_bytes(self.stage.data, text.encode())


def before(visitor: DemoVisitor) -> Iterator[Observation]:
    """Nothing is asked of the collector, set or stored before a choice."""
    step = "before a choice"
    visitor.open(click=True)
    visitor.page.locator("dongui-root [data-action=refuse]").wait_for()
    visitor.page.wait_for_timeout(1500)  # anything that was going to be sent has been by now
    asked = visitor.asked()
    yield _seen(step, "requests to the collector", "the snippet's own parts, notice", _names(asked), asked <= _ASKING)
    yield _seen(step, "cookies", "none", _names(visitor.cookies()), not visitor.cookies())
    held = holdings(visitor.stage.config)
    yield _seen(
        step,
        "rows and consents stored",
        "0 and 0",
        f"{held.rows} and {held.consents}",
        not (held.rows or held.consents),
    )
    places = visitor.sentinel_in_data(visitor.campaign) + visitor.sentinel_in_data(visitor.click_id)
    yield _seen(step, "what the address carried, in the data folder", "nowhere", _names(places), not places)


def statistics(visitor: DemoVisitor) -> Iterator[Observation]:
    """Exactly what was granted, although the address carries an advertising id."""
    step = "statistics granted"
    visitor.press("choose")
    visitor.choose(statistics=True)
    came = visitor.until(lambda: visitor.mine())
    rows = visitor.mine()
    yield _seen(step, "rows", "at least 1", str(len(rows)), came)
    yield _every(step, "rows with an IP address", rows, lambda row: row["ip_address"])
    yield _every(
        step, "rows with browser and operating system", rows, lambda row: (row["environment"] or {}).get("browser")
    )
    yield _every(step, "rows without an advertising id", rows, lambda row: row["advertising_ids"] is None)
    yield _every(
        step,
        "rows whose address lost its gclid",
        rows,
        lambda row: "gclid" not in row["url"] and visitor.campaign in row["url"],
    )
    visitor.until(lambda: {"_ga", "_ga_DEMO"} <= visitor.cookies())
    visitor.open()
    names = visitor.cookies()
    yield _seen(
        step,
        "cookies of the analytics script and server",
        "_ga, _ga_DEMO, _ga_server",
        _names(n for n in names if "_ga" in n),
        {"_ga", "_ga_DEMO", "_ga_server"} <= names,
    )
    yield _seen(
        step,
        "cookie of the advertising script",
        "not set",
        "set" if "_fbp" in names else "not set",
        "_fbp" not in names,
    )
    places = visitor.sentinel_in_data(visitor.campaign)
    yield _seen(step, "the campaign, in the data folder", "found", f"in {_names(places)}", bool(places))
    places = visitor.sentinel_in_data(visitor.click_id)
    yield _seen(step, "the gclid, in the data folder", "nowhere", _names(places), not places)


def pages(visitor: DemoVisitor) -> Iterator[Observation]:
    """Page views, also those that load no page."""
    step = "looking around"
    visitor.page.locator("nav.kinds a").nth(1).click()
    visitor.page.wait_for_url("**/shelf/*")
    visitor.page.locator("nav.kinds a").nth(2).click()
    visitor.page.wait_for_url("**/shelf/cups")
    visitor.page.locator("ul.goods a").first.click()
    visitor.page.wait_for_url("**/goods/*")
    paths = ("/ko/shelf/pots", "/ko/shelf/cups", "/ko/goods/teacup")
    came = visitor.until(lambda: set(paths) <= {urlsplit(row["url"]).path for row in visitor.mine()})
    visitor.page.wait_for_timeout(1500)  # a view that was counted twice has come twice by now
    rows = [urlsplit(row["url"]).path for row in visitor.mine()]
    yield _seen(
        step,
        "views of two categories (no load) and a product",
        "exactly one each",
        ", ".join(str(rows.count(p)) for p in paths),
        came and all(rows.count(p) == 1 for p in paths),
    )


def marketing(visitor: DemoVisitor) -> Iterator[Observation]:
    """A second purpose, given later, adds its items from then on."""
    step = "marketing granted"
    visitor.page.locator('footer [data-dongui="preferences"]').click()
    visitor.choose(statistics=True, marketing=True)
    came = visitor.until(lambda: "_fbp" in visitor.cookies())
    yield _seen(step, "cookie of the advertising script", "set", "set" if came else "not set", came)
    visitor.open(click=True)
    came = visitor.until(lambda: any(row["advertising_ids"] for row in visitor.mine()))
    rows = [row for row in visitor.mine() if row["advertising_ids"]]
    right = came and len(rows) == 1 and visitor.click_id in str(rows[0]["advertising_ids"])
    yield _seen(step, "rows with the advertising id", "1", str(len(rows)), right)


def live_page(visitor: DemoVisitor) -> Iterator[Observation]:
    """The shop's live page shows the same."""
    visitor.open("live")
    count = visitor.page.locator("#count")
    came = visitor.until(lambda: count.inner_text().isdigit() and int(count.inner_text()) == len(visitor.mine()) > 0)
    yield _seen("live page", "rows shown", "as many as are held", count.inner_text(), came)


def withdrawal(visitor: DemoVisitor) -> Iterator[Observation]:
    """Withdrawing destroys the rows at once and takes the cookies along."""
    step = "withdrawn"
    visitor.page.locator("#withdraw").click()
    stage = visitor.stage
    visitor.until(lambda: holdings(stage.config).rows == 0)
    rows = holdings(stage.config).rows
    yield _seen(step, "rows stored", "0", str(rows), rows == 0)
    yield _seen(step, "rows that the collector shows the visitor", "0", str(len(visitor.mine())), not visitor.mine())
    visitor.until(lambda: visitor.cookies() <= {"dongui"})
    names = visitor.cookies()
    yield _seen(step, "cookies left", "the choice alone (dongui)", _names(names), names == {"dongui"})
    places = visitor.sentinel_in_data(visitor.campaign) + visitor.sentinel_in_data(visitor.click_id)
    yield _seen(step, "campaign and gclid, in any byte of the data folder", "nowhere", _names(places), not places)


def ageing_out(visitor: DemoVisitor) -> Iterator[Observation]:
    """The published period ends: there until then, gone right after."""
    step, stage = "ageing out", visitor.stage
    visitor.campaign = f"campaign-{secrets.token_hex(12)}"
    visitor.page.locator('main [data-dongui="preferences"]').click()
    visitor.choose(statistics=True)
    visitor.open(click=True)
    came = visitor.until(lambda: visitor.sentinel_in_data(visitor.campaign))
    yield _seen(step, "rows, consented to anew", "at least 1", str(holdings(stage.config).rows), came)
    day, ends = destruction_of(stage.config)
    visitor.page.goto("about:blank")
    stage.stop()
    stage.start(clock=(ends - timedelta(minutes=2)).isoformat())
    held = holdings(stage.config)
    yield _seen(step, f"rows of {day}, minutes before {ends:%Y-%m-%d}", "still there", str(held.rows), held.rows > 0)
    stage.stop()  # minutes for a slow machine to look, and not to be waited for
    stage.start(clock=(ends - timedelta(seconds=3)).isoformat())
    gone = visitor.until(lambda: day not in holdings(stage.config).days)
    yield _seen(
        step, f"the day's file, after {ends:%Y-%m-%d} began", "destroyed", "destroyed" if gone else "still there", gone
    )
    places = visitor.sentinel_in_data(visitor.campaign)
    yield _seen(step, "the campaign, in any byte of the data folder", "nowhere", _names(places), not places)
    if stage.log().count('"level": "error"'):
        raise CollectorError(f"the collector reported errors:\n{stage.log()[-2000:]}")


def _seen(step: str, what: str, wanted: str, found: str, ok: bool) -> Observation:
    return Observation(step, what, wanted, found, bool(ok))


def _every(step: str, what: str, rows: list[dict[str, Any]], test: Callable[[dict[str, Any]], object]) -> Observation:
    fitting = sum(bool(test(row)) for row in rows)
    return _seen(step, what, "all", f"{fitting} of {len(rows)}", fitting == len(rows) > 0)


def _names(found: Any) -> str:
    return ", ".join(sorted(found)) or "none"
