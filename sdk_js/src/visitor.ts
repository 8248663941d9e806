/** The id under which is recorded, where this page knows it. Part of queue.js and record.js. */
import { core } from "./ui/core";

core._visitor = () => {
  const name = `${core._name}_id=`;
  const pairs = (core._quietly(() => core._doc.cookie) || "").split("; ").filter((pair) => pair.startsWith(name));
  const [id, other] = new Set(pairs.map((pair) => pair.slice(name.length)));
  return (!other && id) || null;
};
