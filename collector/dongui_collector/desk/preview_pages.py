"""The banner of a draft as visitors would meet it: the real interface, in a frame of its own that reaches nothing.

The frame is sandboxed (an origin of its own, no cookies, no storage) and its policy lets it run our scripts and talk to
nobody; ``preview.js`` answers what the interface would ask the collector.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from dongui.errors import PolicyError
from dongui.i18n import LANGUAGES
from dongui.policy import notice as notice_json
from flask import Response, render_template, request, url_for
from werkzeug.exceptions import NotFound

from dongui_collector.desk.draft_parser import MOST
from dongui_collector.desk.frame import chosen_site
from dongui_collector.desk.pages import DeskPages
from dongui_collector.desk.shell import draft_parser, open_core

pages = DeskPages("preview", __name__, url_prefix="/console/preview")
files = DeskPages("preview_files", __name__, url_prefix="/console/preview", signed_in=False)

_VIEWS = ("banner", "preferences")
_DESKS = {"preview.js": "text/javascript", "preview.css": "text/css"}


@pages.post("", nobody="a draft")
def draft() -> Response:
    """Of the draft that an editor sends; of one that does not load, nothing."""
    try:
        policy = draft_parser().parse(request.form.get("text", "")[:MOST].replace("\r\n", "\n"))
    except PolicyError:
        return _framed(None, request.form)
    return _framed(policy, request.form)


@pages.get("/versions/<version>", right="overview", nobody="what was shown to everybody")
def version(version: str) -> Response:
    """Of a published version: what was shown, in the interface of today."""
    found = next((n for n in open_core().registry.notices(chosen_site().ref) if n.version == version), None)
    if found is None:
        raise NotFound
    return _framed(found.policy, request.args)


def _framed(policy: Any, asked: Any) -> Response:
    site = chosen_site()
    languages = policy.notice.languages if policy else LANGUAGES
    lang = asked.get("language") if asked.get("language") in languages else languages[0]
    told = policy and notice_json(policy, lang=lang, site=site.id, accepts=[policy.notice.version])
    view = asked.get("view") if asked.get("view") in _VIEWS else _VIEWS[0]
    answer = Response(render_template("preview.html", told=told, site=site, language=lang, view=view))
    scripts = url_for("preview_files.script", name="", _external=True)
    policy_line = (
        "sandbox allow-scripts",
        "default-src 'none'",
        f"script-src {scripts}",
        f"style-src {scripts}",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
    answer.headers["Content-Security-Policy"] = "; ".join(policy_line)
    return answer


@cache
def _snippet_files() -> frozenset[str]:
    """Every part of the snippet, since the interface loads each by need, and a list of them here would fall behind."""
    return frozenset(e.name for e in resources.files("dongui._browser").iterdir() if e.name.endswith(".js"))


@files.get("/v1/<name>", nobody="files of the interface itself")
@files.get("/v1/", defaults={"name": ""}, nobody="files of the interface itself")
def script(name: str) -> Response:
    """The interface's own files, public anyway: to be read by the frame, which has an origin of its own."""
    if name in _snippet_files():
        source, kind = resources.files("dongui._browser"), "text/javascript"
    elif name in _DESKS:
        source, kind = resources.files("dongui_collector.desk").joinpath("static"), _DESKS[name]
    else:
        raise NotFound
    body = source.joinpath(name).read_bytes()
    answer = Response(body, mimetype=kind)
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer
