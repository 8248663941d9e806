/** Core Web Vitals, by Google's own library. */
import { onCLS, onFCP, onINP, onLCP, onTTFB, type Metric } from "web-vitals";
import { core, doc } from "../ui/core";
import { track } from "./tools";

const report = ({ name, value, rating }: Metric): void => {
  track("vital", { name, value: Math.round(name == "CLS" ? value * 1000 : value) / (name == "CLS" ? 1000 : 1), rating });
  if (doc.visibilityState == "hidden") core._flush();
};
for (const watch of [onCLS, onFCP, onINP, onLCP, onTTFB]) watch(report);
