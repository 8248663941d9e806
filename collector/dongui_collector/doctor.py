"""What is misconfigured in an installation, and how to mend it. Looks only; changes nothing."""

from __future__ import annotations

import fcntl
import http.client
import ipaddress
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from dongui.policy import check
from dongui.rules import classify
from dongui.said import Said

from dongui_collector import audit, custody
from dongui_collector.control import serve_address
from dongui_collector.core import Core
from dongui_collector.rights import requests
from dongui_collector.rights.grounds import DUE_SOON_DAYS
from dongui_collector.settings import Settings
from dongui_collector.storage.values import Site

_LOW, _VERY_LOW = 2 << 30, 256 << 20
_STALE_S = 3600
_SETTLING_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that is not as it should be: an ``error`` keeps it from its work, a ``warning`` may be meant."""

    level: Literal["error", "warning"]
    what: str
    remedy: str

    def json(self) -> dict[str, Any]:
        return asdict(self)


def examine_settings(settings: Settings) -> list[Symptom]:
    """What can be seen without opening the installation."""
    parts: tuple[Callable[[Settings], Iterator[Symptom]], ...] = (_permissions, _network, _clock, _places, _disk)
    return [symptom for part in parts for symptom in part(settings)]


def examine(core: Core) -> list[Symptom]:
    """What can be seen in an installation that is open for reading; errors first."""
    parts: tuple[Callable[[Core], Iterator[Symptom]], ...] = (_sites, _notices, _office, _cookies, _running, _keys)
    return [symptom for part in parts for symptom in part(core)]


# --- the machine -----------------------------------------------------------------------------------------------------


def _permissions(settings: Settings) -> Iterator[Symptom]:
    key = settings.folder / settings.master_key_file
    for path in (settings.data_path, settings.keys_path, key):
        if path.exists() and path.stat().st_mode & 0o077:
            mode = "600" if path == key else "700"
            yield Symptom(
                "error",
                Said("{path} can be read by other users of this machine", path=path),
                Said("chmod {mode} {path}", mode=mode, path=path),
            )
    if settings.keys_path.resolve().is_relative_to(settings.data_path.resolve()):
        remedy = "move it beside the data folder and set keys in dongui.toml"
        yield Symptom("error", "the keys lie inside the data folder, so that every copy of it brings its keys", remedy)


def _network(settings: Settings) -> Iterator[Symptom]:
    if not _is_loopback(settings.host) and not settings.trusted_proxies:
        yield Symptom(
            "warning",
            Said(
                "the public door listens on {host} without TLS and without a proxy of yours in front",
                host=settings.host,
            ),
            "put a proxy with TLS in front, listen on 127.0.0.1 and set trusted_proxies (docs/operations.md)",
        )
    if not _is_loopback(settings.desk_host):
        remedy = 'set desk_host = "127.0.0.1" and reach it through a tunnel or a proxy with TLS'
        yield Symptom("warning", Said("the desk listens on {host} without TLS", host=settings.desk_host), remedy)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _clock(settings: Settings) -> Iterator[Symptom]:
    if settings.testing:
        remedy = "remove the line `testing = true` from dongui.toml before real use"
        yield Symptom("warning", "the settings allow a false clock, which destroys real data", remedy)


def _places(settings: Settings) -> Iterator[Symptom]:
    if settings.geoip_database and not (settings.folder / settings.geoip_database).is_file():
        remedy = "put the file there, or remove geoip_database: no database is fine"
        yield Symptom("error", Said("geoip_database {path!r} is not there", path=settings.geoip_database), remedy)


def _disk(settings: Settings) -> Iterator[Symptom]:
    if not settings.data_path.exists():
        return
    free = shutil.disk_usage(settings.data_path).free
    if free < _LOW:
        level: Literal["error", "warning"] = "error" if free < _VERY_LOW else "warning"
        remedy = "make room; when the disk is full nothing more is recorded, withdrawal and destruction go on"
        yield Symptom(level, Said("only {free} MiB are free beside the data folder", free=free >> 20), remedy)


# --- what it holds ---------------------------------------------------------------------------------------------------


def _sites(core: Core) -> Iterator[Symptom]:
    for site in core.book.sites():
        if not site.origins:
            remedy = Said("dongui sites add {name} --origin https://…", name=json.dumps(site.name, ensure_ascii=False))
            yield Symptom(
                "error", Said("site {name} lists no origin, so no browser may write for it", name=site.name), remedy
            )
        plain = [o for o in site.origins if o.startswith("http:") and not _is_loopback(urlsplit(o).hostname or "")]
        if plain:
            remedy = Said("serve the site with TLS; cookies without Secure travel in the clear")
            yield Symptom(
                "warning",
                Said("site {name} has origins without TLS: {origins}", name=site.name, origins=", ".join(plain)),
                remedy,
            )


def _notices(core: Core) -> Iterator[Symptom]:
    now = core.clock.now()
    for site in core.book.sites():
        notice = core.book.in_force(site.ref, now)
        if notice.policy.notice.timezone != core.settings.timezone:
            zone = notice.policy.notice.timezone
            what = Said(
                "days end in {timezone} here, but in {zone} in the policy of {name}",
                timezone=core.settings.timezone,
                zone=zone,
                name=site.name,
            )
            yield Symptom("error", what, "set timezone in dongui.toml to the policy's, before anything is recorded")
        if notice.starts_at > now:
            what = Said(
                "the only notice of {name} comes into force on {effective}; it is used already",
                name=site.name,
                effective=notice.effective,
            )
            yield Symptom("warning", what, "publish one that is in force")
        warnings = [finding for finding in check(notice.policy) if finding.level == "warning"]
        if warnings:
            facts = {"name": site.name, "n": len(warnings), "key": warnings[0].key, "message": warnings[0].message}
            what = Said("the policy of {name} has {n} warnings, the first: {key}: {message}", **facts)
            yield Symptom("warning", what, "dongui policy check FILE names each with its remedy")
        yield from _unpublished(core, site)


def _unpublished(core: Core, site: Site) -> Iterator[Symptom]:
    """``policy.toml`` beside the settings is where people edit; forgetting to publish is the usual mistake."""
    path: Path = core.settings.folder / "policy.toml"
    if len(core.book.sites()) != 1 or not path.is_file():
        return
    if all(notice.policy.text != path.read_text(encoding="utf-8") for notice in core.book.notices(site.ref)):
        remedy = Said("give it a new version and date, then: dongui policy publish {path}", path=path)
        yield Symptom("warning", Said("{name} is not among the published versions", name=path.name), remedy)


def _office(core: Core) -> Iterator[Symptom]:
    accounts = [account for account in core.storage.people.accounts() if not account.get("disabled")]
    if not any(account["role"] in ("admin", "officer") for account in accounts):
        yield Symptom("error", "nobody can sign in to the console to approve destructions", "add an account")
    yield from _requests(core)
    yield from _review(core)
    yield from _destructions(core)


def _destructions(core: Core) -> Iterator[Symptom]:
    """What waits for the officer's approval, and how urgently (K3); periods that nobody signed."""
    urgent = core.keeper.urgency()
    remedy = "dongui destruction list, then dongui destruction approve; or approve in the console"
    if urgent["overdue"]:
        what = Said("{n} destructions are overdue: their period ended five days ago or more", n=urgent["overdue"])
        yield Symptom("error", what, remedy)
    if soon := urgent["alert"] + urgent["waiting"]:
        yield Symptom("warning", Said("{n} destructions wait for approval", n=soon), remedy)
    for one in core.keeper.standing.unsigned():
        what = Said(
            "nobody signed the periods of version {version} of {site}: what they end will wait",
            version=one["version"],
            site=one["site"],
        )
        yield Symptom("warning", what, Said("dongui destruction grant --version {version}", version=one["version"]))


