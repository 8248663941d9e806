"""The access package as one page to read and print: self-contained, without a script, in Korean or English.

Its values are made here; its HTML is a template, which escapes them. The page is written as a stream; what the events
add up to has to stand above them, so they are read twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from dongui.i18n import LANGUAGES
from dongui.i18n import words as words_of
from dongui.policy.period import Period
from dongui.policy.words import basis_name, citation, country_name

from dongui_collector.retention.installation import Installation
from dongui_collector.rights import access_package
from dongui_collector.rights.grounds import kind_of
from dongui_collector.rights.items import Items
from dongui_collector.rights.rendering import streamed
from dongui_collector.rights.subjects import Subject
from dongui_collector.storage.contract.values import Json

_NAMED = ("id", "day", "at", "name", "url", "purposes", "notice", "visitor", "kept_until")  # all else is a detail


def as_html(core: Installation, subject: Subject, scope: access_package.AccessScope, lang: str) -> Iterator[bytes]:
    """The page in pieces; ``lang`` is one of the policy's languages."""
    items = Items(core.registry, core.retention.periods)
    head = access_package.head(core, subject, items, scope)
    for _ in access_package.events(core, subject, items):
        yield b""  # counted, to stand above the list; a page a step
    page = _Page(head, lang)
    again = Items(core.registry, core.retention.periods)
    rows = (page.event(row) for some in access_package.events(core, subject, again) for row in some)
    values = page.above(items.table()) | {"events": rows}
    yield from (part.encode() for part in streamed("access_package.html", **values))


class PackageSection(msgspec.Struct, frozen=True):
    """A table of the page; title, columns and lead are keys of the words."""

    title: str
    names: Sequence[str]
    rows: Sequence[Sequence[object]]
    lead: str = ""


