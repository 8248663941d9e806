"""``dongui requests``: privacy requests, from the day they come in to their answer, in time."""

from __future__ import annotations

from pathlib import Path

import click

from dongui_collector.cli.common import config_option, control, emit, json_option, reading
from dongui_collector.cli.derive import by_option, command, group
from dongui_collector.rights.answering import AnswerRequest, AnswerRequests
from dongui_collector.rights.correction import CorrectRecord
from dongui_collector.rights.delivery import OpenPackage
from dongui_collector.rights.filing import FileRequest
from dongui_collector.rights.grounds import GROUNDS
from dongui_collector.rights.identity import RecordIdentity
from dongui_collector.rights.letters import WriteLetter
from dongui_collector.rights.request_list import ListRequests
from dongui_collector.rights.request_view import ShowRequest

_LISTED = ["id", "site", "kind", "channel", "due", "days_left", "urgency", "identity", "state"]


@click.command()
@click.argument("id", type=int)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="A folder, or a new .zip file.")
@by_option
@config_option
@json_option
def package(id: int, output: Path, by: str, config: Path, as_json: bool) -> None:
    """Write the access package of a request: JSON, and a page to read in each language. The look is audited."""
    from dongui_collector.rights.delivery import write

    control(config)(OpenPackage(id, by=by))
    with reading(config) as core:
        paths = [str(path) for path in write(core, id, output)]
    emit({"id": id, "files": paths}, as_json, lambda done: "\n".join(done["files"]))


@click.command()
@json_option
def grounds(as_json: bool) -> None:
    """List the provisions on which an answer may be no, or later."""
    rows = [
        {"id": g.id, "outcomes": list(g.outcomes), "kinds": list(g.kinds), "ko": g.text["ko"], "en": g.text["en"]}
        for g in GROUNDS
    ]
    emit(rows, as_json, ["id", "outcomes", "kinds", "en"])


requests = group(
    "requests",
    "File, check, show and answer privacy requests.",
    command("list", ListRequests, _LISTED),
    command("add", FileRequest),
    command("show", ShowRequest),
    command("identity", RecordIdentity),
    command("answer", AnswerRequest),
    command("answer-many", AnswerRequests),
    command("correct", CorrectRecord),
    package,
    command("letter", WriteLetter, lambda done: str(done["text"]).rstrip()),
    grounds,
)
