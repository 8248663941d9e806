"""The bundle as a third party has it: verified by its own script alone, and every part of it that is flipped is found.

K2 (the controller bears the burden of proof), S5.3 (destruction in its order), S3.1 and K17 (periods), S1.0.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dongui_collector.core.operations import perform
from dongui_collector.evidence import bundle as evidence
from dongui_collector.evidence.verify.verify import verify

from tests.evidence.seen import DAY, bundle, checkpoint, live_in, run, seal
from tests.retention.house import ALL, House, at

SCRIPT = "verify_evidence.py"


@pytest.fixture
def lived(house: House) -> House:
    """Everything that a bundle may hold: also days that aged out, a hold, a change of the notice's own records."""
    first, _ = live_in(house)
    perform(house.core, "holds.add", {"reason": "a claim", "ground": "claim", "record_class": "contract"})
    house.run("2026-03-11T01:00")
    visitor = house.arrive()
    house.visit(visitor)
    house.choose((), ("statistics",), first)
    house.now = at("2026-03-12T00:30")
    seal(house)
    house.now = at("2026-03-12T02:00")
    seal(house)
    house.choose((), ALL, visitor)
    house.visit(house.arrive(), "2026-03-11T23:00")
    house.run()
    seal(house)
    return house


@pytest.fixture
def unpacked(lived: House, tmp_path: Path) -> Path:
    return bundle(lived, tmp_path, checkpoint(lived))


def verdict(folder: Path, cwd: Path, *arguments: str) -> tuple[int, str]:
    done = run(folder / SCRIPT, *arguments, cwd=cwd)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


@pytest.mark.parametrize(("lang", "word"), [("en", "Everything holds."), ("ko", "모두 맞습니다.")])
def test_a_stranger_verifies_the_bundle_without_us(
    lived: House, unpacked: Path, tmp_path: Path, lang: str, word: str
) -> None:
    """``python -I -S`` in an empty folder: nothing of ours is there to be imported."""
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "kept.json").write_text(checkpoint(lived)[1].text())
    code, said = verdict(unpacked, empty, "--lang", lang, "--checkpoint", "kept.json")
    assert code == 0, said
    assert word in said
    assert said.count("✓") == 11
    zipped = run(unpacked / SCRIPT, str(tmp_path / "evidence.zip"), "--lang", lang, cwd=empty)
    assert zipped.returncode == 0
    assert word in zipped.stdout


def test_it_says_that_without_a_checkpoint_it_only_agrees_with_itself(unpacked: Path, tmp_path: Path) -> None:
    assert "only that this bundle agrees with itself" in verdict(unpacked, tmp_path)[1]


def test_the_bundle_names_nobody(lived: House, unpacked: Path, tmp_path: Path) -> None:
    """No visitor's key, no record id of a receipt, no recorded value, no method or language of a choice."""
    with zipfile.ZipFile(tmp_path / "evidence.zip") as packed:
        everything = b"\n".join(packed.read(name) for name in packed.namelist() if name != SCRIPT)
    for record in lived.core.storage.ledger.records():
        assert record.visitor is None or record.visitor not in everything
        assert record.visitor is None or record.visitor.hex().encode() not in everything
        if record.kind == "consent" and record.body:
            assert record.body["record"].encode() not in everything
    for row in lived.rows():
        assert row.key not in everything
        assert row.visitor not in everything
    assert b"word1" not in everything
    chain = (unpacked / "chain.ndjson").read_text()
    assert "banner" not in chain
    assert '"signals"' not in chain


