/** A key presses the link that names it (`data-key="D"`), unless somebody is typing. */
export function keys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const at = event.target as HTMLElement;
    if (at.isContentEditable || at.matches("input, select, textarea")) return;
    // The key's place on the board: with a Korean layout D gives ㅇ.
    const key = event.code.startsWith("Key") ? event.code.slice(3) : event.key;
    const found = document.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
    if (!found) return;
    event.preventDefault();
    if (found instanceof HTMLDetailsElement) {
      found.open = !found.open;
      found.querySelector<HTMLElement>("input, summary")?.focus();
    } else found.click();
  });
}
