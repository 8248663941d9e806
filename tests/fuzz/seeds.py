"""What a fuzzer begins with: one good input of each kind, so that it gets past the first check."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

_ID = "019ab0c4-7a00-7000-8000-000000000001"
_SITE = {"site": "s_1234567890"}
_EVENT = {
    "id": _ID,
    "name": "page_view",
    "at": 1_764_000_000_000,
    "url": "https://shop.example.com/p/1?utm_source=a&gclid=b#c",
    "referrer": "https://search.example/?q=a%20b",
    "props": {"a": {"b": [1, "x", None]}},
    "ad_ids": {"gclid": "x"},
    "cookies": {"_ga": "GA1.2.3"},
    "environment": {"language": "ko", "screen": "390x844"},
    "ip": "192.0.2.1",
}
_BODIES: tuple[dict[str, Any], ...] = (
    _SITE
    | {"notice": "v1", "granted": ["statistics"], "refused": ["marketing"], "method": "banner", "lang": "ko"}
    | {"id": _ID, "visitor": "A" * 22, "signals": {"gpc": True}, "layout": "bar", "catalog": "0" * 8},
    _SITE | {"visitor": "A" * 22, "events": [_EVENT]},
    _SITE | {"class": "abuse", "subject": "m", "at": 1, "source": "service", "data": {"n": [1]}, "id": _ID},
    _SITE | {"member": "m1", "visitor": "A" * 22, "event": "identified", "id": _ID},
    _SITE | {"member": "m1", "granted": ["email"], "refused": [], "method": "api", "lang": "ko"},
    _SITE | {"cookies": ["_ga"]},
    _SITE | {"id": _ID, "at": 1, "counts": {"unasked": 1, "recorded": {"statistics.marketing": 2}}},
    {"kind": "correct", "text": "please"},
)
_PLAUSIBLE = b"date,visitors,pageviews,bounces,visits,visit_duration\n2024-03-10,3,5,1,3,90\n"
_GOAT = (
    b"2Path,Title,Event,UserAgent,Browser,System,Session,Bot,Referrer,Referrer scheme,Screen size,Location,"
    b"FirstVisit,Date\n"
    b'/a,T,false,,Chrome 1,Linux,1a,0,search.example/x,h,"390,844,1",KR,true,2024-03-10T01:00:00Z\n'
)
_UMAMI = (
    b"session_id,created_at,url_path,url_query,event_type,referrer_domain,referrer_path,event_name,device,country\n"
    b"s1,2024-03-10 01:00:00,/a,q=1,1,search.example,/x,,mobile,KR\n"
)
_CHROME = (
    b"Mozilla/5.0 (Linux; Android 14; SM-S921N) AppleWebKit/537.36 (KHTML, like Gecko)"
    b" Chrome/140.0.0.0 Mobile Safari/537.36"
)


def _wire() -> Iterator[bytes]:
    return (bytes([number]) + json.dumps(body).encode() for number, body in enumerate(_BODIES))


def _csv() -> Iterator[bytes]:
    yield from (bytes([number]) + body for number, body in enumerate((_GOAT, _PLAUSIBLE, _UMAMI)))
    yield b"\x00" + gzip.compress(_GOAT, mtime=0)


def _zip() -> Iterator[bytes]:
    named = ("goatcounter.csv", _GOAT), ("imported_visitors_20240310_20240311.csv", _PLAUSIBLE), ("e.csv", _UMAMI)
    for number, (name, body) in enumerate(named):
        yield bytes([number]) + name.encode() + b"\x00" + body
    yield b"\x01" + b"\x00".join(part for name, body in named for part in (name.encode(), body))


SEEDS: dict[str, Callable[[], Iterator[bytes]]] = {
    "wire": _wire,
    "encoding": lambda: iter([b"gzip\n" + gzip.compress(b"{}", mtime=0), b"identity\n{}", b"x-gzip, gzip\n"]),
    "urls": lambda: iter(
        [
            b"https://user:secret@shop.example.com:8443/a/%EA%B0%80;x=1?q=a+b&email=a%40b.example&utm_source=x#f",
            b"/010-1234-5678/900101-1234567?token=x",
            b"//[::1]:80/..//./%2e%2e/?x",
        ]
    ),
    "cookies": lambda: iter(
        [
            b"__Host-dongui=1~v1~statistics.marketing~mabcde; dongui_id=" + b"A" * 22 + b'; _ga="x y"; =z; a',
            b"1~v1~statistics~mabcde",
            b"_ga=GA1.2; Domain=.example.com; Path=/; Expires=Wed, 09 Jun 2027 10:18:14 GMT; Max-Age=10; Secure",
        ]
    ),
    "agent": lambda: iter([_CHROME, b"Mozilla/5.0 (iPhone) KAKAOTALK 10.1.2 Googlebot/2.1"]),
    "headers": lambda: iter(
        [
            b"\x00Bearer x\n\x01https://shop.example.com\n\x02a=b\n\x04gzip\n\x0512\n"
            b"\x06ko-KR,ko;q=0.9\n\x07192.0.2.1, [2001:db8::1]:80",
            b"\x0bsame-origin\n\x0cshop.example.com:443\n"
            b"\x0dscript-src 'nonce-abc' 'strict-dynamic'; default-src 'self'",
        ]
    ),
    "csv": _csv,
    "zip": _zip,
}
