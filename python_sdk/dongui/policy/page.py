"""A policy as a page: every section that the law asks for (K8), filled from the same values that the gate works by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from urllib.parse import urlencode

from dongui.policy.blocks import Block, Bullets, Inline, Link, Page, Paragraph, Section, Subheading, Table
from dongui.policy.compile import keep_text, lifetime_text
from dongui.policy.model import Clause, CookieRule, Party, Policy, Purpose
from dongui.policy.view import View
from dongui.policy.words import basis_name, citation, country_name, language_name, long_date

Earlier = Sequence[tuple[str, date]]


def page(policy: Policy, lang: str, *, earlier: Earlier = (), site: str | None = None) -> Page:
    """The page in ``lang``; ``earlier`` are versions (and the dates they took effect) to link, of ``site`` if named."""
    view = View(policy, lang)
    others = [other for other in policy.notice.languages if other != lang]
    return Page(
        lang=lang,
        title=view.say("title"),
        service=view.of(policy.notice.service),
        status=view.say("in_force", version=policy.notice.version, effective=long_date(policy.notice.effective, lang)),
        intro=view.say("intro", controller=policy.controller.name, service=view.of(policy.notice.service)),
        skip=view.say("skip"),
        contents=view.say("contents"),
        languages_label=view.say("languages"),
        languages=tuple((other, Link(language_name(other), _query(site, lang=other))) for other in others),
        sections=(*(make(view) for make in SECTIONS), _history(view, earlier, site)),
    )


def _query(site: str | None, **values: str) -> str:
    """A relative link to this page, so that it holds behind any prefix."""
    return "?" + urlencode(({"site": site} if site else {}) | values)


def _purposes(view: View) -> Section:
    purposes = view.policy.purposes.values()
    rows = [(view.of(p.label), view.of(p.description), basis_name(p.basis, view.lang)) for p in purposes]
    table = view.table("purposes", ("purpose", "description", "basis"), rows)
    return view.section("purposes", Paragraph(view.say("purposes.only")), table)


def _items(view: View) -> Section:
    asked = [p for p in view.policy.purposes.values() if p.basis == "consent"]
    other = [p for p in view.policy.purposes.values() if p.basis != "consent"]
    how = view.policy.items.values()
    ways = list(dict.fromkeys(item.collected for item in how))
    consented = [(*_kept(view, p), view.of(p.refusal)) for p in asked]
    founded = [(*_kept(view, p), _basis(view, p)) for p in other]
    founded += [_exempt(view, cookie) for cookie in view.policy.cookies if cookie.necessary]
    collected = [(view.say(f"collected.{way}"), view.items(i.id for i in how if i.collected == way)) for way in ways]
    return view.section(
        "items",
        Subheading(view.say("items.consent")),
        Paragraph(view.say("items.consent.text")),
        view.table("items.consent", ("purpose", "item", "period", "refusal"), consented),
        *_channels(view),
        Subheading(view.say("items.other")),
        view.table("items.other", ("purpose", "item", "period", "basis"), founded) or Paragraph(view.say("none")),
        Subheading(view.say("collected")),
        view.table("collected", ("collected", "item"), collected),
    )


def _kept(view: View, purpose: Purpose) -> tuple[str, str, str]:
    return view.of(purpose.label), view.items(purpose.items), keep_text(view.policy, purpose, view.lang)


def _exempt(view: View, cookie: CookieRule) -> tuple[str, str, str, str]:
    """A cookie that nobody is asked for, among what is processed without consent (K2, K8)."""
    item = f"{view.say('cookie')} ({cookie.name})"
    basis = basis_name(cookie.basis or "contract", view.lang)
    return view.of(cookie.necessary), item, lifetime_text(cookie, view.lang), basis


def _basis(view: View, purpose: Purpose) -> str:
    basis = basis_name(purpose.basis, view.lang)
    return f"{basis} ({view.of(purpose.law)})" if purpose.law else basis


def _periods(view: View) -> Section:
    records = view.policy.records.values()
    rows = [
        (view.of(r.label), r.keep.days_text(view.lang), view.of(r.law) if r.law else view.say("law.none"))
        for r in records
    ]
    archived = any(record.archive for record in records)
    return view.section(
        "periods",
        Paragraph(view.say("periods.text")),
        view.table("periods", ("record", "period", "law"), rows),
        Paragraph(view.say("archive.text")) if archived else None,
        *_clauses(view, "holds.text", view.policy.holds),
    )


def _clauses(view: View, lead: str, clauses: Sequence[Clause]) -> tuple[Block, ...]:
    if not clauses:
        return ()
    return Paragraph(view.say(lead)), Bullets(tuple(f"{view.of(c.label)}: {view.of(c.text)}" for c in clauses))


def _recipients(view: View) -> Section:
    table = _parties(view, "recipients", view.policy.recipients)
    text = Paragraph(view.say("recipients.text"))
    return view.section(
        "recipients",
        text,
        table or Paragraph(view.say("none")),
        *_clauses(view, "disclosures.text", view.policy.disclosures),
    )


def _processors(view: View) -> Section:
    table = _parties(view, "processors", view.policy.processors)
    return view.section("processors", Paragraph(view.say("processors.text")) if table else None, table)


def _parties(view: View, caption: str, parties: Sequence[Party]) -> Table | None:
    rows = [
        (
            _name(view, p),
            view.of(p.task),
            view.purposes(p.purposes),
            view.items(p.items),
            _country(view, p),
            view.of(p.keep),
        )
        for p in parties
    ]
    return view.table(caption, ("party", "task", "purpose", "item", "country", "period"), rows)


def _name(view: View, party: Party) -> str:
    return view.say("engaged_by", name=party.name, by=party.engaged_by) if party.engaged_by else party.name


def _country(view: View, party: Party) -> str:
    return country_name(party.country, view.lang) if party.country else "–"


def _overseas(view: View) -> Section:
    home = view.policy.controller.country
    abroad = [p for p in (*view.policy.processors, *view.policy.recipients) if p.country not in (None, home)]
    rows = [
        (
            party.name,
            _contact(party.contact or "–"),
            _country(view, party),
            view.of(party.transfer),
            view.items(party.items),
            view.of(party.task),
            view.of(party.keep),
        )
        for party in abroad
    ]
    table = view.table("overseas", ("party", "contact", "country", "transfer", "item", "task", "period"), rows)
    return view.section("overseas", table, Paragraph(view.say("overseas.refusal")) if table else None)


def _contact(contact: str) -> Inline:
    """A contact as a link where it is an address of the web or of mail."""
    if contact.startswith(("https://", "http://")):
        return Link(contact, contact)
    return Link(contact, f"mailto:{contact}") if "@" in contact and " " not in contact else contact


def _destruction(view: View) -> Section:
    steps = (view.say("destruction.procedure"), view.say("destruction.method"))
    return view.section("destruction", Paragraph(view.say("destruction.when")), Bullets(steps))


def _cookies(view: View) -> Section:
    policy = view.policy
    rows = [
        (c.name, _serves(view, c), c.provider or policy.controller.name, lifetime_text(c, view.lang))
        for c in policy.cookies
    ]
    exempt = any(cookie.necessary for cookie in policy.cookies)
    choice = policy.notice.choice_lifetime.days_text(view.lang)
    effects = tuple(f"{view.of(p.label)}: {view.of(p.refusal)}" for p in policy.purposes.values() if p.refusal)
    return view.section(
        "cookies",
        Paragraph(view.say("cookies.text")),
        Paragraph(view.say("cookies.own", period=choice)),
        Paragraph(view.say("cookies.necessary")) if exempt else None,
        view.table("cookies", ("cookie", "purpose", "provider", "lifetime"), rows),
        Subheading(view.say("refuse.how")),
        Bullets(tuple(view.say(f"refuse.{way}") for way in policy.rights.cookies)),
        Paragraph(view.say("refuse.effect")) if effects else None,
        Bullets(effects) if effects else None,
    )


def _serves(view: View, cookie: CookieRule) -> str:
    if cookie.purpose:
        return view.purposes((cookie.purpose,))
    return view.say("cookies.exempt", reason=view.of(cookie.necessary))


def _behaviour(view: View) -> Section:
    """Own and third-party tools: operator, items, purpose, period; how to refuse each."""
    policy = view.policy
    own = [
        (policy.controller.name, view.of(p.label), view.items(p.items), keep_text(policy, p, view.lang))
        for p in policy.purposes.values()
        if p.basis == "consent"
    ]
    operators = {cookie.provider for cookie in policy.cookies if not cookie.necessary}
    others = [
        (party.name, view.purposes(party.purposes), view.items(party.items), view.of(party.keep))
        for party in (*policy.processors, *policy.recipients)
        if party.name in operators
    ]
    signals = [p.id for p in policy.purposes.values() if "gpc" in p.opt_out_signals]
    return view.section(
        "behaviour",
        Paragraph(view.say("behaviour.text")),
        view.table("behaviour", ("tool", "purpose", "item", "period"), [*own, *others]),
        Paragraph(view.say("behaviour.refuse")),
        Paragraph(view.say("behaviour.gpc", purposes=view.purposes(signals))) if signals else None,
    )


def _channels(view: View) -> list[Block]:
    """Advertising that members may receive, by channel: each a consent of its own (K16). Nothing without channels."""
    channels = view.policy.channels.values()
    if not channels:
        return []
    rows: list[tuple[Inline, ...]] = []
    for channel in channels:
        night = view.say("channels.night") if channel.night else view.say("channels.day")
        items = view.items(channel.items)
        rows.append((view.of(channel.label), night, items, channel.reconfirm.days_text(view.lang)))
    table = view.table("channels", ("channels.channel", "channels.hours", "item", "channels.confirmed"), rows)
    said: list[Block] = [Subheading(view.say("channels")), Paragraph(view.say("channels.text"))]
    return [*said, *([table] if table else [])]


def _rights(view: View) -> Section:
    rights, officer = view.policy.rights, view.policy.officer
    limits = ", ".join(citation(limit, view.lang) for limit in rights.limits)
    return view.section(
        "rights",
        Paragraph(view.say("rights.what")),
        Bullets(tuple(view.say(f"rights.{method}", contact=officer.contact) for method in rights.methods)),
        Paragraph(view.say("rights.agent")),
        Paragraph(view.say("rights.limits", limits=limits)) if limits else None,
        Paragraph(view.say("rights.erasure")),
        Paragraph(view.say("rights.identity")),
    )


def _automated(view: View) -> Section:
    decisions = tuple(f"{view.of(d.label)}: {view.of(d.text)}" for d in view.policy.automated_decisions)
    if not decisions:
        return view.section("automated", Paragraph(view.say("automated.none")))
    return view.section("automated", Bullets(decisions), Paragraph(view.say("automated.rights")))


def _children(view: View) -> Section:
    return view.section("children", Paragraph(view.say("children.text", age=view.policy.notice.minimum_age)))


def _safety(view: View) -> Section:
    measures = view.policy.safeguards
    said = [
        view.say(f"safety.{kind}", text=view.of(text))
        for kind in ("administrative", "technical", "physical")
        if (text := getattr(measures, kind))
    ]
    for protect, key in (("encrypt", "encrypted"), ("pseudonym", "pseudonym"), ("truncate", "truncate")):
        items = [item.id for item in view.policy.items.values() if item.protect == protect]
        if items:
            said.append(view.say(f"safety.{key}", items=view.items(items)))
    return view.section("safety", Bullets(tuple(said)) if said else None)


def _officer(view: View) -> Section:
    officer = view.policy.officer
    row: tuple[Inline, ...] = (view.of(officer.title), _contact(officer.contact), officer.telephone or "–")
    table = view.table("officer", ("officer.title", "contact", "telephone"), [row])
    return view.section("officer", Paragraph(view.say("officer.text")), table)


def _remedies(view: View) -> Section:
    remedies = view.policy.remedies
    rows: list[tuple[Inline, ...]] = [
        (
            view.of(r.name),
            view.of(r.task),
            Link(r.url, r.url) if r.url else "–",
            r.telephone or "–",
        )
        for r in remedies
    ]
    places = tuple(f"{view.of(r.name)}: {view.of(r.address)}" for r in remedies if r.address)
    return view.section(
        "remedies",
        Paragraph(view.say("remedies.text", controller=view.policy.controller.name)) if rows else None,
        view.table("remedies", ("remedies.body", "task", "contact", "telephone"), rows),
        Bullets(places) if places else None,
    )


def _history(view: View, earlier: Earlier, site: str | None) -> Section:
    effective = long_date(view.policy.notice.effective, view.lang)
    links = tuple(
        Link(
            view.say("history.version", version=version, effective=long_date(since, view.lang)),
            _query(site, lang=view.lang, version=version),
        )
        for version, since in sorted(earlier, key=lambda pair: pair[1], reverse=True)
    )
    return view.section(
        "history",
        Paragraph(view.say("history.text", effective=effective)),
        Subheading(view.say("history.earlier")) if links else None,
        Bullets(links) if links else None,
    )


SECTIONS = (
    _purposes,
    _items,
    _periods,
    _recipients,
    _processors,
    _overseas,
    _destruction,
    _cookies,
    _behaviour,
    _rights,
    _automated,
    _children,
    _safety,
    _officer,
    _remedies,
)
