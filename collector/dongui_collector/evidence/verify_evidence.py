#!/usr/bin/env python3
"""Verify a dongui evidence bundle. Stands alone: Python 3.11 or newer and its standard library, nothing of dongui.

    python -I -S verify_evidence.py [BUNDLE] [--checkpoint FILE]… [--lang ko|en]

BUNDLE is the zip file or the folder that it was unpacked into; without it, where this script lies. Take the script from
elsewhere than the bundle, or compare its SHA-256 with the published one: whoever made the bundle could have altered the
script in it. Checkpoints that you kept elsewhere are what makes this a proof: without one it can only be shown that the
bundle agrees with itself.
The verdict is the last line and the exit code. 0: everything holds. 1: something is broken, and the place is printed.
2: nothing could be read. What a bundle says of itself is printed escaped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import locale
import sys
import tomllib
import zipfile
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, Any

Json = dict[str, Any]
FORMAT = "dongui-evidence/2"
CHECKPOINT = "dongui-checkpoint/1"
LEAF = 48
LATEST = timedelta(days=5)  # what is due may wait so long for an approval (PIPA 21; K3)
UNDER_WAY_MS = 86_400_000  # what was begun and is not certified may still go on for a day
MOST = 50
LARGEST = 64 << 20  # bytes of a file that is read as a whole: a small bundle must not fill the reader's memory
WITHOUT_PROOF = ("READ-ME.txt", "verify_evidence.py")  # parts of a bundle that are only there to be read

WORDS = {
    "chain": (
        "원장 기록 {n}건이 앞 기록의 해시를 이어받아 끊김 없이 이어집니다.",
        "{n} ledger records follow from one another without a gap.",
    ),
    "opened": (
        "내용이 공개된 기록 {n}건이 원장에 고정된 내용과 같습니다.",
        "{n} records whose content is shown say what was committed to.",
    ),
    "notices": (
        "처리방침 {n}개 버전의 본문이 공표된 것과 같습니다.",
        "The texts of {n} notice versions are those that were published.",
    ),
    "days": (
        "봉인된 날 {n}일의 행 전체가 원장의 봉인과 같습니다.",
        "The rows of {n} sealed days are exactly those that the ledger fixed.",
    ),
    "rows": (
        "행 {n}건이 모두, 그 목적을 담고 철회·삭제되지 않은 동의 기록 위에 있습니다.",
        "Each of {n} rows stands on a consent on record that covers its purposes and was not withdrawn or erased.",
    ),
    "changes": (
        "봉인 뒤에 바뀐 날 {n}건은 모두 원장에 있는 종료로 설명됩니다.",
        "{n} changes of sealed days are each explained by endings on the ledger.",
    ),
    "certificates": (
        "파기 {n}건이 선정·승인·파기·확인 순서를 지켰습니다.",
        "{n} destructions were selected, approved, carried out and certified, in that order.",
    ),
    "ended": (
        "내용이 없어진 기록 {n}건에 모두 그 근거가 있습니다.",
        "{n} records whose content has ended each have the record that ended it.",
    ),
    "retention": (
        "보유기간을 넘긴 날이 없습니다({n}일 확인).",
        "No day is kept past its period ({n} days looked at).",
    ),
    "checkpoints": (
        "검사점 {n}개가 모두 이 원장 위에 있습니다.",
        "{n} checkpoints lie on this ledger.",
    ),
    "holds": (
        "법적 보존 사유 {n}건이 유효하여 그 범위의 파기가 미뤄져 있습니다.",
        "{n} legal holds stand and suspend the destruction of what they cover.",
    ),
    "outside": (
        "따로 보관하던 검사점을 주지 않았습니다. 묶음이 스스로와 맞는다는 것만 확인했습니다.",
        "No checkpoint from elsewhere was given: only that this bundle agrees with itself is shown.",
    ),
    "others": (
        "묶음에 확인 대상이 아닌 파일 {n}개가 있습니다. 아무것도 증명하지 않습니다.",
        "{n} files in the bundle are no part of what was verified: they prove nothing.",
    ),
    "good": ("모두 맞습니다.", "Everything holds."),
    "unread": ("읽을 수 없어 아무것도 확인하지 못했습니다.", "Nothing could be read, so nothing was verified."),
    "bad": ("맞지 않는 곳이 {n}군데 있습니다.", "{n} things are broken."),
}


class Bundle:
    """The files of a bundle, from its zip or from the folder that it was unpacked into."""

    def __init__(self, place: Path) -> None:
        self.zip = zipfile.ZipFile(place) if place.is_file() else None
        self.folder = place
        self.opened: set[str] = set()

    def names(self, under: str) -> list[str]:
        if self.zip:
            found = [n for n in self.zip.namelist() if n.rpartition("/")[0] == under and not n.endswith("/")]
        else:
            found = [f"{under}/{p.name}" for p in (self.folder / under).glob("*") if p.is_file()]
        return sorted(found)

    def twice(self) -> list[str]:
        """Names that several files have: what is verified need not be what another program unpacks."""
        found: dict[str, int] = {}
        for name in self.zip.namelist() if self.zip else ():
            found[name.casefold()] = found.get(name.casefold(), 0) + 1
        return sorted(name for name, times in found.items() if times > 1)

    def others(self) -> list[str]:
        """Files of which nothing was verified: whoever handed the bundle over may have added them."""
        if self.zip:
            there = [name for name in self.zip.namelist() if not name.endswith("/")]
        else:
            there = [p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*") if p.is_file()]
        return sorted({*there} - self.opened - {*WITHOUT_PROOF})

    def open(self, name: str) -> IO[bytes]:
        self.opened.add(name)
        return self.zip.open(name) if self.zip else (self.folder / name).open("rb")

    def read(self, name: str) -> bytes:
        with self.open(name) as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ValueError(f"{name} is larger than any of its kind")
        return content


class BundleVerifier:
    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.broken: list[str] = []
        self.counted: dict[str, int] = dict.fromkeys(WORDS, 0)
        self.manifest = json.loads(bundle.read("manifest.json"))
        if self.manifest.get("format") != FORMAT:
            raise ValueError("this is no evidence bundle of a format that this script knows")
        self.first = self.last = ""
        self.length = 0
        self.by_kind: dict[str, list[Json]] = {}
        self.consents: dict[int, Json] = {}
        self.content_ended: set[int] = set()
        self.kinds_ended: dict[int, str] = {}
        self.hash_at: dict[int, str] = {}
        self.bits: dict[int, dict[str, int]] = {}
        self.policies: dict[int, list[Json]] = {}
        self.person: dict[int, int] = {}
        self.histories: dict[int, dict[str, list[tuple[int, bool]]]] = {}
        self.verdicts: dict[tuple[int, int], str | None] = {}
        self.lasts: dict[tuple[int, int, date], date] = {}
        self.today = self.day_of(self.manifest["made_at"])
        self.held = 0

    def say(self, where: str, what: str) -> None:
        self.broken.append(shown(f"{where}: {what}"))

    def run(self, checkpoints: list[tuple[str, Json]]) -> None:
        for name in self.bundle.twice():
            self.say(name, "the bundle holds several files of this name")
        for name in self.bundle.names("checkpoints"):
            try:
                checkpoints = [*checkpoints, (name, json.loads(self.bundle.read(name)))]
            except ValueError:
                self.say(name, "it cannot be read")
        wanted = {c.get("records") for _, c in checkpoints if isinstance(c, dict)}
        self.chain(wanted)
        self.notices()
        self.people()
        self.held = self.counted["holds"] = self.standing_holds()
        self.endings()
        self.destructions()
        self.seals()
        for name, checkpoint in checkpoints:
            self.checkpoint(name, checkpoint)

    # -- the chain

    def chain(self, wanted: set[Any]) -> None:
        previous, number = bytes(32), 0
        with self.bundle.open("chain.ndjson") as lines:
            for raw in lines:
                record = json.loads(raw)
                number += 1
                where = f"ledger record {number}"
                if record["seq"] != number:
                    self.say(where, "it is missing, or out of its place")
                    number = record["seq"]
                text = f"{record['seq']}\x00{record['kind']}\x00{record['at']}\x00".encode()
                expected = hashlib.sha256(previous + text + bytes.fromhex(record["commitment"])).hexdigest()
                if record["hash"] != expected:
                    self.say(where, "its hash does not follow from its predecessor's")
                previous = bytes.fromhex(record["hash"])
                self.first = self.first or record["hash"]
                if number in wanted:
                    self.hash_at[number] = record["hash"]
                self.note(record, where)
        self.length, self.last = number, previous.hex()
        self.counted["chain"] = number
        said = (self.manifest["records"], self.manifest["hash"], self.manifest["installation"])
        if said != (number, self.last, self.first):
            self.say("manifest.json", "it names another chain than the one in the bundle: that was cut or exchanged")

    def note(self, record: Json, where: str) -> None:
        seq, kind = record["seq"], record["kind"]
        if "salt" in record:
            self.counted["opened"] += 1
            if "open" in record:
                content = {"open": record["open"], "rest": record["rest"], "site": record["site"]}
            else:
                content = {"body": record["body"], "site": record["site"], "visitor": None}
            if record["commitment"] != hashlib.sha256(bytes.fromhex(record["salt"]) + canonical(content)).hexdigest():
                self.say(where, "its content is not what was committed to")
            if kind == "consent":
                self.consents[seq] = record
            else:
                kept = {"seq": seq, "at": record["at"], "site": record["site"], "body": record["body"]}
                self.by_kind.setdefault(kind, []).append(kept)
        elif record.get("content") == "ended":
            self.content_ended.add(seq)
            self.kinds_ended[seq] = kind
        elif kind not in ("audit", "suspension", "resumption") and kind in _MUST_SHOW:
            self.say(where, f"the content of a record of kind {kind} must be shown and is not")

    def of(self, kind: str) -> list[Json]:
        return self.by_kind.get(kind, [])

    # -- notices, and what their purposes are called in rows

    def notices(self) -> None:
        texts = {hashlib.sha256(raw).hexdigest(): raw for raw in map(self.bundle.read, self.bundle.names("notices"))}
        for record in self.of("notice"):
            raw = texts.get(record["body"]["digest"])
            if raw is None:
                self.say(f"ledger record {record['seq']}", "the text of the notice that it published is not here")
                continue
            policy = tomllib.loads(raw.decode())
            self.counted["notices"] += 1
            self.policies.setdefault(record["site"], []).append(policy)
            bits = self.bits.setdefault(record["site"], {})
            for purpose in policy["purposes"]:
                bits.setdefault(purpose, len(bits))

    # -- persons: who they are is not here, which records belong together is

    def people(self) -> None:
        for seq, record in self.consents.items():
            before = record["open"].get("follows", 0)
            person = self.person.get(before, before or seq)
            self.person[seq] = person
            history = self.histories.setdefault(person, {})
            for word in ("given", "withdrawn"):
                for purpose in record["open"].get(word, ()):
                    history.setdefault(purpose, []).append((seq, word == "given"))

    def verdict(self, seq: int, purposes: int) -> str | None:
        """What is wrong with a row that stands on these purposes by this record; None when nothing is."""
        if (seq, purposes) not in self.verdicts:
            self.verdicts[seq, purposes] = self._verdict(seq, purposes)
        return self.verdicts[seq, purposes]

    def _verdict(self, seq: int, purposes: int) -> str | None:
        if seq not in self.consents:
            if seq in self.content_ended and self.held:
                return None  # kept by a legal hold alone
            return f"it stands on record {seq}, which is no consent that still stands"
        site = self.consents[seq]["site"]
        names = [p for p, bit in self.bits.get(site, {}).items() if purposes >> bit & 1]
        if not purposes or sum(1 << self.bits[site][p] for p in names) != purposes:
            return "it stands on a purpose that no notice names"
        history = self.histories[self.person[seq]]
        for name in names:
            decided = history.get(name, [])
            before = [given for at, given in decided if at <= seq]
            after = [at for at, given in decided if at > seq and not given]
            if not before or not before[-1]:
                return f"no consent on the ledger covers {name} (record {seq})"
            if after and not self.under_way(after[0]):
                return f"the consent to {name} was withdrawn by record {after[0]}, and the row is still there"
        return None

    def under_way(self, seq: int) -> bool:
        made, at = self.manifest["made_at"], self.consents[seq]["at"]
        recent = 0 <= made - at < LATEST.total_seconds() * 1000
        return seq in self.manifest["endings_under_way"] and (recent or self.held > 0)

    # -- what ended

    def endings(self) -> None:
        certified = {seq for record in self.of("erasure") for seq in record["body"]["records"]}
        for record in self.of("destruction"):
            for first, last in record["body"]["what"].get("records", ()):
                certified.update(range(first, last + 1))
        for seq in sorted(self.content_ended):
            if seq not in certified or self.kinds_ended[seq] in _MUST_SHOW:
                self.say(f"ledger record {seq}", "its content is gone and nothing on the ledger ended it")
        self.counted["ended"] = len(self.content_ended)
        done = {record["body"].get("of") for record in self.of("certificate")}
        for record in self.of("erasure"):
            if record["seq"] not in done and record["seq"] not in self.manifest["endings_under_way"]:
                self.say(f"ledger record {record['seq']}", "an erasure that was neither carried out nor is on its way")

    def destructions(self) -> None:
        selected: dict[int, tuple[Any, ...]] = {}
        for record in self.of("selection"):
            for one in record["body"]["selected"]:
                selected[one["destruction"]] = (record["seq"], one["what"])
        approved: dict[int, tuple[int, str]] = {}
        for record in self.of("approval"):
            for id in record["body"].get("destructions", ()):
                approved[id] = (record["seq"], record["body"]["by"])
        begun = {record["body"]["destruction"]: record for record in self.of("destruction")}
        for record in self.of("certificate"):
            if (id := record["body"].get("destruction")) is None:
                continue
            self.counted["certificates"] += 1
            intent, body = begun.get(id), record["body"]
            order = [selected.get(id, (0,))[0], approved.get(id, (0,))[0], intent["seq"] if intent else 0]
            order.append(record["seq"])
            if intent is None or 0 in order or order != sorted(order):
                self.say(f"ledger record {record['seq']}", f"destruction {id} skipped a step or took them out of order")
            elif (body["what"], body["approved_by"]) != (selected[id][1], approved[id][1]):
                self.say(f"ledger record {record['seq']}", f"destruction {id} is certified otherwise than approved")

        certified = {record["body"].get("destruction") for record in self.of("certificate")}
        for id, record in begun.items():
            recent = self.manifest["made_at"] - record["at"] < UNDER_WAY_MS
            if id not in certified and not recent:
                self.say(f"ledger record {record['seq']}", f"destruction {id} was begun and is not certified")

    def standing_holds(self) -> int:
        held = {record["body"]["id"]: record["body"] for record in self.of("hold") if "id" in record["body"]}
        for record in self.of("hold"):
            held.pop(record["body"].get("released"), None)
        today = self.today.isoformat()
        return sum(hold.get("until") is None or hold["until"] >= today for hold in held.values())

    # -- sealed days

    def seals(self) -> None:
        newest: dict[str, tuple[Json, int]] = {}
        for record in self.of("sealed"):
            for entry in record["body"]["days"]:
                if entry["day"] in newest:
                    self.change(entry, *newest[entry["day"]], record["seq"])
                elif "before" in entry:
                    self.say(f"ledger record {record['seq']}", f"day {entry['day']} names a seal that is not there")
                newest[entry["day"]] = (entry, record["seq"])
        begun = {r["body"]["what"]["day"]: r["body"]["destruction"] for r in self.of("destruction") if _is_day(r)}
        certified = {r["body"]["what"]["day"] for r in self.of("certificate") if _is_day(r)}
        here = {Path(name).stem: name for name in self.bundle.names("days")}
        for day in sorted(newest.keys() | here.keys()):
            if day in certified:
                if day in here:
                    self.say(f"day {day}", "it is certified as destroyed, and its rows are here")
            elif day not in here:
                if day not in begun and not self.lost_to_a_restore(day):
                    self.say(f"day {day}", "it was sealed, nothing certifies its end, and its rows are not here")
            elif day not in newest:
                self.say(f"day {day}", "its rows are here, and no seal on the ledger fixes them")
            else:
                self.day(day, here[day], newest[day][0])

    def change(self, entry: Json, before: Json, before_seq: int, seq: int) -> None:
        where = f"ledger record {seq}, day {entry['day']}"
        destroyed, reduced = (entry[k] - before[k] for k in ("destroyed", "reduced"))
        late = entry["rows"] - before["rows"] + destroyed
        self.counted["changes"] += 1
        if entry.get("before") != before_seq:
            self.say(where, "it does not follow the seal before it")
        if destroyed < 0 or reduced < 0 or late < 0:
            self.say(where, "rows vanished between two seals, and no ending explains it")
        elif destroyed or reduced:
            self.explained(where, entry.get("endings") or {}, before["head"], seq)
        elif not late and entry["root"] != before["root"]:
            self.say(where, "rows changed between two seals, and no ending explains it")

    def explained(self, where: str, endings: Json, after: int, seq: int) -> None:
        first, last = endings.get("first", 0), endings.get("last", 0)
        found = [r["seq"] for r in self.of("certificate") if first <= r["seq"] <= last and _ends_rows(r["body"])]
        honest = len(found) == endings.get("number", 0) and all(after < n < seq for n in found)
        started = {r["seq"] for kind in ("erasure", "destruction") for r in self.of(kind)} | self.consents.keys()
        started |= self.content_ended  # a withdrawal's own record may have ended since
        open_ = endings.get("open", [])
        if not honest or not (found or open_) or not all(n in started and n < seq for n in open_):
            self.say(where, "rows ended between two seals, and the endings that it names are not on the ledger")

    def lost_to_a_restore(self, day: str) -> bool:
        return any(self.day_of(r["body"]["made_at"]).isoformat() <= day for r in self.of("restored"))

    def day(self, day: str, name: str, entry: Json) -> None:
        tree = MerkleTree()
        complaints = 0
        with self.bundle.open(name) as file:
            while leaf := file.read(LEAF):
                tree.add(leaf)
                if len(leaf) != LEAF:
                    break
                purposes, seq = int.from_bytes(leaf[32:40], "big"), int.from_bytes(leaf[40:], "big")
                what = self.verdict(seq, purposes) or self.overdue(day, seq, purposes)
                if what and (complaints := complaints + 1) <= 3:
                    self.say(f"day {day}, row {tree.size} of {entry['rows']}", what)
        self.counted["days"] += 1
        self.counted["rows"] += tree.size
        self.counted["retention"] += 1
        if (tree.root().hex(), tree.size) != (entry["root"], entry["rows"]):
            self.say(f"day {day}", "its rows are not those that its seal on the ledger fixed")

    # -- retention

    def overdue(self, day: str, seq: int, purposes: int) -> str | None:
        site = self.consents[seq]["site"] if seq in self.consents else None
        if site is None or self.held:
            return None
        key = (site, purposes, date.fromisoformat(day))
        if key not in self.lasts:
            names = [p for p, bit in self.bits[site].items() if purposes >> bit & 1]
            self.lasts[key] = max((end for p in names for end in self.ends(site, p, key[2])), default=key[2])
        late = self.today - self.lasts[key]
        return f"its period ended with {self.lasts[key]}" if late > LATEST else None

    def ends(self, site: int, purpose: str, day: date) -> list[date]:
        """The last day under every notice that names the purpose: which one a row was recorded under is not here."""
        found = []
        for policy in self.policies.get(site, []):
            if purpose in policy["purposes"]:
                record = policy["records"][policy["purposes"][purpose]["record"]]
                found += [last_day(day, record[k]) for k in ("keep", "min_keep") if k in record]
        return found

    def day_of(self, at: int) -> date:
        moment = datetime.fromtimestamp(at / 1000, UTC)
        try:
            from zoneinfo import ZoneInfo

            return moment.astimezone(ZoneInfo(self.manifest["timezone"])).date()
        except Exception:  # no time zone data on this machine: half a day more or less
            return moment.date()

    # -- checkpoints

    def checkpoint(self, name: str, checkpoint: Json) -> None:
        where = f"checkpoint {name}"
        try:
            if checkpoint["format"] != CHECKPOINT:
                raise KeyError("format")
            count, hash_ = checkpoint["records"], checkpoint["hash"]
            said = (checkpoint["installation"], checkpoint["days"], checkpoint["roots"])
        except (KeyError, TypeError):
            self.say(where, "it is no checkpoint")
            return
        self.counted["checkpoints"] += 1
        if said[0] != self.first:
            self.say(where, "it was made of another installation, or the ledger was begun anew")
        elif count > self.length:
            self.say(where, f"it knows {count} records, the ledger ends with {self.length}: it was cut short")
        elif self.hash_at.get(count) != hash_:
            self.say(where, f"record {count} is another than it fixed: the ledger was rewritten before it")
        else:
            roots: dict[str, str] = {}
            for record in self.of("sealed"):
                if record["seq"] <= count:
                    roots |= {entry["day"]: entry["root"] for entry in record["body"]["days"]}
            text = "".join(f"{day} {root}\n" for day, root in sorted(roots.items()))
            if said[1:] != (len(roots), hashlib.sha256(text.encode()).hexdigest()):
                self.say(where, "the sealed days' roots are others than it fixed")


_MUST_SHOW = frozenset(
    {
        "site", "notice", "selection", "approval", "standing", "destruction", "certificate", "lapsed", "erasure",
        "sealed", "hold", "restored",
    }
)  # fmt: skip


def shown(text: str) -> str:
    """Text from a bundle in one line of printable characters: nothing in it can be taken for a line of this script."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def canonical(value: Json) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _is_day(record: Json) -> bool:
    return bool(record["body"].get("what", {}).get("kind") == "day")


