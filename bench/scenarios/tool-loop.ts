import { short } from "../charts.ts";
import { distinct, typical, type Row } from "../csv.ts";
import { conditions, rounds, type Headline, type Scenario } from "../scenario.ts";
import type { Call, Subject } from "../subject.ts";
import { byCase, sum } from "../tables.ts";

const TURNS = 20;
const MODEL = `tools-${TURNS}`;
const LANES: readonly { name: string; format: "openai" | "anthropic"; stream: boolean; call(subject: Subject): Call | null }[] = [
  { name: "openai whole", format: "openai", stream: false, call: (subject) => subject.same("openai", MODEL, false) },
  { name: "openai streamed", format: "openai", stream: true, call: (subject) => subject.same("openai", MODEL, true) },
  { name: "translated whole", format: "anthropic", stream: false, call: (subject) => subject.translated?.(MODEL, false) ?? null },
  { name: "translated streamed", format: "anthropic", stream: true, call: (subject) => subject.translated?.(MODEL, true) ?? null },
];

export const toolLoop: Scenario = {
  name: "tool-loop",
  title: "An agent's loop of tool calls",
  about: `One conversation of ${TURNS} tool calls, each with a result of about 400 tokens, so that the last prompt holds them all. The provider refuses a conversation in which a call's arguments changed or a result does not follow its call; the client checks every call it gets.`,

  async run(bench) {
    const rows: Row[] = [];
    await rounds(bench, bench.subjects, async (subject, round) => {
      for (const lane of LANES) {
        const call = lane.call(subject);
        if (call === null) continue;
        const job = { target: call.target, format: lane.format, model: call.model, turns: TURNS, stream: lane.stream };
        if (round === 1) await bench.tools({ ...job, seconds: 0.5 });
        const result = await bench.observe(subject, () => bench.tools({ ...job, seconds: Math.max(1, bench.seconds - 2) }));
        bench.progress(
          `tool loop ${round}/${bench.rounds}: ${subject.name}, ${lane.name}: ${short(result.turn.p50)} ms a turn, last ${short(result.lastTurn.p50)} ms, wrong ${result.wrong}${result.firstFault === null ? "" : ` (${result.firstFault})`}`,
        );
        rows.push({
          subject: subject.name,
          case: lane.name,
          round,
          conversations: result.conversations,
          turns: result.turns,
          turn_p50_ms: result.turn.p50,
          turn_p99_ms: result.turn.p99,
          last_turn_p50_ms: result.lastTurn.p50,
          cpu_us_turn: (result.cpuSeconds * 1e6) / Math.max(1, result.turns),
          ...conditions(result),
          wrong: result.wrong,
        });
      }
    });
    return rows;
  },

  report(rows) {
    const cases = distinct(rows, "case");
    const subjects = distinct(rows, "subject");
    const headlines: Headline[] = [];
    if (subjects.includes("headgate")) {
      const own = rows.filter((row) => row["subject"] === "headgate");
      headlines.push({
        text: `Conversations of ${TURNS} tool calls with a lost or altered call through Headgate`,
        value: `${sum(own, "wrong")} of ${short(sum(own, "conversations"))}`,
        bar: "0",
        met: sum(own, "wrong") === 0,
      });
    }
    return {
      headlines,
      tables: [
        byCase(rows, "A turn, p50, ms (direct not taken off)", "turn_p50_ms"),
        byCase(rows, "The last turn, p50, ms", "last_turn_p50_ms"),
        byCase(rows, "CPU µs a turn", "cpu_us_turn"),
        {
          title: "Conversations with a lost or altered call",
          columns: ["", "wrong", "of"],
          rows: subjects.map((name) => [
            name,
            String(
              sum(
                rows.filter((row) => row["subject"] === name),
                "wrong",
              ),
            ),
            short(
              sum(
                rows.filter((row) => row["subject"] === name),
                "conversations",
              ),
            ),
          ]),
        },
      ],
      charts: [
        {
          name: "tool-loop",
          title: `One turn of a conversation of ${TURNS} tool calls, p50`,
          unit: "ms",
          groups: cases,
          series: subjects.map((name) => ({ name, values: cases.map((each) => typical(rows, name, each, "turn_p50_ms")) })),
        },
      ],
      notes: [],
    };
  },
};
