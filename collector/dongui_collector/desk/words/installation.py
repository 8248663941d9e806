"""The words of the pages about the installation itself: sites, health."""

from __future__ import annotations

KO = {
    "sites": "사이트",
    "site_id": "사이트 번호",
    "site_name": "이름",
    "site_key_once": "{name}의 비밀 키는 지금 한 번만 보입니다.",
    "no_origins": "출처가 없어 브라우저가 기록하지 못합니다.",
    "more_origins": "출처 추가",
    "add_site": "사이트 추가",
    "add_site_lead": "첫 사이트의 최신 처리방침으로 시작합니다. 출처가 여럿이면 띄어 씁니다.",
    "health": "상태",
    "symptoms": "점검할 것",
    "no_symptoms": "걸린 것이 없습니다.",
    "last_backup": "마지막 백업",
    "last_key_copy": "마지막 키 복사",
    "key_copies_until": "키 복사본 기한",
    "disk_free": "디스크 여유",
    "data_size": "데이터 크기",
    "log_size": "WAL 크기",
    "open_endings": "끝나지 않은 철회·삭제",
    "health_more": "명령줄에서는 dongui doctor가 같은 점검을 합니다.",
}

EN = {
    "sites": "Sites",
    "site_id": "Site id",
    "site_name": "Name",
    "site_key_once": "The secret key of {name} is shown only now.",
    "no_origins": "No origin is listed, so no browser may write.",
    "more_origins": "More origins",
    "add_site": "Add a site",
    "add_site_lead": "It begins with the first site's newest policy. Several origins are set apart by spaces.",
    "health": "Health",
    "symptoms": "What to look at",
    "no_symptoms": "Nothing was found.",
    "last_backup": "Last backup",
    "last_key_copy": "Last copy of the keys",
    "key_copies_until": "Copies good until",
    "disk_free": "Disk free",
    "data_size": "Data",
    "log_size": "WAL",
    "open_endings": "Endings not finished",
    "health_more": "On the command line dongui doctor tells the same.",
}
