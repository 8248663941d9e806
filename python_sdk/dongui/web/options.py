"""The options of the middlewares and of the client. Precedence: default < environment < argument."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from difflib import get_close_matches
from typing import Any, TypedDict

from dongui.errors import ConfigurationError, UnknownOption
from dongui.web.page_view import NOT_PAGES


class OptionValues(TypedDict, total=False):
    """What may be given as keyword arguments; :class:`Options` says what each means."""

    site: str
    collector: str
    secret_key: str
    policy: Any
    strict: bool
    report_only: bool
    expire_cookies: bool
    hide_cookies: bool
    page_views: bool
    search: str
    inject: bool
    consent_mode: bool | Mapping[str, Any]
    serve_gpc: bool
    exclude: Sequence[str]
    page_view_if: Callable[[Mapping[str, Any]], bool] | None
    https: str
    domain: str
    trusted_proxies: int
    learn_timeout: float
    refresh: float
    debug: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a site is guarded. Each option can be set by the environment as ``DONGUI_`` and its name in capitals.

    ``site``, ``secret_key``: as ``dongui init`` or ``dongui sites add`` printed them. ``collector``: its address.
    ``policy``: a file instead of asking the collector. ``strict``: undeclared cookies are dropped too. ``report_only``:
    nothing is dropped, only logged and counted. ``expire_cookies``: cookies that a withdrawal left behind are ended.
    ``hide_cookies``: the application does not see them either. ``page_views``: recorded here. ``search``: the query key
    of the site's own search, whose words are then recorded; empty for none. ``inject``: the snippet's tag is put into
    pages. ``consent_mode``: before it goes the inline stub that Google's tags need (W2) and that holds back unmarked
    third-party scripts; a mapping holds the options of :func:`dongui.policy.inline_stub`. ``serve_gpc``:
    ``/.well-known/gpc.json`` is answered here. ``exclude``: paths that are no pages. ``page_view_if``: called with
    ``environ`` or ``scope`` of every page, decides last whether it is recorded and counted. ``https``: ``"always"``
    where every visitor's page is on https, whatever the request looks like here; ``"auto"`` believes the browser and
    the trusted proxies. ``domain``: shares the choice over the subdomains of this domain; the snippet's tag says the
    same. ``trusted_proxies``: how many proxies in front of this server append to ``X-Forwarded-For`` and
    ``X-Forwarded-Proto``; with 0 both are ignored. ``learn_timeout``: seconds that the start waits for the policy.
    ``refresh``: seconds between looks for a newer one. ``debug``: each dropped cookie is logged with the policy lines
    that would let it pass.
    """

    site: str
    collector: str
    secret_key: str = field(repr=False)  # not into logs and error reports
    policy: Any = None
    strict: bool = False
    report_only: bool = False
    expire_cookies: bool = True
    hide_cookies: bool = False
    page_views: bool = True
    search: str = "q"
    inject: bool = False
    consent_mode: bool | Mapping[str, Any] = False
    serve_gpc: bool = True
    exclude: Sequence[str] = NOT_PAGES
    page_view_if: Callable[[Mapping[str, Any]], bool] | None = None
    https: str = "auto"
    domain: str = ""
    trusted_proxies: int = 0
    learn_timeout: float = 2.0
    refresh: float = 60.0
    debug: bool = False


