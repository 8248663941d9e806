"""``dongui verify --evidence FILE``: a bundle that anybody verifies without us, and that names nobody.

It holds the chain (of records about persons only what was decided, with a hash in place of who decided), the notices,
every sealed day's leaves, the checkpoints, and ``verify_evidence.py``, which needs Python's standard library alone.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import IO, TYPE_CHECKING

from dongui_collector.core.errors import CollectorError
from dongui_collector.core.private_files import private
from dongui_collector.evidence import checkpoint_files, merkle
from dongui_collector.evidence.checkpoints import Checkpoint
from dongui_collector.evidence.sealing import leaves
from dongui_collector.evidence.seals import Seal
from dongui_collector.evidence.verify.findings import Verification
from dongui_collector.storage.contract import chain
from dongui_collector.storage.contract.values import Json, LedgerRecord

if TYPE_CHECKING:
    from dongui_collector.retention.installation import Installation

FORMAT = "dongui-evidence/2"
SCRIPT = "verify_evidence.py"
# Kinds whose content names no visitor. Approvals name the officer who gave them: that is what they are for.
SHOWN = frozenset(
    {
        "site", "notice", "selection", "approval", "standing", "destruction", "certificate", "lapsed",
        "erasure", "sealed", "hold", "restored",
    }
)  # fmt: skip
_PAGE = 1000
_TRIES = 3
_READ_ME = """\
증거 묶음 / Evidence bundle

확인: 공개된 verify_evidence.py 를 따로 받아 파이썬 3.11 이상에서  python -I -S verify_evidence.py 이묶음.zip
(다른 소프트웨어는 필요 없습니다. 이 묶음 안의 스크립트는 만든 사람이 고쳤을 수 있습니다.
쓰려면 SHA-256을 공개된 값과 견주십시오)
판정은 마지막 줄과 종료 코드입니다. 따로 보관하던 검사점이 있으면  --checkpoint 파일  을 덧붙이십시오.
브라우저의 동의 기록이 증명하는 것: 등록된 Origin을 보낸 어떤 프로그램이 그때 그 처리방침으로 그 선택을 보냈다는
것까지입니다. 브라우저는 Origin을 사실대로 보내지만 다른 프로그램은 꾸며 보낼 수 있습니다.

To check it: take verify_evidence.py from where it is published, not from here, and run
  python -I -S verify_evidence.py BUNDLE.zip
