"""Consent to receive advertising, per channel (K16): declared apart, never one with a purpose's consent."""

from __future__ import annotations

import pytest
from dongui.policy import PolicyError, check, diff, notice, parse, render

from tests.policy.policies import edited, somoon

CHANNELS = """
[channels.news_email]
label.ko = "전자우편"
label.en = "E-mail"
description.ko = "행사 정보를 전자우편으로 보냅니다."
description.en = "News of events by e-mail."
medium = "email"
items = ["email"]

[channels.news_sms_night]
label.ko = "문자 (야간)"
label.en = "Text message (at night)"
description.ko = "밤에도 문자를 보냅니다."
description.en = "Text messages at night, too."
medium = "sms"
items = ["phone"]
night = true
reconfirm = "P1Y"
"""


def with_channels(*edits: tuple[str, str]) -> str:
    text = edited() + CHANNELS
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def errors(text: str) -> list[tuple[str, str]]:
    return [(f.key, f.rule) for f in check(text) if f.level == "error"]


def test_k16_channels_load_with_their_defaults() -> None:
    policy = parse(with_channels())
    mail, night = policy.channels.values()
    assert (mail.medium, mail.night, str(mail.reconfirm)) == ("email", False, "P2Y")
    assert (night.medium, night.night, str(night.reconfirm)) == ("sms", True, "P1Y")
    assert errors(with_channels()) == []
    assert not set(policy.channels) & set(policy.consent_purposes)


@pytest.mark.parametrize(
    ("edit", "key"),
    [
        (("[channels.news_email]", "[channels.marketing]"), "channels.marketing"),
        (('items = ["email"]\n\n[channels', 'items = ["email", "cookie"]\n\n[channels'), "channels.news_email.items"),
        (('reconfirm = "P1Y"', 'reconfirm = "P3Y"'), "channels.news_sms_night.reconfirm"),
    ],
    ids=["the id of a purpose", "what is tracked", "later than two years"],
)
def test_k16_a_channel_is_never_merged_with_a_purpose(edit: tuple[str, str], key: str) -> None:
    assert errors(with_channels(edit)) == [(key, "K16")]


@pytest.mark.parametrize(
    "edit",
    [
        ('medium = "sms"', 'medium = "pigeon"'),
        ('items = ["phone"]', 'items = ["fax"]'),
        ("night = true", "nigth = true"),
    ],
    ids=["medium", "item", "unknown key"],
)
def test_what_cannot_be_executed_does_not_load(edit: tuple[str, str]) -> None:
    with pytest.raises(PolicyError):
        parse(with_channels(edit))


def test_k16_a_new_channel_leaves_every_consent_to_tracking_alone() -> None:
    old, new = somoon(), parse(with_channels())
    for changed in (diff(old, new), diff(new, old)):
        assert not changed.needs_consent
        assert {c.key for c in changed.changes} == {"channels.news_email", "channels.news_sms_night"}


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_k16_page_and_notice_say_them_apart(lang: str) -> None:
    policy = parse(with_channels())
    said = notice(policy, lang=lang, site="s", accepts=())
    assert [c["id"] for c in said["channels"]] == ["news_email", "news_sms_night"]
    assert not {"news_email", "news_sms_night"} & {p["id"] for p in said["purposes"]}
    page = render(policy, lang)
    assert ("광고성 정보의 수신 동의" if lang == "ko" else "Consent to receive advertising") in page
    assert policy.channels["news_sms_night"].label[lang] in page
    assert "channels" not in notice(somoon(), lang=lang, site="s", accepts=())
