import { short } from "../charts.ts";
import { distinct, typical, type Row } from "../csv.ts";
import { checksum, MARKER, promptMessages } from "../expected.ts";
import { chatBody, conditions, rounds, wrongOf, type Scenario } from "../scenario.ts";
import { byCase } from "../tables.ts";

const STREAMS = 16;
const CHUNKS = 100;
const TOKENS = 100_000;
const PAUSE_MS = 250;

export const headOfLine: Scenario = {
  name: "head-of-line",
  title: "One large call beside small streams",
  about: `${STREAMS} streams at one chunk every 20 ms, alone and then beside a connection that sends a call of 100k tokens again and again, ${PAUSE_MS} ms apart: does the large one hold up the small? *beside translated* sends the large call in Anthropic's format to an OpenAI provider.`,

  async run(bench) {
    const rows: Row[] = [];
    const messages = promptMessages(TOKENS);
    await rounds(bench, bench.subjects, async (subject, round) => {
      const small = subject.same("openai", `paced-20ms-${CHUNKS}`, true);
      if (small === null) return;
      const large = [
        { name: "alone", call: null, format: "openai" },
        { name: "beside 100k", call: subject.same("openai", "ok", false), format: "openai" },
        { name: "beside translated", call: subject.translated?.("ok", false) ?? null, format: "anthropic" },
      ] as const;
      for (const { name, call, format } of large) {
        if (name !== "alone" && call === null) continue;
        const seconds = Math.max(2, bench.seconds - 1);
        const streams = () =>
          bench.streams({
            target: small.target,
            body: chatBody(small, { stream: true }),
            format: "openai",
            streams: STREAMS,
            chunks: CHUNKS,
            spreadMs: 20,
            seconds,
          });
        const calls = () =>
          call === null
            ? null
            : bench.closed({
                target: call.target,
                body: chatBody(call, { messages, format }),
                marker: `${MARKER} ${checksum(messages)}`,
                connections: 1,
                seconds: seconds + 1,
                pauseMs: PAUSE_MS,
              });
        if (round === 1) await calls();
        const result = await bench.observe(subject, async () => {
          const [small, beside] = await Promise.all([streams(), calls()]);
          return { ...small, beside };
        });
        bench.progress(
          `head of line ${round}/${bench.rounds}: ${subject.name}, ${name}: p99 gap ${short(result.gap.p99)} ms, max ${short(result.gap.max)} ms${result.beside ? `, large call p50 ${short(result.beside.latency.p50)} ms, wrong ${wrongOf(result.beside)}` : ""}`,
        );
        rows.push({
          subject: subject.name,
          case: name,
          round,
          chunks: result.chunks,
          gap_p50_ms: result.gap.p50,
          gap_p90_ms: result.gap.p90,
          gap_p99_ms: result.gap.p99,
          gap_max_ms: result.gap.max,
          large_calls: result.beside?.requests ?? 0,
          large_p50_ms: result.beside?.latency.p50 ?? Number.NaN,
          ...conditions(result),
          unfaithful: result.unfaithful,
          wrong: result.beside ? wrongOf(result.beside) : 0,
        });
      }
    });
    return rows;
  },

  report(rows) {
    const cases = distinct(rows, "case");
    return {
      headlines: [],
      tables: [
        byCase(rows, "p99 gap between the small streams' chunks, ms (the provider's pace is 20)", "gap_p99_ms"),
        byCase(rows, "Longest gap, ms", "gap_max_ms"),
        byCase(
          rows.filter((row) => row["case"] !== "alone"),
          "The large call itself, p50, ms",
          "large_p50_ms",
        ),
      ],
      charts: [
        {
          name: "head-of-line",
          title: "p99 gap of small streams",
          unit: "ms",
          groups: cases,
          series: distinct(rows, "subject").map((name) => ({ name, values: cases.map((each) => typical(rows, name, each, "gap_p99_ms")) })),
        },
      ],
      notes: [
        "The large call passes through the load's core too, so direct's own gap widens; the difference to direct is the contender's part.",
      ],
    };
  },
};
