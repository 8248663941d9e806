"""A small web server whose pages each test writes, on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, Mapping[str, str], str]


@dataclass
class Pages:
    """Path → (status, headers, body). ``asked`` are the paths that were asked for, in their order."""

    origin: str
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def put(self, path: str, body: str, *, status: int = 200, **headers: str) -> str:
        """Answer a path; the page's address."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = (status, {"content-type": "text/html; charset=utf-8", **named}, body)
        return f"{self.origin}{path}"


@contextmanager
def serving(host: str = "127.0.0.1") -> Iterator[Pages]:
    """Serves until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages.asked.append(self.path)
            status, headers, body = pages.answers.get(self.path.partition("?")[0], (404, {}, "nothing here"))
            content = body.encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Not into the tests' output."""

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    pages = Pages(f"http://{host}:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield pages
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
