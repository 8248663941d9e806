"""What keeps a site and its collector apart, found before the first visitor: no answer, another program, wrong keys."""

from __future__ import annotations

import json
from typing import NamedTuple
from urllib.parse import quote

from dongui.http.client import TROUBLE, HttpClient
from dongui.result import Response

_TIMEOUT = 2.0
_LONGEST = 1 << 22
_PROBLEM = "urn:dongui:problem:"


class SetupFinding(NamedTuple):
    """What is wrong, and the remedy. Without secrets, visitors' data and texts that others wrote."""

    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}"


def policy_trouble(reply: Response | None, collector: str) -> SetupFinding | None:
    """What the answer to ``GET /v1/policy`` says is wrong; None for a policy. ``reply`` is None where none came."""
    if reply is None or not reply.status:
        return SetupFinding(
            f"no collector answers at {collector}", "start it with `dongui serve`, or correct `collector`"
        )
    problem = str(reply.json().get("type", "")).removeprefix(_PROBLEM)
    if problem == "unknown-site":
        return SetupFinding(f"the collector at {collector} knows no such site", "`dongui sites list` shows the ids")
    if problem == "not-found":
        return SetupFinding("the site has no published notice yet", "run `dongui policy publish FILE`")
    if reply.status >= 500:
        return SetupFinding(f"the collector at {collector} answers {reply.status}", "`dongui doctor` says why")
    if reply.status == 200 and "version" in reply.json():
        return None
    return SetupFinding(
        f"what answers at {collector} is no collector (status {reply.status})",
        "`collector` is the public door that `dongui serve` prints (port 8787), not the desk (8788)",
    )


def key_trouble(reply: Response | None) -> SetupFinding | None:
    """What the answer to a call with the secret key says is wrong; None where it says nothing about the key."""
    if reply is None or reply.status != 401:
        return None
    return SetupFinding(
        "the collector refuses secret_key: it is not this site's, or was replaced",
        "take the one that `dongui init` or `dongui sites add` printed with this site id",
    )


def collector_findings(site: str, collector: str, secret_key: str) -> list[SetupFinding]:
    """Asks the collector for the policy, and with the key to keep no name at all. Two seconds a call at most."""
    http = HttpClient(collector, timeout=_TIMEOUT, connect_timeout=_TIMEOUT)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {secret_key}"}
    body = json.dumps({"site": site, "cookies": []}).encode()
    try:
        policy = _asked(http, "GET", f"/v1/policy?site={quote(site, safe='')}", {"Accept": "application/json"})
        if (trouble := policy_trouble(policy, collector)) is not None:
            return [trouble]
        refused = key_trouble(_asked(http, "POST", "/v1/inventory", headers, body))
        return [] if refused is None else [refused]
    finally:
        http.close()


def _asked(
    http: HttpClient, method: str, path: str, headers: dict[str, str], body: bytes | None = None
) -> Response | None:
    try:
        return http.exchange(method, path, headers, body, limit=_LONGEST)
    except TROUBLE:
        return None
