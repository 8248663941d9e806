// Events within the collector's limits: the cases of tests/vectors/events.json, which the Python suite runs too.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fitEvent } from "../src/rules/events";
import { json, plain, type Cut } from "../src/rules/json";

declare const VECTORS: string;
const CASES: any[] = JSON.parse(readFileSync(join(VECTORS, "events.json"), "utf8"));

const wrapped = (levels: number, inner: any, times = 1): any => {
  for (let i = 0; i < levels; i++) inner = Array(times).fill(inner);
  return inner;
};

/** What the cases write with `$` for what JSON has no word for. */
const makers: Record<string, (given: any) => unknown> = {
  $date: (text) => new Date(text),
  $url: (text) => new URL(text),
  $toJSON: (value) => ({ hidden: 1, toJSON: () => value }),
  $empty: (name) => ({ Map: new Map([[1, 2]]), Set: new Set([1]), RegExp: /x/ })[name as "Map"],
  $box: Object,
  $undefined: () => undefined,
  $function: () => () => 1,
  $symbol: () => Symbol("s"),
  $big: BigInt,
  $number: Number,
  $throws: () => ({ get x() { throw Error("the page's bug"); }, toJSON() { throw Error("the page's bug"); } }),
  $nested: (levels) => wrapped(levels - 1, []),
  $fan: () => wrapped(40, [1], 10),
  $repeat: ([value, times]) => Array(times).fill(value),
  $text: ([text, times]) => text.repeat(times),
};

function made(value: any, root?: any, same: any = { x: 1 }): any {
  if (Array.isArray(value)) return value.map((member) => made(member, root, same));
  if (!value || typeof value != "object") return value;
  const [[name, given] = ["", null], ...more] = Object.entries(value) as [string, any][];
  if (!more[0]) {
    if (name == "$root") return root;
    if (name == "$same") return same;
    if (name == "$pairs") return Object.fromEntries(given.map(([key, member]: [string, any]) => [key, made(member, root, same)]));
    if (makers[name]) return makers[name]!(given);
  }
  const out: any = {};
  for (const [key, member] of Object.entries(value)) out[key] = made(member, root ?? out, same);
  return out;
}

const run = ({ call, input }: any): any => {
  const why = new Set<Cut>();
  const value = call == "plain" ? plain(made(input.value), (cut) => why.add(cut)) : fitEvent(made(input.event), input.now_ms ?? 0, (cut) => why.add(cut));
  return { value, cut: [...why].sort() };
};

for (const row of CASES.filter(({ only }) => only != "py"))
  test(`events: ${row.name}`, () => {
    const got = run(row);
    if (row.cut_only) delete got.value;
    assert.deepEqual(JSON.parse(JSON.stringify(got)), JSON.parse(JSON.stringify(made(row.expect))));
    // Our own JSON says the same as the browser's.
    assert.deepEqual(JSON.parse(json(got)), JSON.parse(JSON.stringify(got)));
  });

test("JSON and copies are the same whatever the page does to the built-ins", () => {
  const value = { list: [1, "a\"\\\u0001\ud83d", { at: new Date(0) }], none: undefined, text: "가😀\u2028" };
  const expected = JSON.stringify(value);
  const prototypes: any[] = [Object.prototype, Array.prototype, String.prototype, Date.prototype, Number.prototype];
  const { stringify } = JSON;
  let got = "";
  try {
    for (const prototype of prototypes) Object.defineProperty(prototype, "toJSON", { value: () => "theirs", configurable: true, writable: true });
    JSON.stringify = () => "theirs";
    got = json(plain(value, () => {}));
  } finally {
    for (const prototype of prototypes) delete prototype.toJSON;
    JSON.stringify = stringify;
    Date.prototype.toJSON = function () { return this.toISOString(); };
  }
  assert.deepEqual(JSON.parse(got), JSON.parse(expected));
});
