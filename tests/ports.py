"""Ports that nobody else takes: below those that the system gives out by itself, and each given out once."""

from __future__ import annotations

import os
import socket

FIRST, LAST = 10_240, 32_767  # Linux gives out 32768 to 60999 by itself, to clients and to whoever asks for port 0
_given = 0


def free_port() -> int:
    """A port on 127.0.0.1 on which nobody listens, and which no other test asks for as long as this process lives.

    A port that the system picked is anybody's again until the server that is to have it listens. This one is held
    meanwhile by its namesake in UDP, which the server does not need: other processes of the tests pass it over.
    """
    global _given
    while True:
        port = FIRST + (os.getpid() * 61 + _given) % (LAST - FIRST + 1)
        _given += 1
        if _held(port):
            return port


def _held(port: int) -> bool:
    with socket.socket() as server, socket.socket(type=socket.SOCK_DGRAM) as namesake:
        try:
            server.bind(("127.0.0.1", port))
            namesake.bind(("127.0.0.1", port))
        except OSError:
            return False
        namesake.detach()  # open until this process ends
    return True
