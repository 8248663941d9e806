/** One tab at a time: by a Web Lock where there are any (secure contexts), elsewhere by a lease in the storage that expires. */
import { core } from "../ui/core";

const LEASE = "dongui.lease";
const LASTS = 12e3;
const own = core._uuid();

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Whether the lease is ours, or nobody's. One from far ahead was taken by another clock. */
function free(): boolean {
  const [until, owner] = (core._quietly(() => JSON.parse(core._stored()[LEASE]!)) ?? [0, ""]) as [number, string];
  return owner == own || until < Date.now() || until > Date.now() + LASTS;
}

const take = (): unknown => core._store(LEASE, [Date.now() + LASTS, own]);

async function leased(work: () => Promise<void>, here: () => boolean): Promise<void> {
  for (; ; await pause(500)) {
    if (!here()) return;
    if (!free()) continue;
    take();
    // Another process may have taken it in the same moment; the last one to write has it.
    await pause(50);
    if (free()) break;
  }
  const renewal = setInterval(take, LASTS / 3);
  await work().finally(() => {
    clearInterval(renewal);
    if (free()) core._remove(LEASE);
  });
}

/**
 * Runs `work` while no other tab runs theirs. A page that goes gives way at once, since a lock would keep it out of the
 * back/forward cache; `here` tells it. Answers whether it is still here.
 */
export async function exclusively(work: (here: () => boolean) => Promise<void>): Promise<boolean> {
  const goes = new AbortController();
  const { signal } = goes;
  const here = (): boolean => !signal.aborted;
  const gone = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  addEventListener("pagehide", () => goes.abort(), { once: true });
  const run = (): Promise<void> => Promise.race([work(here), gone]);
  // Where storage is blocked, so are locks, and no other tab has anything of ours.
  await (navigator.locks ? navigator.locks.request("dongui.queue", { signal }, run).catch(() => (here() ? run() : undefined)) : leased(run, here));
  return here();
}
