/** Grouped bars as SVG, readable on a light and a dark page, with no library. */

export interface Chart {
  /** The file's name without `.svg`. */
  name: string;
  title: string;
  unit: string;
  /** Along the bottom. */
  groups: readonly string[];
  /** One bar a group each; NaN leaves it out. */
  series: readonly { name: string; values: readonly number[] }[];
  /** Bars of very different heights: powers of ten up the side. */
  logarithmic?: boolean;
  /** A line across, such as a budget. */
  limit?: { value: number; name: string };
}

/** Every subject keeps its colour in every chart; told apart also by colour-blind readers (Okabe and Ito's palette). */
const COLOURS: Record<string, string> = {
  direct: "#9a9a9a",
  nginx: "#009e73",
  relay: "#56b4e9",
  "relay-loop": "#0072b2",
  headgate: "#d55e00",
  portkey: "#cc79a7",
  litellm: "#e69f00",
};
const SPARE = ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

const WIDTH = 860;
const HEIGHT = 360;
const LEFT = 64;
const RIGHT = 12;
const TOP = 64;
const BOTTOM = 40;

export function svg(chart: Chart): string {
  const series = chart.series.filter((each) => each.values.some((value) => Number.isFinite(value) && value > 0));
  const values = series.flatMap((each) => each.values).filter((value) => Number.isFinite(value) && value > 0);
  const high = Math.max(...values, chart.limit?.value ?? 0, 1e-9);
  const low = Math.min(...values, high);
  const marks = chart.logarithmic ? decades(low, high) : steps(high);
  const bottom = marks[0] ?? 0;
  const top = marks[marks.length - 1] ?? 1;
  const plotHeight = HEIGHT - TOP - BOTTOM;
  const y = (value: number) => {
    const share = chart.logarithmic ? Math.log(value / bottom) / Math.log(top / bottom) : value / top;
    return round(TOP + plotHeight * (1 - Math.max(0, Math.min(1, share))));
  };

  const parts: string[] = [];
  for (const mark of marks) {
    parts.push(`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(mark)}" y2="${y(mark)}"/>`);
    parts.push(`<text class="small" x="${LEFT - 8}" y="${y(mark) + 4}" text-anchor="end">${short(mark)}</text>`);
  }
  const groupWidth = (WIDTH - LEFT - RIGHT) / chart.groups.length;
  const barWidth = Math.min(56, (groupWidth * 0.86) / Math.max(1, series.length));
  for (const [groupIndex, group] of chart.groups.entries()) {
    const centre = LEFT + groupWidth * (groupIndex + 0.5);
    parts.push(`<text class="label" x="${round(centre)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${escape(group)}</text>`);
    for (const [index, each] of series.entries()) {
      const value = each.values[groupIndex] ?? Number.NaN;
      if (!Number.isFinite(value) || value <= 0) continue;
      const x = round(centre + (index - series.length / 2) * barWidth);
      const height = round(TOP + plotHeight - y(value));
      parts.push(
        `<rect x="${x}" y="${y(value)}" width="${round(barWidth - 2)}" height="${height}" fill="${colour(each.name, index)}"><title>${escape(`${each.name}, ${group}: ${short(value)} ${chart.unit}`)}</title></rect>`,
      );
      if (barWidth >= 20)
        parts.push(
          `<text class="value" x="${round(x + barWidth / 2 - 1)}" y="${y(value) - 4}" text-anchor="middle">${short(value)}</text>`,
        );
    }
  }
  if (chart.limit) {
    const at = y(chart.limit.value);
    parts.push(
      `<line class="limit" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/><text class="small" x="${WIDTH - RIGHT}" y="${at - 4}" text-anchor="end">${escape(chart.limit.name)}</text>`,
    );
  }
  let legendX = LEFT;
  for (const [index, each] of series.entries()) {
    parts.push(
      `<rect x="${legendX}" y="38" width="11" height="11" fill="${colour(each.name, index)}"/><text class="label" x="${legendX + 16}" y="48">${escape(each.name)}</text>`,
    );
    legendX += 34 + each.name.length * 7.5;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" role="img" aria-label="${escape(chart.title)}">
<style>
rect.page{fill:#fff} text{fill:#222} .title{font-size:15px;font-weight:600} .label{font-size:12px} .small,.value{font-size:11px} .value{fill:#555}
.grid{stroke:#e2e2e2} .limit{stroke:#c00;stroke-dasharray:5 4}
@media (prefers-color-scheme: dark){rect.page{fill:#161616} text{fill:#e8e8e8} .value{fill:#aaa} .grid{stroke:#333} .limit{stroke:#f66}}
</style>
<rect class="page" width="${WIDTH}" height="${HEIGHT}"/>
<text class="title" x="${LEFT}" y="24">${escape(chart.title)} <tspan font-weight="400">(${escape(chart.unit)}${chart.logarithmic ? ", powers of ten" : ""})</tspan></text>
${parts.join("\n")}
</svg>
`;
}

function colour(name: string, index: number): string {
  return COLOURS[name] ?? SPARE[index % SPARE.length] ?? "#888";
}

function steps(high: number): number[] {
  const rough = high / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const marks: number[] = [];
  for (let mark = 0; mark < high * 1.06 + step; mark += step) marks.push(mark);
  return marks;
}

function decades(low: number, high: number): number[] {
  const marks: number[] = [];
  // The lowest bar must have a height, so the foot lies below it.
  for (let power = Math.floor(Math.log10(low * 0.8)); power <= Math.ceil(Math.log10(high)); power++) marks.push(10 ** power);
  return marks;
}

/** Three figures are as many as the machine's noise allows. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  if (Math.abs(value) >= 1000) return Number(value.toPrecision(3)).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
