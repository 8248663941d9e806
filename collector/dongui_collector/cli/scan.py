"""``dongui scan``: visit a page in Chromium and print the policy lines that are still missing."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
from dongui.policy import Policy, load
from dongui.policy.undeclared import Gap, PageScan, ScannedCookie, as_lines, gaps
from dongui.version import how_to_install

from dongui_collector.cli.common import config_option, emit, json_option, reading, site_option
from dongui_collector.core.errors import CollectorError

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# Scripts and embeds that wait for consent name what they will fetch; a scan lists it without granting anything.
_WAITING = """() => {
  const sources = [...document.querySelectorAll('script[data-purpose][src]')].map(script => script.src);
  for (const template of document.querySelectorAll('template[data-purpose]'))
    for (const element of template.content.querySelectorAll('[src]')) {
      try { sources.push(new URL(element.getAttribute('src'), document.baseURI).href); } catch { /* not an address */ }
    }
  return sources;
}"""
_STORAGE = "kind => { try { return Object.keys(window[kind]); } catch { return []; } }"


@click.command()
@click.argument("url")
@click.option(
    "--policy",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The policy file to compare with [default: the site's policy in force, if there is an installation].",
)
@click.option("--seconds", type=click.FloatRange(0, 60), default=3, show_default=True, help="Time for late scripts.")
@click.option("--browser", type=click.Path(exists=True, dir_okay=False), help="A Chromium to use [default: Debian's].")
@site_option
@config_option
@json_option
@click.pass_context
def scan(
    ctx: click.Context,
    url: str,
    policy: Path | None,
    seconds: float,
    browser: str | None,
    site: str | None,
    config: Path,
    as_json: bool,
) -> None:
    """Visit URL in Chromium and print the lines that its policy lacks: cookies, storage, third-party addresses.

    The visit grants nothing; what waits for consent is read from the page. Values are neither kept nor shown. Exit code
    1 when something is missing.
    """
    if not _is_address(url):
        raise click.BadParameter("give an address that starts with https:// or http://", param_hint="URL")
    declared = load(policy) if policy else _published(config, site)
    seen = look(url, seconds=seconds, browser=browser)
    missing = gaps(declared, seen)
    emit(_report(seen, missing), as_json, lambda _: _text(seen, missing))
    if missing:
        ctx.exit(1)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _published(config: Path, site: str | None) -> Policy | None:
    """The policy in force of an installation's site; None without an installation."""
    if not config.exists():
        return None
    from dongui_collector.ledger.sites import find_site

    with reading(config) as core:
        found = find_site(core, site)
        if core.registry.notices(found.ref):
            return core.registry.in_force(found.ref, core.clock.now()).policy
        draft = config.with_name("policy.toml")
        return load(draft) if draft.is_file() else None


def look(url: str, *, seconds: float = 3, browser: str | None = None) -> PageScan:
    """What one visit with an empty profile leaves in the browser and fetches. No values, no query strings.

    Raises :class:`CollectorError` when Playwright or Chromium is missing, or the page cannot be reached.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ModuleNotFoundError:
        raise CollectorError(f"scanning needs Playwright; install it: {how_to_install('collector', 'scan')}") from None
    executable = browser or next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if executable is None:
        raise CollectorError("scanning needs Chromium; install it (apt install chromium) or name one with --browser")
    # Chromium refuses its sandbox to root, which is who containers run as.
    args = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=args)
        try:
            context = opened.new_context()
            return _visit(context, url, seconds)
        except Error as error:
            raise CollectorError(f"{url} cannot be visited: {error.message.splitlines()[0]}") from None
        finally:
            opened.close()


def _visit(context: BrowserContext, url: str, seconds: float) -> PageScan:
    requests: dict[str, None] = {}
    context.on("request", lambda request: requests.setdefault(_bare(request.url)))
    page = context.new_page()
    page.goto(url, wait_until="load", timeout=30_000)
    page.wait_for_timeout(seconds * 1000)
    requests.update(dict.fromkeys(_bare(address) for address in page.evaluate(_WAITING)))
    return PageScan(_bare(page.url), (*_cookies(context), *_storage(page)), tuple(requests))


def _bare(address: str) -> str:
    """An address without its query, which may hold what nobody needs to see."""
    return address.partition("#")[0].partition("?")[0]


def _cookies(context: BrowserContext) -> list[ScannedCookie]:
    now = time.time()
    found = []
    for cookie in context.cookies():
        expires = cookie.get("expires", -1)
        seconds = int(expires - now) if expires > 0 else None
        found.append(ScannedCookie(cookie["name"], cookie["domain"].lstrip("."), seconds))
    return found


def _storage(page: Page) -> list[ScannedCookie]:
    host = urlsplit(page.url).hostname or ""
    local = [ScannedCookie(key, host, None, "local storage") for key in page.evaluate(_STORAGE, "localStorage")]
    session = [ScannedCookie(key, host, None, "session storage") for key in page.evaluate(_STORAGE, "sessionStorage")]
    return [*local, *session]


def _report(seen: PageScan, missing: list[Gap]) -> dict[str, Any]:
    return {
        "url": seen.url,
        "cookies": [asdict(cookie) for cookie in seen.cookies],
        "requests": list(seen.requests),
        "missing": [asdict(gap) for gap in missing],
    }


def _text(seen: PageScan, missing: list[Gap]) -> str:
    if not missing:
        return f"# {seen.url}: {len(seen.cookies)} cookies and keys, {len(seen.requests)} addresses; all is declared"
    names = ", ".join(json.dumps(gap.name, ensure_ascii=False) for gap in missing)
    return f"# {seen.url}: the policy lacks {names}\n\n{as_lines(missing)}"
