"""The lines that a site needs, for each framework, ready to be copied. Pure; docs/python.md tells the rest."""

from __future__ import annotations

from dataclasses import dataclass

from dongui.version import WHEEL

_ENVIRONMENT = """\
{install}
export DONGUI_SITE={site}
export DONGUI_SECRET_KEY=…
export DONGUI_COLLECTOR={collector}"""

_FLASK = """\
from dongui.integrations.flask import Dongui

Dongui(app, inject=True)"""

_DJANGO = """\
# settings.py
INSTALLED_APPS += ["dongui.integrations.django"]
MIDDLEWARE.insert(0, "dongui.integrations.django.ConsentMiddleware")
DONGUI = {"inject": True}"""

_FASTAPI = """\
from dongui.integrations.starlette import ConsentMiddleware

app.add_middleware(ConsentMiddleware, inject=True)"""

_STATIC = """\
<script async src="https://collect.example.com/v1/dongui.js" data-site="{site}"></script>"""

_PAGE = """\
<script type="text/plain" data-purpose="{purpose}" src="…"></script>
<template data-purpose="{purpose}">…</template>
<button data-dongui="preferences">…</button>"""


@dataclass(frozen=True, slots=True)
class Snippet:
    """Lines for one framework; ``note`` is the key of what is said beside them ("" for nothing)."""

    name: str
    code: str
    note: str = ""


def snippets(site: str, collector: str, purpose: str) -> list[Snippet]:
    """``site`` is its id, ``collector`` where the site's server reaches the public door, ``purpose`` an example."""
    environment = _ENVIRONMENT.format(install=WHEEL, site=site, collector=collector)
    servers = (("Flask", _FLASK), ("Django", _DJANGO), ("FastAPI · Starlette", _FASTAPI))
    return [
        *(Snippet(name, f"{environment}\n\n{code}", "snippet_server") for name, code in servers),
        Snippet("HTML", _STATIC.format(site=site), "snippet_static"),
        Snippet("data-purpose", _PAGE.format(purpose=purpose), "snippet_page"),
    ]
