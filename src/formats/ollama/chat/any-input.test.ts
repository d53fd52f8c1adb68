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
import { decode, encodeMessages, last, line } from "./samples.ts";

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

const made = { id: "a", function: { index: 0, name: "f", arguments: { a: 1 } } };
const lines = [
  line({ thinking: "Hm" }),
  line({ content: "Hi" }, { logprobs: [{ token: "Hi", logprob: -1, bytes: [1], top_logprobs: [] }] }),
  line({ tool_calls: [made, made] }),
  last(),
];

describe("whatever comes in, nothing breaks but with a GatewayError", () => {
  test("as lines of a stream", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(spoiled(lines), fc.constantFrom(...lines)), { maxLength: 6 }), fc.boolean(), (given, ended) => {
        const events = decode(ended ? [...given, last()] : given);
        expectDiscipline(events, "cut");
        expect(["end", "error"]).toContain(events.at(-1)?.type);
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
      fc.property(spoiled([{ ...last(), message: { role: "assistant", content: "Hi", thinking: "Hm", tool_calls: [made] } }]), (body) => {
        const events = refusalOr(() => decodeReply(body));
        if (events) expectDiscipline(events);
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
  const part = fc.oneof(
    fc.record({ kind: fc.constant("text" as const), text: word }),
    fc.record({ kind: fc.constant("thinking" as const), text: word }),
    fc.record({
      kind: fc.constant("call" as const),
      text: word,
      args: fc.dictionary(word, fc.oneof(word, fc.integer(), fc.constant(null))),
    }),
  );

  test("is what its lines say, in their order", () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const events = decode([
          ...parts.map((one) => {
            if (one.kind === "text") return line({ content: one.text });
            if (one.kind === "thinking") return line({ thinking: one.text });
            return line({ tool_calls: [{ function: { name: one.text, arguments: one.args as JsonObject } }] });
          }),
          last(),
        ]);
        expectDiscipline(events);
        const told: [string, string][] = [];
        for (const one of parts) {
          const kind = one.kind === "thinking" ? "reasoning" : one.kind;
          const before = told.at(-1);
          if (one.kind === "call") told.push([kind, JSON.stringify(one.args)]);
          else if (before?.[0] === kind) before[1] += one.text;
          else told.push([kind, one.text]);
        }
        expect(
          fold(events).choices[0]?.content.map((one) =>
            one.type === "tool-call" ? ["call", one.arguments] : [one.type, "text" in one ? one.text : ""],
          ),
        ).toEqual(told);
      }),
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
    .record({ id, name: fc.constantFrom("", "f", "g"), args: fc.constantFrom("", "{}", '{"a":1}', "null", "x") })
    .map((one): AssistantPart => ({ type: "tool-call", id: one.id, name: one.name, kind: "function", arguments: one.args }));
  return fc.array(
    fc.oneof(
      text.map((one): Message => ({ role: "system", content: [{ type: "text", text: one }] })),
      text.map((one): Message => ({ role: "user", content: [{ type: "text", text: one }] })),
      fc.array(fc.oneof(said, thought, called), { maxLength: 4 }).map((content): Message => ({ role: "assistant", content })),
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
  test("loses no result and no call with a name, and every result stands among those of one turn, in the order of its calls", () => {
    fc.assert(
      fc.property(conversations, (given) => {
        const { messages } = encodeMessages(given);
        const results = given.flatMap((message) => (message.role === "tool" ? message.content : []));
        const calls = given.flatMap((message) =>
          message.role === "assistant" ? message.content.filter((part) => part.type === "tool-call" && part.name !== "") : [],
        );
        expect(messages.filter(({ role }) => role === "tool")).toHaveLength(results.length);
        expect(messages.flatMap((message) => (Array.isArray(message["tool_calls"]) ? message["tool_calls"] : []))).toHaveLength(
          calls.length,
        );
        for (const message of messages) expect(typeof message["content"]).toBe("string");

        let turn: string[] = [];
        for (const message of messages) {
          const { role, tool_name: name, tool_calls: made } = message;
          if (role === "assistant")
            turn = (Array.isArray(made) ? made : [])
              .filter(isObject)
              .map((one) => String(isObject(one["function"]) && one["function"]["name"]));
          else if (role !== "tool") turn = [];
          // What answers no call has no name.
          else if (name !== undefined) {
            expect(turn).toContain(name);
            // Calls before it that nobody has answered are passed over.
            turn = turn.slice(turn.indexOf(String(name)) + 1);
          }
        }
      }),
      runs,
    );
  });
});
