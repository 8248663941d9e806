// Builds dist/ from src/, byte for byte the same everywhere: no timestamps, no paths, one esbuild call so that the
// mangled names agree between the files that meet in the browser.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const shared = { absWorkingDir: here, bundle: true, minify: true, target: "es2022", charset: "utf8", legalComments: "none" };

/** One table of mangled names for all files, since they meet in window.dongui. */
let names = {};
async function bundle(format, entryPoints, define = {}) {
  const result = await build({ ...shared, format, outdir: dist, entryPoints, define, mangleProps: /^_/, mangleCache: names });
  names = result.mangleCache;
}

/** The interface is asked for by its content, so that a cache never pairs files of two versions. */
const uiVersion = () => createHash("sha256").update(readFileSync(join(dist, "ui.js"))).digest("hex").slice(0, 8);

/** Every generated file goes; dist/__init__.py, which makes dist a Python package, stays. */
function clean() {
  for (const name of readdirSync(dist)) if (/\.(js|d\.ts)$/.test(name)) rmSync(join(dist, name));
}

/** index.d.ts speaks only of api.d.ts; the rest of the tree stays private. */
function types() {
  const out = mkdtempSync(join(tmpdir(), "dongui-types-"));
  const tsc = join(here, "node_modules", "typescript", "bin", "tsc");
  execFileSync(process.execPath, [tsc, "-p", join(here, "tsconfig.types.json"), "--outDir", out], { stdio: "inherit" });
  for (const name of ["index.d.ts", "api.d.ts"]) copyFileSync(join(out, name), join(dist, name));
  rmSync(out, { recursive: true });
}

clean();
await bundle("iife", { ui: "src/ui/index.ts" });
const define = { UI_VERSION: JSON.stringify(uiVersion()) };
await bundle("iife", { dongui: "src/snippet.ts" }, define);
await bundle("esm", { index: "src/index.ts" }, define);
types();
