"""What is misconfigured in an installation, and how to mend it. Looks only; changes nothing."""

from __future__ import annotations

import fcntl
import http.client
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from dongui.i18n import Message
from dongui.policy import check
from dongui.policy.necessary import framework_cookie
from dongui.rules import classify

from dongui_collector.access import audit_log
from dongui_collector.access.accounts import enabled
from dongui_collector.core.diagnosis import Diagnosis, Examine
from dongui_collector.core.loopback import is_loopback
from dongui_collector.core.operations import operation
from dongui_collector.core.private_files import open_to_others
from dongui_collector.core.settings import Settings
from dongui_collector.keys import operations
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import request_list
from dongui_collector.rights.grounds import DUE_SOON_DAYS
from dongui_collector.runtime.doctor_pages import first_visits
from dongui_collector.storage.contract.values import Site

_LOW, _VERY_LOW = 2 << 30, 256 << 20
_STALE_S = 3600
_SETTLING_MS = 86_400_000


def examine_settings(settings: Settings) -> list[Diagnosis]:
    """What can be seen without opening the installation."""
    parts: tuple[Callable[[Settings], Iterator[Diagnosis]], ...] = (_permissions, _network, _clock, _places, _disk)
    return [symptom for part in parts for symptom in part(settings)]


@operation("doctor.examine", right="read", changes=False)
def examine_all(core: Installation, request: Examine) -> list[Diagnosis]:
    """Settings and installation together."""
    return sorted([*examine_settings(core.settings), *examine(core)], key=lambda found: found.level != "error")


def examine(core: Installation) -> list[Diagnosis]:
    """What can be seen in an installation that is open for reading; errors first."""
    parts: tuple[Callable[[Installation], Iterator[Diagnosis]], ...] = (
        _sites,
        _notices,
        _admin,
        _cookies,
        _running,
        _keys,
        first_visits,
    )
    return [symptom for part in parts for symptom in part(core)]


# --- the machine -----------------------------------------------------------------------------------------------------


def _permissions(settings: Settings) -> Iterator[Diagnosis]:
    key = settings.folder / settings.master_key_file
    places = (settings.data_path, settings.keys_path, key)
    for path in dict.fromkeys(found for place in places if (found := next(open_to_others(place), None))):
        mode = "-R go=" if path.is_dir() else "600"
        yield Diagnosis(
            "error",
            Message("{path} can be read by other users of this machine", path=path),
            Message("chmod {mode} {path}", mode=mode, path=path),
        )
    if settings.keys_path.resolve().is_relative_to(settings.data_path.resolve()):
        remedy = "move it beside the data folder and set keys in dongui.toml"
        yield Diagnosis(
            "error", "the keys lie inside the data folder, so that every copy of it brings its keys", remedy
        )


def _network(settings: Settings) -> Iterator[Diagnosis]:
    if not is_loopback(settings.host) and not settings.trusted_proxies:
        yield Diagnosis(
            "warning",
            Message(
                "the public door listens on {host} without TLS and without a proxy of yours in front",
                host=settings.host,
            ),
            "put a proxy with TLS in front, listen on 127.0.0.1 and set trusted_proxies (docs/operations.md)",
        )
    if not is_loopback(settings.desk_host):
        remedy = 'set desk_host = "127.0.0.1" and reach it through a tunnel or a proxy with TLS'
        yield Diagnosis("warning", Message("the desk listens on {host} without TLS", host=settings.desk_host), remedy)


def _clock(settings: Settings) -> Iterator[Diagnosis]:
    if settings.testing:
        remedy = "remove the line `testing = true` from dongui.toml before real use"
        yield Diagnosis("warning", "the settings allow a false clock, which destroys real data", remedy)


def _places(settings: Settings) -> Iterator[Diagnosis]:
    if settings.geoip_database and not (settings.folder / settings.geoip_database).is_file():
        remedy = "put the file there, or remove geoip_database: no database is fine"
        yield Diagnosis("error", Message("geoip_database {path!r} is not there", path=settings.geoip_database), remedy)


def _disk(settings: Settings) -> Iterator[Diagnosis]:
    if not settings.data_path.exists():
        return
    free = shutil.disk_usage(settings.data_path).free
    if free < _LOW:
        level: Literal["error", "warning"] = "error" if free < _VERY_LOW else "warning"
        remedy = "make room; when the disk is full nothing more is recorded, withdrawal and destruction go on"
        yield Diagnosis(level, Message("only {free} MiB are free beside the data folder", free=free >> 20), remedy)


# --- what it holds ---------------------------------------------------------------------------------------------------


