"""What is unlawful on its face, or cannot be executed though it loads. One small function a rule, with its citation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dongui.i18n import Message
from dongui.policy.builtin import AD_KEYS, EVENT_ITEMS
from dongui.policy.findings import Found, Rule
from dongui.policy.model import TWO_YEARS, Policy, Purpose
from dongui.policy.necessary import OWN_NAME, covers_own, is_tracker
from dongui.policy.period import Period

LONGEST = Period(days=400)
_PLACEHOLDER = re.compile(r"<.*>|(?:todo|fixme|changeme)\b.*", re.IGNORECASE)


def unlisted_items(policy: Policy) -> Found:
    listed = {item for purpose in policy.purposes.values() for item in purpose.items}
    listed |= {item for channel in policy.channels.values() for item in channel.items}
    for item in policy.items:
        if item not in listed:
            yield f"items.{item}", "is listed by no purpose", "add it to a purpose's items or remove it", "S1.0"


def optional_dependencies(policy: Policy) -> Found:
    for purpose in policy.purposes.values():
        for other in purpose.depends_on:
            if _needed(purpose) and not _needed(policy.purposes[other]):
                message = Message("a required purpose depends on {other}, which a visitor may refuse", other=other)
                remedy = "a service is never denied for refusing what is optional: remove the dependency"
                yield f"purposes.{purpose.id}.depends_on", message, remedy, "K2"


def unwithdrawable(policy: Policy) -> Found:
    for purpose in _consented(policy):
        if "cookie" not in purpose.items:
            message = "rests on consent but does not list the item cookie, so it could not be withdrawn"
            yield f"purposes.{purpose.id}.items", message, 'add "cookie" to its items', "S3.0"


def too_long(policy: Policy) -> Found:
    remedy = "browsers keep no cookie longer: write at most P400D"
    if policy.notice.choice_lifetime.seconds > LONGEST.seconds:
        yield (
            "notice.choice_lifetime",
            Message("{choice_lifetime} is over 400 days", choice_lifetime=policy.notice.choice_lifetime),
            remedy,
            "W6",
        )
    for n, cookie in enumerate(policy.cookies, 1):
        if cookie.lifetime and cookie.lifetime.seconds > LONGEST.seconds:
            yield (
                f"cookies[{n}].lifetime",
                Message("{lifetime} is over 400 days ({name})", lifetime=cookie.lifetime, name=cookie.name),
                remedy,
                "W6",
            )


def forced_consent(policy: Policy) -> Found:
    for purpose in _consented(policy):
        if purpose.required:
            message = "rests on consent and is required, but a consent that cannot be refused is none"
            remedy = 'write required = false, or name the basis that makes it necessary, such as basis = "contract"'
            yield f"purposes.{purpose.id}.required", message, remedy, "K2"


def untold_refusal(policy: Policy) -> Found:
    for purpose in _consented(policy):
        if purpose.refusal is None:
            message = "rests on consent but does not say what refusing changes"
            yield f"purposes.{purpose.id}.refusal", message, "add refusal.ko, refusal.en …", "K1"


def archive_without_law(policy: Policy) -> Found:
    for record in policy.records.values():
        if record.archive and record.law is None:
            message = "archives records past a withdrawal, but names no statute that demands it"
            yield f"records.{record.id}.archive", message, "add law.ko, law.en … or write archive = false", "S5.2"
        if record.on_withdrawal == "archive" and not record.archive:
            message = "moves records to the archive at a withdrawal, but is not archived"
            remedy = 'write archive = true and name the law, or on_withdrawal = "destroy"'
            yield f"records.{record.id}.on_withdrawal", message, remedy, "S5.2"


def archived_consent(policy: Policy) -> Found:
    for purpose in _consented(policy):
        if policy.records[purpose.record].archive:
            message = Message(
                "rests on consent but is kept as {record}, which outlives a withdrawal", record=purpose.record
            )
            yield f"purposes.{purpose.id}.record", message, 'name a class without archive, such as "access_log"', "S3.0"


def consent_in_records(policy: Policy) -> Found:
    for record in policy.records.values():
        for id in record.purposes:
            if policy.purposes[id].basis == "consent":
                message = Message("names {id}, whose events rest on consent and are no records of another basis", id=id)
                yield (
                    f"records.{record.id}.purposes",
                    message,
                    Message("remove {id}; its own record class says how long", id=id),
                    "S1.0",
                )


def floor_above_ceiling(policy: Policy) -> Found:
    for record in policy.records.values():
        if record.min_keep and record.min_keep.seconds > record.keep.seconds:
            message = Message(
                "must be kept for {min_keep} at least, but is kept for {keep}",
                min_keep=record.min_keep,
                keep=record.keep,
            )
            yield f"records.{record.id}.min_keep", message, "make keep as long as min_keep", "K15"


def placeholders(policy: Policy) -> Found:
    """What ``dongui init`` leaves to be filled in: a page that nobody can be written to at is no policy."""
    officer = {f"officer.title.{lang}": title for lang, title in policy.officer.title.items()}
    service = {f"notice.service.{lang}": name for lang, name in policy.notice.service.items()}
    facts = {
        "controller.name": policy.controller.name,
        "controller.contact": policy.controller.contact,
        "officer.contact": policy.officer.contact,
        **officer,
        **service,
    }
    for key, fact in facts.items():
        if _PLACEHOLDER.fullmatch(fact.strip()):
            yield key, "is still a placeholder", "write your own", "K8"


def own_cookies(policy: Policy) -> Found:
    for n, cookie in enumerate(policy.cookies, 1):
        if OWN_NAME.fullmatch(cookie.name) or (cookie.necessary and covers_own(cookie.name)):
            yield (
                f"cookies[{n}].name",
                Message("{name} is dongui's own cookie", name=cookie.name),
                "remove the entry",
                "",
            )


def tracking_called_necessary(policy: Policy) -> Found:
    for n, cookie in enumerate(policy.cookies, 1):
        if cookie.necessary and is_tracker(cookie.name):
            message = Message("{name} follows a visitor around, so no site needs it to work", name=cookie.name)
            remedy = "name the purpose that visitors are asked for instead of necessary"
            yield f"cookies[{n}].necessary", message, remedy, "K2"


def ad_query_keys(policy: Policy) -> Found:
    for key in policy.notice.query_keys:
        if key in AD_KEYS:
            message = Message(
                "{key} identifies a click, so it is the item advertising_id and never part of an address", key=key
            )
            yield "notice.query_keys", message, Message("remove {key}", key=key), "S2.1b"


def merged_channels(policy: Policy) -> Found:
    """Consent to receive advertising is its own, never a purpose's, and the other way round (K16)."""
    tracked = set(EVENT_ITEMS) | {"member_reference"}
    for channel in policy.channels.values():
        key = f"channels.{channel.id}"
        if channel.id in policy.purposes:
            message = "has the id of a purpose, but consent to receive advertising is never one with another"
            yield key, message, "give the channel an id of its own", "K16"
        for item in channel.items:
            if item in tracked:
                message = Message(
                    "lists {item}: what is tracked belongs to a purpose with a consent of its own", item=item
                )
                yield f"{key}.items", message, "list only what is needed to reach the member", "K16"
        if channel.reconfirm.seconds > TWO_YEARS.seconds:
            message = Message("is confirmed every {reconfirm} only", reconfirm=channel.reconfirm)
            yield f"{key}.reconfirm", message, 'write at most reconfirm = "P2Y"', "K16"


def _consented(policy: Policy) -> Iterator[Purpose]:
    return (policy.purposes[id] for id in policy.consent_purposes)


def _needed(purpose: Purpose) -> bool:
    """Whether a visitor cannot refuse it: required, or of another basis than consent."""
    return purpose.required or purpose.basis != "consent"


ERRORS: tuple[Rule, ...] = (
    unlisted_items,
    optional_dependencies,
    unwithdrawable,
    too_long,
    forced_consent,
    untold_refusal,
    archive_without_law,
    archived_consent,
    consent_in_records,
    floor_above_ceiling,
    placeholders,
    own_cookies,
    tracking_called_necessary,
    ad_query_keys,
    merged_channels,
)
