"""What a privacy officer should look at. One small function a rule, with its citation."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import date
from typing import Any

from dongui.i18n import Message
from dongui.policy.findings import Found, Rule
from dongui.policy.model import Party, Policy, Purpose
from dongui.policy.necessary import framework_cookie
from dongui.policy.period import Period

OWN_CLASSES = ("consent_record", "request", "disclosure", "staff_audit")
"""The record classes of dongui's own books, which age out like all others."""

_HALF_A_YEAR = Period(days=180)
_DAY = Period(days=1)
_EXAMPLES = ("@example.com", "@example.org", "@example.net")  # RFC 2606


def unlawful_ceilings(policy: Policy) -> Found:
    stated = tomllib.loads(policy.text).get("records", {}) if policy.text else {}
    for record in policy.records.values():
        said: Any = stated.get(record.id, {})
        if record.law is None and record.id not in OWN_CLASSES and "on_withdrawal" not in said:
            message = Message(
                "keeps for {keep} but names no statute: a ceiling, no reason to keep past a withdrawal",
                keep=record.keep,
            )
            remedy = 'name the law, or say on_withdrawal = "destroy"'
            rule = {"abuse": "S3.1d", "access_log": "S3.1e"}.get(record.id, "K3")
            yield f"records.{record.id}", message, remedy, rule


def wrong_limits(policy: Policy) -> Found:
    for limit in policy.rights.limits:
        if limit.startswith("PIPA 35") and limit != "PIPA 35(4)":
            message = Message("cites {limit} for the limits of access, but the grounds are in PIPA 35(4)", limit=limit)
            yield "rights.limits", message, 'write "PIPA 35(4)"', "S9.4"


def refusal_left_to_browser(policy: Policy) -> Found:
    if "banner" not in policy.rights.cookies:
        message = "leaves the refusal of cookies to the settings of the browser"
        yield "rights.cookies", message, 'add "banner": refusing is as easy as accepting, on the same page', "S6.2"


def unnamed_country(policy: Policy) -> Found:
    for key, party in _parties(policy):
        if party.country is None:
            yield (
                f"{key}.country",
                Message("does not say in which country {name} keeps the items", name=party.name),
                'add country = "KR"',
                "K7",
            )


def overseas(policy: Policy) -> Found:
    for key, party in _parties(policy):
        if party.country in (None, policy.controller.country):
            continue
        for name in ("contact", "transfer", "keep"):
            if getattr(party, name) is None:
                message = Message("{party} is abroad, but {name} is not told", party=party.name, name=name)
                yield (
                    f"{key}.{name}",
                    message,
                    Message("add {name}; contact, time and method, period are disclosed", name=name),
                    "K7",
                )


def recipients_told(policy: Policy) -> Found:
    for n, party in enumerate(policy.recipients, 1):
        if party.keep is None and party.country in (None, policy.controller.country):
            yield (
                f"recipients[{n}].keep",
                Message("does not say how long {name} keeps the items", name=party.name),
                "add keep.ko …",
                "K2",
            )
        for id in party.purposes:
            purpose = policy.purposes[id]
            if purpose.basis != "consent" and purpose.law is None:
                message = Message("{name} gets items for {id} without consent or statute", name=party.name, id=id)
                yield f"recipients[{n}].purposes", message, "ask for a consent of its own, or name the law", "K2"


def beyond_scope(policy: Policy) -> Found:
    for key, party in _parties(policy):
        covered = {item for id in party.purposes for item in policy.purposes[id].items}
        for item in party.items:
            if item not in covered:
                message = Message("{name} gets {item}, which none of its purposes lists", name=party.name, item=item)
                yield f"{key}.items", message, "remove it, or name the purpose that lists it", "S4.0"


def unregistered_providers(policy: Policy) -> Found:
    named = {policy.controller.name, *(party.name for _, party in _parties(policy))}
    for n, cookie in enumerate(policy.cookies, 1):
        if cookie.provider and cookie.provider not in named:
            message = Message(
                "{provider} sets {name} but is neither processor nor recipient",
                provider=cookie.provider,
                name=cookie.name,
            )
            yield f"cookies[{n}].provider", message, "add it to [[processors]] or [[recipients]]", "S4.1"


