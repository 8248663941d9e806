/** Pages within the page: what the History API makes of the address. */
import { quietly } from "./page";

/** Calls `act` after each change that a script makes to the address. */
export function watchRoutes(act: () => void): void {
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (...given) {
      original.apply(this, given);
      quietly(act);
    };
  }
}
