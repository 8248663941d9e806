"""Every parser that a stranger reaches, each as a function of bytes that may only succeed or clearly refuse."""

from __future__ import annotations

import io
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from dongui.errors import PolicyError
from dongui.policy import compiled, parse
from dongui.rules import consent, own_cookies, urls
from dongui.rules.crawlers import is_crawler
from dongui.web import csp, origin, page_view, proxy_rules, set_cookie
from dongui.web.consent import cookie_pairs
from dongui_collector.analytics.imports.days import READERS, days_of
from dongui_collector.analytics.imports.files import ForeignError
from dongui_collector.core.addresses import parts_of
from dongui_collector.desk.draft_parser import MOST_KEY_PARTS, _key_of
from dongui_collector.evidence import verify_evidence
from dongui_collector.intake import schema as wire
from dongui_collector.intake.credentials import Headers, address_of, network
from dongui_collector.intake.encoding import unpacked
from dongui_collector.intake.enrich import _parsed
from dongui_collector.intake.problems import Problem

from tests.fuzz.seeds import SEEDS

HERE = Path(__file__).parent
SHOP = HERE.parents[1] / "examples" / "somoon" / "policy.toml"
BODIES = (
    wire.ConsentIn,
    wire.EventBatch,
    wire.RecordIn,
    wire.MemberIn,
    wire.ChannelsIn,
    wire.InventoryIn,
    wire.CountsIn,
    wire.RequestIn,
)
SEOUL = ZoneInfo("Asia/Seoul")


@dataclass(frozen=True, slots=True)
class Target:
    """A parser, what it may raise, and what a fuzzer begins with beside the corpus."""

    run: Callable[[bytes], None]
    refusals: tuple[type[Exception], ...] = ()
    seeds: Callable[[], Iterator[bytes]] = lambda: iter(())

    def try_(self, data: bytes) -> None:
        """Run it; what it raises that is no refusal goes on."""
        with suppress(self.refusals):
            self.run(data)


def text_of(data: bytes) -> str:
    """A header's text, as servers hand it on."""
    return data.decode("latin-1")


def _wire(data: bytes) -> None:
    number, body = data[:1], data[1:]
    kind = BODIES[number[0] % len(BODIES)] if number else wire.EventBatch
    value = wire.decode(body, kind)
    if isinstance(value, wire.EventBatch):
        wire.check_events(value.events, addresses=True)
    elif isinstance(value, wire.ConsentIn):
        wire.check_decision(value, secret=False)
    elif isinstance(value, wire.RecordIn):
        wire.check_tree(value.data, "data")
    msgspec.json.encode(value)


def _encoding(data: bytes) -> None:
    name, _, body = data.partition(b"\n")
    unpacked(body, text_of(name), zipped=True)


def _urls(data: bytes) -> None:
    for text in (text_of(data), data.decode("utf-8", "replace")):
        urls.scrub_url(text)
        urls.percent_encoded(text)
        urls.scrub_props({text: [text]})
        parts_of(text)
        proxy_rules.normalised(text)
        page_view.sought(text, "q")


@cache
def _terms() -> proxy_rules.CompiledPolicy:
    return proxy_rules.CompiledPolicy(compiled(parse(SHOP.read_text("utf-8")), site="s", accepts=[]))


def _cookies(data: bytes) -> None:
    text = text_of(data)
    pairs = cookie_pairs(text)
    for https in (True, False):
        for framed in (True, False):
            own_cookies.read_choice(pairs, https, shared=not framed, framed=framed)
            own_cookies.visitor_ids(pairs, https, shared=not framed, framed=framed)
    if choice := consent.decode_choice(text):
        assert consent.decode_choice(consent.encode_choice(choice)) == choice
    set_cookie.hide(text, frozenset({"statistics"}), _terms())
    set_cookie.sift([("Set-Cookie", text)], frozenset(), _terms(), strict=True, now=1.0)
    set_cookie.attributes(text)


def _agent(data: bytes) -> None:
    _parsed(text_of(data))
    is_crawler(text_of(data))


NAMES = (
    b"authorization origin cookie x-dongui content-encoding content-length accept-language x-forwarded-for"
    b" dongui-address sec-gpc user-agent sec-fetch-site host content-security-policy"
).split()


