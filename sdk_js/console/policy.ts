/** The editor of a policy: its check and its preview follow what is written. Without a script two buttons do the same. */
const PAUSE_MS = 700;

export function followDraft(): void {
  const text = document.querySelector<HTMLTextAreaElement>("textarea[data-draft]");
  const preview = document.querySelector<HTMLButtonElement>("button[data-preview]");
  if (!text || !preview?.form) return;
  const form = preview.form;
  const show = (): void => form.requestSubmit(preview);
  let timer = 0;
  text.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(show, PAUSE_MS);
  });
  for (const choice of form.querySelectorAll<HTMLElement>("[data-view]")) choice.addEventListener("change", show);
  show();
}