def _sites(core: Installation) -> Iterator[Diagnosis]:
    for site in core.registry.sites():
        if not site.origins:
            remedy = Message(
                "dongui sites add {name} --origin https://…", name=json.dumps(site.name, ensure_ascii=False)
            )
            yield Diagnosis(
                "error", Message("site {name} lists no origin, so no browser may write for it", name=site.name), remedy
            )
        plain = [o for o in site.origins if o.startswith("http:") and not is_loopback(urlsplit(o).hostname or "")]
        if plain:
            remedy = Message("serve the site with TLS; cookies without Secure travel in the clear")
            yield Diagnosis(
                "warning",
                Message("site {name} has origins without TLS: {origins}", name=site.name, origins=", ".join(plain)),
                remedy,
            )


def _notices(core: Installation) -> Iterator[Diagnosis]:
    now = core.clock.now()
    for site in core.registry.sites():
        if not core.registry.notices(site.ref):
            what = Message("the policy of {name} is a draft: nobody is asked and nothing is recorded", name=site.name)
            yield Diagnosis("error", what, "make it your own, then: dongui policy publish FILE")
            continue
        notice = core.registry.in_force(site.ref, now)
        if notice.policy.notice.timezone != core.settings.timezone:
            zone = notice.policy.notice.timezone
            what = Message(
                "days end in {timezone} here, but in {zone} in the policy of {name}",
                timezone=core.settings.timezone,
                zone=zone,
                name=site.name,
            )
            yield Diagnosis("error", what, "set timezone in dongui.toml to the policy's, before anything is recorded")
        if notice.starts_at > now:
            what = Message(
                "the only notice of {name} comes into force on {effective}; it is used already",
                name=site.name,
                effective=notice.effective,
            )
            yield Diagnosis("warning", what, "publish one that is in force")
        warnings = [finding for finding in check(notice.policy) if finding.level == "warning"]
        if warnings:
            facts = {"name": site.name, "n": len(warnings), "key": warnings[0].key, "message": warnings[0].message}
            what = Message("the policy of {name} has {n} warnings, the first: {key}: {message}", **facts)
            yield Diagnosis("warning", what, "dongui policy check FILE names each with its remedy")
        yield from _unpublished(core, site)


def _unpublished(core: Installation, site: Site) -> Iterator[Diagnosis]:
    """``policy.toml`` beside the settings is where people edit; forgetting to publish is the usual mistake."""
    path: Path = core.settings.folder / "policy.toml"
    if len(core.registry.sites()) != 1 or not path.is_file():
        return
    if all(notice.policy.text != path.read_text(encoding="utf-8") for notice in core.registry.notices(site.ref)):
        remedy = Message("give it a new version and date, then: dongui policy publish {path}", path=path)
        yield Diagnosis("warning", Message("{name} is not among the published versions", name=path.name), remedy)


def _admin(core: Installation) -> Iterator[Diagnosis]:
    if not any(account.role in ("admin", "officer") for account in enabled(core)):
        yield Diagnosis("error", "nobody can sign in to the console to approve destructions", "add an account")
    yield from _requests(core)
    yield from _review(core)
    yield from _destructions(core)


def _destructions(core: Installation) -> Iterator[Diagnosis]:
    """What waits for the officer's approval, and how urgently (K3); periods that nobody signed."""
    urgent = core.retention.overview.urgency()
    remedy = "dongui destruction list, then dongui destruction approve; or approve in the console"
    if urgent["overdue"]:
        what = Message("{n} destructions are overdue: their period ended five days ago or more", n=urgent["overdue"])
        yield Diagnosis("error", what, remedy)
    if soon := urgent["alert"] + urgent["waiting"]:
        yield Diagnosis("warning", Message("{n} destructions wait for approval", n=soon), remedy)
    for one in core.retention.standing.unsigned():
        what = Message(
            "nobody signed the periods of version {version} of {site}: what they end will wait",
            version=one.version,
            site=one.site,
        )
        yield Diagnosis("warning", what, Message("dongui destruction grant --version {version}", version=one.version))


def _review(core: Installation) -> Iterator[Diagnosis]:
    """The access log is reviewed every month (K12)."""
    month = (core.clock.today(core.settings.zone).replace(day=1) - timedelta(days=1)).isoformat()[:7]
    if month not in audit_log.reviews(core) and audit_log.month(core, month).entries:
        remedy = Message("dongui audit review --month {month}, then again with --sign", month=month)
        yield Diagnosis("warning", Message("nobody has reviewed the access log of {month}", month=month), remedy)


