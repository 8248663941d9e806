import { createElement as h, useSyncExternalStore } from "react";
import { init } from "dongui";

const inBrowser = typeof document !== "undefined";
const dongui = inBrowser && init({ site: "SITE", base: "/_dongui" });

export function Page() {
  const counted = useSyncExternalStore(
    (changed) => dongui.consent.onChange(changed),
    () => dongui.consent.granted("statistics"),
    () => false,
  );
  return h("p", null, counted ? "Counted" : "Not counted");
}
