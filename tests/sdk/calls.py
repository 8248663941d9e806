"""Asking an application over WSGI as a strict server would, and the cookies that a browser would bring along."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from wsgiref.validate import validator

from dongui.rules import Choice, encode_choice

from tests.clock import now_s

Headers = list[tuple[str, str]]


@dataclass
class Result:
    """A complete answer."""

    status: str
    headers: Headers
    body: bytes
    errors: list[BaseException] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def cookies(self) -> list[str]:
        """The names of the cookies that are set."""
        return [value.partition("=")[0] for value in self.all("Set-Cookie")]


def choice(*purposes: str, version: str = "v1", at: float | None = None) -> str:
    """A ``Cookie`` header with this choice."""
    return "dongui=" + encode_choice(Choice(version, purposes, now_s() if at is None else int(at)))


def environ(
    path: str = "/", *, method: str = "GET", query: str = "", cookie: str = "", body: bytes = b"", **headers: str
) -> dict[str, Any]:
    """A WSGI environment; keyword arguments are headers, in upper case with underscores."""
    made: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "shop.example.com",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "shop.example.com",
        "REMOTE_ADDR": "203.0.113.7",
        "HTTP_USER_AGENT": "Mozilla/5.0 Firefox/130.0",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{f"HTTP_{name}": value for name, value in headers.items() if name != "CONTENT_TYPE"},
    }
    if "CONTENT_TYPE" in headers:
        made["CONTENT_TYPE"] = headers["CONTENT_TYPE"]
    if body:
        made["CONTENT_LENGTH"] = str(len(body))
    if cookie:
        made["HTTP_COOKIE"] = cookie
    return made


def call(app: Callable[..., Iterable[bytes]], path: str = "/", *, strict: bool = True, **request: Any) -> Result:
    """Runs a request to its end, under ``wsgiref.validate`` unless told otherwise."""
    return run(validator(app) if strict else app, environ(path, **request))


def run(app: Callable[..., Iterable[bytes]], made: dict[str, Any]) -> Result:
    """What a server does: headers go out with the first byte, after which ``exc_info`` is raised again."""
    result = Result("", [], b"")
    sent = False

    def write(data: bytes) -> None:
        nonlocal sent
        assert result.status, "write() before start_response()"
        sent = True
        result.body += data

    def start(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info is not None:
            if sent:
                raise exc_info[1].with_traceback(exc_info[2])
        else:
            assert not result.status, "start_response() twice"
        result.status, result.headers = status, list(headers)
        return write

    answer = app(made, start)
    try:
        for part in answer:
            if part:
                write(part)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    return result