def _headers(data: bytes) -> None:
    """Each line: a byte that chooses the name, and the value."""
    pairs = [(NAMES[line[0] % len(NAMES)], line[1:]) for line in data.split(b"\n") if line]
    headers = Headers.of(pairs)
    for hops in (0, 1, 3):
        address_of("192.0.2.1", headers.forwarded, hops)
        if found := page_view.address_of("192.0.2.1", headers.forwarded, hops):
            network(found)
    address_of(headers.forwarded, headers.forwarded, 1)
    named = {name.decode(): text_of(value) for name, value in pairs}
    get = named.get
    origin.is_own_origin(get("sec-fetch-site", ""), get("origin", ""), get("host", ""), "POST")
    origin.is_over_https("", "http", get("origin", ""), get("sec-fetch-site", ""), get("host", ""))
    origin.host_name(get("host", ""))
    page_view.first_language(headers.language)
    policies = [("Content-Security-Policy", value) for name, value in named.items() if name.startswith("content-sec")]
    csp.inline_nonce(policies)
    csp.script_nonce(policies)


def _draft(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    if not any(line.count(".") > MOST_KEY_PARTS for line in map(_key_of, text.splitlines())):
        parse(text)


@contextmanager
def _file(data: bytes, name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        yield path


def _import(data: bytes) -> None:
    products = sorted(READERS)
    with _file(data[1:], "export.csv") as path:
        days_of(products[data[0] % len(products)] if data else products[0], path, SEOUL)


def packed(members: dict[str, bytes]) -> bytes:
    """A zip of files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return out.getvalue()


def _zipped_import(data: bytes) -> None:
    """Each part, between NULs: a name and a file; the first byte chooses the product."""
    parts = data[1:].split(b"\x00")
    members = dict(zip(map(text_of, parts[::2]), parts[1::2], strict=False))
    _import(data[:1] + packed({name: body for name, body in members.items() if name}))


def _verified(bundle: bytes) -> None:
    """The verdict is the last line and the exit code, whatever the bundle is."""
    said, arguments = io.StringIO(), sys.argv
    with _file(bundle, "bundle.zip") as path, redirect_stdout(said), redirect_stderr(io.StringIO()):
        sys.argv = ["verify", str(path), "--lang", "en"]
        try:
            code = verify_evidence.main()
        finally:
            sys.argv = arguments
    last = said.getvalue().splitlines()[-1]
    good, bad = verify_evidence.WORDS["good"][1], verify_evidence.WORDS["bad"][1].partition("{")[2][3:]
    assert (code == 0) == (last == good), (code, last)
    assert code != 1 or last.endswith(bad), (code, last)


@cache
def bundle_files() -> dict[str, bytes]:
    """The files of a good bundle of two visitors and a sealed day, less the script."""
    with zipfile.ZipFile(HERE / "bundle.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _bundle(data: bytes) -> None:
    """A good bundle, of which one file (the first byte chooses it) holds something else."""
    files = bundle_files()
    name = sorted(files)[data[0] % len(files)] if data else sorted(files)[0]
    _verified(packed(files | {name: data[1:]}))


TARGETS: dict[str, Target] = {
    "wire": Target(_wire, (Problem,), SEEDS["wire"]),
    "encoding": Target(_encoding, (Problem,), SEEDS["encoding"]),
    "urls": Target(_urls, seeds=SEEDS["urls"]),
    "cookies": Target(_cookies, seeds=SEEDS["cookies"]),
    "agent": Target(_agent, seeds=SEEDS["agent"]),
    "headers": Target(_headers, seeds=SEEDS["headers"]),
    "draft": Target(_draft, (PolicyError,), lambda: iter([SHOP.read_bytes()])),
    "csv": Target(_import, (ForeignError,), SEEDS["csv"]),
    "zip": Target(_zipped_import, (ForeignError,), SEEDS["zip"]),
    "archive": Target(_verified, (), lambda: iter([packed(bundle_files())])),
    "bundle": Target(
        _bundle, (), lambda: (bytes([n]) + body for n, (_, body) in enumerate(sorted(bundle_files().items())))
    ),
}
