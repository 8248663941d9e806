// The shop's own script: categories without a page load, and two events of its own. Works without dongui, too.
"use strict";

// Calls made before dongui has loaded are kept in an array, which dongui works through.
window.dongui ??= [];

async function swap(href, push) {
  const answer = await fetch(href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return location.assign(href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.title = page.title;
  document.getElementById("main").replaceChildren(...page.getElementById("main").childNodes);
  if (push) history.pushState({}, "", href);
  const chosen = document.querySelector(".kinds [aria-current]");
  if (chosen) chosen.focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-swap]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  swap(link.href, true).catch(() => location.assign(link.href));
});

addEventListener("popstate", () => swap(location.href, false).catch(() => location.reload()));

document.addEventListener("submit", (event) => {
  const { track, trackGood } = event.target.dataset;
  if (track) window.dongui.push(["track", track, trackGood ? { good: trackGood } : {}]);
});