def advertising_record(policy: Policy) -> Found:
    if not any(_advertises(purpose) for purpose in policy.purposes.values()):
        return
    record = policy.records.get("advertising")
    if record is None or record.law is None or record.keep.seconds < Period(months=6).seconds:
        message = "advertises, but the record of advertising, kept for six months by law, is missing"
        yield "records.advertising", message, 'add [records.advertising] with its law and keep = "P6M"', "K14"


def claimed_encryption(policy: Policy) -> Found:
    for name in policy.safeguards.encrypted:
        if name not in policy.items:
            message = Message("says that {name} is encrypted, but no such item is collected", name=name)
            yield (
                "safeguards.encrypted",
                message,
                'remove it; what is encrypted follows from protect = "encrypt"',
                "S7.2",
            )


def own_classes(policy: Policy) -> Found:
    for id in OWN_CLASSES:
        if id not in policy.records:
            yield (
                f"records.{id}",
                "is missing, so these records have no period",
                Message("add [records.{id}] with keep", id=id),
                "K3",
            )
    audit = policy.records.get("staff_audit")
    if audit and (audit.min_keep is None or audit.min_keep.seconds < Period(years=1).seconds):
        message = "records of staff access are kept for a year at least"
        yield "records.staff_audit.min_keep", message, 'write min_keep = "P1Y"', "K12"


def children(policy: Policy) -> Found:
    if policy.notice.minimum_age < 14:
        message = "lets children under 14 in, whose consent a guardian must give and dongui cannot verify"
        yield "notice.minimum_age", message, "write minimum_age = 14", "K4"


def unheeded_signal(policy: Policy) -> Found:
    for purpose in _consented(policy):
        if _advertises(purpose) and "gpc" not in purpose.opt_out_signals:
            message = "is about advertising but does not heed Global Privacy Control"
            yield f"purposes.{purpose.id}.opt_out_signals", message, 'write opt_out_signals = ["gpc"]', "W1"


def consent_keys_elsewhere(policy: Policy) -> Found:
    for purpose in policy.purposes.values():
        if purpose.basis == "consent":
            continue
        for name in ("opt_out_signals", "reconfirm"):
            if getattr(purpose, name):
                message = Message("has no effect: {id} does not rest on consent", id=purpose.id)
                yield f"purposes.{purpose.id}.{name}", message, "remove it", ""
        if purpose.basis == "legal_obligation" and purpose.law is None:
            yield f"purposes.{purpose.id}.law", "rests on an obligation but names no law", "add law.ko …", "K2"


def silence_without_term(policy: Policy) -> Found:
    for purpose in policy.purposes.values():
        if purpose.silence == "ends" and purpose.reconfirm is None:
            message = "says that silence ends the consent, but not after which period"
            yield f"purposes.{purpose.id}.silence", message, 'write reconfirm = "P2Y", or remove the key', "K16"


def archive_keys_elsewhere(policy: Policy) -> Found:
    for record in policy.records.values():
        if record.items and not record.archive:
            message = "names what a statute keeps apart, but the class is not archived"
            yield f"records.{record.id}.items", message, "remove it, or write archive = true and name the law", "S5.2"


def joining(policy: Policy) -> Found:
    for purpose in policy.purposes.values():
        if purpose.joins_earlier and "member_reference" not in purpose.items:
            message = "joins earlier behaviour to a member but does not list member_reference"
            yield f"purposes.{purpose.id}.joins_earlier", message, "list member_reference, or remove the key", "K18"


def short_memory(policy: Policy) -> Found:
    if policy.notice.choice_lifetime.seconds < _HALF_A_YEAR.seconds:
        message = Message(
            "asks again after {choice_lifetime}; refusals, too, are remembered for six months",
            choice_lifetime=policy.notice.choice_lifetime,
        )
        yield "notice.choice_lifetime", message, 'write choice_lifetime = "P180D"', "W4"


