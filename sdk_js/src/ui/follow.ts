/** What is shown follows what is in force. */
import { core } from "./core";

/** Calls `update` after every look at it: this tab decides or another one, the collector answers, the browser comes back. */
export function follow(update: () => void): void {
  const { _judge: judge } = core;
  core._judge = () => {
    judge();
    core._quietly(update);
  };
}
