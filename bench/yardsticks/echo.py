"""Yardstick of the load generator itself: a server that does nothing but count bytes and answer 202.

``python -m bench.yardsticks.echo PORT``. What the generator reaches against this one is its ceiling.
"""

from __future__ import annotations

import select
import socket
import sys

_BODY = b'{"recorded":1,"refused":{}}'
_ANSWER = b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
    len(_BODY),
    _BODY,
)


def missing(data: bytes) -> int:
    """How many bytes of a request are still to come, by its Content-Length."""
    head = data.find(b"\r\n\r\n")
    at = data.find(b"Content-Length: ") + 16
    return head + 4 + int(data[at : data.find(b"\r", at)]) - len(data)


def main(port: int) -> None:
    listener = socket.create_server(("127.0.0.1", port), backlog=128)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    lanes: dict[int, socket.socket] = {}
    left: dict[int, int] = {}
    while True:
        for fd, _ in poll.poll():
            if fd == listener.fileno():
                lane = listener.accept()[0]
                lanes[lane.fileno()] = lane
                poll.register(lane, select.EPOLLIN)
                continue
            data = lanes[fd].recv(1 << 20)
            if not data:
                lanes.pop(fd).close()
                continue
            rest = left.pop(fd) - len(data) if fd in left else missing(data)
            if rest > 0:
                left[fd] = rest
            else:
                lanes[fd].send(_ANSWER)


if __name__ == "__main__":
    main(int(sys.argv[1]))
