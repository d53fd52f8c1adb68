/** The mock models: one table of what each is called and does. `headgate models` and the documentation print it. */

import { GatewayError, invalidField } from "../canonical/errors.ts";
import { nearest } from "../canonical/nearest.ts";
import type { Act, Ending, Scene, Speech } from "./act.ts";
import { speak, textBlock } from "./act.ts";
import { instanceOf } from "./instance.ts";
import { statusError } from "./status.ts";
import { lastSaid, prose, slices, tokens, words } from "./speech.ts";
import { callTools } from "./tools.ts";

export interface MockModel {
  /** `<word>` stands for a number. */
  name: string;
  /** A name that can be called as it stands. */
  example: string;
  description: string;
}

interface Row extends MockModel {
  form: RegExp;
  /** The least and the most that each number of the name may be. */
  bounds: readonly Bounds[];
  act(scene: Scene, ...numbers: number[]): Act;
}

type Bounds = readonly [least: number, most: number];

const tenMinutes: Bounds = [0, 600_000];
const aMillion: Bounds = [1, 1_000_000];

const rows: readonly Row[] = [
  row("echo", "answers with the text of the last user message, or says what came when it has none", echo),
  row("slow", "repeats what was said and adds a paragraph, word by word at a human pace (20 words a second)", (scene) =>
    say(scene, `You said: ${lastSaid(scene.request)}\n\n${prose}`, { paceMs: 50 }),
  ),
  numbered("stream-<chunks>x<ms>", "stream-20x50", [aMillion, tenMinutes], "streams that many chunks, so many milliseconds apart", stream),
  numbered("long-<tokens>", "long-1000", [aMillion], "answers with that many tokens, or stops at max_tokens when that is less", long),
  numbered("delay-<ms>", "delay-2000", [tenMinutes], "is `echo` after so many milliseconds of silence", (scene, ms) => ({
    ...echo(scene),
    beforeMs: ms,
  })),
  row(
    "tools",
    "calls the first tool, or the one that tool_choice names, with arguments that fit its schema; then speaks of the results",
    (scene) => callTools(scene, "first"),
  ),
  row("tools-parallel", "calls every tool at once; then speaks of the results", (scene) => callTools(scene, "every")),
  row("reason", "reasons first, with a signature where the format has one, then answers like `echo`", reason),
  row("json", "answers with an instance of the asked-for JSON Schema, always the same", json),
  row("cite", "answers with two sentences, each citing a source", cite),
  row("refuse", "refuses to answer", refuse),
  row("length", "stops in the middle because max_tokens (16 when absent) is reached", length),
  row("stop-sequence", "is `echo`, but stops because it met the first of the given stop sequences", stopSequence),
  row("empty", "answers with nothing at all, and stops as if all were well", (scene) => answer(scene, { blocks: [] })),
  row("no-usage", "is `echo` without a word on usage, where the format can leave it out", (scene) =>
    say(scene, lastSaid(scene.request), { usage: false }),
  ),
  numbered(
    "error-<status>",
    "error-429",
    [[400, 599]],
    "fails with that HTTP status and the format's own error; 429 and 503 say to come back in a second",
    (_scene, status) => ({ kind: "error", error: statusError(status) }),
  ),
  numbered("flaky-<percent>", "flaky-20", [[0, 100]], "is `echo`, but that share of the calls fails with 503, evenly spread", flaky),
  row("error-in-stream", "says a few words, then fails inside the stream; unstreamed it fails with 529", (scene) =>
    breakOff(scene, { afterDeltas: 4, kind: "error", error: statusError(529) }),
  ),
  row("cut", "breaks off in the middle of the answer, without the format's ending", (scene) =>
    breakOff(scene, { afterDeltas: 4, kind: "cut" }),
  ),
  row("hang", "never answers", () => ({ kind: "silence" })),
  row("hang-in-stream", "says a few words, then nothing more, and keeps the connection open", (scene) =>
    breakOff(scene, { afterDeltas: 4, kind: "silence" }),
  ),
  row("garbage", "answers 200 with bytes that are no format", () => ({ kind: "garbage" })),
  row("redirect", "answers 302 to another host", () => ({ kind: "redirect" })),
];

/** Every mock model, in the order in which they are best explained. */
export const mockModels: readonly MockModel[] = rows.map(({ name, example, description }) => ({ name, example, description }));

/** Finds the model by its name; refuses an unknown one by naming the nearest, and a number that is out of bounds. */
export function actOf(name: string): (scene: Scene) => Act {
  for (const { name: shape, form, bounds, act } of rows) {
    const match = form.exec(name);
    if (!match) continue;
    const numbers = match.slice(1).map(Number);
    for (const [index, [least, most]] of bounds.entries()) {
      const number = numbers[index] ?? least;
      if (number >= least && number <= most) continue;
      throw invalidField("model", `the number in \`${shape}\` must be ${least} to ${most}, not ${number}`);
    }
    return (scene) => act(scene, ...numbers);
  }
  const shown = name.slice(0, 64);
  throw new GatewayError("provider_model_not_found", `The mock provider has no model "${shown}". ${suggestion(shown)}`, { field: "model" });
}

