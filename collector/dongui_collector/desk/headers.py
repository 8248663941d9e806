"""The content security policy of the console's pages. Pure."""

from __future__ import annotations

_DIRECTIVES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "connect-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def content_security_policy(**more: str) -> str:
    """What every page may do; a page that needs otherwise says so: ``frame_src="'self'"``."""
    said = _DIRECTIVES | {name.replace("_", "-"): sources for name, sources in more.items()}
    return "; ".join(f"{name} {sources}".strip() for name, sources in said.items())
