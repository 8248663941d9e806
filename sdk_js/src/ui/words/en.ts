import type { PanelWords, PlaceWords, Words } from "./words";

export const banner: Words = {
  title: "Your consent",
  intro: "Do you agree to the purposes below? The service works without it, and you can withdraw at any time.",
  accept: "Agree",
  refuse: "Do not agree",
  choose: "Choose",
  ads: "I agree to tailored advertising",
  gpc: "Off: your browser asks so",
  items: "Items",
  keep: "Kept for",
  recipients: "Recipients, processors",
  refusal: "If you do not agree",
  policy: "Privacy policy",
};

export const panel: PanelWords = {
  settings: "Privacy settings",
  about: "You can agree or withdraw for each purpose. Withdrawing destroys what was recorded for it at once.",
  save: "Save choice",
  close: "Close",
  withdraw: "Withdraw all",
  without: "Processed without consent",
  basis: "Basis",
  data: "My data",
  dataIntro: "See, download or erase what is held about this browser.",
  show: "Show my data",
  nothing: "Nothing is held.",
  unreachable: "It cannot be fetched right now. Please try again in a moment.",
  events: "Usage records",
  records: "Other records",
  when: "When",
  what: "What",
  where: "Where",
  download: "Download",
  erase: "Erase",
  eraseAsk: "Everything that is held will be erased and your consent withdrawn. This cannot be undone.",
  erased: "Everything has been erased.",
  receipt: "Consent record",
  chosen: "Purposes agreed to",
  none: "none",
  suspended: "Processing is suspended.",
};

export const place: PlaceWords = {
  blocked: "To see this you need to agree to “{}”.",
  allow: "Agree and show",
  back: "Privacy settings",
};
