/** Outbound links and downloads. The click itself is left alone: what is tracked survives the page that it leaves. */
import { core } from "../ui/core";
import { place, track } from "./tools";

const FILES = /\.(pdf|docx?|xlsx?|pptx?|hwpx?|csv|txt|zip|7z|rar|gz|dmg|exe|msi|apk|mp3|mp4|mov|avi)$/i;

export function links(): void {
  const follow = (event: MouseEvent): void => {
    const link = event.composedPath().find((node) => node instanceof HTMLAnchorElement && node.href) as HTMLAnchorElement | undefined;
    if (!link || !/^https?:$/.test(link.protocol) || (event.type == "auxclick" && event.button != 1)) return;
    if (link.hasAttribute("download") || FILES.test(link.pathname)) track("download", { file: place(link) });
    else if (link.host != location.host) track("outbound", { to: place(link) });
    else return;
    core._flush();
  };
  for (const type of ["click", "auxclick"] as const) addEventListener(type, (event) => core._quietly(() => follow(event)), true);
}
