"""What a verification reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from dongui_collector.storage.contract.values import Json


@dataclass(frozen=True, slots=True)
class VerificationFinding:
    """Something that is not as it must be. ``where`` is the place, without any identifier; ``remedy`` what to do."""

    where: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(slots=True)
class Verification:
    """The outcome: nothing in ``findings`` means that everything held."""

    findings: list[VerificationFinding] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)
    head: Json = field(default_factory=lambda: {"records": 0, "hash": ""})

    @property
    def ok(self) -> bool:
        return not self.findings

    def json(self) -> Json:
        return {
            "ok": self.ok,
            "findings": [asdict(f) for f in self.findings],
            "checked": self.checked,
            "head": self.head,
        }
