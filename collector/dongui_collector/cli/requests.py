"""``dongui requests``: privacy requests, from the day they come in to their answer, in time."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, BinaryIO

import click

from dongui_collector.cli.common import CommandGroup, config_option, control, emit, json_option, reading, site_option
from dongui_collector.cli.destruction import by_option
from dongui_collector.rights.grounds import CHANNELS, GROUNDS, KINDS, OUTCOMES, PROOFS

_LISTED = ["id", "site", "kind", "channel", "due", "days_left", "urgency", "identity", "state"]


@click.group(cls=CommandGroup)
def requests() -> None:
    """File, check, show and answer privacy requests."""


@requests.command("list")
@click.option("--all", "closed", is_flag=True, help="Also those that are closed.")
@config_option
@json_option
def list_(closed: bool, config: Path, as_json: bool) -> None:
    """List the open requests, the most urgent first."""
    from dongui_collector.rights.requests import listed

    with reading(config) as core:
        emit(listed(core, closed=closed), as_json, _LISTED)


@requests.command()
@click.option("--kind", type=click.Choice(list(KINDS)), required=True)
@click.option("--channel", type=click.Choice(CHANNELS), default="email", show_default=True, help="How it came.")
@click.option("--name", default="", help="Who asks. Kept sealed, like everything that names a person.")
@click.option("--contact", default="", help="Where the answer goes.")
@click.option("--text", default="", help="What they wrote; - reads it from standard input.")
@click.option("--member", help="Whom it is about: the site's own reference of a member.")
@click.option("--visitor", help="Whom it is about: a visitor id; - asks for it.")
@click.option("--agent", is_flag=True, help="Somebody asks for the person, under a power of attorney.")
@click.option("--received", metavar="DAY", help="The day on which it came in [default: today].")
@by_option
@site_option
@config_option
@json_option
def add(config: Path, as_json: bool, **given: Any) -> None:
    """File a request that came by e-mail, letter or telephone. Its clock runs from the day it was received."""
    given |= {"text": _typed(given["text"]), "visitor": _asked(given["visitor"])}
    emit(control(config).ask("requests.add", **given), as_json)


@requests.command()
@click.argument("id", type=int)
@by_option
@config_option
@json_option
def show(id: int, by: str, config: Path, as_json: bool) -> None:
    """Show one request and who asks; how much is held only once the identity was checked. The look is audited."""
    emit(control(config).ask("requests.show", id=id, by=by), as_json)


@requests.command()
@click.argument("id", type=int)
@click.option("--how", type=click.Choice(PROOFS), required=True, help="How it was checked.")
@click.option("--failed", is_flag=True, help="It could not be confirmed.")
@click.option("--note", default="", help="What was seen; never a copy of a document.")
@click.option("--attorney", default="", help="Which power of attorney an agent showed.")
@click.option("--member", help="Whom it is about, where the request does not say yet.")
@click.option("--visitor", help="The same by a visitor id; - asks for it.")
@by_option
@config_option
@json_option
def identity(id: int, config: Path, as_json: bool, **given: Any) -> None:
    """Record that it was checked who asks. Nothing is shown or done before."""
    given |= {"visitor": _asked(given["visitor"])}
    emit(control(config).ask("requests.identity", id=id, **given), as_json)


@requests.command()
@click.argument("id", type=int)
@click.option("--outcome", type=click.Choice(OUTCOMES), required=True)
@click.option("--ground", metavar="ARTICLE", help="The provision that a refusal or a postponement rests on.")
@click.option("--reason", default="", help="Needed where the request is refused or postponed.")
@click.option("--until", metavar="DAY", help="The new due day of a postponement.")
@by_option
@config_option
@json_option
def answer(id: int, config: Path, as_json: bool, **given: Any) -> None:
    """Answer a request. Granting an erasure or a suspension carries it out."""
    emit(control(config).ask("requests.answer", id=id, **given), as_json)


@requests.command()
@click.argument("id", type=int)
@click.option("--record", required=True, metavar="UUID", help="Which record, as `dongui requests show` lists them.")
@click.option("--data", type=click.File("rb"), required=True, help="Its right data: a JSON object in a file, or -.")
@by_option
@config_option
@json_option
def correct(id: int, record: str, data: BinaryIO, by: str, config: Path, as_json: bool) -> None:
    """Replace the data of a person's record; the version before is destroyed. Recorded events cannot be corrected."""
    try:
        right = json.loads(data.read())
    except ValueError:
        raise click.UsageError(f"{data.name} holds no JSON object") from None
    emit(control(config).ask("requests.correct", id=id, record=record, data=right, by=by), as_json)


@requests.command()
@click.argument("id", type=int)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="A folder, or a new .zip file.")
@by_option
@config_option
@json_option
def package(id: int, output: Path, by: str, config: Path, as_json: bool) -> None:
    """Write the access package of a request: JSON, and a page to read in each language. The look is audited."""
    from dongui_collector.rights.delivery import write

    control(config).ask("requests.package", id=id, by=by)
    with reading(config) as core:
        paths = [str(path) for path in write(core, id, output)]
    emit({"id": id, "files": paths}, as_json, lambda done: "\n".join(done["files"]))


@requests.command()
@click.argument("id", type=int)
@click.option("--lang", type=click.Choice(["ko", "en"]), default="ko", show_default=True)
@by_option
@config_option
@json_option
def letter(id: int, lang: str, by: str, config: Path, as_json: bool) -> None:
    """Print the newest answer as a letter: outcome, ground, what is kept and until when, and the route of objection."""
    said = control(config).ask("requests.letter", id=id, lang=lang, by=by)
    emit(said, as_json, lambda done: done["text"].rstrip())


@requests.command()
@json_option
def grounds(as_json: bool) -> None:
    """List the provisions on which an answer may be no, or later."""
    rows = [
        {"id": g.id, "outcomes": list(g.outcomes), "kinds": list(g.kinds), "ko": g.text["ko"], "en": g.text["en"]}
        for g in GROUNDS
    ]
    emit(rows, as_json, ["id", "outcomes", "kinds", "en"])


def _typed(text: str) -> str:
    return sys.stdin.read() if text == "-" else text


def _asked(visitor: str | None) -> str | None:
    """A visitor id is a credential: typed in, it is not in the shell's history."""
    typed: str = click.prompt("Visitor id", hide_input=True) if visitor == "-" else (visitor or "")
    return typed or None
