import { core } from "./core";

/** Hands the visitor a JSON file. */
export function download(name: string, content: unknown): void {
  const href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 2)], { type: "application/json" }));
  core._h("a", { href, download: name }).click();
  URL.revokeObjectURL(href);
}
