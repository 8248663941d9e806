"""A small real HTTP server in the collector's shape, for journeys of the snippet alone: it answers and remembers."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.clock import now_ms

DIST = Path(__file__).parents[2] / "sdk_js" / "dist"
VISITOR = "AbCdEfGhIjKlMnOpQrStUv"

_LABELS = {
    "ko": {
        "statistics": ("방문 통계", "어떤 화면이 쓰이는지 알아 서비스를 개선합니다."),
        "personalisation": ("맞춤 서비스", "이용하신 내용에 맞추어 화면을 구성합니다."),
        "marketing": ("맞춤형 광고(행태정보)", "관심에 맞는 광고를 보여 드립니다."),
        "service": ("서비스 제공", "계약한 서비스를 제공합니다."),
    },
    "en": {
        "statistics": ("Visit statistics", "We learn which pages are used, to improve the service."),
        "personalisation": ("Personalisation", "Pages adapt to what you used before."),
        "marketing": ("Tailored advertising", "Advertising that fits your interests."),
        "service": ("Providing the service", "We provide the service that you contracted."),
    },
}
_ITEMS = {
    "ko": {
        "cookie": "쿠키",
        "visit_time": "방문 일시",
        "service_usage": "서비스 이용 기록",
        "access_environment": "접속 환경",
        "ip_address": "IP 주소",
        "advertising_id": "광고 ID",
        "nickname": "닉네임",
    },
    "en": {
        "cookie": "cookie",
        "visit_time": "time of visit",
        "service_usage": "service usage",
        "access_environment": "access environment",
        "ip_address": "IP address",
        "advertising_id": "advertising ID",
        "nickname": "nickname",
    },
}


def default_policy() -> dict[str, Any]:
    """A compiled policy (`GET /v1/policy`) with the purposes that every journey knows."""

    def purpose(items: list[str], google: list[str], **more: Any) -> dict[str, Any]:
        plain = {"basis": "consent", "required": False, "signals": [], "urls": [], "reconfirm_seconds": None}
        return plain | {"items": items, "google_consent": google} | more

    return {
        "site": "S",
        "version": "v1",
        "effective": "2026-11-23",
        "accepts": ["v1"],
        "languages": ["ko", "en"],
        "timezone": "Asia/Seoul",
        "minimum_age": 14,
        "choice_seconds": 15552000,
        "query_keys": ["utm_source", "utm_medium", "utm_campaign", "n_media"],
        "purposes": {
            "service": purpose(["nickname"], [], basis="contract", required=True),
            "statistics": purpose(
                ["cookie", "visit_time", "service_usage", "access_environment", "ip_address"], ["analytics_storage"]
            ),
            "personalisation": purpose(["cookie", "service_usage"], ["personalization_storage"]),
            "marketing": purpose(["cookie", "visit_time", "advertising_id"], ["ad_storage"], signals=["gpc"]),
        },
        "items": {name: {"protect": "plain"} for name in _ITEMS["en"]},
        "cookies": [
            {"name": "_ga*", "purpose": "statistics", "record": False, "seconds": 34128000},
            {"name": "_fbp", "purpose": "marketing", "record": False, "seconds": 7776000},
            {"name": "_fbc", "purpose": "marketing", "record": False, "seconds": 7776000},
        ],
    }


def notice_of(policy: dict[str, Any], lang: str) -> dict[str, Any]:
    """The notice (`GET /v1/notice`) that belongs to a compiled policy."""
    labels = _LABELS[lang]
    refusal = {"ko": "서비스 이용에는 영향이 없습니다.", "en": "The service works all the same."}[lang]
    purposes = [
        facts
        | {
            "id": name,
            "label": labels[name][0],
            "description": labels[name][1],
            "basis_text": {"ko": "동의", "en": "consent"}[lang]
            if facts["basis"] == "consent"
            else {"ko": "계약", "en": "contract"}[lang],
            "refusal": refusal,
            "keep": "P1Y",
            "keep_text": {"ko": "1년", "en": "1 year"}[lang],
            "recipients": [{"name": "Example Cloud", "task": "hosting", "country": "KR", "kind": "processor"}],
        }
        for name, facts in policy["purposes"].items()
    ]
    return policy | {
        "lang": lang,
        "service": "Example shop",
        "controller": {"name": "Example Corp.", "contact": "privacy@example.com"},
        "officer": {"title": "Privacy officer", "contact": "privacy@example.com"},
        "policy_url": f"/policy?site={policy['site']}&lang={lang}",
        "items": _ITEMS[lang],
        "purposes": purposes,
    }


@dataclass
class Request:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    host: str


Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Stub:
    """The server's address, what it was asked, and what it shall answer."""

    port: int = 0
    policy: dict[str, Any] = field(default_factory=default_policy)
    pages: dict[str, str | tuple[dict[str, str], str] | Callable[[Request], Answer]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    #: Called before the usual answer; what it returns is the answer instead.
    intercept: Callable[[Request], Answer | None] | None = None
    #: What is written waits here while it is cleared: a collector that hangs.
    flowing: threading.Event = field(default_factory=threading.Event)
    #: Whether what is read waits there as well.
    dead: bool = False
    #: What became of each consent purpose, as the ledger would have it.
    state: dict[str, str] = field(default_factory=dict)
    #: The server's clock, in epoch milliseconds.
    now: Callable[[], int] = now_ms
    #: Whether the collector stands behind the site's own origin (`/_dongui`).
    mounted: bool = False

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def asked(self, path: str, method: str | None = None) -> list[Request]:
        """The requests for a path, in the order of their arrival."""
        return [r for r in self.requests if r.path == path and (method is None or r.method == method)]

    @property
    def consents(self) -> list[dict[str, Any]]:
        return [r.body for r in self.asked("/v1/consents", "POST")]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for r in self.asked("/v1/events", "POST") for event in r.body["events"]]

    def answer(self, request: Request) -> Answer:
        if self.intercept and (special := self.intercept(request)):
            return special
        if (page := self.pages.get(request.path)) is not None:
            return _page(page, request)
        return self._collector(request)

    def _collector(self, request: Request) -> Answer:
        match request.method, request.path:
            case "GET", path if path.startswith("/v1/") and path.endswith(".js"):
                file = DIST / path.removeprefix("/v1/")
                return (
                    (200, {"Content-Type": "text/javascript"}, file.read_bytes()) if file.exists() else (404, {}, b"")
                )
            case "GET", "/v1/notice":
                lang = request.query.get("lang", "ko")[:2].lower()
                return _json(200, notice_of(self.policy, lang if lang in _LABELS else "en"))
            case "GET", "/v1/policy":
                return _json(200, self.policy)
            case "POST", "/v1/consents":
                return self._consent(request)
            case "POST", "/v1/events":
                return _json(202, {"recorded": len(request.body["events"]), "refused": {}})
            case "GET", "/v1/me":
                return _json(
                    200,
                    {
                        "site": "S",
                        "notice": "v1",
                        "state": {},
                        "consents": [],
                        "events": [],
                        "records": [],
                        "suspended": False,
                    },
                )
            case "DELETE", "/v1/me":
                return _json(200, {"erased": {"events": 3}, "certificate": {}})
        return 404, {}, b""

    def _consent(self, request: Request) -> Answer:
        body = request.body
        given = {name for name, state in self.state.items() if state == "given"}
        self.state |= dict.fromkeys(body["granted"], "given")
        self.state |= {name: "withdrawn" if name in given else "refused" for name in body["refused"]}
        # Whoever has an id keeps it until everything is taken back; here that takes one decision.
        kept = request.body["visitor"] and set(body["refused"]) < {"statistics", "personalisation", "marketing"}
        has_cookie = kept or any("cookie" in self.policy["purposes"][p]["items"] for p in body["granted"])
        visitor = VISITOR if has_cookie else None
        answer = {"id": body["id"], "visitor": visitor, "state": self.state, "at": self.now(), "receipt": None}
        if not self.mounted:
            return _json(201, answer)
        value = f"dongui_id={VISITOR}; HttpOnly; Path=/" if has_cookie else "dongui_id=; Max-Age=0; Path=/"
        code, headers, data = _json(201, answer | {"visitor": None, "visitor_cookie": bool(has_cookie)})
        return code, headers | {"Set-Cookie": value}, data


