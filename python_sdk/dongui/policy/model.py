"""A privacy policy as values. Everything is frozen; what the file does not say has its default here.

A *text* is a mapping from language to words and covers every language of the policy. Ids are ``[a-z][a-z0-9_]*``,
countries ISO 3166 alpha-2, periods :class:`~dongui.policy.period.Period`. A policy comes from
:func:`dongui.policy.load` and is trusted: its author is the site's own privacy officer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from dongui.policy.period import Period

Text = Mapping[str, str]
TWO_YEARS = Period(years=2)

Basis = Literal["consent", "contract", "legal_obligation", "legitimate_interest", "vital_interest", "public_task"]
Collected = Literal["automatic", "signup", "service", "settlement", "support"]
Protect = Literal["encrypt", "truncate", "pseudonym", "plain"]
Silence = Literal["keeps", "ends"]
Medium = Literal["email", "sms", "push", "telephone", "messenger", "post"]
Obligation = Literal["dispute", "inspection", "proof", "request"]


@dataclass(frozen=True, slots=True)
class Notice:
    """What identifies a notice version, and how long a choice made under it stands."""

    version: str
    effective: date
    service: Text
    languages: tuple[str, ...]
    timezone: str
    minimum_age: int
    choice_lifetime: Period
    query_keys: tuple[str, ...] = ()
    unsearched_paths: tuple[str, ...] = ()
    unsearched_properties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Controller:
    """The controller (개인정보처리자)."""

    name: str
    contact: str
    country: str = "KR"
    address: Text | None = None


@dataclass(frozen=True, slots=True)
class Officer:
    """The privacy officer (개인정보 보호책임자): a title or department to turn to; a personal name is not needed."""

    title: Text
    contact: str
    telephone: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A data item, how it comes in (S2.2), and how it is protected at rest."""

    id: str
    label: Text
    collected: Collected
    protect: Protect


@dataclass(frozen=True, slots=True)
class Purpose:
    """A purpose: what it is for, on which basis, with which items, kept by which record class (K1).

    ``refusal`` says what refusing changes; ``until`` names an event that ends a purpose before its class's period does;
    ``law`` the statute behind a legal obligation; ``urls`` the third-party addresses that need it (``*`` stands for any
    characters); ``joins_earlier`` that behaviour from before the sign-in is joined to the member (K18). Who gave it is
    told of it every ``reconfirm`` period (K16); ``silence`` says whether whoever does not answer keeps or ends it.
    """

    id: str
    label: Text
    description: Text
    basis: Basis
    items: tuple[str, ...]
    record: str
    required: bool = False
    refusal: Text | None = None
    until: Text | None = None
    law: Text | None = None
    google_consent: tuple[str, ...] = ()
    opt_out_signals: tuple[str, ...] = ()
    reconfirm: Period | None = None
    silence: Silence = "keeps"
    urls: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    joins_earlier: bool = False


@dataclass(frozen=True, slots=True)
class Channel:
    """A way on which advertising may be received: a consent of its own (광고성 정보 수신동의), for members alone.

    It is never part of a consent to tailored advertising, nor that of it (K16). ``night`` makes it the consent for
    21:00 to 08:00, which is asked apart. Who gave it is told of it every ``reconfirm`` period; silence keeps it.
    """

    id: str
    label: Text
    description: Text
    medium: Medium
    items: tuple[str, ...]
    night: bool = False
    reconfirm: Period = TWO_YEARS
    refusal: Text | None = None


