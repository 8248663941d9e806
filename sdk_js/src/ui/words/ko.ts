import type { PanelWords, PlaceWords, Words } from "./words";

export const banner: Words = {
  title: "개인정보 수집·이용 동의",
  intro: "아래 목적에 동의하시겠습니까? 동의하지 않아도 서비스를 이용할 수 있고, 언제든지 철회할 수 있습니다.",
  accept: "동의",
  refuse: "동의하지 않음",
  choose: "선택하기",
  ads: "맞춤형 광고(행태정보)에 동의",
  gpc: "브라우저의 거부 신호로 꺼짐",
  items: "항목",
  keep: "보유기간",
  recipients: "제공받는 자·수탁자",
  refusal: "동의하지 않으면",
  policy: "개인정보 처리방침",
};

export const panel: PanelWords = {
  settings: "개인정보 설정",
  about: "목적마다 동의하거나 철회할 수 있습니다. 철회하면 그 목적으로 모은 기록은 바로 파기됩니다.",
  save: "선택 저장",
  close: "닫기",
  withdraw: "동의 철회",
  without: "동의 없이 처리하는 개인정보",
  basis: "처리 근거",
  data: "내 정보",
  dataIntro: "이 브라우저에 대해 보관하고 있는 기록을 보고, 내려받고, 삭제할 수 있습니다.",
  show: "내 정보 보기",
  nothing: "보관하고 있는 기록이 없습니다.",
  unreachable: "지금은 불러올 수 없습니다. 잠시 후 다시 시도해 주세요.",
  events: "이용 기록",
  records: "그 밖의 기록",
  when: "일시",
  what: "기록",
  where: "주소",
  download: "내려받기",
  erase: "삭제",
  eraseAsk: "보관 중인 기록을 모두 삭제하고 동의를 철회합니다. 되돌릴 수 없습니다.",
  erased: "모두 삭제했습니다.",
  receipt: "동의 기록",
  chosen: "동의한 목적",
  none: "없음",
  suspended: "처리가 정지되어 있습니다.",
};

export const place: PlaceWords = {
  blocked: "이 내용을 보려면 “{}”에 동의해야 합니다.",
  allow: "동의하고 보기",
  back: "개인정보 설정",
};