with Python 3.11 or newer; nothing else is needed. Whoever made this bundle could have altered the script in it: to use
that one, compare its SHA-256 with the published one first. The verdict is the last line and the exit code.
Add  --checkpoint FILE  for every checkpoint that you kept elsewhere: without one it can only be shown that this bundle
agrees with itself.
What a browser's consent record proves: that some program with a listed Origin sent this choice at that time, under that
notice. A browser sends Origin truthfully; another program can make it up.
"""


def verifier_digest() -> str:
    """The SHA-256 of the script that verifies bundles, in hexadecimal: published apart from every bundle."""
    return hashlib.sha256((files(__package__) / SCRIPT).read_bytes()).hexdigest()


class DayChanged(CollectorError):
    """A day changed while its leaves were read."""


def write(
    core: Installation,
    path: Path,
    result: Verification,
    given: Sequence[tuple[str, Checkpoint]],
    advance: Callable[[], None] = lambda: None,
    reseal: Callable[[], None] = lambda: None,
) -> None:
    """Write the bundle to ``path``. ``result`` goes into it as our own word, which the script does not rely on.

    ``reseal`` is asked to seal the days anew where one changes meanwhile. Beside a collector that writes, the bundle is
    as of one record of the chain.
    """
    part = path.with_name(path.name + ".part")
    try:
        for attempt in range(_TRIES):
            try:
                with (
                    open(part, "wb", opener=private) as file,
                    zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bundle,
                ):
                    _fill(core, bundle, result, given, advance, strict=attempt + 1 < _TRIES)
                break
            except DayChanged:
                reseal()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _fill(
    core: Installation,
    bundle: zipfile.ZipFile,
    result: Verification,
    given: Sequence[tuple[str, Checkpoint]],
    advance: Callable[[], None],
    *,
    strict: bool,
) -> None:
    now = checkpoint_files.make(core)
    newest = checkpoint_files.sealed(core, now.records)
    stored = [day for day in core.storage.events.days() if day in newest]
    for day in stored:
        with bundle.open(f"days/{day.isoformat()}.leaves", "w", force_zip64=True) as out:
            _write_leaves(core, day, newest[day], out, strict=strict)
        advance()
    with bundle.open("chain.ndjson", "w", force_zip64=True) as lines:
        for record in chain_of(core, now.records):
            lines.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    for site in core.storage.ledger.sites():
        for number, notice in enumerate(core.storage.ledger.notices(site.ref)):
            bundle.writestr(f"notices/{site.ref}-{number}.toml", notice.text.encode())
    for number, (_, checkpoint) in enumerate((*given, ("now", now))):
        bundle.writestr(f"checkpoints/{number}.json", checkpoint.text())
    script = files("dongui_collector.evidence").joinpath(SCRIPT).read_bytes()
    bundle.writestr(SCRIPT, script)
    bundle.writestr("READ-ME.txt", _READ_ME.encode())
    bundle.writestr("manifest.json", json.dumps(_manifest(core, now, result), ensure_ascii=False, indent=1).encode())


def _manifest(core: Installation, now: Checkpoint, result: Verification) -> Json:
    return {
        "format": FORMAT,
        "made_at": now.made_at,
        "timezone": core.settings.timezone,
        "version": version("dongui"),
        "installation": now.installation,
        "records": now.records,
        "hash": now.hash,
        "endings_under_way": [intent.seq for intent in core.storage.ledger.intents() if intent.seq <= now.records],
        "verification": result.json(),
    }


def _write_leaves(core: Installation, day: date, seal: Seal, out: IO[bytes], *, strict: bool) -> None:
    """The leaves of a day. ``strict``: raise :class:`Moving` where they are not those that its seal fixed."""
    key = core.keyring.day(day)
    if key is None:
        return  # destroyed a moment ago, or missing: what is not there is the verifier's finding
    tree = merkle.MerkleTree()
    with tempfile.SpooledTemporaryFile(1 << 22) as waiting:
        for _, leaf in leaves(core.storage.events, day, merkle.commitment_key(key)):
            tree.add(leaf)
            waiting.write(leaf)
        changed = tree.root() != seal.root and core.storage.events.tally(day) != seal.tally
        if changed and strict:
            raise DayChanged(f"day {day} changed while its leaves were read")
        waiting.seek(0)
        while some := waiting.read(1 << 20):
            out.write(some)


def chain_of(core: Installation, up_to: int) -> Iterator[Json]:
    """The chain as the bundle has it: every link, and the content of what names nobody."""
    after = 0
    while page := core.storage.ledger.readable_records(after, _PAGE):
        for record, readable in page:
            if record.seq > up_to:
                return
            yield _shown(record, readable)
        after = page[-1][0].seq


def _shown(record: LedgerRecord, readable: bool) -> Json:
    shown: Json = {"seq": record.seq, "kind": record.kind, "at": record.at}
    shown |= {"commitment": record.commitment.hex(), "hash": record.hash.hex()}
    if not readable or record.body is None or record.salt is None:
        return shown | {"content": "ended"}
    opened: Json = {"salt": record.salt.hex(), "site": record.site_ref}
    if record.kind == "consent" and record.visitor is not None:
        open_fields = {k: record.body[k] for k in chain.OPEN if k in record.body}
        return shown | opened | {"open": open_fields, "rest": chain.rest(record.body, record.visitor).hex()}
    if record.kind in SHOWN and record.visitor is None:
        return shown | opened | {"body": record.body}
    return shown | {"content": "withheld"}
