/** The published types, as somebody's TypeScript uses them. Never run: `tsc` is the test. */
import { type ConsentState, type Dongui, init, type Result } from "../dist/index.js";

export const dongui: Dongui = init({ site: "SITE", base: "/_dongui", ui: "none" });
export const stop: () => void = dongui.consent.onChange((state: ConsentState) => void (state.statistics satisfies boolean | undefined));
export const done: Promise<Result>[] = [dongui.consent.set({ statistics: true }), dongui.withdraw("statistics"), dongui.withdraw()];
dongui.consent.ready.then(({ statistics }) => dongui.track("ready", { statistics, list: [1, "two"] }));
dongui.setAdvertisingId("adid", null);

// @ts-expect-error a site is needed
init({ base: "/_dongui" });
// @ts-expect-error a purpose is granted or refused, nothing between
dongui.consent.set({ statistics: "yes" });
// @ts-expect-error the promise is not the page's to replace
dongui.consent.ready = Promise.resolve({});
