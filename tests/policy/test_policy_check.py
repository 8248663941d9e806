# ruff: noqa: E501 (the table holds one case a line)
"""What a check refuses and what it warns of, rule by rule; the defects of the seed (LAW: defects of the seed)."""

from __future__ import annotations

from datetime import date

import pytest
from dongui.policy import check, load
from dongui.policy.lawfulness import ERRORS
from dongui.policy.warnings import WARNINGS
from policies import FIRST, MENDED, edited, somoon

# Every rule of the two lists, by what makes it speak. (rule, level, key, edits)
CASES = [
    ("unlisted_items", "error", "items.shoe", [("[items.cookie]", '[items.shoe]\nlabel = "x"\ncollected = "signup"\nprotect = "plain"\n[items.cookie]')]),
    ("optional_dependencies", "error", "purposes.member.depends_on", [("required = true", 'required = true\ndepends_on = ["marketing"]')]),
    ("unwithdrawable", "error", "purposes.personalisation.items", [('["cookie", "service_usage"]', '["service_usage"]')]),
    ("too_long", "error", "cookies[1].lifetime", [('lifetime = "P400D"', 'lifetime = "P401D"')]),
    ("too_long", "error", "notice.choice_lifetime", [('"P180D"', '"P2Y"')]),
    ("forced_consent", "error", "purposes.statistics.required", [('record = "access_log"', 'record = "access_log"\nrequired = true')]),
    ("untold_refusal", "error", "purposes.analysis.refusal", [('refusal.ko = "거부하셔도 모든 서비스를 그대로 이용하실 수 있습니다."\nrefusal.en = "If you refuse, everything keeps working as before."\nurls = []\n\n# S1.2: keeping', "urls = []\n\n# S1.2: keeping")]),
    ("archive_without_law", "error", "records.abuse.archive", [("archive = false", "archive = true")]),
    ("archive_without_law", "error", "records.abuse.on_withdrawal", [('on_withdrawal = "destroy"', 'on_withdrawal = "archive"')]),
    ("archived_consent", "error", "purposes.statistics.record", [('record = "access_log"', 'record = "contract"')]),
    ("consent_in_records", "error", "records.contract.purposes", [('purposes = ["service"]', 'purposes = ["statistics"]')]),
    ("floor_above_ceiling", "error", "records.staff_audit.min_keep", [('min_keep = "P1Y"', 'min_keep = "P3Y"')]),
    ("own_cookies", "error", "cookies[1].name", [('name = "_ga*"', 'name = "dongui_id"')]),
    ("own_cookies", "error", "cookies[1].name", [('name = "_ga*"\npurpose = "statistics"', 'name = "__Host-dongui*"\nnecessary = "x"')]),
    ("tracking_called_necessary", "error", "cookies[1].necessary", [('purpose = "statistics"', 'necessary = "x"')]),
    ("necessary_for_long", "warning", "cookies[1].lifetime", [('name = "_ga*"\npurpose = "statistics"', 'name = "sid"\nnecessary = "x"')]),
    ("login_under_consent", "warning", "cookies[1].purpose", [('name = "_ga*"', 'name = "sessionid"')]),
    ("placeholders", "error", "controller.contact", [('contact = "partner@seeso.kr"', 'contact = "<contact>"')]),
    ("example_contacts", "warning", "controller.contact", [('contact = "partner@seeso.kr"', 'contact = "privacy@example.com"')]),
    ("ad_query_keys", "error", "notice.query_keys", [("query_keys = []", 'query_keys = ["gclid"]')]),
    ("merged_channels", "error", "channels.marketing", [("[[cookies]]", '[channels.marketing]\nlabel = "x"\ndescription = "x"\nmedium = "email"\nitems = ["email"]\n\n[[cookies]]')]),
    ("unlawful_ceilings", "warning", "records.abuse", [('on_withdrawal = "destroy"\n', "")]),
    ("wrong_limits", "warning", "rights.limits", [("PIPA 35(4)", "PIPA 35(5)")]),
    ("refusal_left_to_browser", "warning", "rights.cookies", [('"banner", ', "")]),
    ("unnamed_country", "warning", "processors[2].country", [('country = "US"\n', "")]),
    ("overseas", "warning", "processors[2].keep", [('keep.ko = "수집일로부터 14개월"\nkeep.en = "14 months from collection"\n', "")]),
    ("overseas", "warning", "processors[2].contact", [('contact = "https://support.google.com/policies/contact/general_privacy_form"\n', "")]),
    ("recipients_told", "warning", "recipients[1].purposes", [('purposes = ["marketing"]', 'purposes = ["marketing", "member"]')]),
    ("beyond_scope", "warning", "recipients[1].items", [('items = ["cookie", "visit_time", "advertising_id"]\npurposes', 'items = ["cookie", "email"]\npurposes')]),
    ("unregistered_providers", "warning", "cookies[1].provider", [('provider = "Google LLC"', 'provider = "Nobody"')]),
    ("advertising_record", "warning", "records.advertising", [("[records.advertising]", "[records.posters]")]),
    ("claimed_encryption", "warning", "safeguards.encrypted", [("[safeguards]", '[safeguards]\nencrypted = ["passport"]')]),
    ("own_classes", "warning", "records.request", [("[records.request]", "[records.letters]")]),
    ("own_classes", "warning", "records.staff_audit.min_keep", [('min_keep = "P1Y"\n', "")]),
    ("children", "warning", "notice.minimum_age", [("minimum_age = 14", "minimum_age = 13")]),
    ("unheeded_signal", "warning", "purposes.marketing.opt_out_signals", [('opt_out_signals = ["gpc"]\n', "")]),
    ("consent_keys_elsewhere", "warning", "purposes.member.reconfirm", [("required = true", 'required = true\nreconfirm = "P2Y"')]),
    ("consent_keys_elsewhere", "warning", "purposes.security.law", [('"legitimate_interest"', '"legal_obligation"')]),
    ("silence_without_term", "warning", "purposes.marketing.silence", [('opt_out_signals = ["gpc"]', 'opt_out_signals = ["gpc"]\nsilence = "ends"')]),
    ("archive_keys_elsewhere", "warning", "records.consent_record.items", [("[records.consent_record]", '[records.consent_record]\nitems = ["email"]')]),
    ("joining", "warning", "purposes.marketing.joins_earlier", [('opt_out_signals = ["gpc"]', 'opt_out_signals = ["gpc"]\njoins_earlier = true')]),
    ("short_memory", "warning", "notice.choice_lifetime", [('"P180D"', '"P30D"')]),
    ("shadowed_cookies", "warning", "cookies[2].name", [('name = "_fbp"', 'name = "_ga_X"')]),
    ("shadowed_cookies", "warning", "cookies[1].purpose", [('purpose = "statistics"', 'purpose = "service"')]),
    ("page_title", "warning", "notice.languages", []),
    ("no_remedies", "warning", "remedies", []),
]  # fmt: skip

