"""Applications that real servers start, set up by the environment alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dongui import Client, ConsentMiddleware, Delivery
from dongui.asgi import ConsentMiddleware as AsgiMiddleware

COOKIES = ["_ga=1; Path=/", "_fbp=2; Path=/", "session=3; Path=/"]


def _plain(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    headers = [("Content-Type", "text/html"), *(("Set-Cookie", cookie) for cookie in COOKIES)]
    if path == "/fails":
        raise LookupError("the application's own")
    if path == "/stream":
        start_response("200 OK", headers)
        return _parts()
    if path == "/echo":
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body]
    start_response("200 OK", [*headers, ("Content-Length", "5")])
    return [b"hello"]


def _parts() -> Iterator[bytes]:
    for number in range(5):
        yield b"%d" % number * 1000


async def _plain_asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        message = await receive()
        await send(
            {"type": "websocket.send", "text": message["text"] + str(scope["dongui.consent"].granted("statistics"))}
        )
        await send({"type": "websocket.close"})
        return
    headers = [(b"content-type", b"text/html"), *((b"set-cookie", cookie.encode()) for cookie in COOKIES)]
    if scope["path"] == "/fails":
        raise LookupError("the application's own")
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["path"] == "/stream":
        for part in _parts():
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})
    else:
        await send({"type": "http.response.body", "body": b"hello"})


# On a busy machine an exit takes its time, and so does a start; otherwise as anybody sets it up.
_CLIENT = Client(learn_timeout=60, delivery=Delivery(exit_deadline=60))
application = ConsentMiddleware(_plain, client=_CLIENT)
asgi_application = AsgiMiddleware(_plain_asgi, client=_CLIENT)
