"""Which views of the desk show personal data, and under which action each look is written down (S7.2, K12).

Every route of the desk stands in exactly one of the tables; ``tests/desk/test_desk_looks.py`` walks them all, opens
what is audited and looks for its entry. A view that shows persons asks for ``audit.look``, or for an operation that
writes the entry itself, *before* it shows anything.
"""

from __future__ import annotations

from collections.abc import Mapping

# Endpoint → the action under which a look is on the access log.
AUDITED: Mapping[str, str] = {
    "api.export": "export",
    "requests.show": "request.show",
    "keeping.archive_read": "archive.read",
    "requests.package": "request.package",
    "requests.letter": "request.show",
    "consent.look_up": "receipt.show",
}

# Endpoint → what is handed to a recipient there: with whose data it was in the disclosure ledger (S4), which the access
# package shows.
DISCLOSED: Mapping[str, str] = {
    "api.profiles": "profiles whose owners allow it (S4.2b)",
    "disclosures.hand_over": "a transfer whose time has come, or a demand by law (S4.2a, S4.2c)",
}

# Endpoint → why nobody's data is in it.
SHOWS_NOBODY: Mapping[str, str] = {
    "static": "files of the console itself",
    "root": "leads to the first page",
    "login": "before anybody is known; that somebody signed in is on the log",
    "logout": "ends a session",
    "visits.visits": "counts by day, page, source and the like; no row of anybody",
    "visits.head": "the same",
    "visits.panel": "the same",
    "visits.extra": "the same",
    "visits.now": "the same",
    "visits.rows": "the same",
    "shared.shared": "counts; of lists only what at least five visitors share",
    "kept.share": "makes a shared link",
    "kept.revoke": "ends one",
    "kept.kept": "goals, funnels, notes and views of the screen",
    "kept.keep": "keeps one",
    "kept.drop": "drops one",
    "visits.filter": "takes a filter, leads to the screen",
    "console.overview": "numbers",
    "console.destructions": "days, classes and numbers",
    "console.approve": "approves by number",
    "console.standing": "approves the routine",
    "console.holds": "that a hold names one person, never whom",
    "console.add_hold": "names nobody: holds on a person are added by the officer's command",
    "console.release_hold": "by number",
    "consent.consent": "numbers",
    "consent.text": "what everybody was shown",
    "consent.receipts": "an empty form",
    "due.due": "kinds, deadlines and numbers",
    "sites.sites": "sites",
    "sites.add": "adds a site",
    "sites.drop": "takes an origin from one; who did is on the log",
    "condition.health": "numbers, settings that are amiss",
    "cookies.cookies": "names of cookies, never values, nobody's",
    "policy.policy": "what is published anyway",
    "policy.difference": "what is published anyway",
    "policy.version": "what is published anyway",
    "policy.published": "what is published anyway",
    "policy.stylesheet": "a stylesheet",
    "policy.edit": "a draft",
    "policy.checked": "a draft",
    "policy.findings": "a draft",
    "policy.publish": "publishes; who did is on the log",
    "preview.draft": "a draft",
    "preview.version": "what was shown to everybody",
    "preview_files.script": "files of the interface itself",
    "keeping.archive": "classes, laws and numbers",
    "keeping.hold": "numbers",
    "keeping.select": "selects by class and day",
    "console.ledger": "kinds and commitments, never whose or what",
    "console.verify": "verifies",
    "requests.requests": "kinds and deadlines, never who asked or about whom",
    "requests.add": "files a request",
    "requests.identity": "records a check",
    "requests.answer": "answers by number",
    "requests.answer_many": "the same of many",
    "requests.correct": "takes a record's right data, shows none",
    "disclosures.disclosures": "to whom, for what and how many; never whose",
    "disclosures.show": "the same of one hand-over",
    "disclosures.note": "takes whose it was, shows none",
    "disclosures.plan": "plans a transfer",
    "disclosures.record": "records a demand",
    "disclosures.notice": "records a notice",
    "disclosures.opt_out": "takes who objects, shows a number",
    "disclosures.cancel": "by number",
    "people.access": "tokens and accounts of staff",
    "people.create_token": "makes a token",
    "people.revoke_token": "ends a token",
    "people.put_account": "staff",
    "people.change": "staff",
    "account.own": "one's own account",
    "account.password": "one's own account",
    "account.enrol": "one's own account",
    "account.confirm": "one's own account",
    "account.unenrol": "one's own account",
    "account.end_session": "one's own account",
    "audit.log": "the log itself: staff, and persons under names of the log's own",
    "audit.sign": "signs a review",
    "api.feed": "names of erased visitors that only the asking consumer knows",
    "reports.show": "counts by day, page, source and the like; no row of anybody",
    "api.retention": "days, classes and numbers",
    "api.openapi": "the description of the calls",
    "health.healthz": "whether it runs",
    "health.metrics": "numbers",
}
