/** Which user agents are programs rather than people. Pure; `dongui.rules.crawlers` is the Python twin, the list is one file for both. */
import list from "../../../python_sdk/dongui/rules/crawlers.json";

const PATTERNS = RegExp(`^(?:${list.starts.join("|")})|${list.patterns.join("|")}`);

export function isCrawler(userAgent: string): boolean {
  const text = userAgent.toLowerCase();
  return !!text && (list.words.some((word) => text.includes(word)) || PATTERNS.test(text));
}