def _json(status: int, body: Any) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()


def _page(page: str | tuple[dict[str, str], str] | Callable[[Request], Answer], request: Request) -> Answer:
    if callable(page):
        return page(request)
    headers, text = ({}, page) if isinstance(page, str) else page
    kind = "text/javascript" if request.path.endswith(".js") else "text/html; charset=utf-8"
    return 200, {"Content-Type": kind} | headers, text.encode()


def _handler(stub: Stub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            url = urlsplit(self.path)
            path = url.path.removeprefix("/_dongui") if stub.mounted else url.path
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            body = json.loads(data) if data else None
            request = Request(self.command, path, query, dict(self.headers), body, self.headers.get("Host", ""))
            if self.command != "OPTIONS":
                stub.requests.append(request)
            if path.startswith("/v1/") and (stub.dead or self.command in ("POST", "DELETE")):
                stub.flowing.wait(60)
            self._send(*(stub.answer(request) if self.command != "OPTIONS" else (204, {}, b"")))

        def _send(self, status: int, headers: dict[str, str], data: bytes) -> None:
            if len(data) > 1000 and "gzip" in self.headers.get("Accept-Encoding", ""):
                data, headers = gzip.compress(data), headers | {"Content-Encoding": "gzip"}
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if origin := self.headers.get("Origin"):
                self.send_header("Access-Control-Allow-Origin", origin)
                self.send_header("Access-Control-Allow-Headers", "authorization, content-type, x-dongui")
                self.send_header("Access-Control-Allow-Methods", "GET, POST, DELETE")
                self.send_header("Access-Control-Expose-Headers", "Retry-After")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = do_OPTIONS = _serve

        def log_message(self, *_: Any) -> None: ...

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A browser that goes away mid-answer is no news."""


@contextmanager
def serving(stub: Stub) -> Iterator[Stub]:
    """Runs the stub on a free port of the loopback until the block ends."""
    server = _Server(("127.0.0.1", 0), _handler(stub))
    stub.port = server.server_address[1]
    stub.flowing.set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        stub.flowing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def page_of(
    collector: Stub, body: str = "", *, head: str = "", attributes: str = "", lang: str = "ko", base: str | None = None
) -> str:
    """A page of the site with the snippet on it, as the README tells a developer to write it."""
    tag = f'<script async src="{base or collector.origin}/v1/dongui.js" data-site="S" {attributes}></script>'
    return f"""<!doctype html><html lang="{lang}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Shop</title>
{head}{tag}</head><body>{body or "<h1>Shop</h1>"}</body></html>"""