def edit_line(name: str, number: int, change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        lines = (folder / name).read_text().splitlines()
        record = json.loads(lines[number])
        change(record)
        lines[number] = json.dumps(record)
        (folder / name).write_text("\n".join(lines) + "\n")

    return edit


def of_kind(folder: Path, kind: str) -> int:
    lines = (folder / "chain.ndjson").read_text().splitlines()
    return next(n for n, line in enumerate(lines) if json.loads(line)["kind"] == kind)


def edit_kind(kind: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    return lambda folder: edit_line("chain.ndjson", of_kind(folder, kind), change)(folder)


def drop_line(kind: str) -> Callable[[Path], None]:
    def drop(folder: Path) -> None:
        lines = (folder / "chain.ndjson").read_text().splitlines()
        del lines[of_kind(folder, kind)]
        (folder / "chain.ndjson").write_text("\n".join(lines) + "\n")

    return drop


def cut(folder: Path) -> None:
    lines = (folder / "chain.ndjson").read_text().splitlines()
    (folder / "chain.ndjson").write_text("\n".join(lines[:-1]) + "\n")


def leaves_file(folder: Path) -> Path:
    return max((folder / "days").iterdir(), key=lambda path: path.stat().st_size)


def flip(offset: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        raw = bytearray(leaves_file(folder).read_bytes())
        raw[offset] ^= 1
        leaves_file(folder).write_bytes(raw)

    return change


def shorter(folder: Path) -> None:
    path = leaves_file(folder)
    path.write_bytes(path.read_bytes()[:-48])


def doubled(folder: Path) -> None:
    path = leaves_file(folder)
    path.write_bytes(path.read_bytes() + path.read_bytes()[:48])


def reset(record: dict[str, Any]) -> None:
    record.pop("salt", None)
    record.pop("body", None)
    record.pop("open", None)
    record["content"] = "ended"


def withhold(record: dict[str, Any]) -> None:
    reset(record)
    record["content"] = "withheld"


TAMPERED: dict[str, Callable[[Path], None]] = {
    "a hash": edit_kind("consent", lambda r: r.update(hash="0" * 64)),
    "a commitment": edit_kind("consent", lambda r: r.update(commitment="0" * 64)),
    "a time": edit_kind("consent", lambda r: r.update(at=r["at"] + 1)),
    "a kind": edit_kind("consent", lambda r: r.update(kind="site")),
    "what was given": edit_kind("consent", lambda r: r["open"].update(given=["marketing"])),
    "whom a record follows": edit_kind("consent", lambda r: r["open"].update(follows=1)),
    "the hash of the rest": edit_kind("consent", lambda r: r.update(rest="0" * 64)),
    "a consent's site": edit_kind("consent", lambda r: r.update(site=2)),
    "a salt": edit_kind("certificate", lambda r: r.update(salt="00" * 16)),
    "a certificate": edit_kind("certificate", lambda r: r["body"].update(rows_destroyed=77)),
    "an approval's name": edit_kind("approval", lambda r: r["body"].update(by="somebody")),
    "a seal's root": edit_kind("sealed", lambda r: r["body"]["days"][0].update(root="0" * 64)),
    "a consent called ended": edit_kind("consent", reset),
    "a seal withheld": edit_kind("sealed", withhold),
    "an erasure withheld": edit_kind("erasure", withhold),
    "a notice called ended": edit_kind("notice", reset),
    "a consent dropped": drop_line("consent"),
    "a certificate dropped": drop_line("certificate"),
    "the chain cut": cut,
    "a row's commitment": flip(0),
    "a row's purposes": flip(39),
    "a row's sequence": flip(47),
    "a row dropped": shorter,
    "a row doubled": doubled,
    "a day dropped": lambda folder: leaves_file(folder).unlink(),
    "a day brought back": lambda folder: (folder / "days" / f"{DAY}.leaves").write_bytes(b""),
    "a day made up": lambda folder: (folder / "days" / "2025-01-01.leaves").write_bytes(b""),
    "a notice's text": lambda folder: (folder / "notices" / "1-0.toml").write_text("x = 1"),
    "a notice dropped": lambda folder: (folder / "notices" / "1-0.toml").unlink(),
    "a checkpoint's hash": lambda folder: rewrite(folder / "checkpoints" / "0.json", hash="0" * 64),
    "a checkpoint's length": lambda folder: rewrite(folder / "checkpoints" / "0.json", records=1 << 40),
    "a checkpoint's roots": lambda folder: rewrite(folder / "checkpoints" / "0.json", roots="0" * 64),
    "a checkpoint's installation": lambda folder: rewrite(folder / "checkpoints" / "0.json", installation="0" * 64),
    "a checkpoint that is none": lambda folder: (folder / "checkpoints" / "0.json").write_text("[]"),
    "the manifest's head": lambda folder: rewrite(folder / "manifest.json", hash="0" * 64),
    "the manifest's length": lambda folder: rewrite(folder / "manifest.json", records=3),
}


def rewrite(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_every_part_of_the_bundle_that_is_flipped_is_found(unpacked: Path, tmp_path: Path) -> None:
    """One bundle, tampered with in every way in turn; each must end with exit code 1 and a place."""
    missed = []
    for name, tamper in TAMPERED.items():
        folder = tmp_path / "tampered"
        shutil.copytree(unpacked, folder)
        tamper(folder)
        code, said = verdict(folder, tmp_path, "--lang", "en")
        if code != 1 or "✗" not in said or "Everything holds" in said:
            missed.append((name, code, said))
        shutil.rmtree(folder)
    assert missed == []


# --- what a flawless forgery of the bundle would have to get past ----------------------------------------------------


def forge(folder: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Rewrite the chain of the bundle without a flaw, as its maker could."""
    path, previous = folder / "chain.ndjson", bytes(32)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    change(records)
    for number, one in enumerate(records, 1):
        one["seq"] = number
        if "salt" in one:
            content = {k: one[k] for k in ("open", "rest", "site")} if "open" in one else None
            content = content or {"body": one["body"], "site": one["site"], "visitor": None}
            canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
            one["commitment"] = hashlib.sha256(bytes.fromhex(one["salt"]) + canonical).hexdigest()
        text = f"{number}\x00{one['kind']}\x00{one['at']}\x00".encode()
        previous = hashlib.sha256(previous + text + bytes.fromhex(one["commitment"])).digest()
        one["hash"] = previous.hex()
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    first = records[0]["hash"]
    rewrite(folder / "manifest.json", records=len(records), hash=previous.hex(), installation=first)
    for kept in (folder / "checkpoints").iterdir():
        kept.unlink()


def longer(records: list[dict[str, Any]]) -> None:
    """The last consent covers everything."""
    consent = [one for one in records if one["kind"] == "consent" and "open" in one][-1]
    consent["open"]["given"] = ["statistics", "personalisation"]


def test_a_flawless_forgery_of_the_bundle_is_found_by_a_checkpoint(
    lived: House, unpacked: Path, tmp_path: Path
) -> None:
    (tmp_path / "kept.json").write_text(checkpoint(lived)[1].text())
    forge(unpacked, longer)
    code, said = verdict(unpacked, tmp_path, "--lang", "en", "--checkpoint", "kept.json")
    assert code == 1
    assert "rewritten" in said or "begun anew" in said


def no_longer_given(records: list[dict[str, Any]]) -> None:
    for one in records:
        if one["kind"] == "consent" and "open" in one:
            one["open"]["given"] = []


def withdrawn(records: list[dict[str, Any]]) -> None:
    follows = max(one["seq"] for one in records if one["kind"] == "consent" and "open" in one)
    first = next(one for one in records if one["kind"] == "consent" and "open" in one and one["seq"] == follows)
    said = {"given": [], "withdrawn": first["open"]["given"], "follows": follows, "notice": "v1"}
    records.append(
        {"kind": "consent", "at": records[-1]["at"] - 10 * 86_400_000, "salt": "00", "rest": "", "open": said}
    )
    records[-1]["site"] = 1


def unapproved(records: list[dict[str, Any]]) -> None:
    for one in records:
        if one["kind"] == "approval":
            one["body"]["destructions"] = []


def out_of_order(records: list[dict[str, Any]]) -> None:
    kinds = [one["kind"] for one in records]
    a, b = kinds.index("approval"), kinds.index("destruction")
    records[a], records[b] = records[b], records[a]


def uncertified(records: list[dict[str, Any]]) -> None:
    for one in records:
        if one["kind"] == "certificate" and "destruction" in one["body"]:
            one["kind"] = "refused"


def erasure_gone(records: list[dict[str, Any]]) -> None:
    for one in records:
        if one["kind"] == "erasure":
            one["body"]["records"] = []


def unexplained(records: list[dict[str, Any]]) -> None:
    for one in records:
        if one["kind"] == "sealed":
            for entry in one["body"]["days"]:
                entry.pop("endings", None)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (no_longer_given, "no consent on the ledger covers"),
        (withdrawn, "was withdrawn by record"),
        (unapproved, "skipped a step"),
        (out_of_order, "out of order"),
        (uncertified, "begun and is not certified"),
        (erasure_gone, "nothing on the ledger ended it"),
        (unexplained, "the endings that it names are not on the ledger"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_s5_3_a_chain_that_tells_of_something_unlawful_is_found(
    unpacked: Path, tmp_path: Path, change: Callable[[list[dict[str, Any]]], None], word: str
) -> None:
    """Not the arithmetic but what it says: whoever made such a chain did what the rule forbids."""
    forge(unpacked, change)
    code, said = verdict(unpacked, tmp_path, "--lang", "en")
    assert code == 1
    assert word in said


def test_k17_a_day_past_its_period_is_found(lived: House, unpacked: Path, tmp_path: Path) -> None:
    holds = {"made_at": at("2027-03-20T00:00")}
    rewrite(unpacked / "manifest.json", **holds)
    assert verdict(unpacked, tmp_path, "--lang", "en")[0] == 0, "a legal hold stands"
    forge(
        unpacked,
        lambda records: [one["body"].update(until="2026-04-01") for one in records if one["kind"] == "hold"] and None,
    )
    code, said = verdict(unpacked, tmp_path, "--lang", "en")
    assert code == 1
    assert "its period ended with 2027-03-11" in said


@pytest.mark.parametrize(
    "name", ["letter.txt", "\x1b[1mEverything holds.", "notices/deep/letter.txt", "other/chain.ndjson"]
)
@pytest.mark.parametrize("packed", [False, True], ids=["unpacked", "zip"])
def test_a_file_of_which_nothing_was_verified_is_named(
    tmp_path: Path, unpacked: Path, name: str, *, packed: bool
) -> None:
    place = unpacked / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("Everything holds.")
    bundle = Path(shutil.make_archive(str(tmp_path / "again"), "zip", unpacked)) if packed else unpacked
    done = run(unpacked / SCRIPT, str(bundle), "--lang", "en", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    said = done.stdout.splitlines()
    assert said[-1] == "Everything holds."
    assert [line for line in said if "1 files in the bundle" in line and line.endswith(name.replace("\x1b", "\\u001b"))]


def test_what_is_no_bundle_is_said_to_be_none(tmp_path: Path, unpacked: Path) -> None:
    done = run(unpacked / SCRIPT, str(tmp_path / "nothing.zip"), cwd=tmp_path)
    assert done.returncode == 2
    assert "cannot be read" in done.stderr


def test_a_bundle_beside_a_collector_that_writes_is_of_one_moment(lived: House, tmp_path: Path) -> None:
    """A withdrawal while the leaves are written: the days are sealed anew and the bundle is made again."""
    visitor = lived.arrive()
    lived.visit(visitor, "2026-03-11T22:00")
    seal(lived)
    done: list[int] = []

    def advance() -> None:
        if not done:
            done.append(1)
            lived.choose((), ALL, visitor)

    file = tmp_path / "evidence.zip"
    evidence.write(lived.core, file, verify(lived.core), (), advance, lambda: seal(lived))
    assert done
    with zipfile.ZipFile(file) as packed:
        packed.extractall(tmp_path / "unpacked")
    assert verdict(tmp_path / "unpacked", tmp_path)[0] == 0
