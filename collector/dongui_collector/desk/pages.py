"""The pages of the console. A view says in one place its address, its right, its line of the menu, and what looking at
it logs; who may open it, the menu and the test of the access log derive from that.

A view that shows persons asks for ``audit.look``, or for an operation that writes the entry itself, *before* it shows
anything (S7.2, K12).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Blueprint, redirect, request, url_for
from flask_login import current_user
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

F = TypeVar("F", bound=Callable[..., Any])
GROUPS = ("visits", "privacy", "set_up")  # of the menu, in their order; a group's name is "menu_" + it in the words


@dataclass(frozen=True, slots=True)
class MenuLine:
    """A line of the menu: its group, its place there, and its name in the words and in static/icons.svg."""

    group: str
    place: int
    name: str


@dataclass(frozen=True, slots=True)
class DeskView:
    """What is known of a view. Of ``nobody``, ``audit`` and ``discloses`` one is given.

    ``right`` is one of access/roles.py; None where no session opens it. ``nobody`` says why nobody's data is in it;
    ``audit`` is the action under which a look is on the access log; ``discloses`` says what is handed to a recipient
    there, which stands in the disclosure ledger (S4). ``polled``: pages ask for it by themselves every few seconds, so
    it keeps no session from being idle.
    """

    endpoint: str
    right: str | None
    nobody: str = ""
    audit: str = ""
    discloses: str = ""
    menu: MenuLine | None = None
    polled: bool = False

    def __post_init__(self) -> None:
        if sum(map(bool, (self.nobody, self.audit, self.discloses))) != 1:
            raise TypeError(f"say of {self.endpoint} one of nobody=, audit= and discloses=")


views: dict[str, DeskView] = {}


def describe(endpoint: str, **facts: Any) -> None:
    """Say of a view what :class:`DeskView` asks for."""
    views[endpoint] = DeskView(endpoint, **facts)


class DeskPages(Blueprint):
    """A blueprint whose views are described. ``signed_in``: only who is signed in, and has the view's right, opens it.

    Others answer a token, or anybody, and judge by themselves.
    """

    def __init__(self, name: str, import_name: str, *, url_prefix: str | None = None, signed_in: bool = True) -> None:
        super().__init__(name, import_name, url_prefix=url_prefix)
        self._signed_in = signed_in
        if signed_in:
            self.before_request(_guard)

    def get(self, rule: str, **options: Any) -> Callable[[F], F]:
        return self._described("GET", rule, options)

    def post(self, rule: str, **options: Any) -> Callable[[F], F]:
        return self._described("POST", rule, options)

    def _described(self, method: str, rule: str, options: dict[str, Any]) -> Callable[[F], F]:
        facts = {
            name: options.pop(name) for name in ("nobody", "audit", "discloses", "menu", "polled") if name in options
        }
        right = options.pop("right", "read") if self._signed_in else None

        def register(view: F) -> F:
            endpoint = options.get("endpoint", view.__name__)
            describe(f"{self.name}.{endpoint}", right=right, **facts)
            return self.route(rule, methods=[method], **options)(view)

        return register


def is_polled(endpoint: str | None) -> bool:
    """Whether pages ask for a view by themselves, without anybody at them."""
    return (view := views.get(endpoint or "")) is not None and view.polled


def menu() -> list[tuple[str, list[DeskView]]]:
    """The groups with the views that have a line in them, in the order in which they are shown."""
    lines = sorted(((v.menu.place, v) for v in views.values() if v.menu), key=lambda one: one[0])
    return [(group, [view for _, view in lines if view.menu and view.menu.group == group]) for group in GROUPS]


def _guard() -> Response | None:
    """Let only who is signed in, and whose role may, open the view."""
    if not current_user.is_authenticated:
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("login", next=wanted), 303)
    right = views[request.endpoint or ""].right
    if current_user.narrow and right != "own":
        return redirect(url_for("account.own"), 303)  # a second factor is required, and is set up there
    if right is None or not current_user.may(right):
        raise Forbidden
    return None
