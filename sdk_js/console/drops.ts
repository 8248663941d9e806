/** Menus that open in place (`details.drop`) close again: on a click elsewhere, on Escape, when another one opens. */
export function closeDrops(): void {
  document.addEventListener("click", (event) => closeAll(event.target as Node));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = (event.target as Element).closest<HTMLDetailsElement>("details.drop[open]");
    closeAll(null);
    open?.querySelector("summary")?.focus();
  });
}

function closeAll(except: Node | null): void {
  for (const drop of document.querySelectorAll<HTMLDetailsElement>("details.drop[open]"))
    if (!except || !drop.contains(except)) drop.open = false;
}