function row(name: string, description: string, act: (scene: Scene) => Act): Row {
  return { name, example: name, description, form: new RegExp(`^${name}$`), bounds: [], act };
}

function numbered(
  name: string,
  example: string,
  bounds: readonly Bounds[],
  description: string,
  act: (scene: Scene, first: number, second: number) => Act,
): Row {
  const form = new RegExp(`^${name.replace(/<\w+>/g, "(\\d{1,9})")}$`);
  return { name, example, description, form, bounds, act: (scene, first = 0, second = 0) => act(scene, first, second) };
}

function answer(scene: Scene, speech: Speech): Act & { kind: "answer" } {
  return { kind: "answer", steps: speak(scene, speech) };
}

function say(scene: Scene, text: string, manner: Omit<Speech, "blocks"> = {}): Act & { kind: "answer" } {
  return answer(scene, { blocks: [textBlock(() => words(text))], ...manner });
}

function echo(scene: Scene): Act & { kind: "answer" } {
  return say(scene, lastSaid(scene.request));
}

function stream(scene: Scene, chunks: number, paceMs: number): Act {
  return answer(scene, { blocks: [textBlock(() => tokens(chunks, 1))], paceMs });
}

function long(scene: Scene, count: number): Act {
  const most = scene.request.maxOutputTokens ?? count;
  return answer(scene, { blocks: [textBlock(() => tokens(Math.min(count, most), 8))], finish: most < count ? "length" : "stop" });
}

function length(scene: Scene): Act {
  const count = Math.min(scene.request.maxOutputTokens ?? 16, 100_000);
  return answer(scene, { blocks: [textBlock(() => tokens(count, 1))], finish: "length" });
}

function stopSequence(scene: Scene): Act {
  const [met] = scene.request.stop ?? [];
  return say(scene, lastSaid(scene.request), met === undefined ? {} : { finish: "stop-sequence", stopSequence: met });
}

function json(scene: Scene): Act {
  const { output } = scene.request;
  const value = output?.type === "json-schema" ? instanceOf(output.schema) : { echo: lastSaid(scene.request) };
  return answer(scene, { blocks: [textBlock(() => slices(JSON.stringify(value), 12))] });
}

function refuse(scene: Scene): Act {
  return answer(scene, { blocks: [{ content: { kind: "refusal" }, pieces: () => words("I cannot help with that.") }], finish: "refusal" });
}

/** Evenly: of five calls at 40 percent the third and the fifth fail. */
function flaky(scene: Scene, percent: number): Act {
  const failedOf = (calls: number) => Math.floor((calls * percent) / 100);
  return failedOf(scene.ordinal) > failedOf(scene.ordinal - 1) ? { kind: "error", error: statusError(503) } : echo(scene);
}

/** A text that is long enough to be broken off in. */
function breakOff(scene: Scene, ending: Ending): Act {
  return { ...answer(scene, { blocks: [textBlock(() => words(prose))] }), ending };
}

function reason(scene: Scene): Act {
  const said = lastSaid(scene.request);
  const thoughts = `The user said something of ${said.length} characters. I am a mock, so I will repeat it.`;
  return answer(scene, {
    blocks: [
      {
        content: { kind: "reasoning" },
        pieces: () => words(thoughts),
        // Vendors' signatures are base64; whoever gets this one back can tell that it is whole.
        state: { format: scene.format, kind: "signature", data: btoa(`mock signature of ${thoughts.length} characters`) },
      },
      textBlock(() => words(said)),
    ],
  });
}

function cite(scene: Scene): Act {
  const [first, second] = ["The mock provider cites its sources. ", "It has two of them."];
  const source = (number: number, citedText: string, start: number) => ({
    url: `https://example.com/source-${number}`,
    title: `Source ${number}`,
    citedText: citedText.trim(),
    start,
    end: start + citedText.trim().length,
    raw: null,
    format: "mock",
  });
  return answer(scene, {
    blocks: [{ ...textBlock(() => words(first + second)), citations: [source(1, first, 0), source(2, second, first.length)] }],
  });
}

/** The closest spelling, else the model of the same family: `stream-5` is far from `stream-20x50` letter by letter. */
function suggestion(name: string): string {
  const [family] = name.split("-");
  const known =
    nearest(
      name,
      rows.map(({ example }) => example),
    ) ?? rows.find((row) => row.name.startsWith(`${family}-`))?.example;
  return known === undefined ? `It has ${rows.map((row) => row.name).join(", ")}.` : `Did you mean "${known}"?`;
}
