/** The interface's own words; what they are about comes from the policy. `{}` stands for a purpose's label. */
export interface Words {
  title: string;
  intro: string;
  settings: string;
  accept: string;
  refuse: string;
  choose: string;
  save: string;
  withdraw: string;
  close: string;
  also: string;
  items: string;
  keep: string;
  recipients: string;
  refusal: string;
  basis: string;
  without: string;
  policy: string;
}
