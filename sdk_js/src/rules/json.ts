/**
 * JSON in spite of the page: values as JSON has them, whatever the page gave `JSON` or the prototypes, cut to what the
 * collector takes. Pure; `dongui.rules.events` is the Python twin, `tests/vectors/events.json` has the cases.
 */
/** Why something of an event was left out. */
export type Cut = "cycle" | "depth" | "values" | "length" | "nul" | "type" | "name" | "at" | "ad_ids" | "cookies" | "environment" | "size" | "refused";

const DEEPEST = 6;
const MOST_VALUES = 2000;
const MOST_TEXT = 8000;
/** A `toJSON` that a page has given to these is not the value's own: Prototype.js 1.6 makes texts of arrays and dates. */
const BUILT_IN: any[] = [Object, Array, String, Number, Boolean].map(({ prototype }) => prototype);

/** What JSON makes of a value before it looks inside. */
function asJson(value: any, key: string): unknown {
  if (value instanceof Date) return +value == +value ? value.toISOString() : null;
  if (value && typeof value == "object") {
    const own = value.toJSON;
    if (typeof own == "function" && !BUILT_IN.some(({ toJSON }) => toJSON == own)) value = own.call(value, key);
    if (value instanceof String || value instanceof Number || value instanceof Boolean) value = value.valueOf();
  }
  if (typeof value == "bigint") return `${value}`;
  if (typeof value == "number") return isFinite(value) ? value : null;
  return /^(string|boolean|object)$/.test(typeof value) ? value : undefined;
}

/**
 * A copy of a value that JSON can say: six levels deep, with 2,000 values at most and 8,000 characters of names, texts and
 * four for each value. What is over that, contains itself, or throws is left out, and `cut` told why.
 */
export function plain(given: unknown, cut: (why: Cut) => void): unknown {
  const above: unknown[] = [];
  let values = MOST_VALUES;
  let room = MOST_TEXT;
  const text = (value: string): string => {
    const whole = value.replace(/\0/g, "");
    const kept = whole.length > room ? whole.slice(0, room > 0 ? room : 0).replace(/[\ud800-\udbff]$/, "") : whole;
    room -= whole.length;
    if (whole != value) cut("nul");
    if (kept != whole) cut("length");
    return kept;
  };
  const copy = (given: unknown, key: string): unknown => {
    const value = asJson(given, key);
    if (typeof value == "string") return text(value);
    if (!value || typeof value != "object") return value;
    if (above.includes(value)) return void cut("cycle");
    if (above.length >= DEEPEST) return cut("depth"), null;
    above.push(value);
    const list = Array.isArray(value);
    const out: [string, unknown][] = [];
    for (const key of Object.keys(value)) {
      if (!values-- || room < 4) {
        cut("values");
        values = 0;
        break;
      }
      room -= 4;
      const name = list ? "" : text(key);
      let member;
      try {
        member = copy((value as any)[key], key);
      } catch {
        cut("type");
      }
      if (list || member !== undefined) out.push([name, member ?? null]);
    }
    above.pop();
    return list ? out.map(([, member]) => member) : Object.fromEntries(out);
  };
  try {
    return copy(given, "");
  } catch {
    return void cut("type");
  }
}

const quoted = (text: string): string => `"${text.replace(/["\\\0-\x1f\ud800-\udfff]/g, (character) => "\\u" + (character.charCodeAt(0) + 65536).toString(16).slice(1))}"`;

/** JSON of what `plain` made, or of what is of our own making, by nobody's `JSON.stringify` and nobody's `toJSON`. */
export function json(value: unknown): string {
  if (typeof value == "string") return quoted(value);
  if (!value || typeof value != "object") return `${value ?? null}`;
  if (Array.isArray(value)) return `[${value.map(json).join()}]`;
  return `{${Object.entries(value).flatMap(([name, member]) => (member === undefined ? [] : quoted(name) + ":" + json(member))).join()}}`;
}
