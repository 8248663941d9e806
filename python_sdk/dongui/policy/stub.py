"""The inline stub of a site's pages: what must be in force before the first tag, and so cannot wait for a request.

It queues calls to ``dongui``, tells Google's tags (Consent Mode v2, W2), and keeps what comes from an address that the
policy declares for a purpose from loading until that purpose is granted. Its script is ``sdk_js/src/stub.ts``; here the
policy's facts are put into it. The same for every visitor.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

_PLACE = "__DONGUI__"


def inline_stub(
    compiled: Mapping[str, Any],
    *,
    nonce: str = "",
    shared: bool = False,
    advanced: bool = False,
    url_passthrough: bool = False,
    ads_data_redaction: bool = False,
    wait_for_update: int | None = None,
    region: Sequence[str] = (),
) -> str:
    """The ``<script>`` element, for the ``<head>`` before anything else. ``compiled``: as ``GET /v1/policy`` answers.

    ``shared``: the choice is shared over subdomains, in the cookie ``__Secure-dongui``. By default ("basic") no tag of
    Google's loads before its purpose is granted. The options are Google's, off unless asked for: ``advanced`` lets its
    tags load and send pings without cookies before any consent; ``url_passthrough`` lets them carry ad-click ids from
    page to page; ``ads_data_redaction`` takes such ids out of what they send while denied; ``wait_for_update``
    (milliseconds) and ``region`` (ISO 3166-2) go with the default. :func:`stub_warnings` says which of them let data
    flow without a consent.
    """
    purposes = {
        name: {
            "basis": purpose["basis"],
            "signals": purpose["signals"],
            "google_consent": purpose["google_consent"],
            "urls": [] if advanced and purpose["google_consent"] else purpose["urls"],
        }
        for name, purpose in compiled["purposes"].items()
        if purpose["basis"] == "consent" or purpose["google_consent"]
    }
    facts = {
        "policy": {
            "accepts": compiled["accepts"],
            "choice_seconds": compiled["choice_seconds"],
            "purposes": purposes,
        },
        "defaults": ({} if wait_for_update is None else {"wait_for_update": wait_for_update})
        | ({"region": list(region)} if region else {}),
        "set": ({"ads_data_redaction": True} if ads_data_redaction else {})
        | ({"url_passthrough": True} if url_passthrough else {}),
        **({"shared": True} if shared else {}),
    }
    attribute = f' nonce="{escape(nonce)}"' if nonce else ""
    return f"<script{attribute}>{_script().replace(_PLACE, _inline(facts))}</script>"


def stub_warnings(
    *,
    advanced: bool = False,
    url_passthrough: bool = False,
    ads_data_redaction: bool = False,
    region: Sequence[str] = (),
) -> list[str]:
    """What to say to whoever asks for an option that lets data flow without a consent, or that promises too much."""
    warnings = []
    if advanced:
        warnings.append("advanced: Google's tags load and send pings before any consent on record covers them")
    if url_passthrough:
        warnings.append("url_passthrough: ad-click ids travel in addresses although storing them is denied")
    if ads_data_redaction:
        warnings.append(
            "ads_data_redaction: it takes ad-click ids out of what Google's tags send, and holds nothing back"
        )
    if region:
        warnings.append("region: outside the regions named, Google's tags start without a default, as if granted")
    return warnings


@cache
def _script() -> str:
    return files("dongui._browser").joinpath("stub.js").read_text(encoding="utf-8").strip()


def _inline(value: Any) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
