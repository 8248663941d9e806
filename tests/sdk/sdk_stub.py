"""A small real collector over HTTP for the SDK's tests: checks what it is sent, keeps a ledger, can misbehave."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import re
import secrets
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.clock import now_ms, now_s

SITE = "site-one"
SECRET = "dgs_" + "s" * 43
ORIGIN = "http://shop.example.com"

POLICY: dict[str, Any] = {
    "site": SITE,
    "version": "v1",
    "effective": "2026-01-01",
    "accepts": ["v1"],
    "languages": ["ko", "en"],
    "timezone": "Asia/Seoul",
    "minimum_age": 14,
    "choice_seconds": 15552000,
    "query_keys": ["utm_source", "q"],
    "purposes": {
        "service": {
            "basis": "contract",
            "required": True,
            "items": ["cookie"],
            "signals": [],
            "google_consent": [],
            "urls": [],
            "reconfirm_seconds": None,
        },
        "statistics": {
            "basis": "consent",
            "required": False,
            "signals": [],
            "google_consent": [],
            "urls": [],
            "items": ["cookie", "visit_time", "service_usage", "access_environment", "ip_address"],
            "reconfirm_seconds": None,
        },
        "marketing": {
            "basis": "consent",
            "required": False,
            "signals": ["gpc"],
            "google_consent": [],
            "urls": [],
            "items": ["cookie", "visit_time", "advertising_id", "member_reference"],
            "reconfirm_seconds": None,
        },
        "personalisation": {
            "basis": "consent",
            "required": False,
            "signals": [],
            "google_consent": [],
            "urls": [],
            "items": ["cookie", "service_usage"],
            "reconfirm_seconds": None,
        },
    },
    "items": {"ip_address": {"protect": "encrypt"}},
    "cookies": [
        {"name": "session", "purpose": "service", "record": False, "seconds": None},
        {"name": "_ga*", "purpose": "statistics", "record": False, "seconds": 34128000},
        {"name": "_fbp", "purpose": "marketing", "record": True, "seconds": 7776000},
    ],
}

_EVENT_KEYS = {
    "id",
    "name",
    "at",
    "url",
    "referrer",
    "props",
    "search",
    "ad_ids",
    "cookies",
    "environment",
    "ip",
    "user_agent",
}


@dataclass
class Collector:
    """The ledger and everything that was sent.

    ``mode``: ok, down (hangs up), no events (hangs up on those), garbage, page, firewall, full,
    events full, error.
    """

    policy: dict[str, Any] = field(default_factory=lambda: json.loads(json.dumps(POLICY)))
    mode: str = "ok"
    delay: float = 0.0
    held: threading.Event | None = None
    #: Paths that are answered only once their event is set.
    slow_paths: dict[str, threading.Event] = field(default_factory=dict)
    port: int = 0
    granted: dict[str, set[str]] = field(default_factory=dict)
    #: When (epoch ms) a visitor granted a purpose; long ago unless it is here.
    given_at: dict[tuple[str, str], int] = field(default_factory=dict)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    batches: list[dict[str, Any]] = field(default_factory=list)
    posts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    twice: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def visitor(self, *purposes: str) -> str:
        """A visitor who is on the ledger with these purposes."""
        identifier = secrets.token_urlsafe(16)
        self.granted[identifier] = set(purposes)
        return identifier

    def of(self, visitor: str) -> list[dict[str, Any]]:
        """The events kept of a visitor, in the order of their arrival."""
        return [event for event in self.events.values() if event["visitor"] == visitor]

    def wait_for(self, ready: Any, seconds: float = 60.0) -> None:
        """Waits until ``ready()``; fails when that takes too long."""
        end = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < end, f"it did not come: {self.batches} {self.posts} {self.complaints}"
            time.sleep(0.01)

    # The calls. Each returns (status, body).

    def get(self, path: str, query: dict[str, list[str]], bearer: str | None) -> tuple[int, Any]:
        if path == "/healthz":
            return 200, {}
        if path == "/v1/policy":
            return (200, self.policy) if query.get("site") == [SITE] else problem(404, "unknown-site")
        if path in ("/v1/me", "/v1/me/export"):
            if bearer not in self.granted:
                return problem(404, "unknown-visitor")
            return 200, {
                "site": SITE,
                "state": dict.fromkeys(self.granted[bearer], "given"),
                "events": self.of(bearer),
            }
        return problem(404, "not-found")

    def delete(self, path: str, bearer: str | None) -> tuple[int, Any]:
        if path != "/v1/me" or bearer not in self.granted:
            return problem(404, "unknown-visitor")
        del self.granted[bearer]
        return 200, {"erased": {"events": len(self.of(bearer))}, "certificate": {"id": "c1"}}

    def post(
        self, path: str, body: dict[str, Any], bearer: str | None, origin: str | None, address: str | None
    ) -> tuple[int, Any]:
        if path == "/v1/me/requests":
            self.posts.append((path, {**body, "bearer": bearer}))
            return (201, {"id": "r1"}) if bearer in self.granted else problem(404, "unknown-visitor")
        secret = bearer == SECRET
        if not secret and (bearer is not None or origin is None):
            return problem(401, "unauthorised")
        if not secret and origin != ORIGIN:
            return problem(403, "origin-not-listed")
        if body.get("site") != SITE:
            return problem(404, "unknown-site")
        if path == "/v1/events":
            return self._events(body, secret, address)
        self.posts.append((path, body))
        if path == "/v1/consents":
            return self._consents(body)
        if not secret:
            return problem(401, "unauthorised")
        return {
            "/v1/records": (201, {"id": "x", "class": body.get("class"), "kept_until": "2031-01-01"}),
            "/v1/members": (200, {"visitor": None}),
            "/v1/inventory": (204, None),
            "/v1/counts": (204, None),
        }.get(path, problem(404, "not-found"))

    def _events(self, body: dict[str, Any], secret: bool, address: str | None) -> tuple[int, Any]:
        events, visitor = body["events"], body.get("visitor")
        if not 0 < len(events) <= 100:
            return problem(400, "malformed")
        for event in events:
            if set(event) - _EVENT_KEYS or event.get("name") == "poison" or "\0" in json.dumps(event):
                return problem(400, "malformed")
            if str(uuid.UUID(event["id"])) != event["id"] or not isinstance(event["at"], int):
                return problem(400, "malformed")
            if not secret and ("ip" in event or "user_agent" in event):
                self.complaints.append("a visitor said what only the secret key may say")
        with self.lock:
            self.batches.append(body)
            live = self.granted.get(visitor or "", set())
            items = {item for name in live for item in self.policy["purposes"][name]["items"]}
            if not live:
                return 202, {"recorded": 0, "refused": {"no_consent": len(events)}}
            for event in events:
                self._gate(event, items)
                self.twice += event["id"] in self.events
                self.events[event["id"]] = {
                    **event,
                    "visitor": visitor,
                    "address": event.get("ip") if secret else address,
                }
        return 202, {"recorded": len(events), "refused": {}}

    def _gate(self, event: dict[str, Any], items: set[str]) -> None:
        """The second lock may find nothing left to do: what arrives here ungranted, the SDK let out."""
        needs = {
            "url": "service_usage",
            "referrer": "service_usage",
            "props": "service_usage",
            "search": "service_usage",
            "ad_ids": "advertising_id",
            "ip": "ip_address",
            "user_agent": "access_environment",
            "environment": "access_environment",
            "cookies": "cookie",
        }
        self.complaints += [f"ungranted {key}" for key, item in needs.items() if key in event and item not in items]
        if "service_usage" not in items and event["name"] != "-":
            self.complaints.append("ungranted name")

    def _consents(self, body: dict[str, Any]) -> tuple[int, Any]:
        if body["notice"] != self.policy["version"]:
            return 409, {**problem(409, "superseded-notice")[1], "notice": self.policy["version"]}
        visitor = body.get("visitor")
        live = self.granted.get(visitor or "", set())
        refused = set(body["refused"])
        if (before := body.get("given_before")) is not None:
            refused = {name for name in refused & live if self.given_at.get((visitor or "", name), 0) < before}
        if (ago := body.get("decided_ago")) is not None:
            refused = {name for name in refused if self.given_at.get((visitor or "", name), 0) <= now_ms() - ago}
        live = (live | set(body["granted"])) - refused
        if live:
            visitor = visitor if visitor in self.granted else secrets.token_urlsafe(16)
            self.granted[visitor] = live
        elif visitor in self.granted:
            self.granted[visitor] = set()
        asked = [name for name, purpose in self.policy["purposes"].items() if purpose["basis"] == "consent"]
        state = {name: "given" if name in live else "refused" for name in asked}
        return 201, {
            "id": body.get("id"),
            "at": now_s() * 1000,
            "visitor": visitor if live else None,
            "state": state,
            "receipt": {"id": "r"} if live else None,
        }


def problem(status: int, slug: str) -> tuple[int, dict[str, Any]]:
    return status, {"type": f"urn:dongui:problem:{slug}", "title": slug, "status": status}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    collector: Collector

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_DELETE = do_HEAD = do_OPTIONS = do_GET

    def _answer(self) -> None:
        collector = self.collector
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        parts = urlsplit(self.path)
        collector.requests.append((self.command, self.path, dict(self.headers.items())))
        if collector.held is not None:
            collector.held.wait()
        if (slow := collector.slow_paths.get(parts.path)) is not None:
            slow.wait()
        if collector.delay:
            time.sleep(collector.delay)
        if collector.mode == "down" or (collector.mode == "no events" and parts.path == "/v1/events"):
            self.close_connection = True
            return
        if collector.mode == "garbage":
            self.wfile.write(b"\x16\x03\x01 not http at all\r\n\r\n")
            self.close_connection = True
            return
        if collector.mode == "page":
            self._send(200, b"<html>a balancer's page</html>", "text/html")
            return
        if collector.mode == "firewall":
            self._send(403, b"<html>blocked</html>", "text/html")
            return
        if collector.mode == "full" or (collector.mode == "events full" and parts.path == "/v1/events"):
            self._send(
                503,
                json.dumps(problem(503, "unavailable")[1]).encode(),
                "application/problem+json",
                ("Retry-After", "0"),
            )
            return
        if collector.mode == "error":
            self._send(500, b"oops", "text/plain")
            return
        if length > 64 * 1024:
            collector.complaints.append(f"a body of {length} bytes")
        status, body = self._call(parts.path, parse_qs(parts.query), raw)
        if "Content-Encoding" in self.headers:
            status, body = self._zipped(parts.path, raw)
        data = b"" if body is None else json.dumps(body).encode()
        self._send(status, data, "application/json" if status < 400 else "application/problem+json")

    def _zipped(self, path: str, raw: bytes) -> tuple[int, Any]:
        """gzip is taken where the policy says so, and of whoever has the secret key."""
        offered = self.collector.policy.get("accept_gzip") is True
        if not offered or self.headers["Content-Encoding"] != "gzip" or path not in ("/v1/events", "/v1/records"):
            return problem(415, "unsupported-encoding")
        return self._call(path, {}, gzip.decompress(raw))

    def _call(self, path: str, query: dict[str, list[str]], raw: bytes) -> tuple[int, Any]:
        collector = self.collector
        kind, _, bearer = self.headers.get("Authorization", "").partition(" ")
        token = bearer if kind == "Bearer" else None
        if self.command in ("GET", "HEAD"):
            return collector.get(path, query, token)
        if self.command == "DELETE":
            return collector.delete(path, token)
        try:
            return collector.post(path, json.loads(raw), token, self.headers.get("Origin"), self._address())
        except (ValueError, KeyError, TypeError):  # also of a body that is compressed still
            return problem(400, "malformed")

    def _address(self) -> str | None:
        match = re.fullmatch(r"(\S+) (\d+) ([0-9a-f]{64})", self.headers.get("Dongui-Address", ""))
        if match is None or abs(int(match[2]) - now_s()) > 300:
            return None
        key = hashlib.sha256(b"dongui-address\0" + SECRET.encode()).digest()
        expected = hmac.new(key, f"{match[1]} {match[2]}".encode(), "sha256").hexdigest()
        return match[1] if hmac.compare_digest(expected, match[3]) else None

    def _send(self, status: int, data: bytes, kind: str, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Set-Cookie", "collector=1")  # a proxy must not pass it on
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is part of some tests."""


@contextmanager
def running(**changes: Any) -> Iterator[Collector]:
    """A collector that answers until the end of the block."""
    collector = Collector(**changes)
    server = _Server(("127.0.0.1", collector.port), type("Handler", (_Handler,), {"collector": collector}))
    collector.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield collector
    finally:
        if collector.held is not None:
            collector.held.set()
        for slow in collector.slow_paths.values():
            slow.set()
        server.shutdown()
        thread.join()
        server.server_close()
