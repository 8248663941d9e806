/** What the site's own middleware has to know of a page, where the collector answers on its origin. Elsewhere a header costs a preflight. */
import { core } from "./ui/core";

/** The header by which it sets and reads the cookies of a frame. */
export const frameHeader = (): Record<string, string> =>
  core._name.endsWith("_frame") && core._options.base.startsWith(location.origin + "/") ? { "X-Dongui": "frame" } : {};
