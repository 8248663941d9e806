"""What the fields of bodies and answers mean, for the OpenAPI description. One meaning a name, exceptions by schema."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_MEANINGS: dict[str, str] = {
    "site": "The site's id.",
    "visitor": "The visitor's id, a credential; it never stands in an address.",
    "id": "A UUID of the caller's: the same again is the same thing, and counts once.",
    "at": "Epoch milliseconds.",
    "notice": "The version of the notice that was shown.",
    "granted": "Purposes that are agreed to.",
    "refused": "Purposes that are refused or withdrawn.",
    "method": "How it was decided.",
    "lang": "The language that was shown.",
    "signals": "Signals of the browser, as they were when it was decided.",
    "gpc": "Global Privacy Control.",
    "layout": "How the question was put.",
    "catalog": "The digest of the words that were shown.",
    "given_before": "Withdraw only what was given before this instant, in epoch milliseconds of the server's clock.",
    "decided_ago": "How long ago it was decided, in milliseconds, where it is delivered late.",
    "events": "At most 100 of one visitor.",
    "name": "What happened, such as `pageview`.",
    "url": "The address; keys of its query that the notice does not list are dropped.",
    "referrer": "The address that led there.",
    "props": "Properties of the event.",
    "search": "What was searched for on the site.",
    "ad_ids": "Advertising ids by their kind.",
    "cookies": "Cookies, by name.",
    "environment": "What the browser says of itself.",
    "ip": "The visitor's address; with the secret key alone.",
    "user_agent": "The visitor's browser; with the secret key alone.",
    "language": "The preferred language.",
    "screen": "The size of the screen.",
    "class": "The class of records in the policy that it belongs to.",
    "subject": "Whom it is about, as the site names them.",
    "source": "How it was collected, in the words of the policy.",
    "data": "What the record holds.",
    "event": "What has become of the member.",
    "member": "The member, as the site names them; kept as a keyed hash.",
    "kind": "What is asked for.",
    "text": "In the visitor's own words.",
    "counts": "Page views by the kinds of choices under which they were seen.",
    "recorded": "How many were recorded.",
    "unasked": "By visitors who have not chosen.",
    "no_id": "By visitors who agreed and have no id.",
    "kept_until": "The day on which it ends.",
    "erased": "How many rows have ended.",
    "suspended": "Whether nothing is recorded until the visitor says so.",
    "consents": "The visitor's consents on record.",
    "records": "Records of other classes.",
    "done": "Whether it is done already.",
    "due": "The last day for it.",
    "controller": "Who decides about the processing.",
    "officer": "Who answers for it.",
    "policy_url": "Where the whole notice can be read.",
    "purposes": "The purposes, with what each collects, for how long and for whom.",
    "items": "What is collected, by its id.",
    "accepts": "Versions under which a consent still stands.",
    "ready": "Whether a commit succeeds.",
    "retention_age_seconds": "How long ago what is due was last looked at.",
    "type": "Stable: `urn:dongui:problem:…`.",
    "title": "What is wrong, for people.",
    "status": "The HTTP status.",
    "detail": "Where, and the remedy; never what was sent.",
    "today": "The day it is for the installation.",
    "standing_approval": "Who approved routine ageing-out, and until when.",
    "unsigned": "Published versions whose schedule nobody has signed.",
    "urgency": "How pressing what waits is.",
    "last_success": "When what is due was last looked at.",
    "open": "Destructions that wait.",
    "days": "Days that are stored.",
    "by": "Who did it.",
    "versions": "The versions of notices.",
    "schedule": "Class or purpose, and how long it is kept.",
    "v": "The version of this form.",
    "version": "The version of the notice.",
    "effective": "The day from which it counts.",
    "what": "What ends.",
    "reason": "Why it ends.",
    "state": "How far it has come.",
    "deadline": "The day by which it has to be done.",
    "pressing": "Whether the deadline is near.",
    "selected_at": "When it was found to be due.",
    "selected_by": "Who found it.",
    "approved_at": "When it was approved.",
    "approved_by": "Who approved it.",
    "done_at": "When it was carried out.",
    "certificate": "The number of its certificate on the ledger.",
    "bytes": "How many bytes were overwritten, or are stored.",
    "rows": "How many rows there were.",
    "rules": "The rules by which it was due.",
    "rows_destroyed": "How many rows have ended.",
    "rows_reduced": "How many rows have lost items.",
    "in_full": "Whether all of it has ended.",
    "archived": "What went to the archive, apart.",
    "kept": "What the law keeps.",
    "intent": "The number of the record that announced it.",
    "destruction": "Its number.",
    "last_key_copy_expires": "When no backup can open it any more.",
    "seq": "Its number on the ledger.",
    "keep": "How long it is kept.",
    "min_keep": "How long the law has it kept.",
    "day": "The day of its rows.",
    "first_ends_on": "The day on which its first rows end.",
    "destroyed_on": "The day on which all of it ends.",
    "holds": "What keeps it from ending.",
    "profiles": "Members and what was recorded under their consent.",
}
_EXCEPTIONS: dict[str, dict[str, str]] = {
    "Event": {"cookies": "Values of cookies that the notice lists as recorded, by name."},
    "InventoryIn": {"cookies": "Names of cookies that were seen."},
    "MyData": {"events": "Events, oldest first."},
    "ChannelsIn": {"granted": "Channels that are agreed to.", "refused": "Channels that are refused or withdrawn."},
    "PageCounts": {"refused": "By visitors who refused.", "gpc": "By visitors whose browser says no."},
    "DestructionSummary": {"id": "Its number."},
    "SitePolicy": {"items": "How what is collected is protected, by its id.", "purposes": "The purposes, by their id."},
}


def described(schemas: Json) -> Json:
    """The schemas, each property with what it means, where it does not say so itself."""
    return {name: _with_meanings(name, schema) for name, schema in schemas.items()}


def _with_meanings(name: str, schema: Json) -> Json:
    if "properties" not in schema:
        return schema
    own = _EXCEPTIONS.get(name, {})
    properties = {
        field: said if "description" in said else {**said, "description": own.get(field) or _MEANINGS[field]}
        for field, said in schema["properties"].items()
    }
    return {**schema, "properties": properties}
