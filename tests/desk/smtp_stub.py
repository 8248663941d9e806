"""A mail server on loopback that keeps what it is sent: just enough of SMTP (RFC 5321) for smtplib."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast


@dataclass
class Mails:
    """Where it listens, and what came. ``refusing``: takes no mail."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    receivers: list[list[str]] = field(default_factory=list)
    refusing: bool = False


@contextmanager
def mail_server() -> Iterator[Mails]:
    mails = Mails()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 stub")
            to: list[str] = []
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"RCPT":
                    to.append(line.split(b"<")[1].split(b">")[0].decode())
                if verb == b"DATA":
                    self.say("354 go on")
                    self.keep(to)
                elif verb == b"QUIT":
                    self.say("221 bye")
                    return
                self.say("550 no" if verb == b"MAIL" and mails.refusing else "250 stub")

        def keep(self, to: list[str]) -> None:
            data = b""
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                data += line.removeprefix(b".") if line.startswith(b"..") else line
            mails.messages.append(cast(EmailMessage, message_from_bytes(data, policy=policy.default)))
            mails.receivers.append(to)

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        mails.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield mails
        server.shutdown()
        thread.join()