_REQUIRED = {
    "site": "the site id that `dongui init` printed",
    "collector": "the collector's address, such as http://127.0.0.1:8787",
    "secret_key": "the site's secret key that `dongui init` printed",
}
STUB_OPTIONS = ("advanced", "url_passthrough", "ads_data_redaction", "wait_for_update", "region")
# What the collector, its commands and the deployment examples read.
_OF_OTHERS = {
    f"DONGUI_{name}"
    for name in ("CLOCK", "CONFIG", "DESK_HOST", "DESK_PORT", "HOST", "KEYS", "MASTER_KEY", "MASTER_KEY_FILE", "PORT")
} | {"DONGUI_SMTP_PASSWORD"}
_NOT_BY_ENVIRONMENT = {"page_view_if"}
_DOMAIN = re.compile(r"\.?[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def resolve(given: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Options:
    """The options from keyword arguments and the environment. An argument of None counts as not given.

    Raises :class:`ConfigurationError`, naming the option and the remedy.
    """
    environment = os.environ if environment is None else environment
    known = {one.name: one.default for one in fields(Options)}
    for name in given:
        if name not in known:
            raise UnknownOption(name, f"there is no such option; there are {', '.join(sorted(known))}")
    values: dict[str, Any] = {}
    for name, default in known.items():
        if given.get(name) is not None:
            values[name] = given[name]
        elif name not in _NOT_BY_ENVIRONMENT and (text := environment.get(f"DONGUI_{name.upper()}")) is not None:
            values[name] = _parsed(name, text, default)
        elif name in _REQUIRED:
            raise ConfigurationError(name, f"give {_REQUIRED[name]}, as an argument or as DONGUI_{name.upper()}")
    options = Options(**values)
    _check(options)
    return options


def unknown_variables(environment: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """Variables ``DONGUI_…`` that set nothing, each with the remedy; their values are not looked at."""
    environment = os.environ if environment is None else environment
    known = {f"DONGUI_{name.upper()}" for name in known_options()} | _OF_OTHERS
    found = []
    for name in sorted(environment):
        if name.startswith("DONGUI_") and name not in known:
            near = get_close_matches(name, known, 1)
            found.append((name, f"did you mean {near[0]}?" if near else "take it out"))
    return found


def known_defaults() -> dict[str, Any]:
    """The options that have a default, with it."""
    return {one.name: one.default for one in fields(Options) if one.default is not MISSING}


def known_options() -> tuple[str, ...]:
    """The names of all options."""
    return tuple(one.name for one in fields(Options))


def _parsed(name: str, text: str, default: Any) -> Any:
    """The environment's text as the type of the option's default."""
    if isinstance(default, bool):
        if text.lower() not in _TRUE | _FALSE:
            raise ConfigurationError(name, f"DONGUI_{name.upper()} is neither 1 nor 0")
        return text.lower() in _TRUE
    if isinstance(default, int | float):
        try:
            return type(default)(text)
        except ValueError:
            raise ConfigurationError(name, f"DONGUI_{name.upper()} is not a number") from None
    if isinstance(default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _check(options: Options) -> None:
    for name in ("site", "collector", "secret_key"):
        value = getattr(options, name)
        if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
            raise ConfigurationError(name, f"give {_REQUIRED[name]}")
    for name, default in known_defaults().items():
        _check_kind(name, getattr(options, name), default)
    for name in ("trusted_proxies", "learn_timeout", "refresh"):
        if not getattr(options, name) >= 0:
            raise ConfigurationError(name, "it cannot be negative")
    if options.https not in ("auto", "always"):
        raise ConfigurationError("https", 'give "auto" or "always"')
    if options.domain and not _DOMAIN.fullmatch(options.domain):
        raise ConfigurationError("domain", 'give a domain such as "example.com"')
    if options.refresh == 0:
        raise ConfigurationError("refresh", "give the seconds between two looks for a newer policy, such as 60")
    if options.page_view_if is not None and not callable(options.page_view_if):
        raise ConfigurationError("page_view_if", "give a function of environ or scope")
    _check_consent_mode(options)


def _check_kind(name: str, value: Any, default: Any) -> None:
    """A text such as ``"false"`` would pass for true."""
    if name == "consent_mode":
        return
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise ConfigurationError(name, "give True or False")
    elif isinstance(default, int | float):
        if not isinstance(value, int if isinstance(default, int) else int | float) or isinstance(value, bool):
            raise ConfigurationError(name, f"give a number such as {default}")
    elif isinstance(default, str):
        if not isinstance(value, str):
            raise ConfigurationError(name, "give a text")
    elif isinstance(default, tuple) and (isinstance(value, str) or not all(isinstance(one, str) for one in value)):
        raise ConfigurationError(name, "give a list of paths, not one text")


def _check_consent_mode(options: Options) -> None:
    asked = options.consent_mode
    if not asked:
        return
    if not options.inject:
        raise ConfigurationError("consent_mode", "the stub goes into pages with the snippet's tag: set inject as well")
    if asked is True:
        return
    if not isinstance(asked, Mapping):
        raise ConfigurationError("consent_mode", "give True, or a mapping of options")
    for name in asked:
        if name not in STUB_OPTIONS:
            raise UnknownOption("consent_mode", f"{name!r} is no option of it; there are {', '.join(STUB_OPTIONS)}")
