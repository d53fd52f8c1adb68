/** Counts what happens and prints it for Prometheus. Fed with finished records only, so no call waits for it. */

import type { CallRecord } from "../stores/ports.ts";

/** Seconds: from a cached answer to a long reasoning run. */
const DURATION_BOUNDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
/** Seconds: ours alone should stay far below a millisecond. */
const OVERHEAD_BOUNDS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1];

/** Distinct label sets a metric keeps; more are counted together, since model names come from callers. */
const MAX_SERIES = 2000;

interface Histogram {
  buckets: number[];
  sum: number;
  count: number;
}

class Family<Value> {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  readonly series = new Map<string, { labels: readonly string[]; value: Value }>();
  readonly #fresh: () => Value;

  constructor(name: string, type: "counter" | "gauge" | "histogram", help: string, labels: readonly string[], fresh: () => Value) {
    this.name = name;
    this.type = type;
    this.help = help;
    this.labels = labels;
    this.#fresh = fresh;
  }

  at(labels: readonly string[]): { value: Value } {
    const key = labels.join("\u0000");
    const known = this.series.get(key);
    if (known) return known;
    if (this.series.size >= MAX_SERIES && !labels.every((label) => label === "(other)")) return this.at(labels.map(() => "(other)"));
    const made = { labels, value: this.#fresh() };
    this.series.set(key, made);
    return made;
  }
}

const zero = (): number => 0;

/** The series that one kind of call adds to. */
interface CallSeries {
  provider: string;
  model: string;
  target: string;
  calls: { value: number };
  answered: { value: number };
  input: { value: number };
  output: { value: number };
  cost: { value: number };
  duration: { value: Histogram };
  firstByte: { value: Histogram };
  overhead: { value: Histogram };
}

export class Metrics {
  readonly #calls = new Family(
    "headgate_calls_total",
    "counter",
    "Finished calls.",
    ["provider", "model", "format", "outcome", "status"],
    zero,
  );
  readonly #errors = new Family("headgate_errors_total", "counter", "Calls that failed, by our error code.", ["provider", "code"], zero);
  readonly #refusals = new Family("headgate_refusals_total", "counter", "Requests refused before they became a call.", ["code"], zero);
  readonly #attempts = new Family("headgate_attempts_total", "counter", "Tries at providers.", ["target", "result"], zero);
  readonly #tokens = new Family(
    "headgate_tokens_total",
    "counter",
    "Tokens, as the providers counted them.",
    ["provider", "model", "class"],
    zero,
  );
  readonly #cost = new Family(
    "headgate_cost_usd_total",
    "counter",
    "Cost of calls with a known price, in USD.",
    ["provider", "model"],
    zero,
  );
  readonly #unpriced = new Family(
    "headgate_unpriced_calls_total",
    "counter",
    "Calls with usage whose price is unknown.",
    ["provider", "model"],
    zero,
  );
  readonly #duration = new Family("headgate_call_duration_seconds", "histogram", "From arrival to last byte.", ["provider", "model"], () =>
    histogram(DURATION_BOUNDS),
  );
  readonly #firstByte = new Family(
    "headgate_time_to_first_byte_seconds",
    "histogram",
    "From arrival to the first byte of the answer.",
    ["provider", "model"],
    () => histogram(DURATION_BOUNDS),
  );
  readonly #overhead = new Family("headgate_overhead_seconds", "histogram", "The gateway's own part of a call.", [], () =>
    histogram(OVERHEAD_BOUNDS),
  );
  readonly #bundles = new Map<string, CallSeries>();
  #inFlight = 0;
  readonly #gauges = new Map<string, { help: string; read: () => number }>();

  began(): void {
    this.#inFlight += 1;
  }

  ended(): void {
    this.#inFlight -= 1;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  refused(code: string): void {
    this.#refusals.at([code]).value += 1;
  }

  /** A value that is read when the metrics are asked for. */
  gauge(name: string, help: string, read: () => number): void {
    this.#gauges.set(name, { help, read });
  }

  count(record: CallRecord): void {
    const series = this.#seriesOf(record);
    series.calls.value += 1;
    if (record.errorCode) this.#errors.at([series.provider, record.errorCode]).value += 1;
    for (const attempt of record.attempts) {
      if (attempt.error === undefined && attempt.target === series.target) series.answered.value += 1;
      else this.#attempts.at([attempt.target, attempt.error ?? "ok"]).value += 1;
    }
    if (record.input !== null) {
      series.input.value += record.input;
      series.output.value += record.output ?? 0;
      if (record.cacheRead) this.#tokens.at([series.provider, series.model, "cache_read"]).value += record.cacheRead;
      if (record.cacheWrite) this.#tokens.at([series.provider, series.model, "cache_write"]).value += record.cacheWrite;
      if (record.reasoning) this.#tokens.at([series.provider, series.model, "reasoning"]).value += record.reasoning;
      if (record.costPico === null) this.#unpriced.at([series.provider, series.model]).value += 1;
    }
    if (record.costPico !== null) series.cost.value += record.costPico / 1e12;
    observe(series.duration.value, DURATION_BOUNDS, record.durationMs / 1000);
    if (record.firstByteMs !== null) observe(series.firstByte.value, DURATION_BOUNDS, record.firstByteMs / 1000);
    observe(series.overhead.value, OVERHEAD_BOUNDS, record.overheadMs / 1000);
  }

  /** What every call touches, found by one look-up: ten of them cost 2 µs a call. */
  #seriesOf(record: CallRecord): CallSeries {
    const key = `${record.provider}\u0000${record.model}\u0000${record.clientFormat}\u0000${record.outcome}${record.status}`;
    const known = this.#bundles.get(key);
    if (known) return known;
    const provider = record.provider ?? "none";
    // A model that no provider was asked for is the caller's invention: it must not become a label.
    const model = record.model ?? "none";
    const target = `${provider}/${model}`;
    const made: CallSeries = {
      provider,
      model,
      target,
      calls: this.#calls.at([provider, model, record.clientFormat, record.outcome, String(record.status)]),
      answered: this.#attempts.at([target, "ok"]),
      input: this.#tokens.at([provider, model, "input"]),
      output: this.#tokens.at([provider, model, "output"]),
      cost: this.#cost.at([provider, model]),
      duration: this.#duration.at([provider, model]),
      firstByte: this.#firstByte.at([provider, model]),
      overhead: this.#overhead.at([]),
    };
    if (this.#bundles.size >= MAX_SERIES) this.#bundles.clear();
    this.#bundles.set(key, made);
    return made;
  }

  /** The Prometheus text format, version 0.0.4. */
  print(): string {
    const lines: string[] = [];
    for (const family of [this.#calls, this.#errors, this.#refusals, this.#attempts, this.#tokens, this.#cost, this.#unpriced]) {
      lines.push(`# HELP ${family.name} ${family.help}`, `# TYPE ${family.name} ${family.type}`);
      for (const { labels, value } of family.series.values())
        if (value !== 0) lines.push(`${family.name}${braces(family.labels, labels)} ${value}`);
    }
    printHistogram(lines, this.#duration, DURATION_BOUNDS);
    printHistogram(lines, this.#firstByte, DURATION_BOUNDS);
    printHistogram(lines, this.#overhead, OVERHEAD_BOUNDS);
    lines.push(
      "# HELP headgate_calls_in_flight Calls under way.",
      "# TYPE headgate_calls_in_flight gauge",
      `headgate_calls_in_flight ${this.#inFlight}`,
    );
    for (const [name, { help, read }] of this.#gauges) lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${read()}`);
    return `${lines.join("\n")}\n`;
  }
}

function histogram(bounds: readonly number[]): Histogram {
  return { buckets: bounds.map(zero), sum: 0, count: 0 };
}

function observe(into: Histogram, bounds: readonly number[], value: number): void {
  into.sum += value;
  into.count += 1;
  const at = bounds.findIndex((bound) => value <= bound);
  if (at >= 0) into.buckets[at] = (into.buckets[at] as number) + 1;
}

function printHistogram(lines: string[], family: Family<Histogram>, bounds: readonly number[]): void {
  lines.push(`# HELP ${family.name} ${family.help}`, `# TYPE ${family.name} histogram`);
  for (const { labels, value } of family.series.values()) {
    if (value.count === 0) continue;
    let below = 0;
    for (const [index, bound] of bounds.entries()) {
      below += value.buckets[index] as number;
      lines.push(`${family.name}_bucket${braces([...family.labels, "le"], [...labels, String(bound)])} ${below}`);
    }
    lines.push(`${family.name}_bucket${braces([...family.labels, "le"], [...labels, "+Inf"])} ${value.count}`);
    lines.push(
      `${family.name}_sum${braces(family.labels, labels)} ${value.sum}`,
      `${family.name}_count${braces(family.labels, labels)} ${value.count}`,
    );
  }
}

function braces(names: readonly string[], values: readonly string[]): string {
  if (names.length === 0) return "";
  return `{${names.map((name, index) => `${name}="${(values[index] ?? "").replace(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`))}"`).join(",")}}`;
}
