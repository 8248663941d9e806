"""Where a visit came from: the source, the channel and the campaign, decided from its first page view. Pure.

What is asked first decides: ``utm_`` keys, then what an advertisement left behind (Naver's ``n_`` keys, the kinds of
click ids, never their values), then the referring page. ``docs/api.md`` defines every channel.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

CHANNELS = (
    "direct",
    "organic_search",
    "paid_search",
    "social",
    "paid_social",
    "messenger",
    "video",
    "email",
    "display",
    "paid_other",
    "affiliate",
    "shopping",
    "assistant",
    "campaign",
    "referral",
)

# Host, or the end of one after a dot → source and its kind. The longest that fits counts.
_HOSTS: dict[str, tuple[str, str]] = {
    "search.naver.com": ("Naver", "search"),
    "naver.com": ("Naver", "portal"),
    "blog.naver.com": ("Naver Blog", "social"),
    "cafe.naver.com": ("Naver Cafe", "social"),
    "band.us": ("Naver Band", "social"),
    "mail.naver.com": ("Naver Mail", "email"),
    "shopping.naver.com": ("Naver Shopping", "shopping"),
    "smartstore.naver.com": ("Naver Shopping", "shopping"),
    "tv.naver.com": ("Naver TV", "video"),
    "search.daum.net": ("Daum", "search"),
    "daum.net": ("Daum", "portal"),
    "cafe.daum.net": ("Daum Cafe", "social"),
    "mail.daum.net": ("Daum Mail", "email"),
    "tistory.com": ("Tistory", "social"),
    "brunch.co.kr": ("Brunch", "social"),
    "kakao.com": ("Kakao", "portal"),
    "talk.kakao.com": ("KakaoTalk", "messenger"),
    "pf.kakao.com": ("KakaoTalk", "messenger"),
    "open.kakao.com": ("KakaoTalk", "messenger"),
    "com.kakao.talk": ("KakaoTalk", "messenger"),
    "story.kakao.com": ("KakaoStory", "social"),
    "tv.kakao.com": ("KakaoTV", "video"),
    "search.zum.com": ("Zum", "search"),
    "nate.com": ("Nate", "portal"),
    "search.nate.com": ("Nate", "search"),
    "com.google.android.googlequicksearchbox": ("Google", "search"),
    "mail.google.com": ("Gmail", "email"),
    "com.google.android.gm": ("Gmail", "email"),
    "gemini.google.com": ("Gemini", "assistant"),
    "bing.com": ("Bing", "search"),
    "copilot.microsoft.com": ("Copilot", "assistant"),
    "duckduckgo.com": ("DuckDuckGo", "search"),
    "search.yahoo.com": ("Yahoo", "search"),
    "search.yahoo.co.jp": ("Yahoo Japan", "search"),
    "ecosia.org": ("Ecosia", "search"),
    "search.brave.com": ("Brave", "search"),
    "baidu.com": ("Baidu", "search"),
    "ya.ru": ("Yandex", "search"),
    "facebook.com": ("Facebook", "social"),
    "instagram.com": ("Instagram", "social"),
    "threads.net": ("Threads", "social"),
    "threads.com": ("Threads", "social"),
    "t.co": ("X", "social"),
    "x.com": ("X", "social"),
    "twitter.com": ("X", "social"),
    "linkedin.com": ("LinkedIn", "social"),
    "lnkd.in": ("LinkedIn", "social"),
    "reddit.com": ("Reddit", "social"),
    "pinterest.com": ("Pinterest", "social"),
    "tiktok.com": ("TikTok", "social"),
    "news.ycombinator.com": ("Hacker News", "social"),
    "youtube.com": ("YouTube", "video"),
    "youtu.be": ("YouTube", "video"),
    "vimeo.com": ("Vimeo", "video"),
    "line.me": ("LINE", "messenger"),
    "t.me": ("Telegram", "messenger"),
    "org.telegram.messenger": ("Telegram", "messenger"),
    "outlook.live.com": ("Outlook", "email"),
    "coupang.com": ("Coupang", "shopping"),
    "chatgpt.com": ("ChatGPT", "assistant"),
    "perplexity.ai": ("Perplexity", "assistant"),
    "claude.ai": ("Claude", "assistant"),
}
_ENGINES = {"google": ("Google", "search"), "yandex": ("Yandex", "search")}  # whatever the country's domain is
_NAMES = {name.lower(): (name, kind) for name, kind in (*_HOSTS.values(), *_ENGINES.values()) if kind != "portal"}
# What people write into utm_source.
_NAMES |= {
    "naver": ("Naver", "search"),
    "daum": ("Daum", "search"),
    "kakao": ("KakaoTalk", "messenger"),
    "fb": ("Facebook", "social"),
    "ig": ("Instagram", "social"),
    "twitter": ("X", "social"),
}

# Kind of click id → its source, that source's kind, and whether it proves that the click was paid for.
_CLICKS: dict[str, tuple[str, str, bool]] = {
    "gclid": ("Google", "search", True),
    "gbraid": ("Google", "search", True),
    "wbraid": ("Google", "search", True),
    "dclid": ("Google", "display", True),
    "msclkid": ("Bing", "search", True),
    "fbclid": ("Facebook", "social", False),
    "NaPm": ("Naver", "search", False),
    "ttclid": ("TikTok", "social", True),
    "twclid": ("X", "social", True),
    "li_fat_id": ("LinkedIn", "social", True),
    "yclid": ("Yandex", "search", True),
}
_NAVER_AD = frozenset({"n_media", "n_ad", "n_ad_group", "n_keyword_id", "n_campaign_type"})

_PAID = re.compile(r"(.*cp[acmv].*|ppc|retargeting|paid.*)")
_MEDIA = {
    **dict.fromkeys(("display", "banner", "expandable", "interstitial"), "display"),
    **dict.fromkeys(("email", "e-mail", "e_mail", "newsletter"), "email"),
    **dict.fromkeys(("sms", "lms", "push", "message", "messenger", "alimtalk", "friendtalk", "chat"), "messenger"),
    **dict.fromkeys(("affiliate", "affiliates"), "affiliate"),
    **dict.fromkeys(("social", "sns", "social-media", "social-network", "sm"), "social"),
    "video": "video",
    "organic": "organic_search",
    "referral": "referral",
}
_KINDS = {
    "search": "organic_search",
    **{kind: kind for kind in ("social", "messenger", "video", "email", "shopping", "assistant", "display")},
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a visit came from; ``None`` is not known or not said. ``referrer`` is a host, never an address."""

    channel: str = "direct"
    source: str | None = None
    referrer: str | None = None
    medium: str | None = None
    campaign: str | None = None
    term: str | None = None
    content: str | None = None


