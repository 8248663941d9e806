// The cases that the Python twin runs too: one rule, two languages, one table.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decodeChoice, effectivePurposes, encodeChoice, newestChoice } from "../src/rules/consent";
import { isCrawler } from "../src/rules/crawlers";
import { classify, cookieVerdict } from "../src/rules/cookies";
import { choiceAfter, classifyAnswer, collapse, expire, nextDecision, overlay, pendingGrants, settle } from "../src/rules/decisions";
import { gateEvent, itemsAllowed } from "../src/rules/gate";
import { cookiePrefix, readChoice, visitorIds } from "../src/rules/own";
import type { Choice, Event, Policy } from "../src/rules/types";

import { scrubText } from "../src/rules/personal";
import { scrubProps, scrubUrl } from "../src/rules/urls";

declare const VECTORS: string;
interface Case {
  name: string;
  call: string;
  input: Record<string, unknown>;
  expect: unknown;
}

const read = (name: string): unknown => JSON.parse(readFileSync(join(VECTORS, `${name}.json`), "utf8"));
const policy = read("policy") as Policy;

/** Each call of the tables, its arguments unpacked by name. */
const calls: Record<string, (given: any) => unknown> = {
  decode_choice: ({ value }) => decodeChoice(value),
  encode_choice: ({ choice }) => encodeChoice(choice as Choice),
  newest_choice: ({ values }) => newestChoice(values),
  effective_purposes: ({ choice, now, gpc }) => [...effectivePurposes(choice, policy, now, gpc)].sort(),
  items_allowed: ({ purposes }) => [...itemsAllowed(purposes, policy)].sort(),
  gate_event: ({ event, purposes, now_ms }) => gateEvent(event as Event, purposes, policy, now_ms),
  scrub_url: ({ url, query_keys, unsearched }) => scrubUrl(url, query_keys ?? policy.query_keys, unsearched),
  scrub_text: ({ text }) => scrubText(text),
  scrub_props: ({ value, unsearched }) => scrubProps(value, unsearched),
  is_crawler: ({ user_agent }) => isCrawler(user_agent),
  classify: ({ name }) => classify(name, policy),
  classify_answer: ({ status, type, text, id }) => classifyAnswer(status, type, text, id),
  overlay: ({ granted, queue }) => overlay(granted, queue),
  pending_grants: ({ queue }) => pendingGrants(queue),
  collapse: ({ queue, decision }) => collapse(queue, decision),
  expire: ({ queue, now, notice, choice_seconds }) => expire(queue, now, notice, choice_seconds),
  settle: ({ queue, id, outcome }) => settle(queue, id, outcome),
  choice_after: ({ choice, entry, rest, recorded }) => choiceAfter(choice, entry, rest, recorded),
  next_decision: ({ queue, waiting }) => nextDecision(queue, waiting)?.id,
  cookie_prefix: ({ https, shared }) => cookiePrefix(https, shared),
  read_choice: ({ pairs, https, shared, framed }) => readChoice(pairs, https, shared, framed),
  visitor_ids: ({ pairs, https, shared, framed }) => visitorIds(pairs, https, shared, framed),
  cookie_verdict: ({ name, granted, strict }) => cookieVerdict(name, new Set<string>(granted), policy, strict),
};

for (const table of ["choice", "effective", "gate", "urls", "cookies", "decisions", "own_cookies", "crawlers"])
  for (const row of read(table) as Case[])
    test(`${table}: ${row.name}`, () => {
      // What only the collector does has no twin here.
      if (row.call == "percent_encoded") return;
      const call = calls[row.call];
      assert.ok(call, `no JavaScript twin of ${row.call}`);
      assert.deepEqual(JSON.parse(JSON.stringify(call(row.input) ?? null)), row.expect);
    });
