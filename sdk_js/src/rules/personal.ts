/** What in a text names a person. Pure; `dongui.rules.personal` is the Python twin and explains the patterns. Part of personal.js. */

const WIDE = "¡-\\uffff-]";
const LOCAL = "[\\w!$%*+.^~" + WIDE;
const DOMAIN = "[a-z\\d" + WIDE;
const GAP = "([-.~\\s()‐-―−　ー－]|%2[089de])";
const PLUS = "((?<![\\da-z])\\+|%2b)";
const JOIN = `(${GAP}|[+_]){0,3}`;
// Not inside an escape but right after one; not inside a longer number, not the decimals of a coordinate.
const LEFT = "(?<!%|%[\\da-f])((?<!\\d\\.?)|(?<=%[\\da-f]{2}))";
const END = "(?!\\d)";
const RRN = `${LEFT}(?<b>\\d\\d(0[1-9]|1[0-2])(0[1-9]|[12]\\d|3[01]))(?<g>(${GAP}|\\+){0,3})(?<r>[1-8](\\d{6}|\\*{6}))${END}`;
const PHONE =
  `(?<![\\da-z])[\\da-f]{8}(-[\\da-f]{4}){3}-[\\da-f]{12}(?![\\da-z])|${LEFT}` +
  `(?<b>(82${JOIN}0?1[016-9]|${PLUS}82${JOIN}0?${JOIN}[1-7]\\d?|0(1[016-9]|2|[3-6][1-5]|50[2-8]?|[78]0))${JOIN}\\d{3,4}${JOIN}\\d{4}` +
  `|${PLUS}[1-9]\\d?(${GAP}{0,2}\\d){8,13}|[2-9]\\d\\d${GAP}{1,2}\\d{3}${GAP}\\d{4})${END}`;
const EMAIL = `(?<!${LOCAL})${LOCAL}+(@|%(25)*40)(${DOMAIN}+\\.)+(?!\\d)${DOMAIN}{2,}`;

type Found = Record<"b" | "g" | "r", string>;

/** Replaces telephone and resident numbers and e-mail addresses by `[phone]`, `[rrn]`, `[email]`; `path`: in an address. */
export function scrubText(text: string, path?: boolean): string {
  const narrow = text.replace(/[０-９]/g, (digit) => `${digit.charCodeAt(0) & 15}`);
  let clean = narrow;
  /** Replaces what is surely one, what a `word` before it says to be one, and else what `fits` and stands in no Latin word. */
  const replace = (pattern: string, name: string, sure: (match: string, found: Found) => unknown, word: RegExp, fits: (match: string, found: Found) => unknown): void => {
    clean = clean.replace(RegExp(pattern, "gi"), (match: string, ...given: any[]) => {
      const [offset, whole, found]: [number, string, Found] = given.slice(-3) as any;
      if (!found.b) return match;
      const before = whole.slice(Math.max(0, offset - 24), offset);
      const inWord = /(?<!%[\da-f]?)[a-z]$/i.test(before) || /^[a-z]/i.test(whole.slice(offset + match.length));
      return sure(match, found) || word.test(before) || (!inWord && fits(match, found)) ? `[${name}]` : match;
    });
  };
  replace(RRN, "rrn", (_, { g, r }) => g || r.includes("*"), /(주민|등록|외국인|rrn|jumin|resident|ssn|(^|[^a-z\s])\s*id)\D{0,12}$/i, (match) => issued(match));
  replace(PHONE, "phone", (match) => /\D/.test(match), /(tel|phone|call|fax|mobile|cell|hp|sms|전화|연락|휴대|핸드폰|팩스)\D{0,8}$/i, (match) =>
    (path ? /^(820?|0)1/ : /^((820?|0)1|(02|0[3-6][1-5]|050[2-8]?|070|080)[2-9])/).test(match),
  );
  clean = clean.replace(RegExp(EMAIL, "gi"), "[email]");
  return clean == narrow ? text : clean;
}

/** Whether there can be such a resident number: its birth date, before check digits became random, and its check digit. */
function issued(digits: string): boolean {
  const at = (index: number): number => +digits[index]!;
  const kind = at(6);
  const year = (/[3478]/.test(digits[6]!) ? 2000 : 1900) + +digits.slice(0, 2);
  const month = +digits.slice(2, 4);
  let sum = 0;
  for (let index = 0; index < 12; index++) sum += at(index) * ((index % 8) + 2);
  return year * 12 + month < 24250 && +digits.slice(4, 6) <= new Date(Date.UTC(year, month, 0)).getUTCDate() && ((kind > 4 ? 13 : 11) - (sum % 11)) % 10 == at(12);
}
