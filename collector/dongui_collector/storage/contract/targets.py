"""What can be ended: one typed target for each kind of thing, stored as it is encoded.

A target says *what* is to end (:attr:`Target.what`, which the ledger, the journal and every certificate repeat), and
carries what was resolved about it, so that nobody asks again: under which rules of which class it is due, which holds
stand over it, and the ledger number of the intent that it is carried out for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from dongui_collector.storage.contract.holds import Hold

Rule = tuple[str, str, str]  # record class, how long it is kept, a law's minimum ("" for none)
Ranges = tuple[tuple[int, int], ...]  # inclusive ranges of ledger numbers
T = TypeVar("T", bound="Target")


class Target(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """Something that can be ended. ``v`` is the version of its encoded form: absent is 1."""

    METHOD: ClassVar[str] = "zeroed in place, log truncated"  # how it is destroyed, for the certificate

    v: int = 1
    rules: tuple[Rule, ...] = ()  # the periods under which it is due
    holding: tuple[Hold, ...] = ()  # the holds that stand when it is carried out
    of: int = 0  # the ledger number of its intent

    @property
    def what(self) -> dict[str, Any]:
        """What is to end and nothing else, as JSON: the same for the same thing, whatever was resolved about it."""
        bare = msgspec.structs.replace(self, v=1, rules=(), holding=(), of=0)
        found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(bare))
        return found

    def resolved(self: T, **facts: Any) -> T:
        """The same target with some of ``rules``, ``holding`` and ``of`` filled in."""
        return msgspec.structs.replace(self, **facts)


class DayTarget(Target, frozen=True, kw_only=True, tag="day"):
    """A whole day of events."""

    METHOD: ClassVar[str] = "key destroyed, file and log overwritten and unlinked"

    day: date


class PurposesTarget(Target, frozen=True, kw_only=True, tag="bases"):
    """Some purposes in the rows of a day, of one site and notice version. ``holds`` were foreseen when it was planned.

    ``purposes`` is a bit set.
    """

    METHOD: ClassVar[str] = "purposes cleared row by row, what nothing covers any more zeroed in place, log truncated"

    day: date
    site: int
    notice: int
    purposes: int
    holds: tuple[int, ...]


class RecordsTarget(Target, frozen=True, kw_only=True, tag="records", rename={"class_id": "class", "kept": "except"}):
    """Records of other classes that end together; ``kept`` are the ids (hexadecimal) that holds keep."""

    METHOD: ClassVar[str] = "key destroyed where nothing else needs it, records zeroed in place, log truncated"

    store: Literal["archive", "records"]
    site: int
    class_id: str
    last_day: date
    kept: tuple[str, ...]


class AchievedTarget(Target, frozen=True, kw_only=True, tag="achieved", rename={"class_id": "class"}):
    """Live records whose purpose a person says is achieved (S5.1); ``ids`` are hexadecimal."""

    METHOD: ClassVar[str] = "zeroed in place, log truncated; what other law names moved into the archive"

    site: int
    class_id: str
    ids: tuple[str, ...]


class LedgerTarget(Target, frozen=True, kw_only=True):
    """Contents of ledger records."""

    METHOD: ClassVar[str] = "content and salt zeroed in place, log truncated, commitments kept"

    records: Ranges


class ConsentsTarget(LedgerTarget, frozen=True, kw_only=True, tag="consents"):
    """Consent records."""


class AuditTarget(LedgerTarget, frozen=True, kw_only=True, tag="audit"):
    """Entries of the staff's audit log."""


class BooksTarget(LedgerTarget, frozen=True, kw_only=True, tag="books"):
    """What else the ledger says of our own doing."""


class RequestsTarget(Target, frozen=True, kw_only=True, tag="requests"):
    """Closed privacy requests."""

    METHOD: ClassVar[str] = "content zeroed in place, log truncated"

    requests: tuple[int, ...]


class DisclosuresTarget(Target, frozen=True, kw_only=True, tag="disclosures"):
    """Entries of the disclosure ledger."""

    METHOD: ClassVar[str] = "content and the keyed hashes of whose data it was zeroed in place, log truncated"

    disclosures: tuple[int, ...]


class VisitorTarget(Target, frozen=True, kw_only=True, tag="visitor"):
    """What a withdrawal or an erasure ends: purposes (``bits``, -1 for all) of one visitor, or of a member's records,
    in rows up to the ledger number ``up_to``. Never stored: the intent on the ledger is.

    ``records`` are the ledger records that name whom it concerns, ``decided_at`` is when it was decided (epoch ms),
    ``final`` says that the id stands for nobody any more: what was recorded under it ends as each class says.
    """

    METHOD: ClassVar[str] = "zeroed in place, log truncated; what other law names moved into the archive"

    cause: Literal["withdrawal", "erasure"]
    site: int
    visitor: bytes
    bits: int
    up_to: int
    records: tuple[int, ...] = ()
    reason: str = ""
    decided_at: int = 0
    final: bool = False


