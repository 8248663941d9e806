"""What a look at a page means for its site, check by check. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dongui.i18n import Message
from dongui.policy.globs import matches
from dongui.policy.necessary import OWN_NAME, is_tracker
from dongui.policy.preset import all_presets
from dongui.rules.cookies import classify

from dongui_collector.core.loopback import is_loopback
from dongui_collector.site_check.destinations import origin_of, parts_of, place_of
from dongui_collector.site_check.model import CallAnswer, PageVisit, SnippetTag
from dongui_collector.site_check.results import (
    CHECKS,
    CheckResult,
    SiteState,
    failed,
    first_event,
    passed,
    unchecked,
    unlisted,
)
from dongui_collector.site_check.unseen import unseen

_PROBLEM = "urn:dongui:problem:"
_SHOWN = 8


def judged(state: SiteState, url: str, visit: PageVisit | None) -> list[CheckResult]:
    """All checks. Without a visit the page's origin is not listed, so nobody asked it."""
    wrong = unlisted(state, origin_of(url)) if visit is None else unseen(state, visit, url)
    if wrong is not None or visit is None:
        known = {check.name: check for check in (wrong, first_event(state, url)) if check}
        return [known.get(name) or unchecked(name, "the page could not be looked at") for name in CHECKS]
    tests: tuple[Callable[[SiteState, PageVisit], CheckResult], ...] = (
        _tag,
        _site_id,
        _origin,
        _key,
        _https,
        _cookies,
        _csp,
        _consent,
    )
    return [*(test(state, visit) for test in tests), first_event(state, visit.url)]


def _tag(state: SiteState, visit: PageVisit) -> CheckResult:
    if not visit.tags:
        remedy = (
            "put the line that dongui snippet prints into every page's <head>, or set inject=True in the middleware"
        )
        return failed("tag", "the page has no tag of the snippet", visit.url, remedy)
    where = visit.tags[0].src
    if place_of(where) == (place_of(visit.url)[0], state.desk_port):
        remedy = "name the public door that dongui serve prints (port 8787), not the desk (8788)"
        return failed("tag", "the tag names the desk, which serves no snippet", where, remedy)
    if (wrong := _snippet(visit.snippet, where)) is not None:
        return wrong
    if visit.runs is None:
        return passed("tag", "the page has the tag, and the snippet is there", where)
    if visit.runs:
        return passed("tag", "the page has the tag, and the snippet runs", where)
    remedy = "mend what CSP and https say below; else the browser's console says why"
    return failed("tag", "the page has the tag, but the snippet does not run", where, remedy)


def _snippet(answer: CallAnswer | None, where: str) -> CheckResult | None:
    """What is wrong with the answer at the tag's address."""
    if answer is None or (answer.status == 200 and not answer.problem):
        return None
    if answer.problem == "private":
        remedy = "name the collector's public address, or the site's own /_dongui behind the middleware"
        return failed("tag", "the tag names a place that no visitor reaches", where, remedy)
    if answer.status >= 500 or not answer.status:
        remedy = "start it with dongui serve; behind the middleware correct its collector option"
        return failed("tag", "no collector answers at the tag's address", where, remedy)
    remedy = "take the line that dongui snippet prints; /_dongui is there once the middleware is"
    return failed("tag", "what answers at the tag's address is not the snippet", where, remedy)


def _site_id(state: SiteState, visit: PageVisit) -> CheckResult:
    if not visit.tags:
        return unchecked("site_id", "the tag carries it, and there is none")
    where = visit.tags[0].src
    if (wrong := _wrong_id(state, visit.tags[0])) is not None:
        return wrong
    if state.policy is None:
        what = Message("the policy of {name} is a draft: nobody is asked and nothing is recorded", name=state.site.name)
        return failed("site_id", what, where, "make it your own, then: dongui policy publish FILE")
    if visit.notice and visit.notice.problem == f"{_PROBLEM}unknown-site":
        remedy = "let the tag name this installation's door"
        return failed("site_id", "the collector behind the tag does not know this site", where, remedy)
    return passed("site_id", "the tag names this site", where)


def _wrong_id(state: SiteState, tag: SnippetTag) -> CheckResult | None:
    if tag.site == state.site.id:
        return None
    remedy = Message('write data-site="{site}" into the tag', site=state.site.id)
    if not tag.site:
        return failed("site_id", "the tag has no data-site", tag.src, remedy)
    if tag.site in state.others:
        return failed("site_id", "the tag names another site of this installation", tag.src, remedy)
    return failed("site_id", "the tag names a site that is not here", tag.src, remedy)


def _origin(state: SiteState, visit: PageVisit) -> CheckResult:
    origin = origin_of(visit.url)
    if not state.lists(visit.url):
        return unlisted(state, origin)
    there = visit.snippet is not None and visit.snippet.status == 200 and not visit.refused
    unread = there and visit.notice is not None and not visit.notice.status
    told = visit.write is not None and visit.write.problem == f"{_PROBLEM}origin-not-listed"
    if told or unread:
        what = Message("the collector behind the tag refuses pages of {origin}", origin=origin)
        remedy = "list the origin at that collector, or let the tag name this installation's door"
        return failed("origin", what, visit.tags[0].src, remedy)
    return passed("origin", Message("{origin} is listed", origin=origin))


def _key(state: SiteState, visit: PageVisit) -> CheckResult:
    if not visit.tags:
        return unchecked("key", "without a tag nobody knows whether the site has a middleware")
    if origin_of(visit.tags[0].src) != origin_of(visit.url):
        return passed("key", "none is needed: browsers ask the collector itself")
    if state.key == "accepted":
        return passed("key", "the collector takes the key of the site's web server")
    if state.key == "refused":
        remedy = "take the one that dongui init or dongui sites add printed with this site id"
        return failed("key", "the collector refuses the key of the site's web server", "secret_key", remedy)
    if state.key == "unused":
        what = "the site's web server has not used its key since the collector was started"
        return unchecked("key", what, "start the web server again: it tries the key")
    return unchecked("key", "the collector that would know is not running", "start it with dongui serve")


def _https(state: SiteState, visit: PageVisit) -> CheckResult:
    page = parts_of(visit.url)
    if page.scheme == "https":
        if visit.tags and parts_of(visit.tags[0].src).scheme == "http":
            what, remedy = "browsers load no http script on an https page", "name the collector by https:// in the tag"
            return failed("https", what, visit.tags[0].src, remedy)
        return passed("https", "the page and the snippet come by https")
    if is_loopback(page.hostname or ""):
        return passed("https", "a page of this machine needs none")
    remedy = "serve the site with TLS and redirect http to it; cookies without Secure travel in the clear"
    return failed("https", "the page comes without TLS", visit.url, remedy)


def _cookies(state: SiteState, visit: PageVisit) -> CheckResult:
    if visit.cookies_kept is False:
        what = "the page's cookies are blocked, so no choice could be kept"
        return failed("cookies", what, visit.url, "take the page out of its sandbox")
    compiled = state.compiled or {}
    others = [name for name in visit.cookies if not OWN_NAME.fullmatch(name)]
    if early := [name for name in others if _needs_consent(name, compiled)]:
        known = Message("the page sets cookies before any consent: {cookies}", cookies=_list(early))
        remedy = (
            'mark the script that sets them with type="text/plain" and data-purpose; the web server\'s own wait behind '
            "the middleware"
        )
        return failed("cookies", known, visit.url, remedy)
    if compiled and (unknown := [name for name in others if classify(name, compiled) is None]):
        known = Message("the page sets cookies that the policy does not declare: {cookies}", cookies=_list(unknown))
        lines = Message("dongui scan {url} prints the lines that are missing", url=visit.url)
        return failed("cookies", known, visit.url, lines)
    if visit.browser != "chromium":
        return unchecked("cookies", "the server sets none too early; those of scripts were not looked at")
    return passed("cookies", "none is set that needs a consent or is not declared")


def _needs_consent(name: str, compiled: Mapping[str, Any]) -> bool:
    purpose = classify(name, compiled) if compiled else None
    if purpose is None:
        return is_tracker(name)
    known = compiled["purposes"].get(purpose)
    return known is not None and known["basis"] == "consent"


def _csp(state: SiteState, visit: PageVisit) -> CheckResult:
    if not visit.tags:
        return unchecked("csp", "without a tag there is nothing that a policy could refuse")
    if not visit.refused:
        return passed("csp", "no Content-Security-Policy keeps the snippet from its work")
    refused, collector = _list(visit.refused), origin_of(visit.tags[0].src)
    what = Message("the page's Content-Security-Policy refuses the snippet: {directives}", directives=refused)
    source = "'self'" if collector == origin_of(visit.url) else collector
    remedy = Message(
        "add {source} to {directives}; beside 'strict-dynamic' give the tag the page's nonce",
        source=source,
        directives=refused,
    )
    return failed("csp", what, visit.url, remedy)


def _consent(state: SiteState, visit: PageVisit) -> CheckResult:
    purposes = state.policy.purposes.values() if state.policy else ()
    patterns = [url for purpose in purposes if purpose.basis == "consent" for url in purpose.urls]
    patterns += [url for preset in all_presets().values() for url in preset.urls]
    if early := [address for address in visit.requests if any(matches(pattern, address) for pattern in patterns)]:
        hosts = list(dict.fromkeys(place_of(address)[0] for address in early))
        what = Message("trackers are asked before any consent: {hosts}", hosts=_list(hosts))
        remedy = 'give their scripts and frames type="text/plain" and data-purpose (docs/browser.md)'
        return failed("consent", what, early[0], remedy)
    if visit.browser != "chromium":
        return unchecked("consent", "the markup asks for no tracker; what scripts ask for was not looked at")
    return passed("consent", "no tracker is asked before a consent")


def _list(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN])
