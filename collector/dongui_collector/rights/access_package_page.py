"""The access package as one page to read and print: self-contained, without a script, in Korean or English.

Everything that came from outside is escaped. The page is written as a stream; what the events add up to has to stand
above them, so they are read twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from dongui.i18n import LANGUAGES
from dongui.i18n import words as words_of
from dongui.policy.period import Period
from dongui.policy.words import basis_name, citation, country_name

from dongui_collector.retention.installation import Installation
from dongui_collector.rights import access_package
from dongui_collector.rights.grounds import kind_of
from dongui_collector.rights.items import Items
from dongui_collector.rights.subjects import Subject
from dongui_collector.storage.contract.values import Json

_STYLE = """
body{font:15px/1.6 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:70rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #bbb}
table{border-collapse:collapse;width:100%;min-width:44rem;font-size:.9rem}
th,td{border:1px solid #ccc;padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{background:#f3f3f3}.scroll{overflow-x:auto}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}
dd{margin:0}code{font-size:.85em;white-space:pre-wrap}
@media print{body{max-width:none;padding:0}tr{break-inside:avoid}.scroll{overflow:visible}table{min-width:0}}
"""
_ROWS = 100
_NAMED = ("id", "day", "at", "name", "url", "purposes", "notice", "visitor", "kept_until")  # all else is a detail


def as_html(core: Installation, subject: Subject, scope: access_package.AccessScope, lang: str) -> Iterator[bytes]:
    """The page in pieces; ``lang`` is one of the policy's languages."""
    items = Items(core.registry, core.retention.periods)
    head = access_package.head(core, subject, items, scope)
    for _ in access_package.events(core, subject, items):
        yield b""  # counted, to stand above the list; a page a step
    page = _Page(head, lang)
    yield from (part.encode() for part in page.before(items.table()))
    again = Items(core.registry, core.retention.periods)
    rows = (row for some in access_package.events(core, subject, again) for row in some)
    parts = page.events(rows)
    while some := list(islice(parts, _ROWS)):
        yield "".join(some).encode()


class _Page:
    """The page's parts, as text."""

    def __init__(self, head: Json, lang: str) -> None:
        self._head, self._lang = head, lang
        self._w = words_of(lang if lang in LANGUAGES else "en", "access package")
        self._zone = ZoneInfo(head["timezone"])

    def before(self, table: Sequence[Json]) -> Iterator[str]:
        """Everything above the events."""
        head, w = self._head, self._w
        yield f'<!doctype html>\n<html lang="{escape(self._lang)}">\n<head>\n<meta charset="utf-8">'
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
        title = f"{w['title']} – {self._of(head['service'])}"
        yield f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>"
        yield f"<h1>{escape(title)}</h1>\n<dl>"
        facts = (
            ("made", self._time(head["made_at"])),
            ("controller", f"{head['controller']['name']} ({head['controller']['contact']})"),
            ("officer", f"{self._of(head['officer']['title'])} ({head['officer']['contact']})"),
            ("notice", head["notice"]),
        )
        yield from (f"<dt>{w[name]}</dt><dd>{escape(value)}</dd>" for name, value in facts)
        yield f"</dl>\n<p>{w['about_' + head['subject']]}</p>"
        if head["suspended"]:
            yield f"<p><strong>{w['suspended']}</strong></p>"
        yield self._items(table)
        yield self._consents()
        yield self._channels()
        yield self._records()
        yield self._disclosures()
        yield self._parties()
        yield self._requests()
        yield self._remedies()

    def events(self, rows: Iterable[Json]) -> Iterator[str]:
        """The events and the page's end."""
        w = self._w
        heads = "".join(
            f'<th scope="col">{w[name]}</th>' for name in ("at", "name", "place", "details", "why", "until")
        )
        yield f'\n<h2>{w["events"]}</h2>\n<div class="scroll"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>'
        for row in rows:
            details = {name: value for name, value in row.items() if name not in _NAMED and value is not None}
            cells = (
                self._time(row["at"]) if row["at"] is not None else w["no_time"],
                row["name"] or "–",
                row["url"] or "–",
                json.dumps(details, ensure_ascii=False) if details else "–",
                f"{', '.join(row['purposes'])} ({row['notice']})",
                row["kept_until"] or "–",
            )
            yield _row(cells)
        yield "\n</tbody></table></div>\n</body>\n</html>\n"

    # -- sections

    def _items(self, table: Sequence[Json]) -> str:
        rows = []
        for entry in table:
            basis = basis_name(entry["basis"], self._lang) if entry["basis"] else "–"
            law = f" – {self._of(entry['law'])}" if entry["law"] else ""
            keep = f"{Period.parse(entry['keep']).days_text(self._lang)} ({self._w['keep']})"
            why = f"{self._of(entry['purpose_label'])} ({entry['notice']})"
            ends = entry["until"] or keep
            rows.append((self._of(entry["label"]), why, basis + law, entry["number"], entry["since"] or "–", ends))
        return self._table("items", ("item", "why", "basis", "number", "since", "until"), rows)

    def _consents(self) -> str:
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
        lead = f"<p>{self._w['consents_lead']}</p>" if rows else ""
        return self._table("consents", ("at", "state", "what", "notice"), rows, lead)

    def _channels(self) -> str:
        """Only where there are any: most sites have none."""
        stands = self._head["channels"]["state"]
        if not stands:
            return ""
        rows = []
        for id, one in stands.items():
            state = self._w.get(one["state"], self._w["unasked"])
            rows.append((id, state, self._time(one["at"]) if one["at"] else "–", one["confirm_by"] or "–"))
        return self._table("channels", ("name", "state", "at", "confirm_by"), rows)

    def _records(self) -> str:
        rows = []
        for record in self._head["records"]:
            apart = f" ({self._w['archived']})" if record["archived"] else ""
            data = record["data"]
            content = self._w["facts_only"] if data is None else json.dumps(data, ensure_ascii=False)
            law = self._of(record["law"]) if record["law"] else "–"
            when = self._time(record["at"])
            rows.append((when, record["class"] + apart, record["source"], content, law, record["kept_until"]))
        return self._table("records", ("at", "class", "source", "what", "law", "until"), rows)

    def _disclosures(self) -> str:
        rows = []
        for went in self._head["disclosures"]:
            purposes, items = (", ".join(went.get(name) or ()) or "–" for name in ("purposes", "items"))
            rows.append(
                (self._time(went["at"]), went["recipient"], self._country(went.get("country")), purposes, items)
            )
        return self._table("disclosures", ("at", "recipient", "country", "why", "item"), rows)

    def _parties(self) -> str:
        rows = []
        for party in self._head["processors"]:
            facts = (self._w[party["kind"]], party["name"], self._of(party["task"]))
            rows.append((*facts, self._country(party["country"]), ", ".join(party["purposes"])))
        return self._table("processors", ("kind", "name", "task", "country", "why"), rows)

    def _requests(self) -> str:
        rows = []
        for asked in self._head["requests"]:
            said = [
                " ".join((self._w[a["outcome"]], citation(a["ground"] or "", self._lang), a["reason"])).strip()
                for a in asked["answers"]
            ]
            kind = self._w[f"kind_{kind_of(asked['kind'])}"]
            rows.append((self._time(asked["at"]), kind, asked["text"] or "–", asked["due"], "; ".join(said) or "–"))
        return self._table("requests", ("at", "kind", "what", "due", "answer"), rows)

    def _remedies(self) -> str:
        rows = []
        for place in self._head["remedies"]:
            ways = [way for name in ("contact", "telephone", "url") if (way := place.get(name))]
            rows.append((self._of(place["name"]), ", ".join(ways)))
        return self._table("remedies", ("name", "where"), rows)

    # -- small parts

    def _table(self, title: str, names: Sequence[str], rows: Sequence[Sequence[Any]], lead: str = "") -> str:
        heading = f"\n<h2>{self._w[title]}</h2>\n{lead}"
        if not rows:
            return f"{heading}<p>{self._w['none']}</p>"
        heads = "".join(f'<th scope="col">{self._w[name]}</th>' for name in names)
        body = "".join(_row(row) for row in rows)
        table = f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>{body}</tbody></table>"
        return f'{heading}<div class="scroll">{table}</div>'

    def _country(self, code: str | None) -> str:
        return country_name(code, self._lang) if code else "–"

    def _of(self, text: Mapping[str, str] | str | None) -> str:
        if text is None or isinstance(text, str):
            return text or "–"
        return text.get(self._lang) or next(iter(text.values()), "–")

    def _time(self, at: int) -> str:
        return f"{datetime.fromtimestamp(at / 1000, self._zone):%Y-%m-%d %H:%M:%S %Z}"


def _row(cells: Iterable[Any]) -> str:
    return "\n<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>"
