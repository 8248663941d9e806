"""``{% load dongui %}``: ``{% if request.consent|granted:"marketing" %}``, ``{% dongui_snippet %}``."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def granted(consent: Any, purpose: str) -> bool:
    """Whether a purpose is granted; False where there is no consent at all."""
    return bool(consent) and consent.granted(purpose)


@register.filter
def allowed(consent: Any, item: str) -> bool:
    """Whether a data item may be recorded; False where there is no consent at all."""
    return bool(consent) and consent.allowed(item)


@register.simple_tag
def dongui_snippet(nonce: str = "") -> SafeString:
    """The script tag of the snippet, served on the site's own origin."""
    site = getattr(settings, "DONGUI", {}).get("site", "")
    attribute = format_html(' nonce="{}"', nonce) if nonce else ""
    return format_html('<script async src="/_dongui/v1/dongui.js" data-site="{}"{}></script>', site, attribute)