def _review(core: Core) -> Iterator[Symptom]:
    """The access log is reviewed every month (K12)."""
    month = (core.clock.today(core.settings.zone).replace(day=1) - timedelta(days=1)).isoformat()[:7]
    if month not in audit.reviews(core) and audit.month(core, month).entries:
        remedy = Said("dongui audit review --month {month}, then again with --sign", month=month)
        yield Symptom("warning", Said("nobody has reviewed the access log of {month}", month=month), remedy)


def _requests(core: Core) -> Iterator[Symptom]:
    """A privacy request is answered within ten days; none passes its day unnoticed (K10)."""
    counts = requests.waiting(core)
    remedy = "dongui requests list, then dongui requests answer ID"
    if counts["overdue"]:
        yield Symptom("error", Said("{n} privacy requests are overdue", n=counts["overdue"]), remedy)
    if counts["due_soon"]:
        what = Said("{n} privacy requests are due within {days} days", n=counts["due_soon"], days=DUE_SOON_DAYS)
        yield Symptom("warning", what, remedy)


def _keys(core: Core) -> Iterator[Symptom]:
    """Keys are kept, and copied, apart from the data (K13)."""
    status = custody.status(core)
    if status["rotation_pending"]:
        what = "a rotation of the master key is not finished: the old one still opens everything"
        yield Symptom("warning", what, "put the new master key where it comes from, then restart serve")
    settings = core.settings
    if settings.keys_path.stat().st_dev == settings.data_path.stat().st_dev:
        what = "data and keys lie on one volume: who takes or copies it has both"
        yield Symptom("warning", what, "keep them on another volume: move the folder and set keys in dongui.toml")
    today = core.clock.today(settings.zone).isoformat()
    begun = core.storage.ledger.records(limit=1)
    if begun and core.clock.now() - begun[0].at < _SETTLING_MS:
        return  # whoever has just made an installation is told first what else there is to do
    if not core.ledger.journal.exists:
        what = Said(
            "there is no journal of destructions in {folder}: no backup can be restored faithfully",
            folder=settings.keys_path,
        )
        yield Symptom("error", what, "put the newest copy (FILE.journal beside a backup) there as journal.ndjson")
    if status["copied_at"] is None or status["copies_expire"] < today:
        what = "the last copy of the keys has expired: without them no backup can be read"
        if status["copied_at"] is None:
            what = "there is no copy of the keys: without them no backup can be read"
        remedy = "dongui keys backup FILE, apart from the backups of the data; every day has a new key"
        yield Symptom("warning", what, remedy)


