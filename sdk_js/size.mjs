// What each file costs, brotli; and what each module contributes to the snippet (minified bytes).
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
for (const name of readdirSync(join(here, "dist")).filter((file) => file.endsWith(".js"))) {
  const bytes = readFileSync(join(here, "dist", name));
  console.log(name.padEnd(16), String(bytes.length).padStart(7), String(brotliCompressSync(bytes).length).padStart(6));
}
for (const entry of process.argv.slice(2)) {
  const { metafile } = await build({ absWorkingDir: here, entryPoints: [entry], bundle: true, minify: true, mangleProps: /^_/, target: "es2022", charset: "utf8", write: false, metafile: true, outdir: "x" });
  for (const [name, { bytesInOutput }] of Object.entries(Object.values(metafile.outputs)[0].inputs)) console.log("  ", name.padEnd(28), bytesInOutput);
}
