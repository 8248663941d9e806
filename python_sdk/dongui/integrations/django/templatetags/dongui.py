"""``{% load dongui %}``: ``{% if request.consent|granted:"marketing" %}``, ``{% dongui_snippet %}``."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dongui.integrations.django.middleware import site

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
    """The script tag of the snippet, served on the site's own origin; with ``consent_mode`` the inline stub first."""
    attribute = format_html(' nonce="{}"', nonce) if nonce else ""
    tag = '<script async src="/_dongui/v1/dongui.js" data-site="{}"{}></script>'
    stub = SafeString(site().stub_element(nonce))  # compiled from the policy, and no word of a visitor's
    return stub + format_html(tag, site().options.site, attribute)