def _cookies(core: Core) -> Iterator[Symptom]:
    for site in core.book.sites():
        compiled = core.book.in_force(site.ref, core.clock.now()).compiled
        names = [c["name"] for c in core.storage.office.cookie_inventory(site.ref) if not classify(c["name"], compiled)]
        if names:
            what = Said(
                "{name} sets cookies that its policy does not declare: {cookies}",
                name=site.name,
                cookies=", ".join(names[:8]),
            )
            yield Symptom("warning", what, "dongui scan URL prints the lines that are missing")


# --- whether it runs -------------------------------------------------------------------------------------------------


def _running(core: Core) -> Iterator[Symptom]:
    if not _is_held(core.settings.data_path / "lock"):
        yield Symptom("warning", "the collector is not running: nothing is recorded, nothing ages out", "dongui serve")
        if due := core.keeper.status()["due"]:
            remedy = "dongui retention run"
            yield Symptom(
                "error", Said("{n} destructions are due, the first since {day}", n=len(due), day=due[0]["due"]), remedy
            )
        return
    status, answer = _ready(core.settings)
    if status != 200:
        what = Said(
            "the collector runs, but /readyz answers {status}: {detail}",
            status=status or Said("nothing"),
            detail=answer.get("detail") or Said("no detail"),
        )
        yield Symptom("error", what, "look into its log; a full disk and a read-only file system are the usual reasons")
        return
    age = answer.get("retention_age_seconds")
    if age is None or age > _STALE_S:
        what = Said("ageing-out has never succeeded")
        if age is not None:
            what = Said("ageing-out last succeeded {minutes} minutes ago", minutes=int(age) // 60)
        yield Symptom("error", what, "look into the collector's log; it is tried again by itself")


def _is_held(lock: Path) -> bool:
    """Whether somebody holds the folder's lock: the collector, or for a moment another command."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


def _ready(settings: Settings) -> tuple[int, dict[str, Any]]:
    """The running collector's own word; status 0 for none."""
    host, port = serve_address(settings)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (compared, not bound)
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = json.loads(response.read(64 << 10))
        return response.status, body if isinstance(body, dict) else {}
    except (OSError, http.client.HTTPException, ValueError):
        return 0, {}
    finally:
        connection.close()
