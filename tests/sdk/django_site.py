"""A Django site in one file: settings, views, URLs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import Any

import django
from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import engines
from django.urls import path
from dongui.testing import FakeClient

fake = FakeClient()

MIDDLEWARE = [
    "dongui.integrations.django.ConsentMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
]

if not settings.configured:
    settings.configure(
        SECRET_KEY="only for tests",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="tests.sdk.django_site",
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "dongui.integrations.django"],
        MIDDLEWARE=MIDDLEWARE,
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
        DONGUI={"client": fake},
    )
    django.setup()

from dongui.integrations.django import client, requires_consent  # noqa: E402 - Django must be set up first

TEMPLATE = """{% load dongui %}<html><head>{% dongui_snippet "n1" %}</head>
{% if request.consent|granted:"marketing" %}ad{% endif %}"""


def home(request: Any) -> HttpResponse:
    request.session["seen"] = True
    response = HttpResponse(f"<!doctype html><html><head></head>{request.consent.granted('statistics')}")
    response.set_cookie("_ga", "1")
    response.set_cookie("_fbp", "2")
    return response


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(TEMPLATE).render({}, request))


@requires_consent("marketing")
def offer(request: HttpRequest) -> HttpResponse:
    return HttpResponse("offer")


@requires_consent("marketing", otherwise=lambda request: HttpResponse("without"))
async def either(request: HttpRequest) -> HttpResponse:
    return HttpResponse("with")


def buy(request: Any) -> HttpResponse:
    return HttpResponse(str(client().track(request.consent, "purchase")))


def sign_up(request: Any) -> HttpResponse:
    request.consent.decide(granted=["statistics"], refused=["marketing"], method="signup")
    return HttpResponse("welcome", headers={"CDN-Cache-Control": "public", "Cache-Control": "public, max-age=60"})


def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends a cookie itself, at a place that a request does not tell."""
    response = HttpResponse("<!doctype html><html><head></head>")
    response.delete_cookie("_ga", path="/members")
    return response


def dated(request: HttpRequest) -> HttpResponse:
    """A page with all validators, and a cookie in a header that the application wrote by hand."""
    headers = {"ETag": '"1"', "Last-Modified": "Mon, 30 Nov 2026 00:00:00 GMT", "Accept-Ranges": "bytes"}
    return HttpResponse("<!doctype html><html><head></head>", headers={**headers, "Set-Cookie": "_ga=1; Path=/"})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"a", b"b"]))


PARTS = [b"<!doctype html><html><he", b"ad><title>", b"", "상점".encode(), b"</title></head>", b"<body></body></html>"]


def streamed(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(PARTS[:2] if kind == "breaks off" else iter(PARTS))
    if kind == "promised":
        response.headers["Content-Length"] = str(len(b"".join(PARTS)))
    if kind == "fails":
        response.streaming_content = failing()
    if kind == "file":
        return FileResponse(BytesIO(b"".join(PARTS)), content_type="text/html")
    return response


def failing() -> Iterator[bytes]:
    yield from PARTS[:3]
    raise LookupError("the application's own")


async def streamed_async(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        for part in PARTS:
            yield part

    return StreamingHttpResponse(parts())


def cookies(request: HttpRequest) -> HttpResponse:
    return HttpResponse(",".join(request.COOKIES))


urlpatterns = [
    path("", home),
    path("page", page),
    path("offer", offer),
    path("either", either),
    path("buy", buy),
    path("sign-up", sign_up),
    path("sign-out", sign_out),
    path("dated", dated),
    path("stream", stream),
    path("cookies", cookies),
    path("streamed/<kind>", streamed),
    path("streamed-async", streamed_async),
]
