// Stands in for an analytics vendor's script: it runs only once "statistics" is granted, and sets cookies of its own.
"use strict";
(() => {
  const year = 395 * 86400;
  const client = `GA1.1.${Math.floor(Math.random() * 2 ** 31)}.${Math.floor(Date.now() / 1000)}`;
  if (!/(^|; )_ga=/.test(document.cookie)) document.cookie = `_ga=${client}; Path=/; SameSite=Lax; Max-Age=${year}`;
  document.cookie = `_ga_DEMO=GS2.1.s${Math.floor(Date.now() / 1000)}; Path=/; SameSite=Lax; Max-Age=${year}`;
})();