@dataclass(frozen=True, slots=True)
class CookieRule:
    """Cookies of one name (``*`` stands for any characters). A ``lifetime`` of None ends with the browser's session.

    Either a ``purpose``, or ``necessary`` says why the site cannot work without it: nobody is asked for such a cookie,
    its value is never recorded, and the page shows it among what is processed without consent, on its ``basis`` (K2,
    K8).
    """

    name: str
    purpose: str | None
    lifetime: Period | None
    provider: str
    record: bool = False
    necessary: Text | None = None
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class RecordClass:
    """A record class and its retention rule.

    ``law`` is the statute that demands the keeping; without one ``keep`` is a ceiling. ``archive`` puts the records
    into the separate database (S5.2): with ``on_withdrawal`` "archive" once the purpose ends that they were made for,
    else from the start. ``items`` are the items that the statute names besides the record itself: no other goes there
    (S3.1). ``read_for`` are the reasons for which the archive may be read. ``purposes`` are those of another basis than
    consent whose records may be of this class, besides the purposes whose own ``record`` names it. ``profile`` marks
    the class whose newest record is a member's profile, which others see only while that member allows it (S4.2b).
    """

    id: str
    label: Text
    keep: Period
    min_keep: Period | None = None
    law: Text | None = None
    archive: bool = False
    on_withdrawal: Literal["destroy", "archive"] = "destroy"
    purposes: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    read_for: tuple[Obligation, ...] = ("dispute", "inspection", "request")
    profile: bool = False


@dataclass(frozen=True, slots=True)
class Party:
    """A processor (수탁자) or a recipient (제공받는 자), and which items it gets for which purposes.

    Abroad (another country than the controller's) ``transfer`` says when and how the items get there (K7). ``keep``
    says how long the party keeps them; ``engaged_by`` makes it a sub-processor of the processor named (K5).
    """

    name: str
    task: Text
    items: tuple[str, ...]
    purposes: tuple[str, ...]
    country: str | None = None
    contact: str | None = None
    transfer: Text | None = None
    keep: Text | None = None
    engaged_by: str | None = None


@dataclass(frozen=True, slots=True)
class Remedy:
    """Where else a person can turn (S11)."""

    name: Text
    task: Text | None = None
    url: str | None = None
    telephone: str | None = None
    address: Text | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """A statement of the page that people execute: a legal hold, a disclosure, an automated decision."""

    id: str
    label: Text
    text: Text


@dataclass(frozen=True, slots=True)
class Safeguards:
    """The safety measures in words (S7); ``encrypted`` names what the words claim is encrypted beyond ``protect``."""

    administrative: Text | None = None
    technical: Text | None = None
    physical: Text | None = None
    encrypted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rights:
    """How rights are exercised (S9), which provisions limit them, and where cookies can be refused (S6)."""

    methods: tuple[str, ...] = ("online", "letter", "email")
    limits: tuple[str, ...] = ("PIPA 35(4)", "PIPA 37(2)")
    cookies: tuple[str, ...] = ("banner", "browser", "device")


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy. ``text`` is the file it came from, ``name`` what messages call that file.

    ``consent_purposes`` are the purposes that rest on consent, in the file's order; ``digest`` is the SHA-256 of the
    text in hex: to which words exactly a consent was given (K2).
    """

    schema: int
    notice: Notice
    controller: Controller
    officer: Officer
    items: Mapping[str, Item]
    purposes: Mapping[str, Purpose]
    cookies: tuple[CookieRule, ...]
    records: Mapping[str, RecordClass]
    processors: tuple[Party, ...] = ()
    recipients: tuple[Party, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    holds: tuple[Clause, ...] = ()
    disclosures: tuple[Clause, ...] = ()
    automated_decisions: tuple[Clause, ...] = ()
    channels: Mapping[str, Channel] = field(default_factory=dict)
    safeguards: Safeguards = field(default_factory=Safeguards)
    rights: Rights = field(default_factory=Rights)
    text: str = ""
    name: str = "policy.toml"
    consent_purposes: tuple[str, ...] = field(init=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        asked = tuple(purpose.id for purpose in self.purposes.values() if purpose.basis == "consent")
        object.__setattr__(self, "consent_purposes", asked)
        object.__setattr__(self, "digest", hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest())

    def parties(self, purpose: str) -> tuple[tuple[str, Party], ...]:
        """``("processor" | "recipient", party)`` for everyone who gets items for ``purpose``."""
        everyone = [("processor", party) for party in self.processors]
        everyone += [("recipient", party) for party in self.recipients]
        return tuple((kind, party) for kind, party in everyone if purpose in party.purposes)
