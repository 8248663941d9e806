import type UPlot from "uplot";
import type { default as Plot, Options } from "uplot";

declare const uPlot: typeof Plot;

/** What the server says of the graph, beside its own drawing: numbers, and every text that is shown. */
interface Points {
  now: (number | null)[];
  before: (number | null)[];
  labels: string[];
  full: string[];
  fullBefore: string[];
  said: string[];
  saidBefore: string[];
  step: number;
  lines: string[];
  marks: number[];
  /** Where a click on a point leads, from the address of the screen; empty for nowhere. */
  links: string[];
  /** The point whose interval is not over yet. */
  unfinished: number | null;
}

const HEIGHT = 260;
const drawn = new Map<HTMLElement, UPlot>();

/** Draw every graph that is there or comes with a fragment; again when its width or the colours change. */
export function graphs(): void {
  const all = (within: ParentNode) => within.querySelectorAll<HTMLElement>("[data-points]").forEach(draw);
  all(document);
  document.addEventListener("htmx:load", (event) => all(event.target as HTMLElement));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => [...drawn.keys()].forEach(draw));
}

const sizes = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const plot = drawn.get(target as HTMLElement);
    if (!target.isConnected) forget(target as HTMLElement);
    else if (plot && contentRect.width && plot.width !== contentRect.width) plot.setSize({ width: contentRect.width, height: HEIGHT });
  }
});

function forget(box: HTMLElement): void {
  drawn.get(box)?.destroy();
  drawn.delete(box);
  sizes.unobserve(box);
}

function draw(box: HTMLElement): void {
  const points = JSON.parse(box.dataset["points"]!) as Points;
  forget(box);
  box.querySelector("svg")?.classList.add("gone");
  const hint = box.querySelector<HTMLElement>(".hint")!;
  const open = points.unfinished ?? Infinity;
  const over = points.now.map((value, n) => (n === open ? null : value));
  const still = points.now.map((value, n) => (n === open || n === open - 1 ? value : null));
  const data = [points.now.map((_, n) => n), over, points.now.map((_, n) => points.before[n] ?? null), still];
  const plot = new uPlot(options(box, points, hint), data as UPlot.AlignedData, box);
  plot.over.addEventListener("click", () => {
    const link = points.links[plot.cursor.idx ?? -1];
    if (link) location.assign(link);
  });
  drawn.set(box, plot);
  sizes.observe(box);
}

function options(box: HTMLElement, points: Points, hint: HTMLElement): Options {
  const style = getComputedStyle(box.querySelector(".ink")!);
  const [accent, pale, soft, line] = [style.color, style.fill, style.stroke, style.borderTopColor];
  const font = `12px ${getComputedStyle(box).fontFamily}`;
  const top = points.step * (points.lines.length - 1);
  const ticks = points.lines.map((_, n) => n * points.step);
  return {
    width: box.clientWidth,
    height: HEIGHT,
    padding: [12, 24, 0, 0], // room for half of the last label
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 9, fill: accent } },
    scales: { x: { time: false, range: (_, from, to) => (from === to ? [from - 1, to + 1] : [from, to]) }, y: { range: [0, top] } },
    axes: [
      { stroke: soft, font, size: 30, gap: 6, grid: { show: false }, ticks: { show: false }, splits: (plot) => spread(points.now.length, plot.width), values: (_, at) => at.map((n) => points.labels[n] ?? "") },
      { stroke: soft, font, size: 46, gap: 4, grid: { stroke: line, width: 1 }, ticks: { show: false }, splits: () => ticks, values: () => points.lines },
    ],
    series: [
      {},
      { stroke: accent, fill: pale, width: 2, points: { show: points.now.length < 2, size: 8 } },
      { stroke: soft, width: 1.5, dash: [5, 4], points: { show: false } },
      { stroke: accent, width: 2, dash: [3, 4], points: { show: points.unfinished === 0, size: 8 } },
    ],
    hooks: { drawAxes: [(plot) => mark(plot, points.marks, soft)], setCursor: [(plot) => tell(plot, points, hint)] },
  };
}

/** A line down from every day with a note. */
function mark(plot: UPlot, marks: number[], colour: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const n of marks) {
    const x = Math.round(plot.valToPos(n, "x", true));
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

/** The places of the labels: as many as there is room for. */
function spread(count: number, width: number): number[] {
  const every = Math.max(1, Math.ceil(count / Math.max(2, Math.floor(width / 92))));
  return Array.from({ length: Math.ceil(count / every) }, (_, n) => n * every);
}

/** What the pointer is over, in words; the texts are set as text, never as markup. */
function tell(plot: UPlot, points: Points, hint: HTMLElement): void {
  const n = plot.cursor.idx;
  const here = n != null && points.now[n] != null;
  hint.hidden = !here;
  if (!here) return;
  const [day, said, before, beforeSaid] = hint.children as unknown as HTMLElement[];
  day!.textContent = points.full[n]!;
  said!.textContent = points.said[n]!;
  before!.textContent = points.saidBefore[n] ? points.fullBefore[n]! : "";
  beforeSaid!.textContent = points.saidBefore[n] ?? "";
  const left = plot.cursor.left! + plot.over.offsetLeft;
  const room = plot.width - hint.offsetWidth - 8;
  hint.style.left = `${Math.max(4, Math.min(left + 14 > room ? left - hint.offsetWidth - 14 : left + 14, room))}px`;
}
