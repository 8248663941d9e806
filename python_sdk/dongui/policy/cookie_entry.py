"""An entry of ``[[cookies]]`` into a value: a cookie serves a purpose, or is necessary and serves none."""

from __future__ import annotations

import re
from typing import get_args

from dongui.i18n import Message
from dongui.policy.model import Basis, CookieRule
from dongui.policy.necessary import framework_cookie
from dongui.policy.toml_reader import TomlTable

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}")
_WITHOUT_CONSENT = tuple(basis for basis in get_args(Basis) if basis != "consent")


def cookie_entry(table: TomlTable) -> CookieRule:
    """One cookie: of a purpose, or necessary.

    A necessary one ends with the session and is the controller's own unless the entry says otherwise.
    """
    necessary = table.has("necessary")
    session = table.raw.get("lifetime", "session" if necessary else None) == "session"
    cookie = CookieRule(
        name=table.string("name", example="_ga*", pattern=_NAME),
        purpose=None if necessary else _cookie_purpose(table),
        lifetime=None if session else table.period("lifetime", example="P30D"),
        provider=table.string("provider", example="Example Shop", default="" if necessary else None),
        record=table.flag("record"),
        necessary=table.text("necessary", example="login session") if necessary else None,
        basis=table.word("basis", _WITHOUT_CONSENT, default="contract") if necessary else None,
    )
    if necessary:
        _not_both(table, cookie)
    for name in ("lifetime", "necessary", "purpose"):
        table.forgive(name)
    table.done()
    return cookie


def _cookie_purpose(table: TomlTable) -> str:
    """The purpose; where it is missing the remedy must not make a consent of what a login needs."""
    if table.raw.get("purpose") in (None, ""):
        remedy = 'write purpose = "…" with what it serves, or necessary = "…" with why the site cannot work without it'
        name = table.raw.get("name")
        if isinstance(name, str) and (known := framework_cookie(name)):
            remedy = Message(
                'write necessary = "{reason}": {framework} cannot work without it, so nobody is asked for it',
                reason=known.reason["en"],
                framework=known.framework,
            )
        table.wrong("purpose", "is missing", remedy)
        return ""
    return table.string("purpose", example="…")


def _not_both(table: TomlTable, cookie: CookieRule) -> None:
    if table.has("purpose"):
        message = "stands beside necessary, but what serves a purpose is asked for with it"
        table.wrong("purpose", message, "keep one of the two", "K2")
    if cookie.record:
        message = "would record the value of a cookie that nobody agreed to"
        table.wrong("record", message, "remove it, or name a purpose instead of necessary", "K2")
