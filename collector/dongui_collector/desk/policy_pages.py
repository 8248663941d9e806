"""The policy: its versions and what differs, the published page, drafts with their check, publishing."""

from __future__ import annotations

from importlib import resources
from itertools import pairwise

from dongui.i18n import LANGUAGES
from dongui.policy import check, diff, render
from flask import Response, render_template, request
from flask_login import current_user
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as WerkzeugResponse

from dongui_collector.access.audit_log import RecordAccess
from dongui_collector.access.own_account import Recheck
from dongui_collector.desk.cookie_pages import host_of
from dongui_collector.desk.draft_parser import MOST
from dongui_collector.desk.drafts import Draft, judged, with_cookie
from dongui_collector.desk.frame import chosen_site
from dongui_collector.desk.headers import content_security_policy
from dongui_collector.desk.pages import DeskPages, MenuLine
from dongui_collector.desk.shell import change, done, draft_parser, open_core
from dongui_collector.desk.snippets import snippets
from dongui_collector.ledger.notices import LoadedNotice
from dongui_collector.retention.publishing import PublishPolicy
from dongui_collector.storage.contract.values import Site

pages = DeskPages("policy", __name__, url_prefix="/console/policy")


@pages.get("", nobody="what is published anyway", menu=MenuLine("set_up", 1, "policy"))
def policy() -> str:
    core, site = open_core(), chosen_site()
    current = _current(site)
    notices = core.registry.notices(site.ref)
    changes = {new.ref: diff(old.policy, new.policy) for old, new in pairwise(notices)}
    settings = core.settings
    return render_template(
        "policy.html",
        site=site,
        notices=notices[::-1],
        current=current,
        changes=changes,
        findings={n.ref: check(n.policy) for n in notices},
        snippets=snippets(site.id, f"http://{settings.host}:{settings.port}", current.policy.consent_purposes[0])
        if current and current.policy.consent_purposes
        else [],
    )


@pages.get("/diff", nobody="what is published anyway")
def difference() -> str:
    """Between any two versions, in either direction."""
    site = chosen_site()
    old, new = (_notice(site, request.args.get(name, "")) for name in ("old", "new"))
    return render_template(
        "policy_diff.html",
        site=site,
        old=old,
        new=new,
        changes=diff(old.policy, new.policy),
        notices=open_core().registry.notices(site.ref),
    )


@pages.get("/versions/<version>", nobody="what is published anyway")
def version(version: str) -> str:
    site = chosen_site()
    notice = _notice(site, version)
    return render_template("policy_version.html", site=site, notice=notice, findings=check(notice.policy))


@pages.get("/versions/<version>/page/<language>", nobody="what is published anyway")
def published(version: str, language: str) -> Response:
    """The page as it is published, of any version, under a policy of its own: no script at all."""
    notice = _notice(chosen_site(), version)
    if language not in notice.policy.notice.languages:
        raise NotFound
    answer = Response(render(notice.policy, language), mimetype="text/html")
    answer.headers["Content-Security-Policy"] = content_security_policy(script_src="'none'", form_action="'none'")
    return answer


@pages.get("/versions/<version>/page/v1/policy.css", nobody="a stylesheet")
def stylesheet(version: str) -> Response:
    """Where the published page looks for it."""
    return Response(resources.files("dongui.policy").joinpath("policy.css").read_bytes(), mimetype="text/css")


# --- drafts ----------------------------------------------------------------------------------------------------------


@pages.get("/edit", nobody="a draft")
def edit() -> WerkzeugResponse:
    """A draft that begins with a version's text, or with that of the installation's ``policy.toml`` where none is
    published; ``?declare=`` puts the lines for a cookie at its end."""
    site = chosen_site()
    notice = _notice(site, request.args["from"]) if request.args.get("from") else _current(site)
    text = notice.policy.text if notice else _first_draft()
    if notice and (name := request.args.get("declare", "")[:200]):
        text = with_cookie(text, notice.policy, name, host_of(site))
    return _editor(site, _judged(site, text))


@pages.post("/edit", nobody="a draft")
def checked() -> WerkzeugResponse:
    """The draft as it was sent, with what is wrong with it. Nothing is kept of it."""
    site = chosen_site()
    return _editor(site, _judged(site, _sent()))


@pages.post("/check", nobody="a draft")
def findings() -> str:
    """What there is to say of a draft alone, for a page that asks while somebody writes."""
    site = chosen_site()
    return render_template("policy_check.html", draft=_judged(site, _sent()), site=site, current=_current(site))


@pages.post("/publish", right="publish", nobody="publishes; who did is on the log")
def publish() -> WerkzeugResponse:
    """Publish the draft, by who is the officer and gives the password once more. Versions are immutable (K8)."""
    site, text = chosen_site(), _sent()
    answer = change(Recheck, account=current_user.id, password=request.form.get("password", "")[:1000])
    if answer.problem:
        return _editor(site, _judged(site, text), answer.problem, 403)
    made = change(PublishPolicy, text=text, site=site.id, sign=bool(request.form.get("sign")))
    what = {"version": made.version, "asks_again": made.needs_consent}
    change(RecordAccess, action="policy.publish", site=site.id, what=what)
    return done("policy.policy", "published_note")


def _sent() -> str:
    """The draft of the form: with line ends as files have them, so that its digest is that of the file."""
    return request.form.get("text", "")[:MOST].replace("\r\n", "\n")


def _editor(site: Site, draft: Draft, problem: str | None = None, status: int = 200) -> WerkzeugResponse:
    current = _current(site)
    shown = draft.policy or (current.policy if current else None)
    languages = shown.notice.languages if shown else LANGUAGES
    page = render_template(
        "policy_edit.html", site=site, draft=draft, current=current, languages=languages, problem=problem
    )
    answer = Response(page, status)
    answer.headers["Content-Security-Policy"] = content_security_policy(frame_src="'self'")
    return answer


def _judged(site: Site, text: str) -> Draft:
    core = open_core()
    current = _current(site)
    published = {n.version: n.policy.text for n in core.registry.notices(site.ref)}
    parse = draft_parser().parse
    return judged(text, current.policy if current else None, published, core.clock.now(), parse=parse)


def _current(site: Site) -> LoadedNotice | None:
    core = open_core()
    return core.registry.current(site.ref, core.clock.now())


def _first_draft() -> str:
    """What ``dongui init`` left to be made one's own; empty where it is gone or is no text."""
    try:
        return open_core().settings.folder.joinpath("policy.toml").read_text(encoding="utf-8")[:MOST]
    except (OSError, UnicodeDecodeError):
        return ""


def _notice(site: Site, version: str) -> LoadedNotice:
    found = next((n for n in open_core().registry.notices(site.ref) if n.version == version), None)
    if found is None:
        raise NotFound
    return found
