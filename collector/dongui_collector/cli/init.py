"""``dongui init``: a new installation."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from dongui.i18n import LANGUAGES
from dongui.policy import all_presets

from dongui_collector.cli.common import emit, json_option, read_text

if TYPE_CHECKING:
    from dongui_collector.runtime.install import Facts

_MINIMAL = "minimal"

_TEXT = """\
The installation is ready.

  settings          {config}
  policy            {policy}
  site id           {site}
  secret key        {secret_key}
  console password  {console_password}   (account "admin")

Secret key and password are shown only now. The key belongs to the web server, never into a page.

{next}
  dongui serve --config {config}
  dongui snippet --config {config}
"""
_DRAFT = """\
The policy is a draft: nobody is asked and nothing is recorded until it is published. Next: make {policy} your own,
publish it, then start the collector and paste the snippet:

  dongui policy check {policy}
  dongui policy publish {policy} --config {config}"""
_PUBLISHED = """\
The policy is published. Next: start the collector and paste the snippet:
"""


def _presets(_ctx: click.Context, _param: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    known = all_presets()
    for name in names:
        if name not in known and name != _MINIMAL:
            raise click.BadParameter(f"there is no preset {name!r}; there are {_MINIMAL}, {', '.join(known)}")
    return tuple(name for name in names if name != _MINIMAL)


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--policy",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your policy file: it is published at once. Without one a draft is left to be made your own.",
)
@click.option(
    "--preset",
    "presets",
    multiple=True,
    callback=_presets,
    metavar="TOOL",
    help="A tool's cookies, receiver and consent-mode signals for the draft; may be repeated."
    f" One of {_MINIMAL} (nothing of third parties) [default], {', '.join(all_presets())}.",
)
@click.option("--origin", "origins", multiple=True, metavar="URL", help="An origin of the site; may be repeated.")
@click.option("--name", help="The site's name [default: the folder's name].")
@click.option("--controller", metavar="NAME", help="Who runs the site (개인정보처리자).")
@click.option("--contact", metavar="MAILBOX", help="Where to write to the controller.")
@click.option(
    "--officer", metavar="MAILBOX", help="Where to write to the privacy officer [default: the controller's contact]."
)
@click.option(
    "--language",
    "languages",
    multiple=True,
    type=click.Choice(LANGUAGES),
    help="A language of the policy; may be repeated [default: all].",
)
@click.option("--country", metavar="CODE", help="The controller's country, ISO 3166 [default: KR].")
@click.option("--timezone", metavar="ZONE", help="The zone in which days and periods end [default: Asia/Seoul].")
@json_option
def init(
    folder: Path,
    policy: Path | None,
    presets: tuple[str, ...],
    origins: tuple[str, ...],
    name: str | None,
    as_json: bool,
    **given: str | tuple[str, ...] | None,
) -> None:
    """Make an installation in DIR: settings, a draft of the policy, data, keys, a first site.

    On a terminal it asks what the options do not say. Routine ageing-out is approved from the start; the privacy
    officer can revoke that at any time.
    """
    from dongui_collector.runtime.install import Facts, install, starting_policy

    name = name or folder.absolute().name
    said = {key: value for key, value in given.items() if value}
    if policy and (presets or said):
        named = ", ".join(f"--{key.rstrip('s')}" for key in (*(["presets"] if presets else []), *said))
        raise click.UsageError(f"{named} is for the draft; with --policy put its lines into that file")
    if policy:
        text = read_text(policy)
    else:
        facts = replace(Facts(name), **said)  # type: ignore[arg-type]  # the options are its fields
        if on_terminal() and not as_json:
            facts = _ask(facts, said.keys())
        text = starting_policy(replace(facts, officer=_officer(facts)), presets=presets)
    installed = install(folder, text, name=name, origins=origins, publish=policy is not None)
    place = Path(installed.config).with_name("policy.toml")

    def told(data: dict[str, str]) -> str:
        step = (_PUBLISHED if policy else _DRAFT).format(**data, policy=place)
        return _TEXT.format(**data, policy=place, next=step)

    emit(installed.json(), as_json, told)


def on_terminal() -> bool:
    """Whether somebody is there to answer: both ends are a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _ask(facts: Facts, said: object) -> Facts:
    """Ask on the terminal for what the policy must say and no option said; an empty answer leaves the placeholder."""
    answers: dict[str, object] = {}
    for key, question in (
        ("controller", "Who runs the site (name of the controller)"),
        ("contact", "Mailbox of the controller"),
        ("officer", "Mailbox of the privacy officer (empty: the same)"),
    ):
        if key not in said:  # type: ignore[operator]
            answer = click.prompt(question, default="", show_default=False).strip()
            answers |= {key: answer} if answer else {}
    if "languages" not in said:  # type: ignore[operator]
        spoken = click.prompt("Languages of the policy", default=" ".join(facts.languages))
        answers["languages"] = tuple(dict.fromkeys(spoken.replace(",", " ").split()))
    return replace(facts, **answers)  # type: ignore[arg-type]


def _officer(facts: Facts) -> str:
    """Where to write to the officer: what was said, else the controller's contact once there is one."""
    unsaid = facts.officer.startswith("<") and not facts.contact.startswith("<")
    return facts.contact if unsaid else facts.officer
