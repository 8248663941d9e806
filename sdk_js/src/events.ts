/** What happens on the page, as far as it may be recorded: handed to record.js, which is loaded for the first of it. */
import { EVENTS } from "./queue";
import type { Event } from "./rules/types";
import { core } from "./state";

const MOST = 500;
const covered = (): unknown => core._granted.size || core._pending[0];

core._record = (event) => {
  core._events[MOST] || core._events.push(event);
  void core._load("record");
};

export const send = (event: Event): void => void (covered() && core._record(event));

/** What other pages could not send goes where nothing covers it any more, be it known by the notice or by the lack of a choice. */
core._sweep = () => {
  if (!covered() && (core._known || !(core._choice || core._queue[0]))) core._keys(EVENTS).forEach(core._remove);
};

core._flush = () => {
  core._sweep();
  if (core._known && core._keys(EVENTS)[0]) void core._load("record");
};
