"""Options: precedence default < environment < argument; what is unknown or unusable raises."""

from __future__ import annotations

import dataclasses
from typing import Any, get_type_hints

import pytest
from dongui.errors import ConfigurationError, DonguiError
from dongui.web.options import Options, OptionValues, known_options, resolve

BASE = {"site": "s", "collector": "http://127.0.0.1:1", "secret_key": "k"}


def test_an_argument_outweighs_the_environment_and_that_the_default() -> None:
    environment = {"DONGUI_SITE": "from-environment", "DONGUI_STRICT": "yes", "DONGUI_TRUSTED_PROXIES": "2"}
    options = resolve({**BASE, "strict": False}, environment)
    assert (options.site, options.strict, options.trusted_proxies, options.hide_cookies) == ("s", False, 2, False)
    assert resolve({**BASE, "site": None}, environment).site == "from-environment"


def test_the_environment_alone_is_enough() -> None:
    environment = {f"DONGUI_{name.upper()}": value for name, value in BASE.items()}
    more = {"DONGUI_EXCLUDE": "/a/, /b", "DONGUI_REFRESH": "5", "DONGUI_PAGE_VIEWS": "0", "DONGUI_POLICY": "p.toml"}
    options = resolve({}, {**environment, **more})
    assert (options.exclude, options.refresh, options.page_views, options.policy) == (
        ("/a/", "/b"),
        5.0,
        False,
        "p.toml",
    )


@pytest.mark.parametrize(
    ("name", "text"), [("DONGUI_STRICT", "perhaps"), ("DONGUI_TRUSTED_PROXIES", "two"), ("DONGUI_REFRESH", "-1")]
)
def test_an_environment_that_cannot_be_read_raises(name: str, text: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        resolve(BASE, {name: text})
    assert error.value.option == name.removeprefix("DONGUI_").lower()


def test_what_is_unknown_raises_as_a_typing_error_would() -> None:
    with pytest.raises(TypeError, match="strickt: there is no such option; there are collector") as error:
        resolve({**BASE, "strickt": True}, {})
    assert isinstance(error.value, DonguiError)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("strict", "false"),
        ("strict", 1),
        ("inject", "0"),
        ("trusted_proxies", "1"),
        ("trusted_proxies", True),
        ("trusted_proxies", 1.5),
        ("trusted_proxies", -1),
        ("refresh", "60"),
        ("refresh", 0),
        ("learn_timeout", float("nan")),
        ("search", 7),
        ("exclude", "/static/"),
        ("exclude", [7]),
        ("page_view_if", "rule"),
    ],
)
def test_what_is_of_the_wrong_kind_raises_rather_than_passing_for_something(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name}: "):
        resolve({**BASE, name: value}, {})


def test_the_typed_options_and_the_documented_ones_are_the_same() -> None:
    assert set(get_type_hints(OptionValues)) == set(known_options())
    for field in dataclasses.fields(Options):
        assert f"``{field.name}``" in (Options.__doc__ or ""), f"{field.name} is not documented"
