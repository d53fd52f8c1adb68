import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isGatewayError } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { expectDiscipline } from "../../codec.contract.ts";
import { checkRequest } from "./check-request.ts";
import { ChatDecoder } from "./decode-events.ts";
import { decodeReply } from "./decode-reply.ts";
import { decodeRequest } from "./decode-request.ts";
import { decodeError } from "./errors.ts";
import { chunk, decodeStream, door, encode } from "./samples.ts";
import { edits, readReply, watch } from "./verbatim.ts";

const anything = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;

/** Known shapes with some value anywhere in them replaced by anything at all. */
function spoiled(samples: readonly JsonObject[]): fc.Arbitrary<JsonObject> {
  return fc
    .tuple(fc.constantFrom(...samples), fc.array(fc.tuple(fc.nat(40), anything), { minLength: 1, maxLength: 3 }))
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

const call = {
  index: 0,
  id: "a",
  type: "function",
  function: { name: "look", arguments: "{}" },
  extra_content: { google: { thought_signature: "s" } },
};
const detail = { type: "reasoning.text", text: "Hm", signature: "s", format: "x", index: 0, headgate: { at: { text: 1, calls: 0 } } };
const ours = {
  blocks: [{ index: 0, format: "a/b", value: { type: "x" }, details: 1 }],
  citations: [{ headgate: { format: "a/b", raw: 1 } }],
};
const chunks: JsonObject[] = [
  chunk({ role: "assistant", content: "" }),
  chunk({ content: "Hi", annotations: [{ type: "url_citation", url_citation: { url: "https://e.org" } }] }),
  chunk({ reasoning: "Hm", reasoning_details: [detail] }),
  chunk({ content: [{ type: "thinking", thinking: [{ type: "text", text: "Hm" }] }] }),
  chunk({ tool_calls: [call] }),
  chunk({
    audio: { id: "a", data: "AA==", transcript: "x" },
    images: [{ image_url: { url: "data:image/png;base64,AA" } }],
    headgate: ours,
  }),
  chunk({ refusal: "no", function_call: { name: "look" } }, "stop", { usage: { prompt_tokens: 1, completion_tokens: 2 } }),
  { choices: [], x_groq: { usage: { prompt_tokens: 1 } } },
];
const replies: JsonObject[] = [
  {
    id: "c",
    model: "m",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: "Hello", reasoning_details: [detail], tool_calls: [call], headgate: ours },
        finish_reason: "tool_calls",
      },
    ],
    usage: { prompt_tokens: 1 },
  },
];
const requests: JsonObject[] = [
  {
    model: "m",
    messages: [
      { role: "system", content: "s" },
      {
        role: "user",
        content: [
          { type: "text", text: "a", cache_control: { type: "ephemeral" } },
          { type: "image_url", image_url: { url: "https://e.org" } },
          { type: "file", file: { file_data: "AA", filename: "x" } },
        ],
      },
      {
        role: "assistant",
        content: "Hello",
        tool_calls: [call],
        reasoning_details: [detail],
        headgate: ours,
        annotations: [{ url_citation: { url: "u" } }],
      },
      { role: "tool", tool_call_id: "a", content: "x" },
    ],
    tools: [{ type: "function", function: { name: "look", parameters: {} } }],
    tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [] } },
    response_format: { type: "json_schema", json_schema: { name: "n", schema: {} } },
    reasoning: { effort: "low", max_tokens: 5 },
    stop: ["x"],
    stream_options: { include_usage: true },
  },
];

describe("whatever comes in, nothing breaks but with a GatewayError", () => {
  const runs = { numRuns: 600 };

  test("requests", () => {
    fc.assert(
      fc.property(fc.oneof(spoiled(requests), fc.dictionary(fc.string(), anything)), (body) => {
        refusalOr(() => checkRequest(body));
        const request = refusalOr(() => decodeRequest(body, door));
        if (request) refusalOr(() => encode(request));
      }),
      runs,
    );
  });

  test("streams, with their blocks in order", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(spoiled(chunks), fc.constantFrom(...chunks)), { maxLength: 8 }), (payloads) => {
        const events = decodeStream(payloads, { quirks: ["think-tags"] });
        expectDiscipline(events, "cut");
        expect(["end", "error"]).toContain(events.at(-1)?.type);
      }),
      runs,
    );
  });

  test("frames that are no chunks", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string(),
            anything.map((value) => JSON.stringify(value)),
          ),
          { maxLength: 5 },
        ),
        (payloads) => {
          const decoder = new ChatDecoder();
          for (const data of payloads) decoder.push({ event: "", data });
          decoder.end();
          const watcher = watch({ includeUsage: false });
          for (const data of payloads) watcher.look({ event: "", data });
        },
      ),
      runs,
    );
  });

  test("whole replies", () => {
    fc.assert(
      fc.property(fc.oneof(spoiled(replies), fc.dictionary(fc.string(), anything)), (body) => {
        const events = refusalOr(() => decodeReply(body));
        if (events) expectDiscipline(events);
        readReply(body);
        edits(body, { model: "m", quirks: new Set(["max-tokens", "no-developer-role", "no-metadata"]), warn: () => {} });
      }),
      runs,
    );
  });

  test("error bodies", () => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 599 }), anything, (status, body) => {
        expect(isGatewayError(decodeError(status, body, new Headers()))).toBe(true);
      }),
      runs,
    );
  });
});
