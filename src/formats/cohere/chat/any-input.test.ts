import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AssistantPart, Message } from "../../../canonical/chat.ts";
import { isGatewayError } from "../../../canonical/errors.ts";
import { fold } from "../../../canonical/fold.ts";
import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { expectDiscipline } from "../../codec.contract.ts";
import { decodeReply } from "./decode-events.ts";
import { decodeError } from "./errors.ts";
import { citation, content, counts, decode, encodeMessages, end, plan, start, toolCall } from "./samples.ts";

const anything = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
const runs = { numRuns: 500 };

/** Known shapes with some value anywhere in them replaced by anything at all. */
function spoiled(samples: readonly JsonObject[]): fc.Arbitrary<JsonObject> {
  return fc
    .tuple(fc.constantFrom(...samples), fc.array(fc.tuple(fc.nat(20), anything), { minLength: 1, maxLength: 3 }))
    .map(([sample, changes]) => changes.reduce<JsonObject>((body, [at, value]) => replaced(body, at, value), sample));
}

/** The object with its n-th value, counted through the whole tree, replaced. */
function replaced(body: JsonObject, at: number, value: Json): JsonObject {
  let left = at;
  const visit = (node: Json): Json => {
    if (left-- === 0) return value;
    if (Array.isArray(node)) return node.map(visit);
    if (!isObject(node)) return node;
    return Object.fromEntries(Object.entries(node).map(([key, inner]) => [key, visit(inner ?? null)]));
  };
  const changed = visit(body);
  return isObject(changed) ? changed : body;
}

/** Runs it: a refusal is fine, any other failure is ours. */
function refusalOr<Result>(run: () => Result): Result | undefined {
  try {
    return run();
  } catch (thrown) {
    expect(isGatewayError(thrown) ? undefined : thrown).toBeUndefined();
    return undefined;
  }
}

const cited: JsonObject = {
  start: 0,
  end: 1,
  text: "a",
  content_index: 0,
  type: "TEXT_CONTENT",
  sources: [{ type: "document", id: "d", document: { title: "t", url: "u" } }],
};
const events: JsonObject[] = [
  start,
  ...content("thinking", ["Hm"]),
  ...plan("Look."),
  ...content("text", ["a", "b"], 1),
  ...citation(0, cited),
  ...toolCall(0, "f", ["{", "}"]),
  {
    type: "content-delta",
    index: 0,
    delta: { message: { content: { text: "a" } } },
    logprobs: { text: "a", token_ids: [1], logprobs: [-1] },
  },
  end("TOOL_CALL"),
];
const reply: JsonObject = {
  id: "x",
  message: {
    role: "assistant",
    content: [
      { type: "thinking", thinking: "Hm" },
      { type: "text", text: "Hi" },
    ],
    tool_plan: "Look.",
    tool_calls: [{ id: "f_1", type: "function", function: { name: "f", arguments: "null" } }],
    citations: [cited],
  },
  finish_reason: "TOOL_CALL",
  logprobs: [{ text: "a", token_ids: [1], logprobs: [-1] }],
  usage: counts,
};

describe("whatever comes in, nothing breaks but with a GatewayError", () => {
  test("as events of a stream", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(spoiled(events), fc.constantFrom(...events)), { maxLength: 8 }), fc.boolean(), (given, ended) => {
        const told = decode(ended ? [...given, end()] : given);
        expectDiscipline(told, "cut");
        expect(["end", "error"]).toContain(told.at(-1)?.type);
      }),
      runs,
    );
    fc.assert(
      fc.property(fc.string(), (data) => expectDiscipline(decode([data]), "cut")),
      runs,
    );
  });

  test("as a whole reply, and as an error", () => {
    fc.assert(
      fc.property(spoiled([reply]), (body) => {
        const told = refusalOr(() => decodeReply(body));
        if (told) expectDiscipline(told);
      }),
      runs,
    );
    fc.assert(
      fc.property(anything, fc.integer({ min: 100, max: 599 }), (body, status) => {
        expect(decodeError(status, body, new Headers()).message).not.toBe("");
      }),
      runs,
    );
  });
});

