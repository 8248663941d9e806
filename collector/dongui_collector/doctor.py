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
            yield Symptom("error", f"{path} can be read by other users of this machine", f"chmod {mode} {path}")
    if settings.keys_path.resolve().is_relative_to(settings.data_path.resolve()):
        remedy = "move it beside the data folder and set keys in dongui.toml"
        yield Symptom("error", "the keys lie inside the data folder, so that every copy of it brings its keys", remedy)


def _network(settings: Settings) -> Iterator[Symptom]:
    if not _is_loopback(settings.host) and not settings.trusted_proxies:
        yield Symptom(
            "warning",
            f"the public door listens on {settings.host} without TLS and without a proxy of yours in front",
            "put a proxy with TLS in front, listen on 127.0.0.1 and set trusted_proxies (docs/operations.md)",
        )
    if not _is_loopback(settings.desk_host):
        remedy = 'set desk_host = "127.0.0.1" and reach it through a tunnel or a proxy with TLS'
        yield Symptom("warning", f"the desk listens on {settings.desk_host} without TLS", remedy)


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
        yield Symptom("error", f"geoip_database {settings.geoip_database!r} is not there", remedy)


def _disk(settings: Settings) -> Iterator[Symptom]:
    if not settings.data_path.exists():
        return
    free = shutil.disk_usage(settings.data_path).free
    if free < _LOW:
        level: Literal["error", "warning"] = "error" if free < _VERY_LOW else "warning"
        remedy = "make room; when the disk is full nothing more is recorded, withdrawal and destruction go on"
        yield Symptom(level, f"only {free >> 20} MiB are free beside the data folder", remedy)


# --- what it holds ---------------------------------------------------------------------------------------------------


def _sites(core: Core) -> Iterator[Symptom]:
    for site in core.book.sites():
        if not site.origins:
            remedy = f"dongui sites add {json.dumps(site.name, ensure_ascii=False)} --origin https://…"
            yield Symptom("error", f"site {site.name} lists no origin, so no browser may write for it", remedy)
        plain = [o for o in site.origins if o.startswith("http:") and not _is_loopback(urlsplit(o).hostname or "")]
        if plain:
            remedy = "serve the site with TLS; cookies without Secure travel in the clear"
            yield Symptom("warning", f"site {site.name} has origins without TLS: {', '.join(plain)}", remedy)


def _notices(core: Core) -> Iterator[Symptom]:
    now = core.clock.now()
    for site in core.book.sites():
        notice = core.book.in_force(site.ref, now)
        if notice.policy.notice.timezone != core.settings.timezone:
            zone = notice.policy.notice.timezone
            what = f"days end in {core.settings.timezone} here, but in {zone} in the policy of {site.name}"
            yield Symptom("error", what, "set timezone in dongui.toml to the policy's, before anything is recorded")
        if notice.starts_at > now:
            what = f"the only notice of {site.name} comes into force on {notice.effective}; it is used already"
            yield Symptom("warning", what, "publish one that is in force")
        warnings = [finding for finding in check(notice.policy) if finding.level == "warning"]
        if warnings:
            first = f"{warnings[0].key}: {warnings[0].message}"
            what = f"the policy of {site.name} has {len(warnings)} warnings, the first: {first}"
            yield Symptom("warning", what, "dongui policy check FILE names each with its remedy")
        yield from _unpublished(core, site)


def _unpublished(core: Core, site: Site) -> Iterator[Symptom]:
    """``policy.toml`` beside the settings is where people edit; forgetting to publish is the usual mistake."""
    path: Path = core.settings.folder / "policy.toml"
    if len(core.book.sites()) != 1 or not path.is_file():
        return
    if all(notice.policy.text != path.read_text(encoding="utf-8") for notice in core.book.notices(site.ref)):
        remedy = f"give it a new version and date, then: dongui policy publish {path}"
        yield Symptom("warning", f"{path.name} is not among the published versions", remedy)


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
        what = f"{urgent['overdue']} destructions are overdue: their period ended five days ago or more"
        yield Symptom("error", what, remedy)
    if soon := urgent["alert"] + urgent["waiting"]:
        yield Symptom("warning", f"{soon} destructions wait for approval", remedy)
    for one in core.keeper.standing.unsigned():
        what = f"nobody signed the periods of version {one['version']} of {one['site']}: what they end will wait"
        yield Symptom("warning", what, f"dongui destruction grant --version {one['version']}")


def _review(core: Core) -> Iterator[Symptom]:
    """The access log is reviewed every month (K12)."""
    month = (core.clock.today(core.settings.zone).replace(day=1) - timedelta(days=1)).isoformat()[:7]
    if month not in audit.reviews(core) and audit.month(core, month).entries:
        remedy = f"dongui audit review --month {month}, then again with --sign"
        yield Symptom("warning", f"nobody has reviewed the access log of {month}", remedy)


def _requests(core: Core) -> Iterator[Symptom]:
    """A privacy request is answered within ten days; none passes its day unnoticed (K10)."""
    counts = requests.waiting(core)
    remedy = "dongui requests list, then dongui requests answer ID"
    if counts["overdue"]:
        yield Symptom("error", f"{counts['overdue']} privacy requests are overdue", remedy)
    if counts["due_soon"]:
        what = f"{counts['due_soon']} privacy requests are due within {DUE_SOON_DAYS} days"
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
        what = f"there is no journal of destructions in {settings.keys_path}: no backup can be restored faithfully"
        yield Symptom("error", what, "put the newest copy (FILE.journal beside a backup) there as journal.ndjson")
    if status["copied_at"] is None or status["copies_expire"] < today:
        said = "the last copy of the keys has expired" if status["copied_at"] else "there is no copy of the keys"
        remedy = "dongui keys backup FILE, apart from the backups of the data; every day has a new key"
        yield Symptom("warning", f"{said}: without them no backup can be read", remedy)


def _cookies(core: Core) -> Iterator[Symptom]:
    for site in core.book.sites():
        compiled = core.book.in_force(site.ref, core.clock.now()).compiled
        names = [c["name"] for c in core.storage.office.cookie_inventory(site.ref) if not classify(c["name"], compiled)]
        if names:
            what = f"{site.name} sets cookies that its policy does not declare: {', '.join(names[:8])}"
            yield Symptom("warning", what, "dongui scan URL prints the lines that are missing")


# --- whether it runs -------------------------------------------------------------------------------------------------


def _running(core: Core) -> Iterator[Symptom]:
    if not _is_held(core.settings.data_path / "lock"):
        yield Symptom("warning", "the collector is not running: nothing is recorded, nothing ages out", "dongui serve")
        if due := core.keeper.status()["due"]:
            remedy = "dongui retention run"
            yield Symptom("error", f"{len(due)} destructions are due, the first since {due[0]['due']}", remedy)
        return
    status, answer = _ready(core.settings)
    if status != 200:
        what = f"the collector runs, but /readyz answers {status or 'nothing'}: {answer.get('detail') or 'no detail'}"
        yield Symptom("error", what, "look into its log; a full disk and a read-only file system are the usual reasons")
        return
    age = answer.get("retention_age_seconds")
    if age is None or age > _STALE_S:
        since = "has never succeeded" if age is None else f"last succeeded {int(age) // 60} minutes ago"
        yield Symptom("error", f"ageing-out {since}", "look into the collector's log; it is tried again by itself")


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
