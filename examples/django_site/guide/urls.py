"""Two pages: one for everybody, one for those who agreed to personalisation."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from dongui.integrations.django import client, requires_consent

TOURS = {"palace": "궁궐 산책", "market": "시장 골목", "river": "강변 자전거"}


def tours(request: HttpRequest) -> HttpResponse:
    """All tours. Some tag manager wants its cookie on every page; dongui sees who agreed."""
    response = render(request, "page.html", {"tours": TOURS})
    response.set_cookie("_ga", "GA1.1.example")
    return response


@requires_consent("personalisation", otherwise=lambda request: redirect("tours"))
def for_you(request: HttpRequest) -> HttpResponse:
    """What fits the visitor, remembered only with consent."""
    return render(request, "page.html", {"tours": {"river": TOURS["river"]}})


def book(request: HttpRequest) -> HttpResponse:
    """An event of the application's own."""
    client().track(request.consent, "book", props={"tour": request.GET.get("tour", "")})  # type: ignore[attr-defined]
    return redirect("tours")


urlpatterns = [path("", tours, name="tours"), path("for-you", for_you, name="for-you"), path("book", book, name="book")]
