import type { Words } from "./words";

export const en: Words = {
  title: "Your consent",
  intro: "We would like to use your personal data for the purposes below. The service works without your consent, and you can withdraw it at any time.",
  settings: "Privacy settings",
  accept: "Agree",
  refuse: "Do not agree",
  choose: "Choose",
  save: "Save choice",
  withdraw: "Withdraw all consent",
  close: "Close",
  also: "I also agree to: {}",
  items: "Items",
  keep: "Kept for",
  recipients: "Recipients and processors",
  refusal: "If you do not agree",
  basis: "Basis",
  without: "Processed without consent",
  policy: "Privacy policy",
};