def _ends_rows(body: Json) -> bool:
    return "of" in body or body.get("what", {}).get("kind") == "bases"


class MerkleTree:
    """The Merkle tree of RFC 6962 over leaves that come one by one."""

    def __init__(self) -> None:
        self.size = 0
        self.stack: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        node, n = hashlib.sha256(b"\x00" + leaf).digest(), self.size
        while n & 1:
            node = hashlib.sha256(b"\x01" + self.stack.pop() + node).digest()
            n >>= 1
        self.stack.append(node)
        self.size += 1

    def root(self) -> bytes:
        if not self.stack:
            return hashlib.sha256(b"").digest()
        node = self.stack[-1]
        for left in reversed(self.stack[:-1]):
            node = hashlib.sha256(b"\x01" + left + node).digest()
        return node


def last_day(day: date, period: str) -> date:
    """Korea's Civil Act 157, 160: counting starts on the next day; months end before the day that corresponds."""
    counts, number = dict.fromkeys("YMWD", 0), ""
    for letter in period.removeprefix("P"):
        if letter.isdigit():
            number += letter
        else:
            counts[letter], number = int(number), ""
    start = day + timedelta(days=1)
    year, month0 = divmod(start.year * 12 + start.month - 1 + counts["Y"] * 12 + counts["M"], 12)
    length = monthrange(year, month0 + 1)[1]
    over = start.day > length
    end = date(year, month0 + 1, length if over else start.day) - timedelta(days=0 if over else 1)
    return end + timedelta(days=counts["W"] * 7 + counts["D"])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("bundle", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--checkpoint", action="append", type=Path, default=[])
    parser.add_argument("--lang", choices=("ko", "en"))
    told = parser.parse_args()
    lang = told.lang or ("ko" if (locale.getlocale()[0] or "").lower().startswith("ko") else "en")
    column = 0 if lang == "ko" else 1
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
    try:
        verifier = BundleVerifier(Bundle(told.bundle))
        given = [(path.name, json.loads(path.read_text(encoding="utf-8"))) for path in told.checkpoint]
    except Exception as error:  # whatever it is, the file is the cause
        print(shown(f"{told.bundle}: cannot be read ({type(error).__name__}: {error})"), file=sys.stderr)
        print(WORDS["unread"][column])
        return 2
    try:
        verifier.run(given)
    except Exception as error:  # a bundle that was tampered with may contradict itself in any way
        verifier.say("the bundle", f"it contradicts itself, and the rest was not looked at ({type(error).__name__})")
    for line in verifier.broken[:MOST]:
        print("✗", line)
    for key in ("chain", "opened", "notices", "days", "rows", "changes", "certificates", "ended", "retention", "holds"):
        if not verifier.broken and (verifier.counted[key] or key != "holds"):
            print("✓", WORDS[key][column].format(n=verifier.counted[key]))
    if given and not verifier.broken:
        print("✓", WORDS["checkpoints"][column].format(n=len(given)))
    elif not given:
        print("!", WORDS["outside"][column])
    if others := verifier.bundle.others():
        print("!", WORDS["others"][column].format(n=len(others)), *(shown(name) for name in others[:MOST]))
    print(WORDS["bad" if verifier.broken else "good"][column].format(n=len(verifier.broken)))
    return 1 if verifier.broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
