// Stands in for an advertising vendor's script: it runs only once "marketing" is granted.
"use strict";
if (!/(^|; )_fbp=/.test(document.cookie)) {
  const id = `fb.1.${Date.now()}.${Math.floor(Math.random() * 2 ** 31)}`;
  document.cookie = `_fbp=${id}; Path=/; SameSite=Lax; Max-Age=${90 * 86400}`;
}
