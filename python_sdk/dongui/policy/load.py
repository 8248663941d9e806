"""A policy file into values. Strict: what the schema does not know, or cannot execute, is refused with key and remedy.

One pass finds every problem. What is lawful but wrong, or unlawful but executable, is for :mod:`dongui.policy.check`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote
from zoneinfo import ZoneInfo

from dongui.errors import PolicyError
from dongui.i18n import LANGUAGES, Message
from dongui.policy import model
from dongui.policy.builtin import ID, ITEMS, VERSION
from dongui.policy.cookie_entry import cookie_entry
from dongui.policy.references import references
from dongui.policy.toml_reader import Problems, TomlTable

SCHEMA = 1
GOOGLE_CONSENT = (
    "ad_storage",
    "ad_user_data",
    "ad_personalization",
    "analytics_storage",
    "functionality_storage",
    "personalization_storage",
    "security_storage",
)
SIGNALS = ("gpc",)

_COUNTRY = re.compile(r"[A-Z]{2}")
_URL = re.compile(r"https?://[^\s\"'<>]{1,500}")
_PATH_GLOB = re.compile(r"/[^*?#]+(?:\*[^?#]*)?")
_SAFE = "/*!$&'()+,;=:@%?#"
_KEY = re.compile(r"[A-Za-z0-9_.\-\[\]]{1,64}")
_CITATION = re.compile(r"[A-Z]+ \d+(-\d+)?(\(\d+\))?")


def load(path: str | Path) -> model.Policy:
    """The policy in a file. Raises :class:`~dongui.errors.PolicyError` with every problem, ``OSError`` without one."""
    path = Path(path)
    problems = Problems(path.name)
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        problems.error("", Message("is not UTF-8 (byte {byte})", byte=error.start), "save the file as UTF-8")
        raise PolicyError(problems) from error
    return parse(text, name=path.name)


def parse(text: str, *, name: str = "policy.toml") -> model.Policy:
    """The policy in a text; ``name`` is what messages call it. Raises :class:`~dongui.errors.PolicyError`.

    The same text is the same policy: a collector reads every version again whenever one is published.
    """
    return _parsed(text, name)


@lru_cache(maxsize=64)
def _parsed(text: str, name: str) -> model.Policy:
    problems = Problems(name)
    raw = _toml(text, problems)
    if raw.get("schema") != SCHEMA or isinstance(raw["schema"], bool):
        problems.error(
            "schema",
            Message("is not {schema}", schema=SCHEMA),
            Message("write schema = {schema} on the first line", schema=SCHEMA),
        )
        raise PolicyError(problems)
    policy = _policy(raw, text, problems)
    references(policy, problems)
    if problems:
        raise PolicyError(problems)
    return policy


def _toml(text: str, problems: Problems) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        problems.error(
            "",
            Message("is not TOML: {detail}", detail=str(error) or Message("nested too deeply")),
            "mend the line named",
        )
        raise PolicyError(problems) from error


def _policy(raw: dict[str, Any], text: str, problems: Problems) -> model.Policy:
    root = TomlTable(raw, "", problems)
    schema = root.integer("schema", example=SCHEMA)
    root.languages = _languages(root)
    purposes = {id: _purpose(id, table) for id, table in root.tables("purposes", ID).items()}
    channels = {id: _channel(id, table) for id, table in root.tables("channels", ID).items()}
    policy = model.Policy(
        schema=schema,
        notice=_notice(root.table("notice", required=True)),
        controller=_controller(root.table("controller", required=True)),
        officer=_officer(root.table("officer", required=True)),
        items=_items(root, [*purposes.values(), *channels.values()]),
        purposes=purposes,
        cookies=root.each("cookies", cookie_entry),
        records={id: _record(id, table) for id, table in root.tables("records", ID).items()},
        processors=root.each("processors", _party),
        recipients=root.each("recipients", _party),
        remedies=root.each("remedies", _remedy),
        holds=root.each("holds", _clause),
        disclosures=root.each("disclosures", _clause),
        automated_decisions=root.each("automated_decisions", _clause),
        channels=channels,
        safeguards=_safeguards(root.table("safeguards")),
        rights=_rights(root.table("rights")),
        text=text,
        name=problems.file,
    )
    root.done()
    return policy


def _languages(root: TomlTable) -> tuple[str, ...]:
    """The notice's languages, read ahead of all else, since every text is measured against them."""
    notice = root.raw.get("notice")
    given = notice.get("languages") if isinstance(notice, dict) else None
    known = tuple(lang for lang in given if lang in LANGUAGES) if isinstance(given, list) else ()
    return tuple(dict.fromkeys(known)) or LANGUAGES