describe("any answer", () => {
  const word = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
  const pieces = fc.array(word, { minLength: 1, maxLength: 3 });

  test("is the same whole and streamed", () => {
    fc.assert(
      fc.property(
        fc.option(pieces),
        fc.option(pieces),
        fc.option(pieces),
        fc.array(fc.dictionary(word, fc.oneof(word, fc.integer())), { maxLength: 3 }),
        (thoughts, planned, words, calls) => {
          const texts = words ? content("text", words, thoughts ? 1 : 0) : [];
          const streamed = [
            start,
            ...(thoughts ? content("thinking", thoughts) : []),
            ...plan(...(planned ?? [])),
            ...texts,
            ...calls.flatMap((args, index) => toolCall(index, "f", [...JSON.stringify(args)])),
            end("TOOL_CALL"),
          ];
          const whole: JsonObject = {
            id: start["id"],
            message: {
              content: [
                ...(thoughts ? [{ type: "thinking", thinking: thoughts.join("") }] : []),
                ...(words ? [{ type: "text", text: words.join("") }] : []),
              ],
              tool_plan: planned?.join(""),
              tool_calls: calls.map((args, index) => ({
                id: `f_e8p4pn45zt0${index}`,
                type: "function",
                function: { name: "f", arguments: JSON.stringify(args) },
              })),
            },
            finish_reason: "TOOL_CALL",
            usage: counts,
          };
          const told = decode(streamed);
          expectDiscipline(told);
          expect(fold(told)).toEqual(fold(decodeReply(whole)));
        },
      ),
      runs,
    );
  });
});

/** Conversations as agents write them, and worse: ids used anew, results late, doubled, of nobody. */
const conversations: fc.Arbitrary<Message[]> = (() => {
  const id = fc.constantFrom("", "a", "b", "call_0");
  const text = fc.constantFrom("", " ", "Hi", "{}");
  const said = text.map((one): AssistantPart => ({ type: "text", text: one }));
  const thought = text.map((one): AssistantPart => ({ type: "reasoning", text: one }));
  const called = fc
    .record({ id, name: fc.constantFrom("", "f", "g"), args: fc.constantFrom("", "{}", '{"a":1}', "null", "x", "[]") })
    .map((one): AssistantPart => ({ type: "tool-call", id: one.id, name: one.name, kind: "function", arguments: one.args }));
  return fc.array(
    fc.oneof(
      text.map((one): Message => ({ role: "system", content: [{ type: "text", text: one }] })),
      text.map((one): Message => ({ role: "user", content: [{ type: "text", text: one }] })),
      fc.array(fc.oneof(said, thought, called), { maxLength: 4 }).map((parts): Message => ({ role: "assistant", content: parts })),
      fc.array(fc.record({ callId: id, text, isError: fc.boolean() }), { minLength: 1, maxLength: 3 }).map((results): Message => ({
        role: "tool",
        content: results.map((one) => ({
          type: "tool-result",
          callId: one.callId,
          isError: one.isError,
          content: [{ type: "text", text: one.text }],
        })),
      })),
    ),
    { minLength: 1, maxLength: 10 },
  );
})();

describe("any conversation", () => {
  test("is one that the vendor takes: system first, nothing empty, arguments objects, every result after the call that it answers", () => {
    fc.assert(
      fc.property(conversations, (given) => {
        const { messages } = encodeMessages(given);
        let open: string[] = [];
        messages.forEach((message, index) => {
          const { role, content: told, tool_calls: calls, tool_plan: planned, tool_call_id: answered } = message;
          if (role === "system") expect(index).toBe(0);
          expect(told === undefined || told === "" ? (calls ?? planned) : told).toBeTruthy();
          if (role === "tool") {
            expect(open).toContain(answered);
            open.splice(open.indexOf(String(answered)), 1);
            return;
          }
          open = [];
          for (const call of Array.isArray(calls) ? calls : []) {
            if (!isObject(call) || !isObject(call["function"])) throw new Error("a call is an object");
            expect(isObject(JSON.parse(String(call["function"]["arguments"])))).toBe(true);
            open.push(String(call["id"]));
          }
        });
      }),
      runs,
    );
  });
});
