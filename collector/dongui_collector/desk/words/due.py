"""The words of the officer's first page: what is due."""

from __future__ import annotations

KO = {
    "due": "할 일",
    "due_lead": "열람등요구와 파기, 보존 사유, 이전, 동의 재확인, 접속기록 점검을 기한 순서로 모았습니다.",
    "still_counting": "동의 재확인 대상을 세는 중입니다. 잠시 뒤에 다시 열어 주세요.",
    "due_overdue": "기한이 지났습니다",
    "due_soon": "곧 기한입니다",
    "due_later": "기한이 남았습니다",
    "due_open": "기한 없이 기다리는 것",
    "due_today": "오늘까지",
    "no_deadline": "정해진 날 없음",
    "nothing_due": "지금 할 일이 없습니다.",
    "task_request": "열람등요구 {id}번에 답하기 ({what})",
    "task_destruction": "파기 {n}건 승인하기",
    "task_unsigned": "{site} {version} 버전의 보유기간에 서명하기",
    "task_hold": "보존 사유 {id}번이 끝납니다. 그 사유로 남겨 둔 것은 다음 날 파기합니다",
    "task_transfer_notice": "{recipient}에 이전하기 전에 알리기 ({id}번)",
    "task_transfer_ready": "{recipient}에 이전할 수 있습니다 ({id}번)",
    "task_review": "{month} 접속기록 점검하기",
    "task_reconfirm": "{n}명에게 동의 사실 알리기 ({purpose})",
}

EN = {
    "due": "What is due",
    "due_lead": "Requests, destruction, holds, transfers, reconfirmations and the monthly review, by deadline.",
    "still_counting": "Consents to be reconfirmed are being counted; open this page again in a moment.",
    "due_overdue": "Overdue",
    "due_soon": "Due soon",
    "due_later": "Due later",
    "due_open": "Waiting, without a deadline",
    "due_today": "today",
    "no_deadline": "no day is set",
    "nothing_due": "Nothing is due.",
    "task_request": "Answer privacy request {id} ({what})",
    "task_destruction": "Approve {n} destructions",
    "task_unsigned": "Sign the periods of version {version} of {site}",
    "task_hold": "Legal hold {id} ends; what it kept is destroyed the day after",
    "task_transfer_notice": "Give notice before the transfer to {recipient} (no. {id})",
    "task_transfer_ready": "The transfer to {recipient} may be carried out (no. {id})",
    "task_review": "Review the access log of {month}",
    "task_reconfirm": "Tell {n} people of their consent ({purpose})",
}