class UnreadableTarget(Target, frozen=True, kw_only=True, tag="unreadable"):
    """Stands for a row that was altered by hand: it is no target of the ledger's, so it is put right or lapses."""


SelectedTarget = (
    DayTarget
    | PurposesTarget
    | RecordsTarget
    | AchievedTarget
    | ConsentsTarget
    | AuditTarget
    | BooksTarget
    | RequestsTarget
    | DisclosuresTarget
    | UnreadableTarget
)
NumberedTarget = ConsentsTarget | AuditTarget | BooksTarget | RequestsTarget | DisclosuresTarget
LEDGER_TARGETS: dict[str, type[ConsentsTarget | AuditTarget | BooksTarget]] = {
    "consents": ConsentsTarget,
    "audit": AuditTarget,
    "books": BooksTarget,
}


def target_of(what: Any) -> SelectedTarget:
    """The target that a ledger record, a journal entry or an older installation names as JSON.

    Fields that a later version may add are ignored. Raises :class:`msgspec.ValidationError` for what names none.
    """
    found: SelectedTarget = msgspec.convert(what, SelectedTarget)
    return found


class AppliedRule(msgspec.Struct, frozen=True):
    """A period that made something due, as a certificate names it."""

    class_id: str = msgspec.field(name="class")
    keep: str
    min_keep: str | None


class Quantities(msgspec.Struct, frozen=True, kw_only=True):
    """How much a destruction is of, and what became of it, as far as its kind of target counts that."""

    bytes: int | UnsetType = UNSET
    rows: int | UnsetType | None = UNSET  # None: the file could not be read
    rules: list[AppliedRule] | UnsetType = UNSET
    rows_destroyed: int | UnsetType = UNSET
    rows_reduced: int | UnsetType = UNSET
    in_full: bool | UnsetType = UNSET
    records: int | UnsetType = UNSET
    archived: int | UnsetType = UNSET
    kept: int | UnsetType = UNSET
    erased: int | UnsetType = UNSET


class DestructionCertificate(Quantities, frozen=True, kw_only=True):
    """What was destroyed, why, how, and on whose word: as the ledger says it, at record ``seq``.

    While the destruction runs it says only for which intent and how much. ``what`` is :attr:`Target.what`.
    """

    intent: int | UnsetType = UNSET
    destruction: int | UnsetType = UNSET
    what: dict[str, Any] | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    method: str | UnsetType = UNSET
    selected_by: str | UnsetType = UNSET
    approved_at: int | UnsetType | None = UNSET
    approved_by: str | UnsetType | None = UNSET
    last_key_copy_expires: str | UnsetType = UNSET
    seq: int | UnsetType = UNSET
    at: int | UnsetType = UNSET


class DestructionIntent(Quantities, frozen=True, kw_only=True):
    """The ledger's record that a destruction begins, as far as its certificate repeats it."""

    destruction: int


def encode(target: SelectedTarget) -> str:
    """The stored form: :attr:`Target.what` with the rules that were resolved."""
    return msgspec.json.encode(target, order="deterministic").decode()


def decode(text: str) -> SelectedTarget:
    """The inverse of :func:`encode`; also reads what was stored before targets had versions or rules."""
    try:
        return msgspec.json.decode(text, type=SelectedTarget)
    except msgspec.MsgspecError:
        return UnreadableTarget()


# "lapsed": selected, but no longer due when its turn came (a legal hold, or a wider destruction took its place)
DestructionState = Literal["selected", "approved", "running", "done", "lapsed"]


class Destruction(msgspec.Struct, frozen=True):
    """One destruction from selection to certificate (S5.3: selected → approved → destroyed).

    ``due`` is the first day on which it may no longer be held, ``selected_by`` who chose it ("": its published period),
    ``selected_seq`` the ledger record of the selection: what is said here counts only as far as the ledger says it too.
    ``v`` is the version of this form.
    """

    id: int
    state: DestructionState
    target: SelectedTarget
    reason: str
    selected_at: int
    approved_at: int | None = None
    approved_by: str | None = None
    done_at: int | None = None
    certificate: DestructionCertificate | None = None
    due: date | None = None
    selected_by: str = ""
    selected_seq: int | None = None
    v: int = 1

    @property
    def intent(self) -> int:
        """The ledger number of the intent that it is carried out for; 0 before there is one."""
        known = self.certificate.intent if self.certificate else UNSET
        return 0 if known is UNSET else known

    @property
    def what(self) -> dict[str, Any]:
        """What it destroys, as JSON; see :attr:`Target.what`."""
        return self.target.what


def ranges(numbers: Sequence[int]) -> Ranges:
    """Numbers as inclusive ranges: ``[1, 2, 3, 7] → ((1, 3), (7, 7))``."""
    found: list[tuple[int, int]] = []
    for n in sorted(set(numbers)):
        if found and n == found[-1][1] + 1:
            found[-1] = (found[-1][0], n)
        else:
            found.append((n, n))
    return tuple(found)