KOREAN_LINES = [line for line in MENDED.read_text("utf-8").splitlines() if ".ko = " in line]


def text_of(rule: str, edits: list[tuple[str, str]]) -> str:
    if rule == "page_title":
        text = edited(('languages = ["ko", "en"]', 'languages = ["en"]'))
        return "\n".join(line for line in text.splitlines() if line not in KOREAN_LINES)
    if rule == "no_remedies":
        text = edited()
        return text[: text.index("[[remedies]]")]
    return edited(*edits)


@pytest.mark.parametrize(("rule", "level", "key", "edits"), CASES, ids=[f"{case[0]}: {case[2]}" for case in CASES])
def test_each_rule_speaks(rule: str, level: str, key: str, edits: list[tuple[str, str]]) -> None:
    findings = check(text_of(rule, edits))
    found = [finding for finding in findings if finding.key == key and finding.level == level]
    assert found, [str(finding) for finding in findings]
    assert found[0].remedy
    assert found[0].file == "policy.toml"


def test_each_rule_has_a_case() -> None:
    assert {case[0] for case in CASES} == {rule.__name__ for rule in (*ERRORS, *WARNINGS)}


def test_the_mended_example_is_without_findings() -> None:
    assert check(somoon()) == []


def test_a_date_that_has_passed_is_a_warning_for_who_is_about_to_publish() -> None:
    """SA: the seed is of 2023-04-28."""
    assert [f.key for f in check(somoon(), today=date(2023, 4, 28))] == []
    assert [(f.level, f.key) for f in check(somoon(), today=date(2023, 4, 29))] == [("warning", "notice.effective")]


def test_the_first_encoding_shows_each_defect_as_a_warning() -> None:
    """K14, K15: LAW: the defects of the seed to surface, one by one."""
    findings = check(load(FIRST))
    assert {finding.level for finding in findings} == {"warning"}
    assert [finding.key for finding in findings] == [
        "records.abuse",  # no statute for five years
        "records.access_log",  # nor for one
        "rights.limits",  # the wrong paragraph
        "rights.cookies",  # refusing is left to the browser
        "processors[1].country",  # no country for the hosting
        "records.advertising",  # no six-month advertising record
        "safeguards.encrypted",  # unique identifiers that nobody collects
    ]


def test_errors_come_first_and_a_text_that_does_not_load_has_them_alone() -> None:
    """W6: a cookie of more than 400 days."""
    findings = check(edited(("minimum_age = 14", "minimum_age = 13"), ('lifetime = "P400D"', 'lifetime = "P500D"')))
    assert [finding.level for finding in findings] == ["error", "warning"]
    broken = check(edited(("minimum_age = 14", "minimum_age = 13"), ("schema = 1", "schema = 3")), name="mine.toml")
    assert [(finding.key, finding.level, finding.file) for finding in broken] == [("schema", "error", "mine.toml")]


def test_missing_officer_and_granting_beforehand_are_errors_of_a_check() -> None:
    assert "officer" in {finding.key for finding in check(edited(("[officer]", "[nobody]")))}
    findings = check(edited(('opt_out_signals = ["gpc"]', 'default = "granted"')))
    assert [(f.key, f.level) for f in findings if "default" in f.key] == [("purposes.marketing.default", "error")]
