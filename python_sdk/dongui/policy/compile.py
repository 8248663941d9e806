"""A policy as the JSON that others work by: ``GET /v1/policy`` decides, ``GET /v1/notice`` is shown.

Both are the same for every visitor, so that any cache may hold them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from dongui.i18n import words
from dongui.policy.builtin import QUERY_KEYS
from dongui.policy.model import Channel, CookieRule, Party, Policy, Purpose
from dongui.policy.words import basis_name, country_name

Json = dict[str, Any]

_UNSEARCHED = ("unsearched_paths", "unsearched_properties")


def pick_language(policy: Policy, wanted: str | None) -> str:
    """The language of the policy that fits ``wanted`` (``"ko-KR"`` → ``"ko"``), else its first."""
    base = (wanted or "").lower().replace("_", "-").partition("-")[0]
    return base if base in policy.notice.languages else policy.notice.languages[0]


def compiled(policy: Policy, *, site: str, accepts: Iterable[str]) -> Json:
    """What snippet, middleware and gate need to decide. ``accepts``: notice versions whose choice still stands."""
    notice = policy.notice
    return {
        "site": site,
        "version": notice.version,
        "effective": notice.effective.isoformat(),
        "accepts": list(accepts),
        "languages": list(notice.languages),
        "timezone": notice.timezone,
        "minimum_age": notice.minimum_age,
        "choice_seconds": notice.choice_lifetime.seconds,
        "query_keys": list(dict.fromkeys((*QUERY_KEYS, *notice.query_keys))),
        "purposes": {purpose.id: _decides(purpose) for purpose in policy.purposes.values()},
        "items": {item.id: {"protect": item.protect} for item in policy.items.values()},
        "cookies": [_cookie(cookie) for cookie in policy.cookies],
        **{key: list(names) for key in _UNSEARCHED if (names := getattr(notice, key))},
    }


def _decides(purpose: Purpose) -> Json:
    return {
        "basis": purpose.basis,
        "required": purpose.required,
        "items": list(purpose.items),
        "signals": list(purpose.opt_out_signals),
        "google_consent": list(purpose.google_consent),
        "urls": list(purpose.urls),
        "reconfirm_seconds": purpose.reconfirm.seconds if purpose.reconfirm else None,
    }


def _cookie(cookie: CookieRule) -> Json:
    """A session cookie has None for ``seconds``; one that is ``necessary`` None for its purpose."""
    seconds = cookie.lifetime.seconds if cookie.lifetime else None
    entry = {"name": cookie.name, "purpose": cookie.purpose, "record": cookie.record, "seconds": seconds}
    return entry | {"necessary": True} if cookie.necessary else entry


def notice(policy: Policy, *, lang: str, site: str, accepts: Iterable[str]) -> Json:
    """What a visitor is shown when asked (K1), in ``lang`` or the policy's first language.

    It carries what the browser's gate decides by as well, so that one request suffices a page.
    """
    lang = pick_language(policy, lang)
    decides = compiled(policy, site=site, accepts=accepts)
    shown: Json = {
        "site": site,
        "version": policy.notice.version,
        "effective": policy.notice.effective.isoformat(),
        "lang": lang,
        "languages": list(policy.notice.languages),
        "service": policy.notice.service[lang],
        "controller": _controller(policy, lang),
        "officer": _officer(policy, lang),
        "policy_url": "/policy?" + urlencode({"site": site, "lang": lang}),
        "minimum_age": policy.notice.minimum_age,
        "choice_seconds": policy.notice.choice_lifetime.seconds,
        "accepts": decides["accepts"],
        **{key: decides[key] for key in ("query_keys", *_UNSEARCHED) if key in decides},
        "cookies": decides["cookies"],
        "items": {item.id: item.label[lang] for item in policy.items.values()},
        "purposes": [_shows(policy, purpose, lang) for purpose in policy.purposes.values()],
    }
    if policy.channels:
        shown["channels"] = [_channel(channel, lang) for channel in policy.channels.values()]
    if exempt := [_exempt(policy, cookie, lang) for cookie in policy.cookies if cookie.necessary]:
        shown["necessary"] = exempt
    return shown


def _exempt(policy: Policy, cookie: CookieRule, lang: str) -> Json:
    """A cookie that nobody is asked for, and its basis (K2, K8)."""
    return {
        "name": cookie.name,
        "reason": cookie.necessary[lang] if cookie.necessary else None,
        "basis": cookie.basis,
        "basis_text": basis_name(cookie.basis or "contract", lang),
        "provider": cookie.provider or policy.controller.name,
        "keep": str(cookie.lifetime) if cookie.lifetime else "session",
        "keep_text": lifetime_text(cookie, lang),
    }


def lifetime_text(cookie: CookieRule, lang: str) -> str:
    """How long a cookie is stored, in words."""
    return cookie.lifetime.days_text(lang) if cookie.lifetime else words(lang, "policy page")["session"]


def _channel(channel: Channel, lang: str) -> Json:
    """For the site's own sign-up form: the snippet asks for purposes alone, never for these (K16)."""
    return {
        "id": channel.id,
        "label": channel.label[lang],
        "description": channel.description[lang],
        "medium": channel.medium,
        "night": channel.night,
        "items": list(channel.items),
        "refusal": channel.refusal[lang] if channel.refusal else None,
        "reconfirm_text": channel.reconfirm.days_text(lang),
    }


def _controller(policy: Policy, lang: str) -> Json:
    controller = policy.controller
    address = controller.address[lang] if controller.address else None
    return {"name": controller.name, "contact": controller.contact, "country": controller.country, "address": address}


def _officer(policy: Policy, lang: str) -> Json:
    officer = policy.officer
    return {"title": officer.title[lang], "contact": officer.contact, "telephone": officer.telephone}


def _shows(policy: Policy, purpose: Purpose, lang: str) -> Json:
    return {
        "id": purpose.id,
        "label": purpose.label[lang],
        "description": purpose.description[lang],
        "basis": purpose.basis,
        "basis_text": basis_name(purpose.basis, lang),
        "required": purpose.required,
        "refusal": purpose.refusal[lang] if purpose.refusal else None,
        "items": list(purpose.items),
        "urls": list(purpose.urls),
        "reconfirm_seconds": purpose.reconfirm.seconds if purpose.reconfirm else None,
        "keep": str(policy.records[purpose.record].keep),
        "keep_text": keep_text(policy, purpose, lang),
        "recipients": [_party(kind, party, lang) for kind, party in policy.parties(purpose.id)],
        "signals": list(purpose.opt_out_signals),
        "google_consent": list(purpose.google_consent),
    }


def keep_text(policy: Policy, purpose: Purpose, lang: str) -> str:
    """How long a purpose's data are kept, in words: the event that ends them, if any, and the class's period."""
    record = policy.records[purpose.record]
    period = record.keep.days_text(lang)
    return f"{purpose.until[lang]} ({record.label[lang]}: {period})" if purpose.until else period


def _party(kind: str, party: Party, lang: str) -> Json:
    country = country_name(party.country, lang) if party.country else None
    return {
        "name": party.name,
        "task": party.task[lang],
        "country": party.country,
        "country_text": country,
        "kind": kind,
    }
