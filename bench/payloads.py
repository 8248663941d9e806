"""Prepared request bytes: what browsers send, with distinct UUIDv7 ids, thousands of visitors and their addresses."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

ORIGIN = "https://shop.example"
_PATHS = (
    "/",
    "/products/7",
    "/products/moon-lamp",
    "/cart",
    "/search",
    "/notice/2026-11",
    "/my/orders",
    "/category/lighting",
)
_REFERRERS = ("https://search.example/", "https://blog.example/2026/lamps", "https://shop.example/", "")
_LANGUAGES = ("ko-KR", "ko", "en-US", "ja")
_SCREENS = ("1920x1080", "390x844", "1440x900", "412x915")


@dataclass(frozen=True, slots=True)
class Crowd:
    """Visitors whose consents are on the ledger, each with an address and a user agent of its own for the whole run."""

    site: str
    visitors: Sequence[str]
    agents: Sequence[str]


def requests(crowd: Crowd, number: int, *, events: int = 1, seed: int = 1, at: int | None = None) -> list[bytes]:
    """``number`` whole HTTP requests of ``events`` events each, none like another.

    Their times are the minute before ``at`` (epoch ms; default: now), in order, as live traffic comes.
    """
    rng = random.Random(seed)
    return [_post(crowd, i, json_body) for i, json_body in enumerate(_bodies(crowd, number, events, rng, at))]


def _bodies(crowd: Crowd, number: int, events: int, rng: random.Random, end: int | None) -> Iterator[bytes]:
    start = (end or time.time_ns() // 1_000_000) - 60_000
    for i in range(number):
        visitor = crowd.visitors[i % len(crowd.visitors)]
        at = start + 60_000 * i // number
        batch = ",".join(event(at + k, i * events + k, rng) for k in range(events))
        yield f'{{"site":"{crowd.site}","visitor":"{visitor}","events":[{batch}]}}'.encode()


def event(at: int, i: int, rng: random.Random) -> str:
    """One page view as the snippet writes it; every tenth comes from an advertisement and carries its click id."""
    click = f"&gclid=Cj0KCQ{i:012d}" if i % 10 == 0 else ""
    url = f"{ORIGIN}{_PATHS[i % 8]}?utm_source=letter&utm_campaign=c{i % 50}{click}"
    return (
        f'{{"id":"{uuid7(at, rng)}","name":"pageview","at":{at},"url":"{url}","referrer":"{_REFERRERS[i % 4]}",'
        f'"props":{{"list":"new","position":{i % 40}}},'
        f'"environment":{{"language":"{_LANGUAGES[i % 4]}","screen":"{_SCREENS[i % 4]}"}}}}'
    )


def uuid7(at: int, rng: random.Random) -> str:
    """RFC 9562: 48 bits of milliseconds, then chance."""
    value = at << 80 | 7 << 76 | rng.getrandbits(12) << 64 | 2 << 62 | rng.getrandbits(62)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def address_of(i: int) -> str:
    """A visitor's address, from the network that is set aside for benchmarks (RFC 2544)."""
    return f"198.{18 + (i >> 16 & 1)}.{i >> 8 & 255}.{i & 255}"


def agents(number: int) -> list[str]:
    """``number`` different user agents, as phones' and browsers' build numbers make them."""
    made = (_agent(i % 4, i // 4) for i in range(4 * number))
    return list(dict.fromkeys(made))[:number]


def _agent(shape: int, i: int) -> str:
    if shape == 2:
        version = f"18_{i % 7}"
        apple = f"Mozilla/5.0 (iPhone; CPU iPhone OS {version} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
        return f"{apple} Version/{version.replace('_', '.')} Mobile/15E{5000 + i // 4} Safari/604.1"
    if shape == 3:
        return f"Mozilla/5.0 (X11; Linux x86_64; rv:{100 + i % 40}.0) Gecko/20100101 Firefox/{100 + i % 40}.{i % 997}"
    system = "Windows NT 10.0; Win64; x64" if shape == 0 else f"Linux; Android 14; SM-S9{10 + i % 90}N"
    chrome = f"Chrome/{100 + i % 40}.0.{5000 + i // 4}.{i % 997}{'' if shape == 0 else ' Mobile'}"
    return f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) {chrome} Safari/537.36"


def _post(crowd: Crowd, i: int, body: bytes) -> bytes:
    head = (
        "POST /v1/events HTTP/1.1\r\n"
        "Host: collect.example\r\n"
        f"User-Agent: {crowd.agents[i % len(crowd.agents)]}\r\n"
        "Accept: */*\r\n"
        "Accept-Language: ko-KR,ko;q=0.9,en;q=0.8\r\n"
        "Accept-Encoding: gzip, deflate, br\r\n"
        f"Origin: {ORIGIN}\r\n"
        f"Referer: {ORIGIN}/\r\n"
        f"X-Forwarded-For: {address_of(i % len(crowd.visitors))}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def consent_request(site: str, secret_key: str, notice: str, granted: Sequence[str]) -> bytes:
    """One consent, as a web server reports it. The answer carries the visitor."""
    body = json.dumps(
        {"site": site, "notice": notice, "granted": list(granted), "refused": [], "method": "api", "lang": "ko"}
    ).encode()
    head = (
        "POST /v1/consents HTTP/1.1\r\nHost: collect.example\r\n"
        f"Authorization: Bearer {secret_key}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
