/** One attempt to hand over a batch of events. */
import { frameHeader } from "../mount";
import { core } from "../ui/core";

/**
 * `"recorded"`; `"refused"` where it is for good, so that one event of a batch is at fault; or the seconds to wait, 0 where
 * nobody says how many: a firewall, a captive portal and no answer at all come and go.
 */
export async function outcome(body: string): Promise<"recorded" | "refused" | number> {
  const answer = await fetch(`${core._options.base}/v1/events`, { method: "POST", body, headers: frameHeader(), keepalive: true, signal: AbortSignal.timeout(1e4) }).catch(() => {});
  const { status = 0, headers } = answer || {};
  if (status == 202) return "recorded";
  // A body that came too slowly, or too early (408, 425), comes the next time.
  if (status == 400 || status == 413 || /^application\/problem\+json/.test(headers?.get("Content-Type") || "") && status > 399 && status < 429 && status != 408 && status != 425) return "refused";
  return +headers?.get("Retry-After")! || 0;
}
