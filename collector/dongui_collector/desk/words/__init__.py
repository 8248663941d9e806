"""The console's words, in Korean and English; the terms are those of the design (정보주체, 파기, 보존 사유 …).

One module a group of pages, each with the same keys in ``KO`` and ``EN``; a key belongs to one module.
"""

from __future__ import annotations

from collections.abc import Mapping

from dongui_collector.desk.words import (
    audit,
    consents,
    disclosures,
    due,
    general,
    holdings,
    installation,
    keeping,
    people,
    policies,
    requests,
    saved,
    visits,
)

_GROUPS = (
    general,
    visits,
    saved,
    due,
    people,
    installation,
    audit,
    consents,
    holdings,
    policies,
    requests,
    keeping,
    disclosures,
)

WORDS: Mapping[str, Mapping[str, str]] = {
    "ko": {key: text for group in _GROUPS for key, text in group.KO.items()},
    "en": {key: text for group in _GROUPS for key, text in group.EN.items()},
}
