"""``{% load dongui %}``: ``{% if request.consent|granted:"marketing" %}``, ``{% dongui_snippet %}``."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.urls import get_script_prefix
from django.utils.safestring import SafeString

from dongui.integrations.django.middleware import DjangoRequest, latin_path, site

register = template.Library()


@register.filter
def granted(consent: Any, purpose: str) -> bool:
    """Whether a purpose is granted; False where there is no consent at all."""
    return bool(consent) and consent.granted(purpose)


@register.filter
def allowed(consent: Any, item: str) -> bool:
    """Whether a data item may be recorded; False where there is no consent at all."""
    return bool(consent) and consent.allowed(item)


@register.simple_tag(takes_context=True)
def dongui_snippet(context: Context, nonce: str = "") -> SafeString:
    """The script tag of the snippet, served on the site's own origin; with ``consent_mode`` the inline stub first.

    It is the very tag that ``inject`` puts into pages, below the path that the site is mounted at.
    """
    request = context.get("request")
    root = latin_path(get_script_prefix()).rstrip("/") if request is None else DjangoRequest(request).root
    tag = site().pages.tag.tag(root, str(nonce)).decode()
    return SafeString(site().stub_element(str(nonce)) + tag)  # compiled from settings and policy, and escaped