def _notice(table: TomlTable) -> model.Notice:
    notice = model.Notice(
        version=table.string("version", example="2026-11-23", pattern=VERSION),
        effective=table.day("effective"),
        service=table.text("service", example="Example Shop"),
        languages=table.names("languages", words=LANGUAGES, required=True),
        timezone=table.string("timezone", example="Asia/Seoul"),
        minimum_age=table.integer("minimum_age", example=14),
        choice_lifetime=table.period("choice_lifetime", example="P180D"),
        query_keys=table.names("query_keys"),
        unsearched_paths=tuple(quote(glob, safe=_SAFE) for glob in table.names("unsearched_paths")),
        unsearched_properties=table.names("unsearched_properties"),
    )
    if not notice.languages:
        table.wrong("languages", "is empty", 'write languages = ["ko", "en"]')
    for key in notice.query_keys:
        if not _KEY.fullmatch(key):
            table.wrong(
                "query_keys",
                Message("{key!r} is not the name of a query key", key=key[:40]),
                'write names such as "page"',
            )
    for glob in notice.unsearched_paths:
        if not _PATH_GLOB.fullmatch(glob):
            table.wrong(
                "unsearched_paths",
                Message("{glob!r} is not the beginning of a path", glob=glob[:40]),
                'write paths such as "/goods/*"',
            )
    try:
        ZoneInfo(notice.timezone)
    except (OSError, ValueError, KeyError):
        table.wrong("timezone", "names no time zone", 'write an IANA name: timezone = "Asia/Seoul"')
    table.done()
    return notice


def _controller(table: TomlTable) -> model.Controller:
    controller = model.Controller(
        name=table.string("name", example="Example Shop"),
        contact=table.string("contact", example="privacy@example.com"),
        country=table.string("country", example="KR", default="KR", pattern=_COUNTRY),
        address=table.optional_text("address"),
    )
    table.done()
    return controller


def _officer(table: TomlTable) -> model.Officer:
    officer = model.Officer(
        title=table.text("title", example="Privacy officer"),
        contact=table.string("contact", example="privacy@example.com"),
        telephone=table.optional_string("telephone", example="+82 2 000 0000"),
    )
    table.done()
    return officer


def _items(root: TomlTable, listing: Iterable[model.Purpose | model.Channel]) -> dict[str, model.Item]:
    """The declared items, then the built-in ones that a purpose or a channel lists without a declaration."""
    items = {id: _item(id, table) for id, table in root.tables("items", ID).items()}
    listed = {item for purpose in listing for item in purpose.items}
    return items | {id: item for id, item in ITEMS.items() if id in listed and id not in items}


def _item(id: str, table: TomlTable) -> model.Item:
    """A declared item; of a built-in one each key may be left out."""
    known = ITEMS.get(id)
    label = known.label if known and not table.has("label") else table.text("label", example="IP address")
    item = model.Item(
        id=id,
        label=label,
        collected=table.word("collected", get_args(model.Collected), default=known.collected if known else None),
        protect=table.word("protect", get_args(model.Protect), default=known.protect if known else None),
    )
    table.forgive("label")
    table.done()
    return item