def _requests(core: Installation) -> Iterator[Diagnosis]:
    """A privacy request is answered within ten days; none passes its day unnoticed (K10)."""
    counts = request_list.waiting(core)
    remedy = "dongui requests list, then dongui requests answer ID"
    if counts["overdue"]:
        yield Diagnosis("error", Message("{n} privacy requests are overdue", n=counts["overdue"]), remedy)
    if counts["due_soon"]:
        what = Message("{n} privacy requests are due within {days} days", n=counts["due_soon"], days=DUE_SOON_DAYS)
        yield Diagnosis("warning", what, remedy)


def _keys(core: Installation) -> Iterator[Diagnosis]:
    """Keys are kept, and copied, apart from the data (K13)."""
    status = operations.status(core, operations.ShowKeyStatus())
    if status.rotation_pending:
        what = "a rotation of the master key is not finished: the old one still opens everything"
        yield Diagnosis("warning", what, "put the new master key where it comes from, then restart serve")
    settings = core.settings
    if settings.keys_path.stat().st_dev == settings.data_path.stat().st_dev:
        what = "data and keys lie on one volume: who takes or copies it has both"
        yield Diagnosis("warning", what, "keep them on another volume: move the folder and set keys in dongui.toml")
    today = core.clock.today(settings.zone).isoformat()
    begun = core.storage.ledger.records(limit=1)
    if begun and core.clock.now() - begun[0].at < _SETTLING_MS:
        return  # whoever has just made an installation is told first what else there is to do
    if not core.ledger.journal.exists:
        what = Message(
            "there is no journal of destructions in {folder}: no backup can be restored faithfully",
            folder=settings.keys_path,
        )
        yield Diagnosis("error", what, "put the newest copy (FILE.journal beside a backup) there as journal.ndjson")
    if status.copied_at is None or (status.copies_expire or "") < today:
        what = "the last copy of the keys has expired: without them no backup can be read"
        if status.copied_at is None:
            what = "there is no copy of the keys: without them no backup can be read"
        remedy = "dongui keys backup FILE, apart from the backups of the data; every day has a new key"
        yield Diagnosis("warning", what, remedy)


def _cookies(core: Installation) -> Iterator[Diagnosis]:
    for site in core.registry.published():
        compiled = core.registry.in_force(site.ref, core.clock.now()).compiled
        names = [c["name"] for c in core.storage.admin.cookie_inventory(site.ref) if not classify(c["name"], compiled)]
        exempt = {name: known for name in names if (known := framework_cookie(name))}
        for name, known in exempt.items():
            what = Message(
                "{site} sets {cookie}, which {framework} cannot work without, but its policy does not declare it",
                site=site.name,
                cookie=name,
                framework=known.framework,
            )
            remedy = Message(
                'add [[cookies]] name = "{cookie}", necessary = "{reason}"', cookie=name, reason=known.reason["en"]
            )
            yield Diagnosis("warning", what, remedy)
        if others := [name for name in names if name not in exempt]:
            what = Message(
                "{name} sets cookies that its policy does not declare: {cookies}",
                name=site.name,
                cookies=", ".join(others[:8]),
            )
            yield Diagnosis("warning", what, "dongui scan URL prints the lines that are missing")


# --- whether it runs -------------------------------------------------------------------------------------------------


def _running(core: Installation) -> Iterator[Diagnosis]:
    if not _is_held(core.settings.data_path / "lock"):
        yield Diagnosis(
            "warning", "the collector is not running: nothing is recorded, nothing ages out", "dongui serve"
        )
        if due := core.retention.overview.status().due:
            remedy = "dongui retention run"
            yield Diagnosis(
                "error",
                Message("{n} destructions are due, the first since {day}", n=len(due), day=due[0].due),
                remedy,
            )
        return
    status, answer = _ready(core)
    if status != 200:
        what = Message(
            "the collector runs, but /readyz answers {status}: {detail}",
            status=status or Message("nothing"),
            detail=answer.get("detail") or Message("no detail"),
        )
        yield Diagnosis(
            "error", what, "look into its log; a full disk and a read-only file system are the usual reasons"
        )
        return
    age = answer.get("retention_age_seconds")
    if age is None or age > _STALE_S:
        what = Message("ageing-out has never succeeded")
        if age is not None:
            what = Message("ageing-out last succeeded {minutes} minutes ago", minutes=int(age) // 60)
        yield Diagnosis("error", what, "look into the collector's log; it is tried again by itself")


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


def _ready(core: Installation) -> tuple[int, dict[str, Any]]:
    """The running collector's own word; status 0 for none."""
    host, port = core.control.address()
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
