/** Forms: that one was sent, and which; never what was written into it. */
import { core } from "../ui/core";
import { place, track } from "./tools";

export function forms(): void {
  addEventListener(
    "submit",
    ({ target }) =>
      core._quietly(() => {
        if (!(target instanceof HTMLFormElement)) return;
        // A field's name shadows the property or the method.
        const { getAttribute } = core._native(target);
        const to = new URL(getAttribute("action") || location.href, location.href);
        track("form", { form: getAttribute("id") || getAttribute("name") || "", to: place(to) });
        core._flush();
      }),
    true,
  );
}