def _purpose(id: str, table: TomlTable) -> model.Purpose:
    if table.has("default"):
        remedy = "remove it: every purpose that rests on consent is off until it is granted"
        table.wrong("default", "would grant a consent before it is given", remedy, "W4")
    purpose = model.Purpose(
        id=id,
        label=table.text("label", example="Statistics"),
        description=table.text("description", example="We count visits."),
        basis=table.word("basis", get_args(model.Basis)),
        items=table.names("items", required=True),
        record=table.string("record", example="access_log"),
        required=table.flag("required"),
        refusal=table.optional_text("refusal"),
        until=table.optional_text("until"),
        law=table.optional_text("law"),
        google_consent=table.names("google_consent", words=GOOGLE_CONSENT),
        opt_out_signals=table.names("opt_out_signals", words=SIGNALS),
        reconfirm=table.optional_period("reconfirm", example="P2Y"),
        silence=table.word("silence", get_args(model.Silence), default="keeps"),
        urls=table.names("urls"),
        depends_on=table.names("depends_on"),
        joins_earlier=table.flag("joins_earlier"),
    )
    table.forgive("default")
    for url in purpose.urls:
        if not _URL.fullmatch(url):
            table.wrong(
                "urls", Message("{url!r} is no address pattern", url=url[:60]), 'write "https://host.example/*"'
            )
    table.done()
    return purpose


def _channel(id: str, table: TomlTable) -> model.Channel:
    channel = model.Channel(
        id=id,
        label=table.text("label", example="News by e-mail"),
        description=table.text("description", example="We send you offers by e-mail."),
        medium=table.word("medium", get_args(model.Medium)),
        items=table.names("items", required=True),
        night=table.flag("night"),
        reconfirm=table.optional_period("reconfirm", example="P2Y") or model.TWO_YEARS,
        refusal=table.optional_text("refusal"),
    )
    table.done()
    return channel


def _record(id: str, table: TomlTable) -> model.RecordClass:
    usual: tuple[model.Obligation, ...] = ("dispute", "inspection", "request")
    record = model.RecordClass(
        id=id,
        label=table.text("label", example="Visit records"),
        keep=table.period("keep"),
        min_keep=table.optional_period("min_keep", example="P3M"),
        law=table.optional_text("law"),
        archive=table.flag("archive"),
        on_withdrawal=table.word("on_withdrawal", ("destroy", "archive"), default="destroy"),
        purposes=table.names("purposes"),
        items=table.names("items"),
        read_for=table.names("read_for", words=get_args(model.Obligation), default=usual),  # type: ignore[arg-type]
        profile=table.flag("profile"),
    )
    table.done()
    return record


def _party(table: TomlTable) -> model.Party:
    party = model.Party(
        name=table.string("name", example="Example Hosting Ltd."),
        task=table.text("task", example="Hosting"),
        items=table.names("items", required=True),
        purposes=table.names("purposes", required=True),
        country=table.optional_string("country", example="KR", pattern=_COUNTRY),
        contact=table.optional_string("contact", example="privacy@example.com"),
        transfer=table.optional_text("transfer"),
        keep=table.optional_text("keep"),
        engaged_by=table.optional_string("engaged_by", example="Example Hosting Ltd."),
    )
    table.done()
    return party


def _remedy(table: TomlTable) -> model.Remedy:
    remedy = model.Remedy(
        name=table.text("name", example="Privacy centre"),
        task=table.optional_text("task"),
        url=table.optional_string("url", example="https://privacy.example", pattern=_URL),
        telephone=table.optional_string("telephone", example="118"),
        address=table.optional_text("address"),
    )
    table.done()
    return remedy


def _clause(table: TomlTable) -> model.Clause:
    clause = model.Clause(
        table.string("id", example="investigation", pattern=ID), table.text("label"), table.text("text")
    )
    table.done()
    return clause


def _safeguards(table: TomlTable) -> model.Safeguards:
    safeguards = model.Safeguards(
        administrative=table.optional_text("administrative"),
        technical=table.optional_text("technical"),
        physical=table.optional_text("physical"),
        encrypted=table.names("encrypted"),
    )
    table.done()
    return safeguards


def _rights(table: TomlTable) -> model.Rights:
    usual = model.Rights()
    rights = model.Rights(
        methods=table.names("methods", words=usual.methods, default=usual.methods),
        limits=table.names("limits", default=usual.limits),
        cookies=table.names("cookies", words=usual.cookies, default=usual.cookies),
    )
    for limit in rights.limits:
        if not _CITATION.fullmatch(limit):
            table.wrong(
                "limits",
                Message("{limit!r} is no citation", limit=limit[:40]),
                'write an act and its article: "PIPA 35(4)"',
            )
    table.done()
    return rights
