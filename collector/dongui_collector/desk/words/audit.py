"""The words of the access log and its monthly review."""

from __future__ import annotations

KO = {
    "audit_log": "접속기록",
    "audit_lead": "개인정보를 누가, 언제, 어디서, 누구의 것을, 왜 보았는지의 기록입니다. 원장 사슬에 이어져 있습니다.",
    "month": "달",
    "show": "보기",
    "review": "월간 점검",
    "entries": "기록",
    "reviewed_by": "점검함:",
    "not_reviewed": "아직 점검하지 않았습니다.",
    "by_whom": "누가",
    "persons_seen": "정보주체 수",
    "action": "한 일",
    "unusual_hours": "업무 시간 밖",
    "refused_tries": "거부된 시도",
    "without_reason": "사유 없는 내려받기",
    "sign_review": "점검했음을 기록",
    "review_signed": "점검했음을 원장에 기록했습니다.",
    "month_not_over": "이 달이 끝나야 점검을 기록할 수 있습니다.",
    "whose": "누구의 것",
    "no_entries": "이 달에는 기록이 없습니다.",
}

EN = {
    "audit_log": "Access log",
    "audit_lead": "Who looked at personal data, when, from where, whose and why. Links of the ledger's chain.",
    "month": "Month",
    "show": "Show",
    "review": "Monthly review",
    "entries": "Entries",
    "reviewed_by": "reviewed by",
    "not_reviewed": "not reviewed yet",
    "by_whom": "Who",
    "persons_seen": "Persons",
    "action": "Action",
    "unusual_hours": "Unusual hours",
    "refused_tries": "Refused tries",
    "without_reason": "Downloads without a reason",
    "sign_review": "Record that it was reviewed",
    "review_signed": "It is on the ledger that this month was reviewed.",
    "month_not_over": "A month can be reviewed once it is over.",
    "whose": "Whose",
    "no_entries": "This month has no entries.",
}
