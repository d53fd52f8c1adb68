import { short } from "../charts.ts";
import { distinct, ratio, typical, type Row } from "../csv.ts";
import { chatBody, conditions, rounds, type Headline, type Scenario } from "../scenario.ts";
import type { Call, Subject } from "../subject.ts";
import { addedByCase, byCase, sum } from "../tables.ts";

const STREAMS = [1, 16, 64, 256];
const CHUNKS = 100;
const EVERY_MS = 20;
const MODEL = `paced-${EVERY_MS}ms-${CHUNKS}`;
const BURST = 400;

/** Lanes: what goes in and what comes out. The case of a row is `lane streams`. */
const LANES = [
  { name: "openai", format: "openai", call: (subject: Subject, model: string) => subject.same("openai", model, true) },
  { name: "anthropic", format: "anthropic", call: (subject: Subject, model: string) => subject.same("anthropic", model, true) },
  { name: "translated", format: "anthropic", call: (subject: Subject, model: string) => subject.translated?.(model, true) ?? null },
] as const;

export const streaming: Scenario = {
  name: "streaming",
  title: "Streaming",
  about: `Streams of ${CHUNKS} chunks, one every ${EVERY_MS} ms, at 1 to 256 at once, every chunk compared with what the provider said; then bursts of ${BURST} chunks cut at odd places. Lanes: *openai* and *anthropic* keep the format, *translated* is an Anthropic client on an OpenAI provider.`,

  async run(bench) {
    const rows: Row[] = [];
    const job = (call: Call, format: "openai" | "anthropic", streams: number, chunks: number) => ({
      target: call.target,
      body: chatBody(call, { stream: true, format }),
      format,
      streams,
      chunks,
      spreadMs: 200,
      seconds: Math.max(1, bench.seconds - 2),
    });
    await rounds(bench, bench.subjects, async (subject, round) => {
      for (const lane of LANES) {
        const call = lane.call(subject, MODEL);
        const burst = lane.call(subject, `burst-${BURST}`);
        if (call === null || burst === null) continue;
        if (round === 1) await bench.streams({ ...job(burst, lane.format, 4, BURST), seconds: 1 });
        // The translated and the Anthropic lane repeat the same work at fewer points.
        for (const streams of bench.quick ? [16] : lane.name === "openai" ? STREAMS : [16, 64]) {
          const result = await bench.observe(subject, () => bench.streams(job(call, lane.format, streams, CHUNKS)));
          const cpu = (result.cpuSeconds * 1e6) / Math.max(1, result.chunks);
          bench.progress(
            `streaming ${round}/${bench.rounds}: ${subject.name}, ${lane.name}, ${streams} streams: ${short(cpu)} CPU µs a chunk, p99 gap ${short(result.gap.p99)} ms, unfaithful ${result.unfaithful}${result.firstFault === null ? "" : ` (${result.firstFault})`}`,
          );
          rows.push({
            subject: subject.name,
            case: `${lane.name} ${streams}`,
            round,
            streams: result.streams,
            chunks: result.chunks,
            first_token_p50_ms: result.firstToken.p50,
            first_token_p99_ms: result.firstToken.p99,
            gap_p50_ms: result.gap.p50,
            gap_p99_ms: result.gap.p99,
            gap_max_ms: result.gap.max,
            cpu_us_chunk: cpu,
            ...conditions(result),
            unfaithful: result.unfaithful,
            broken: result.broken,
          });
        }
        const result = await bench.observe(subject, () => bench.streams({ ...job(burst, lane.format, 8, BURST), spreadMs: 0 }));
        rows.push({
          subject: subject.name,
          case: `${lane.name} burst`,
          round,
          streams: result.streams,
          chunks: result.chunks,
          first_token_p50_ms: result.firstToken.p50,
          first_token_p99_ms: result.firstToken.p99,
          cpu_us_chunk: (result.cpuSeconds * 1e6) / Math.max(1, result.chunks),
          chunks_per_s: result.chunks / result.seconds,
          ...conditions(result),
          unfaithful: result.unfaithful,
          broken: result.broken,
        });
        if (lane.name !== "openai") continue;
        await bench.provider.reset();
        const dropped = await bench.streams({ ...job(call, lane.format, 32, CHUNKS), dropAfterMs: 700 });
        const heard = await disconnectsHeard(bench.provider.stats, 32);
        rows.push({
          subject: subject.name,
          case: "client leaves",
          round,
          streams: 32,
          left_heard: heard.count,
          left_heard_ms: heard.count === 32 ? heard.at - dropped.droppedAt : Number.NaN,
        });
      }
    });
    return rows;
  },

  report(rows) {
    const subjects = distinct(rows, "subject");
    const cases = distinct(rows, "case");
    const pacedRows = rows.filter((row) => /\d$/.test(String(row["case"])));
    const burstRows = rows.filter((row) => String(row["case"]).endsWith("burst"));
    const leaving = rows.filter((row) => row["case"] === "client leaves");
    const openai = distinct(pacedRows, "case").filter((name) => name.startsWith("openai"));
    const headlines: Headline[] = [];
    const judged = cases.includes("openai 64") ? "64" : "16";
    if (subjects.includes("headgate") && subjects.includes("relay")) {
      const verbatim = ratio(rows, "headgate", "relay", `openai ${judged}`, "cpu_us_chunk");
      headlines.push({
        text: `CPU a chunk at ${judged} verbatim streams, Headgate over the bare Bun relay`,
        value: short(verbatim),
        bar: "at most 1.3",
        met: verbatim <= 1.3,
      });
    }
    const unfaithful = (name: string) =>
      sum(
        rows.filter((row) => row["subject"] === name),
        "unfaithful",
      );
    if (subjects.includes("headgate")) {
      headlines.push({
        text: "Headgate's streams that were not chunk for chunk what the provider said",
        value: `${unfaithful("headgate")} of ${short(
          sum(
            rows.filter((row) => row["subject"] === "headgate"),
            "streams",
          ),
        )}`,
        bar: "0",
        met: unfaithful("headgate") === 0,
      });
      const left = typical(leaving, "headgate", undefined, "left_heard_ms");
      headlines.push({
        text: "Client leaves: until the provider knows, 32 streams at once, the last of them",
        value: `${short(left)} ms`,
        bar: "at most 100 ms",
        met: left <= 100,
      });
    }
    return {
      headlines,
      tables: [
        byCase(pacedRows, `CPU µs a chunk at one chunk every ${EVERY_MS} ms a stream`, "cpu_us_chunk"),
        byCase(burstRows, "CPU µs a chunk in a burst", "cpu_us_chunk"),
        byCase(pacedRows, `p99 gap between chunks, ms (the provider's pace is ${EVERY_MS})`, "gap_p99_ms"),
        addedByCase(pacedRows, "Added time to first token, p50, ms", "first_token_p50_ms"),
        addedByCase(pacedRows, "Added time to first token, p99, ms", "first_token_p99_ms"),
        {
          title: "Fidelity",
          columns: ["", "streams", "chunks", "not chunk for chunk", "broken connections", "client leaves, provider knows after ms"],
          rows: subjects.map((name) => {
            const own = rows.filter((row) => row["subject"] === name);
            return [
              name,
              short(sum(own, "streams")),
              short(sum(own, "chunks")),
              String(sum(own, "unfaithful")),
              String(sum(own, "broken")),
              leavingTold(leaving, name),
            ];
          }),
        },
      ],
      charts: [
        {
          name: "cpu-chunk",
          title: "CPU a chunk, paced streams",
          unit: "µs",
          groups: distinct(pacedRows, "case"),
          series: subjects
            .filter((name) => name !== "direct")
            .map((name) => ({ name, values: distinct(pacedRows, "case").map((each) => typical(pacedRows, name, each, "cpu_us_chunk")) })),
        },
        {
          name: "stream-gap",
          title: "p99 gap between chunks",
          unit: "ms",
          groups: openai,
          series: subjects.map((name) => ({ name, values: openai.map((each) => typical(pacedRows, name, each, "gap_p99_ms")) })),
        },
      ],
      notes: [
        "A chunk is cheaper the more streams there are, because one turn of the event loop serves several. A contender missing from a lane cannot do it.",
      ],
    };
  },
};

function leavingTold(rows: readonly Row[], subject: string): string {
  const ms = typical(rows, subject, undefined, "left_heard_ms");
  return Number.isFinite(ms) ? short(ms) : `not within 2 s (${typical(rows, subject, undefined, "left_heard")} of 32)`;
}

/** Waits until the provider has heard of every disconnect, two seconds at most. */
async function disconnectsHeard(
  stats: () => Promise<{ disconnects: number; lastDisconnectAt: number }>,
  expected: number,
): Promise<{ count: number; at: number }> {
  const deadline = performance.now() + 2000;
  for (;;) {
    const { disconnects, lastDisconnectAt } = await stats();
    if (disconnects >= expected || performance.now() > deadline) return { count: disconnects, at: lastDisconnectAt };
    await Bun.sleep(20);
  }
}
