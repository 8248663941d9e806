/** Forms: that one was sent, and which; never what was written into it. */
import { core } from "../ui/core";
import { place, track } from "./tools";

export function forms(): void {
  addEventListener(
    "submit",
    ({ target }) =>
      core._quietly(() => {
        if (!(target instanceof HTMLFormElement)) return;
        // A field named "action" or "id" would shadow the property: ask for the attribute.
        const to = new URL(target.getAttribute("action") || location.href, location.href);
        track("form", { form: target.getAttribute("id") || target.getAttribute("name") || "", to: place(to) });
        core._flush();
      }),
    true,
  );
}
