// The world map of the console, from Natural Earth's public-domain shapes (npm: world-atlas), as symbols to be coloured.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { geoNaturalEarth1, geoPath } from "d3-geo";
import { feature } from "topojson-client";

const WIDTH = 640, HEIGHT = 318;
// Natural Earth gives these no number; the codes are those that address databases use.
const UNNUMBERED = { Kosovo: "XK" };

/** ISO 3166 number → alpha-2 code: a locale's region by number is canonically the one by letters. */
const code = ({ id, properties }) => (id ? Intl.getCanonicalLocales(`und-${id}`)[0].slice(4) : UNNUMBERED[properties.name]);

/** Writes world.svg: `#land` is everything, `#KR` and so on are single countries. */
export function world(modules, out) {
  const topology = JSON.parse(readFileSync(join(modules, "world-atlas", "countries-110m.json"), "utf8"));
  const countries = feature(topology, topology.objects.countries).features.filter((one) => one.id != "010"); // Antarctica
  const projection = geoNaturalEarth1().fitSize([WIDTH, HEIGHT], { type: "FeatureCollection", features: countries });
  const draw = geoPath(projection).digits(1);
  const shapes = countries.map((one) => [code(one) ?? "", draw(one)]).sort(([a], [b]) => (a < b ? -1 : 1));
  const paths = shapes.map(([id, path]) => `<path${/^[A-Z]{2}$/.test(id) ? ` id="${id}"` : ""} d="${path}"/>`).join("\n");
  writeFileSync(join(out, "world.svg"), `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}"><g id="land">\n${paths}\n</g></svg>\n`);
}