class _Page:
    """The page's values, in one language."""

    def __init__(self, head: Json, lang: str) -> None:
        self._head, self._lang = head, lang
        self._w = words_of(lang if lang in LANGUAGES else "en", "access package")
        self._zone = ZoneInfo(head["timezone"])

    def above(self, table: Sequence[Json]) -> dict[str, Any]:
        """Everything above the events."""
        head, w = self._head, self._w
        return {
            "w": w,
            "lang": self._lang,
            "title": f"{w['title']} – {self._of(head['service'])}",
            "facts": (
                ("made", self._time(head["made_at"])),
                ("controller", f"{head['controller']['name']} ({head['controller']['contact']})"),
                ("officer", f"{self._of(head['officer']['title'])} ({head['officer']['contact']})"),
                ("notice", head["notice"]),
            ),
            "subject": head["subject"],
            "suspended": head["suspended"],
            "sections": [
                self._items(table),
                self._consents(),
                *self._channels(),
                self._records(),
                self._disclosures(),
                self._parties(),
                self._requests(),
                self._remedies(),
            ],
        }

    def event(self, row: Json) -> Sequence[str]:
        """The cells of an event."""
        details = {name: value for name, value in row.items() if name not in _NAMED and value is not None}
        if "received_at" in details:
            details["received_at"] = self._time(details["received_at"])
        return (
            self._time(row["at"]) if row["at"] is not None else self._w["no_time"],
            row["name"] or "–",
            row["url"] or "–",
            json.dumps(details, ensure_ascii=False) if details else "–",
            f"{', '.join(row['purposes'])} ({row['notice']})",
            row["kept_until"] or "–",
        )

    # -- sections

    def _items(self, table: Sequence[Json]) -> PackageSection:
        rows = []
        for entry in table:
            basis = basis_name(entry["basis"], self._lang) if entry["basis"] else "–"
            law = f" – {self._of(entry['law'])}" if entry["law"] else ""
            keep = f"{Period.parse(entry['keep']).days_text(self._lang)} ({self._w['keep']})"
            why = f"{self._of(entry['purpose_label'])} ({entry['notice']})"
            ends = entry["until"] or keep
            rows.append((self._of(entry["label"]), why, basis + law, entry["number"], entry["since"] or "–", ends))
        return PackageSection("items", ("item", "why", "basis", "number", "since", "until"), rows)

    def _consents(self) -> PackageSection:
        rows = []
        for proof in self._head["consents"]:
            shown = {p["id"]: p for p in proof["shown"]["purposes"]}
            for purpose in proof["purposes"]:
                words = shown.get(purpose["purpose"])
                told = "–"
                if words:
                    told = (
                        f"{words['label']}: {words['description']} ({', '.join(words['items'])}; {words['keep_text']})"
                    )
                    told += f" {self._w['refusal']}: {words['refusal']}" if words["refusal"] else ""
                state = self._w[purpose["event"]["state"]]
                when = self._time(int(datetime.fromisoformat(purpose["event"]["time"]).timestamp() * 1000))
                rows.append((when, state, told, proof["notice"]["version"]))
        return PackageSection("consents", ("at", "state", "what", "notice"), rows, "consents_lead" if rows else "")

    def _channels(self) -> list[PackageSection]:
        """Only where there are any: most sites have none."""
        stands = self._head["channels"]["state"]
        if not stands:
            return []
        rows = []
        for id, one in stands.items():
            state = self._w.get(one["state"], self._w["unasked"])
            rows.append((id, state, self._time(one["at"]) if one["at"] else "–", one["confirm_by"] or "–"))
        return [PackageSection("channels", ("name", "state", "at", "confirm_by"), rows)]

    def _records(self) -> PackageSection:
        rows = []
        for record in self._head["records"]:
            apart = f" ({self._w['archived']})" if record["archived"] else ""
            data = record["data"]
            content = self._w["facts_only"] if data is None else json.dumps(data, ensure_ascii=False)
            law = self._of(record["law"]) if record["law"] else "–"
            when = self._time(record["at"])
            rows.append((when, record["class"] + apart, record["source"], content, law, record["kept_until"]))
        return PackageSection("records", ("at", "class", "source", "what", "law", "until"), rows)

    def _disclosures(self) -> PackageSection:
        rows = []
        for went in self._head["disclosures"]:
            purposes, items = (", ".join(went.get(name) or ()) or "–" for name in ("purposes", "items"))
            rows.append(
                (self._time(went["at"]), went["recipient"], self._country(went.get("country")), purposes, items)
            )
        return PackageSection("disclosures", ("at", "recipient", "country", "why", "item"), rows)

    def _parties(self) -> PackageSection:
        rows = []
        for party in self._head["processors"]:
            facts = (self._w[party["kind"]], party["name"], self._of(party["task"]))
            rows.append((*facts, self._country(party["country"]), ", ".join(party["purposes"])))
        return PackageSection("processors", ("kind", "name", "task", "country", "why"), rows)

    def _requests(self) -> PackageSection:
        rows = []
        for asked in self._head["requests"]:
            said = [
                " ".join((self._w[a["outcome"]], citation(a["ground"] or "", self._lang), a["reason"])).strip()
                for a in asked["answers"]
            ]
            kind = self._w[f"kind_{kind_of(asked['kind'])}"]
            rows.append((self._time(asked["at"]), kind, asked["text"] or "–", asked["due"], "; ".join(said) or "–"))
        return PackageSection("requests", ("at", "kind", "what", "due", "answer"), rows)

    def _remedies(self) -> PackageSection:
        rows = []
        for place in self._head["remedies"]:
            ways = [way for name in ("contact", "telephone", "url") if (way := place.get(name))]
            rows.append((self._of(place["name"]), ", ".join(ways)))
        return PackageSection("remedies", ("name", "where"), rows)

    # -- small parts

    def _country(self, code: str | None) -> str:
        return country_name(code, self._lang) if code else "–"

    def _of(self, text: Mapping[str, str] | str | None) -> str:
        if text is None or isinstance(text, str):
            return text or "–"
        return text.get(self._lang) or next(iter(text.values()), "–")

    def _time(self, at: int) -> str:
        return f"{datetime.fromtimestamp(at / 1000, self._zone):%Y-%m-%d %H:%M:%S %Z}"
