"""What the tests of ``deploy/`` need: its files parsed, nginx or HAProxy run on them without touching the system."""

from __future__ import annotations

import configparser
import datetime
import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.clock import now_utc

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile; ``stage`` counts the FROMs."""

    stage: int
    name: str
    value: str


def dockerfile(text: str) -> list[Instruction]:
    """Parse a Dockerfile: comments out, continuation lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found: list[Instruction] = []
    stage = -1
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        name, value = line.split(None, 1)
        stage += name == "FROM"
        found.append(Instruction(stage, name, value.strip()))
    return found


def unit(path: Path) -> configparser.SectionProxy:
    """The ``[Service]`` section of a systemd unit; keys that occur more than once are joined by newlines."""
    values: dict[str, list[str]] = {}
    section = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif section == "Service" and "=" in line and not line.startswith(("#", ";")):
            key, value = line.split("=", 1)
            values.setdefault(key, []).append(value)
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read_dict({"Service": {key: "\n".join(several) for key, several in values.items()}})
    return parser["Service"]


def unit_environment(service: configparser.SectionProxy) -> dict[str, str]:
    """The unit's ``Environment=`` lines as a mapping."""
    words = [word for line in service["Environment"].splitlines() for word in shlex.split(line)]
    return dict(word.split("=", 1) for word in words)


def tool(name: str) -> str:
    """A server that `.ci/system test` has installed; Debian keeps them in sbin, which is not everybody's path."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert found, f"{name} is not installed; run .ci/system test"
    return found


def certificate(folder: Path) -> Path:
    """A self-signed certificate and its key in one PEM file, as both proxies take it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "collect.example")])
    now = now_utc()
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    pem += key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "collect.example.pem"
    path.write_bytes(pem)
    return path


def changed(text: str, changes: Sequence[tuple[str, str]]) -> str:
    """A configuration with places exchanged; each must be there, or the test would prove something else."""
    for old, new in changes:
        assert old in text, f"{old!r} is not in the file any more"
        text = text.replace(old, new)
    return text


def nginx_files(folder: Path, *, port: int, upstream: int, behind_balancer: bool = False) -> Path:
    """deploy/nginx.conf with this test's ports and paths, inside the smallest possible main configuration."""
    pem = certificate(folder)
    changes = [
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("    listen [::]:443 ssl;\n", ""),
        ("127.0.0.1:8787", f"127.0.0.1:{upstream}"),
        ("/etc/ssl/certs/collect.example.pem", str(pem)),
        ("/etc/ssl/private/collect.example.key", str(pem)),
        ("/var/log/nginx/", f"{folder}/"),
    ]
    if behind_balancer:
        changes.append(("X-Forwarded-For $remote_addr;", "X-Forwarded-For $proxy_add_x_forwarded_for;"))
    return nginx_main(folder, changed((DEPLOY / "nginx.conf").read_text(encoding="utf-8"), changes))


def consumers_files(folder: Path, *, port: int, upstream: int) -> Path:
    """deploy/consumers.conf likewise, before a desk."""
    pem = certificate(folder)
    changes = [
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("    listen [::]:443 ssl;\n", ""),
        ("127.0.0.1:8788", f"127.0.0.1:{upstream}"),
        ("rate=10r/s", "rate=1r/m"),  # so that no machine is too slow to meet it
        ("/etc/ssl/certs/data.example.pem", str(pem)),
        ("/etc/ssl/private/data.example.key", str(pem)),
        ("/var/log/nginx/", f"{folder}/"),
    ]
    return nginx_main(folder, changed((DEPLOY / "consumers.conf").read_text(encoding="utf-8"), changes))


def nginx_main(folder: Path, text: str) -> Path:
    """The smallest main configuration that includes a site's."""
    site = folder / "dongui.conf"
    site.write_text(text)
    temporary = " ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""  # the temporary folder is ours alone
    main.write_text(f"{user} pid {folder}/nginx.pid; daemon off; events {{}} http {{ {temporary} include {site}; }}")
    return main


def haproxy_file(folder: Path, *, port: int, upstream: int) -> Path:
    """deploy/haproxy.cfg with this test's ports and certificate."""
    changes = [
        ("bind :443 ssl", f"bind 127.0.0.1:{port} ssl"),
        ("/etc/haproxy/certs/collect.example.pem", str(certificate(folder))),
        ("127.0.0.1:8787", f"127.0.0.1:{upstream}"),
        # The test may not raise its own limit of open files.
        ("maxconn 20000", "maxconn 100"),
    ]
    path = folder / "haproxy.cfg"
    path.write_text(changed((DEPLOY / "haproxy.cfg").read_text(encoding="utf-8"), changes))
    return path


@contextmanager
def proxy(command: Sequence[str], port: int, log: Path, *, ready: bytes = b" 200 ") -> Iterator[None]:
    """Run a proxy until the block ends; what it prints goes into ``log``. ``ready`` is its status for ``/healthz``."""
    with log.open("wb") as out:
        child = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            deadline = time.monotonic() + 60
            while not _answers(port, ready):
                assert child.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield
        finally:
            child.terminate()
            child.wait(60)


def _answers(port: int, ready: bytes) -> bool:
    """Whether a request comes back with something better than "no server is up"."""
    try:
        return ready in request(port, "GET", "/healthz")[:20]
    except OSError:
        return False


def request(
    port: int,
    method: str,
    path: str,
    body: bytes = b"",
    *,
    source: str = "127.0.0.7",
    headers: Sequence[str] = (),
    announced: int | None = None,
) -> bytes:
    """One HTTPS request from a given loopback address; the whole answer.

    ``announced`` is a Content-Length beyond what is sent: an answer that comes all the same did not wait for the rest.
    """
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    lines = [f"{method} {path} HTTP/1.1", "Host: collect.example", "Connection: close"]
    lines.append(f"Content-Length: {announced or len(body)}")
    head = "\r\n".join([*lines, *headers, "", ""]).encode()
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(source, 0)) as plain,
        context.wrap_socket(plain, server_hostname="collect.example") as secure,
    ):
        secure.sendall(head + body)
        return b"".join(iter(lambda: secure.recv(65536), b""))
