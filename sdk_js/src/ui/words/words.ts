/** The interface's own words; what they are about comes from the policy. */
export interface Words {
  title: string;
  intro: string;
  /** The button while there is nothing that it would grant. */
  accept: string;
  /** The button; `{}` stands for the labels of what it grants. */
  acceptTo: string;
  refuse: string;
  choose: string;
  gpc: string;
  items: string;
  keep: string;
  processor: string;
  recipient: string;
  policy: string;
  /** `"rtl"` for a language that is written from right to left. */
  dir?: string;
}

/** What the preferences and my-data add; loaded with them. */
export interface PanelWords {
  settings: string;
  about: string;
  save: string;
  close: string;
  withdraw: string;
  without: string;
  /** In front of what refusing changes; the first layer has it without. */
  refusal: string;
  basis: string;
  data: string;
  dataIntro: string;
  show: string;
  nothing: string;
  unreachable: string;
  events: string;
  records: string;
  when: string;
  what: string;
  where: string;
  download: string;
  erase: string;
  eraseAsk: string;
  erased: string;
  erasing: string;
  /** What is asked once before everything is withdrawn, and before everything is erased; and the two answers. */
  withdrawAsk: string;
  yes: string;
  no: string;
  withdrawn: string;
  /** A decision waits for its record. */
  saving: string;
  /** A script of a withdrawn purpose has run: only a page that is loaded anew is without it. */
  reload: string;
  reloadNow: string;
  receipt: string;
  chosen: string;
  none: string;
  suspended: string;
  /** What an event is called, by its name; a site adds its own events' with `data-words`. */
  [name: `event.${string}`]: string;
}

/** What a placeholder says; `{}` stands for the purposes' labels. */
export interface PlaceWords {
  blocked: string;
  refusal: string;
  /** The floating way back. */
  back: string;
  saving: string;
  allow: string;
}
