/** Pages that were not there, where the browser tells (`PerformanceNavigationTiming.responseStatus`). */
import { track } from "./tools";

export function missing(): void {
  const [entry] = performance.getEntriesByType("navigation") as (PerformanceNavigationTiming & { responseStatus?: number })[];
  const status = entry?.responseStatus ?? 0;
  if (status >= 400) track("missing", { status });
}
