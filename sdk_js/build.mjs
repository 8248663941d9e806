// Builds dist/ from src/, byte for byte the same everywhere: no timestamps, no paths, one esbuild call so that the
// mangled names agree between the files that meet in the browser.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { minify } from "terser";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const shared = { absWorkingDir: here, bundle: true, minify: true, target: "es2022", charset: "utf8", legalComments: "none", ignoreAnnotations: true, tsconfigRaw: { compilerOptions: { strict: false } } };

/** One table of mangled names for all files, since they meet in window.dongui. */
let names = {};

/** esbuild bundles and mangles; terser then inlines what is used once, which is worth one byte in twenty-five. */
async function bundle(name, entry, format, define = {}) {
  const result = await build({ ...shared, format, outfile: `${name}.js`, entryPoints: [entry], define, mangleProps: /^_/, mangleCache: names, write: false });
  names = result.mangleCache;
  // What is shorter is not always shorter once compressed: these were tried.
  const everyPage = ["dongui", "index"].includes(name);
  // Statements joined by commas are shorter; in the snippet they come out longer once compressed.
  const compress = { passes: 5, ecma: 2020, inline: 1, keep_fargs: false, pure_getters: true, unsafe_arrows: true, hoist_funs: !everyPage, evaluate: false, sequences: name != "dongui" };
  const { code } = await minify(result.outputFiles[0].text, { ecma: 2020, module: format == "esm", toplevel: true, compress });
  // The only line breaks left are those between the rules of style sheets, escaped or not.
  writeFileSync(join(dist, `${name}.js`), `${code.replace(/\}(\n|\\n)/g, "}")}\n`);
}

/** What is loaded on demand is asked for by its content, so that a cache never pairs files of two versions. */
function onDemand() {
  const hash = createHash("sha256");
  for (const name of ["ui.js", "queue.js", "panel.js", "place.js", "extras.js", "vitals.js", "release.js", "diagnostics.js", "record.js", "position.js"]) hash.update(readFileSync(join(dist, name)));
  return hash.digest("hex").slice(0, 8);
}

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
// The snippet first, so that the shortest names go where every page pays for them; and again, once it can say what is on demand.
const snippet = (version) => bundle("dongui", "src/snippet.ts", "iife", { VERSION: JSON.stringify(version) });
await snippet("");
await bundle("ui", "src/ui/index.ts", "esm");
await bundle("queue", "src/queue/index.ts", "esm");
await bundle("panel", "src/ui/panel.ts", "esm");
await bundle("place", "src/ui/place.ts", "esm");
await bundle("position", "src/ui/position.ts", "esm");
await bundle("extras", "src/extras/index.ts", "esm");
await bundle("vitals", "src/extras/vitals.ts", "esm");
await bundle("record", "src/record/index.ts", "esm");
await bundle("release", "src/blocking/release.ts", "esm");
await bundle("diagnostics", "src/diagnostics/index.ts", "esm");
await snippet(onDemand());
await bundle("stub", "src/stub.ts", "iife");
await bundle("index", "src/index.ts", "esm", { VERSION: JSON.stringify(onDemand()) });
types();