def shadowed_cookies(policy: Policy) -> Found:
    for n, cookie in enumerate(policy.cookies, 1):
        earlier = next((other for other in policy.cookies[: n - 1] if _covers(other.name, cookie.name)), None)
        if earlier is not None:
            message = Message(
                "{name} is never reached: {earlier} above it fits the same names",
                name=cookie.name,
                earlier=earlier.name,
            )
            yield f"cookies[{n}].name", message, "move it above, or remove it", ""
        if cookie.purpose and "cookie" not in policy.purposes[cookie.purpose].items:
            message = Message("{purpose} does not list the item cookie", purpose=cookie.purpose)
            yield (
                f"cookies[{n}].purpose",
                message,
                Message('add "cookie" to purposes.{purpose}.items', purpose=cookie.purpose),
                "S1.0",
            )


def necessary_for_long(policy: Policy) -> Found:
    for n, cookie in enumerate(policy.cookies, 1):
        if cookie.necessary and cookie.lifetime and cookie.lifetime.seconds > _DAY.seconds:
            message = Message(
                "{name} is stored for {lifetime} without consent", name=cookie.name, lifetime=cookie.lifetime
            )
            remedy = (
                'let it end with the session or within a day: lifetime = "session"; else have the longer need at hand'
            )
            yield f"cookies[{n}].lifetime", message, remedy, "K2"


def login_under_consent(policy: Policy) -> Found:
    for n, cookie in enumerate(policy.cookies, 1):
        known = framework_cookie(cookie.name)
        if known and cookie.purpose in policy.consent_purposes:
            message = Message(
                "{name} signs people in with {framework} or guards its forms; refusing {purpose} shuts people out",
                name=cookie.name,
                framework=known.framework,
                purpose=cookie.purpose,
            )
            remedy = Message('write necessary = "{reason}" instead of the purpose', reason=known.reason["en"])
            yield f"cookies[{n}].purpose", message, remedy, "K2"


def example_contacts(policy: Policy) -> Found:
    for key, contact in (
        ("controller.contact", policy.controller.contact),
        ("officer.contact", policy.officer.contact),
    ):
        if contact.lower().endswith(_EXAMPLES):
            yield key, Message("{contact} reaches nobody", contact=contact), "write your own", "K8"


def past_date(policy: Policy, today: date) -> Found:
    """Not one of the rules: what is published stays in force long after its date."""
    if policy.notice.effective < today:
        message = Message("{effective} is in the past", effective=policy.notice.effective)
        yield "notice.effective", message, "write the day from which it holds, today or later", "SA"


def page_title(policy: Policy) -> Found:
    if policy.controller.country == "KR" and "ko" not in policy.notice.languages:
        message = "has no Korean, so the page cannot be found as 개인정보 처리방침"
        yield "notice.languages", message, 'write languages = ["ko", "en"]', "K8"


def no_remedies(policy: Policy) -> Found:
    if not policy.remedies:
        yield "remedies", "names nobody else to turn to", "add [[remedies]], such as privacy.kisa.or.kr, 118", "S11"


def _consented(policy: Policy) -> Iterator[Purpose]:
    return (policy.purposes[id] for id in policy.consent_purposes)


def _advertises(purpose: Purpose) -> bool:
    return "advertising_id" in purpose.items or any(word.startswith("ad_") for word in purpose.google_consent)


def _parties(policy: Policy) -> Iterator[tuple[str, Party]]:
    for n, party in enumerate(policy.processors, 1):
        yield f"processors[{n}]", party
    for n, party in enumerate(policy.recipients, 1):
        yield f"recipients[{n}]", party


def _covers(earlier: str, later: str) -> bool:
    """Whether every name that fits ``later`` fits ``earlier``: told for equal globs and one trailing star."""
    if earlier == later:
        return True
    return earlier.endswith("*") and "*" not in earlier[:-1] and later.startswith(earlier[:-1])


WARNINGS: tuple[Rule, ...] = (
    unlawful_ceilings,
    wrong_limits,
    refusal_left_to_browser,
    unnamed_country,
    overseas,
    recipients_told,
    beyond_scope,
    unregistered_providers,
    advertising_record,
    claimed_encryption,
    own_classes,
    children,
    unheeded_signal,
    consent_keys_elsewhere,
    silence_without_term,
    archive_keys_elsewhere,
    joining,
    short_memory,
    shadowed_cookies,
    necessary_for_long,
    login_under_consent,
    example_contacts,
    page_title,
    no_remedies,
)
