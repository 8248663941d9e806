"""Where a visit came from: the source, the channel and the campaign, decided from its first page view. Pure.

Of the source ``utm_`` keys decide first, then Naver's ``n_`` keys, then the referring host, and last the kinds of click
ids, never their values: a link with a click id in it is copied into chats and posts. That the click was paid for, a
click id says whatever the source is. ``docs/api.md`` defines every channel.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from urllib.parse import parse_qsl

from dongui_collector.analytics.channel_rules import ChannelRule
from dongui_collector.analytics.referrers import PAID_TAGS, Referrer, known_host, known_tag
from dongui_collector.analytics.site_rules import SiteRules
from dongui_collector.core.addresses import parts_of

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

# Kind of click id → its source, that source's kind, and whether it proves that the click was paid for.
_CLICKS: dict[str, Referrer] = {
    "gclid": Referrer("Google", "search", paid=True),
    "gbraid": Referrer("Google", "search", paid=True),
    "wbraid": Referrer("Google", "search", paid=True),
    "dclid": Referrer("Google", "display", paid=True),
    "msclkid": Referrer("Bing", "search", paid=True),
    "fbclid": Referrer("Facebook", "social"),
    "NaPm": Referrer("Naver", "search"),
    "ttclid": Referrer("TikTok", "social", paid=True),
    "twclid": Referrer("X", "social", paid=True),
    "li_fat_id": Referrer("LinkedIn", "social", paid=True),
    "yclid": Referrer("Yandex", "search", paid=True),
}
_NAVER = Referrer("Naver", "search", paid=True)  # what its keys in an address say
_NAVER_AD = frozenset({"n_media", "n_ad", "n_ad_group", "n_keyword_id", "n_campaign_type"})

_PAID = re.compile(r"(.*cp[acmv].*|ppc|retargeting|remarketing|paid.*)")
_JOINTS = re.compile(r"[\s_.+\-/]+")
_MEDIA = {
    **dict.fromkeys(
        (
            "display",
            "banner",
            "expandable",
            "interstitial",
            "gdn",
            "gfa",
            "da",
            "배너",
            "디스플레이",
            "성과형디스플레이",
        ),
        "display",
    ),
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


def origin_of(url: str | None, referrer: str | None, clicks: Collection[str], site: SiteRules) -> Origin:
    """The origin of a visit whose first page view had this ``url`` and ``referrer``.

    ``clicks`` are the kinds of click ids that came with it (``gclid``), as far as the reader may know of them; ``site``
    has the site's own hosts, which are nobody's source, and its own channel rules, which go before what is known here.
    """
    here = parts_of(url)
    there = parts_of(referrer)[0]
    if there is not None and (there == here[0] or there in site.hosts):
        there = None
    return _origin(here[2], there, tuple(sorted(clicks)), site.channels)


@lru_cache(maxsize=4096)
def _origin(query: str, referrer: str | None, clicks: tuple[str, ...], rules: tuple[ChannelRule, ...]) -> Origin:
    keys = {key: value.strip() for key, value in parse_qsl(query) if value.strip()} if query else {}
    found = Origin(
        referrer=referrer,
        medium=keys.get("utm_medium", "").lower() or None,
        campaign=keys.get("utm_campaign"),
        term=keys.get("utm_term"),
        content=keys.get("utm_content"),
    )
    tagged = keys.get("utm_source")
    click = next((_CLICKS[kind] for kind in clicks if kind in _CLICKS), None)
    advert = _NAVER if _NAVER_AD & keys.keys() else None
    host = None if referrer is None else known_host(referrer) or Referrer(referrer)
    source = _tag(tagged) if tagged is not None else advert or host or click
    paid = any(one is not None and one.paid for one in (advert, host, click)) or _is_paid(found.medium, tagged)
    found = replace(found, source=source.name if source else None)
    if source is None and found.medium is None:
        found = Origin(campaign=found.campaign, channel="campaign") if found.campaign else DIRECT
    else:
        kind = source.kind if source else ""
        if click is not None and click.kind == "display" and tagged is None and found.medium is None:
            kind = "display"
        found = replace(found, channel=_channel(kind, found.medium, paid, tagged=bool(tagged or found.medium)))
    own = _own_channel(found, rules)
    return replace(found, channel=own) if own else found


def _own_channel(origin: Origin, rules: tuple[ChannelRule, ...]) -> str | None:
    """The channel of the first of the site's own rules that holds."""
    fields = asdict(origin) if rules else {}
    return next((rule.channel for rule in rules if rule.holds(fields)), None)


def _tag(text: str) -> Referrer:
    """What a ``utm_source`` names: as a whole, else by the first of its parts (``naver_powerlink``), else itself."""
    whole = known_tag(text)
    if whole is None and _is_advert(text):
        whole = next((found for part in _JOINTS.split(text) if (found := known_tag(part))), None)
    return whole or Referrer(text)


def _is_paid(medium: str | None, tagged: str | None) -> bool:
    return (medium is not None and (bool(_PAID.fullmatch(medium)) or _is_advert(medium))) or _is_advert(tagged or "")


def _is_advert(text: str) -> bool:
    """Whether a tag names a kind of advertisement: as a whole without joints, or in one of its parts."""
    parts = _JOINTS.split(text.lower())
    return "".join(parts) in PAID_TAGS or not PAID_TAGS.isdisjoint(parts)


def _channel(kind: str, medium: str | None, paid: bool, *, tagged: bool) -> str:
    said = _MEDIA.get(medium or "")
    if said == "display" or kind == "display":
        return "display"
    if paid:
        return {"search": "paid_search", "portal": "paid_search", "social": "paid_social"}.get(kind, "paid_other")
    if said is not None:
        return said
    return _KINDS.get(kind) or ("campaign" if tagged else "referral")