DIRECT = Origin()


def origin_of(url: str | None, referrer: str | None, clicks: Collection[str], own: frozenset[str]) -> Origin:
    """The origin of a visit whose first page view had this ``url`` and ``referrer``.

    ``clicks`` are the kinds of click ids that came with it (``gclid``), as far as the reader may know of them; ``own``
    are the site's own hosts, which are nobody's source.
    """
    here = parts_of(url)
    there = parts_of(referrer)[0]
    if there is not None and (there == here[0] or there in own):
        there = None
    return _origin(here[2], there, tuple(sorted(clicks)))


@lru_cache(maxsize=16_384)  # a site's visitors look at the same pages
def parts_of(url: str | None) -> tuple[str | None, str | None, str]:
    """(host without ``www.``, path, query) of an address or a mere path; None for what it does not say."""
    if not url:
        return None, None, ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None, None, ""
    return (host.lower().removeprefix("www.") if host else None), parts.path or "/", parts.query


@lru_cache(maxsize=4096)
def _origin(query: str, referrer: str | None, clicks: tuple[str, ...]) -> Origin:
    keys = {key: value.strip() for key, value in parse_qsl(query) if value.strip()} if query else {}
    click = next((_CLICKS[kind] for kind in clicks if kind in _CLICKS), None)
    advert = ("Naver", "search", True) if _NAVER_AD & keys.keys() else click
    medium = keys.get("utm_medium", "").lower() or None
    tagged = keys.get("utm_source")
    source, kind = _source(tagged, advert, referrer)
    paid = bool(medium and _PAID.fullmatch(medium)) or bool(advert and advert[2])
    if source is None and medium is None:
        return Origin(campaign=keys.get("utm_campaign"), channel="campaign") if "utm_campaign" in keys else DIRECT
    return Origin(
        channel=_channel(kind, medium, paid, tagged=tagged is not None or medium is not None),
        source=source,
        referrer=referrer,
        medium=medium,
        campaign=keys.get("utm_campaign"),
        term=keys.get("utm_term"),
        content=keys.get("utm_content"),
    )


def _source(tagged: str | None, advert: tuple[str, str, bool] | None, referrer: str | None) -> tuple[str | None, str]:
    if tagged is not None:
        return _NAMES.get(tagged.lower()) or known_host(tagged.lower()) or (tagged, "")
    if advert is not None:
        return advert[0], advert[1]
    if referrer is not None:
        return known_host(referrer) or (referrer, "")
    return None, ""


def known_host(host: str) -> tuple[str, str] | None:
    """The source that a host stands for, and its kind; None for one that is not known."""
    labels = host.split(".")
    for start in range(len(labels)):
        if found := _HOSTS.get(".".join(labels[start:])):
            return found
    # google.com, google.co.kr: the name before the country's suffix, at most two labels long.
    return next((_ENGINES[label] for label in labels[-3:-1] if label in _ENGINES), None)


def _channel(kind: str, medium: str | None, paid: bool, *, tagged: bool) -> str:
    said = _MEDIA.get(medium or "")
    if said == "display" or kind == "display":
        return "display"
    if paid:
        return {"search": "paid_search", "social": "paid_social"}.get(kind, "paid_other")
    if said is not None:
        return said
    return _KINDS.get(kind) or ("campaign" if tagged else "referral")
