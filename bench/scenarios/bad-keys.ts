import { short } from "../charts.ts";
import { distinct, typical, type Row } from "../csv.ts";
import { MARKER } from "../expected.ts";
import { chatBody, conditions, rounds, wrongOf, type Headline, type Scenario } from "../scenario.ts";
import { byColumn, sum } from "../tables.ts";

/** A model name of its own, so that the provider's count by model shows any of these that got through. */
const FORBIDDEN = "must-not-arrive";
const VALID_RATE = 200;

export const badKeys: Scenario = {
  name: "bad-keys",
  title: "A flood of invalid keys",
  about: `Valid traffic at ${VALID_RATE} requests a second, alone and then beside 32 connections that send a key nobody issued as fast as they can. Only contenders with keys of their own take part.`,

  async run(bench) {
    const rows: Row[] = [];
    const subjects = bench.subjects.filter((subject) => subject.stranger !== undefined || subject.name === "direct");
    await rounds(bench, subjects, async (subject, round) => {
      const call = subject.same("openai", "ok", false);
      if (call === null) return;
      const valid = {
        target: call.target,
        body: chatBody(call),
        marker: `${MARKER} `,
        connections: 8,
        seconds: bench.seconds,
        rate: VALID_RATE,
      };
      await bench.provider.reset();
      await bench.closed({ ...valid, seconds: 1 });
      const calm = await bench.observe(subject, () => bench.closed(valid));
      const row = (name: string, result: typeof calm): Row => ({
        subject: subject.name,
        case: name,
        round,
        requests: result.requests,
        p50_ms: result.latency.p50,
        p99_ms: result.latency.p99,
        max_ms: result.latency.max,
        ...conditions(result),
        wrong: wrongOf(result),
      });
      rows.push(row("alone", calm));
      const target = subject.stranger?.();
      if (target === undefined) return;

      const body = chatBody({ target, model: call.model.replace(/ok$/, FORBIDDEN) });
      const pressed = await bench.observe(subject, async () => {
        const flood = bench.hammer({ target, body, marker: "", status: 401, connections: 32, seconds: bench.seconds + 1 });
        await Bun.sleep(300);
        return { ...(await bench.closed(valid)), refused: await flood };
      });
      const { refused } = pressed;
      // Counted over every flood of the run, so that a repeated measurement hides nothing.
      const through = (await bench.provider.stats()).models[FORBIDDEN] ?? 0;
      bench.progress(
        `bad keys ${round}/${bench.rounds}: ${subject.name}: ${short(refused.requests / refused.seconds)} refused a second, ${through} got through, valid p99 ${short(calm.latency.p99)} → ${short(pressed.latency.p99)} ms`,
      );
      rows.push({
        ...row("beside the flood", pressed),
        refused: refused.requests,
        refused_per_s: refused.requests / refused.seconds,
        not_401: wrongOf(refused),
        reached_provider: through,
      });
    });
    return rows;
  },

  report(rows) {
    const flood = rows.filter((row) => row["case"] === "beside the flood");
    const headlines: Headline[] = [];
    const own = flood.filter((row) => row["subject"] === "headgate");
    if (own.length > 0) {
      headlines.push({
        text: "Requests with an invalid key that reached the provider through Headgate",
        value: `${sum(own, "reached_provider")} of ${short(sum(own, "refused"))}`,
        bar: "0",
        met: sum(own, "reached_provider") === 0,
      });
      headlines.push({
        text: "Invalid keys answered by anything but 401",
        value: String(sum(own, "not_401")),
        bar: "0",
        met: sum(own, "not_401") === 0,
      });
    }
    return {
      headlines,
      tables: [
        byColumn(rows, `Valid calls alone, ms, ${VALID_RATE} a second`, "alone", {
          p50_ms: "p50",
          p99_ms: "p99",
          max_ms: "max",
          wrong: "wrong",
        }),
        {
          title: "Valid calls beside the flood, ms",
          columns: ["", "p50", "p99", "max", "wrong", "refused a second", "reached the provider"],
          rows: distinct(flood, "subject").map((name) => [
            name,
            ...["p50_ms", "p99_ms", "max_ms", "wrong", "refused_per_s", "reached_provider"].map((column) =>
              short(typical(flood, name, undefined, column)),
            ),
          ]),
        },
      ],
      charts: [],
      notes: ["nginx, the relays and Portkey check no keys of their own: whatever is sent goes to the provider."],
    };
  },
};
