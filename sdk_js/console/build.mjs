// Builds the console's scripts into the desk's static folder, and copies the libraries it serves from their packages.
import { copyFileSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { world } from "./world.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "..", "node_modules");
const out = join(here, "..", "..", "collector", "dongui_collector", "desk", "static");
const vendor = join(out, "vendor");

// Package → its files that are served.
const SERVED = {
  "htmx.org": ["dist/htmx.min.js"],
  uplot: ["dist/uPlot.iife.min.js", "dist/uPlot.min.css"],
};

/** Every file of a package beside its licence; README.md says which versions they are. */
function copy() {
  for (const name of readdirSync(vendor)) rmSync(join(vendor, name));
  const lines = Object.entries(SERVED).map(([name, files]) => {
    const { version, license } = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
    for (const file of files) copyFileSync(join(modules, name, file), join(vendor, file.split("/").pop()));
    copyFileSync(join(modules, name, "LICENSE"), join(vendor, `${name}.LICENSE`));
    return `- ${name} ${version} (${license}): ${files.map((file) => file.split("/").pop()).join(", ")}`;
  });
  writeFileSync(join(vendor, "README.md"), `Copied from their npm packages by sdk_js/console/build.mjs; do not edit.\n\n${lines.join("\n")}\n`);
}

copy();
world(modules, out);
await build({
  absWorkingDir: here,
  bundle: true,
  minify: true,
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  format: "iife",
  entryPoints: ["console.ts", "visits.ts", "preview.ts"],
  outdir: out,
});
