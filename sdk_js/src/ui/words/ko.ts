import type { Words } from "./words";

export const ko: Words = {
  title: "개인정보 수집·이용 동의",
  intro: "아래 목적으로 개인정보를 수집·이용하려고 합니다. 동의하지 않아도 서비스를 이용할 수 있고, 동의는 언제든지 철회할 수 있습니다.",
  settings: "개인정보 설정",
  accept: "동의",
  refuse: "동의하지 않음",
  choose: "선택하기",
  save: "선택 저장",
  withdraw: "모두 동의 철회",
  close: "닫기",
  also: "{}에도 동의합니다",
  items: "항목",
  keep: "보유기간",
  recipients: "제공받는 자·수탁자",
  refusal: "동의하지 않으면",
  basis: "처리 근거",
  without: "동의 없이 처리하는 개인정보",
  policy: "개인정보 처리방침",
};
