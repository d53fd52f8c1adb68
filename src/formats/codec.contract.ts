/** What every codec must keep, whatever its format: one suite, run by the test of each. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AssistantPart, ChatEvent, ChatReply, Citation, Finish, FinishReason, OpaqueState } from "../canonical/chat.ts";
import { catalogue, GatewayError, isGatewayError } from "../canonical/errors.ts";
import type { ErrorCode } from "../canonical/errors.ts";
import { fold, unfold } from "../canonical/fold.ts";
import { isObject, parseJson } from "../canonical/json.ts";
import type { Json, JsonObject } from "../canonical/json.ts";
import type { Usage } from "../canonical/usage.ts";
import { SseReader } from "../upstream/framing/sse.ts";
import type { ClientCodec, Door, EncodeContext, Frame, ReplyContext } from "./codec.ts";

/** What not every format has a way to say. */
export type Ability =
  /** Several answers to one prompt. */
  | "choices"
  | "logprobs"
  /** A refusal with words of its own, apart from the text. */
  | "refusal-text"
  /** Calls with free-form input. */
  | "custom-calls"
  /** Blocks in any order, a call before text included. */
  | "any-order"
  /** Other formats' opaque state comes back in a reply. Coming back in a history is not optional. */
  | "foreign-state"
  | "citations"
  /** Usage apart from the totals: cache and reasoning. */
  | "usage-details";

export interface ContractSamples {
  /** Bodies that a client may send, by name: what is decoded from them survives encoding and decoding again. */
  requests: Record<string, JsonObject>;
  /** Answers that the format carries whole, by name. */
  replies: Record<string, ChatReply>;
  /** A request in whose history the answer stands that `encodeReply` gave. */
  history(reply: JsonObject): JsonObject;
  /** What the format cannot say, and why: random answers go without. */
  cannot?: Partial<Record<Ability, string>>;
  /** Ways to end that come back as another way, or as an error, and why. */
  finishes?: Partial<Record<FinishReason, { as: FinishReason | "error"; because: string }>>;
  door?: Door;
  runs?: number;
  /** No event of a stream is its last by itself, and why: the watcher learns from the close that the answer is complete. */
  closes?: string;
  /** Ids of replies that the format keeps; a format with a shape of its own for them replaces any other. */
  ids?: readonly string[];
}

const context: ReplyContext = {
  callId: "hg_contract",
  created: 1_700_000_000,
  model: "asked-model",
  includeUsage: true,
  origin: "vendor/model",
  customTools: new Set(["freeform"]),
};

/** @example `codecContract(chatCompletions, { requests, replies, history, cannot: { "any-order": "text is one string" } })` */
export function codecContract(codec: ClientCodec, samples: ContractSamples): void {
  const { client, provider } = codec;
  const runs = samples.runs ?? 150;
  const can = (ability: Ability): boolean => samples.cannot?.[ability] === undefined;
  const answers = replies(codec.name, can, samples.ids);
  const named = Object.entries(samples.replies);

  const whole = (reply: ChatReply): ChatReply => fold(provider.decodeReply(throughJson(client.encodeReply(frozen(reply), context))));
  const expected = (reply: ChatReply): Normal => normal(reply, samples);

  /** The stream of these events, as bytes. */
  const stream = (events: readonly ChatEvent[]): string => {
    const encoder = client.encodeEvents(context);
    return events.map((event) => encoder.push(frozen(event))).join("");
  };
  const read = (frames: readonly Frame[]): ChatEvent[] => {
    const decoder = provider.decodeEvents();
    return [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
  };

  describe(`${codec.name} keeps the contract of codecs`, () => {
    for (const [ability, reason] of Object.entries(samples.cannot ?? {})) test.skip(`${ability}: ${reason}`, () => {});
    for (const [reason, { as, because }] of Object.entries(samples.finishes ?? {}))
      test.skip(`finish ${reason} comes back as ${as}: ${because}`, () => {});

    describe("a request decoded, encoded and decoded again is the same", () => {
      const door = samples.door ?? { headers: new Headers() };
      const toVendor: EncodeContext = { capabilities: {}, quirks: new Set(), origin: context.origin, warn: () => {} };
      for (const [name, body] of Object.entries(samples.requests)) {
        test(name, () => {
          codec.verbatim.check(frozen(body));
          const first = client.decodeRequest(frozen(body), door);
          const again = client.decodeRequest(throughJson(provider.encodeRequest(frozen(first), toVendor)), door);
          expect({ ...again, includeUsage: undefined }).toEqual({ ...first, includeUsage: undefined });
        });
      }
    });

    describe("a whole answer encoded and decoded is the same", () => {
      for (const [name, reply] of named) test(name, () => expect(normal(whole(reply), samples)).toEqual(expected(reply)));

      test("for any answer", () => {
        fc.assert(
          fc.property(answers, (reply) => {
            expect(outcome(() => normal(whole(reply), samples))).toEqual(outcomeOf(reply, samples));
          }),
          { numRuns: runs },
        );
      });
    });

    describe("a streamed answer encoded and decoded is the same", () => {
      for (const [name, reply] of named) {
        test(name, () => {
          const events = read(framesOf(stream(unfold(reply))));
          expectDiscipline(events);
          expect(normal(fold(events), samples)).toEqual(expected(reply));
        });
      }

      test("for any answer, in any pieces", () => {
        fc.assert(
          fc.property(answers, fc.infiniteStream(fc.integer({ min: 1, max: 7 })), (reply, sizes) => {
            const events = read(framesOf(stream(unfold(reply).flatMap((event) => inPieces(event, sizes)))));
            expectDiscipline(events);
            expect(outcome(() => normal(fold(events), samples))).toEqual(outcomeOf(reply, samples));
          }),
          { numRuns: runs },
        );
      });
    });

    describe("an answer in the client's history comes back with the state that its vendor wants back", () => {
      const door = samples.door ?? { headers: new Headers() };
      const kept = (reply: ChatReply): AssistantPart[] => {
        const request = client.decodeRequest(throughJson(samples.history(throughJson(client.encodeReply(reply, context)))), door);
        const message = request.messages.findLast(({ role }) => role === "assistant");
        return message?.role === "assistant" ? message.content : [];
      };
      const states = (parts: readonly AssistantPart[]): OpaqueState[] =>
        parts.flatMap((part) => ("state" in part && part.state ? [{ ...part.state, origin: context.origin }] : []));

      test("for any answer", () => {
        fc.assert(
          fc.property(
            replies(codec.name, (ability) => ability === "foreign-state" || can(ability)),
            (reply) => {
              // What ends in an error leaves nothing for a history.
              if ("error" in outcomeOf(reply, samples)) return;
              const parts = reply.choices[0]?.content ?? [];
              const came = kept(reply);
              for (const state of states(parts)) expect(states(came).map(comparable)).toContainEqual(comparable(state));
              expect(came.filter((part) => part.type === "tool-call").map(({ id, name }) => ({ id, name }))).toEqual(
                parts.filter((part) => part.type === "tool-call").map(({ id, name }) => ({ id, name })),
              );
            },
          ),
          { numRuns: runs },
        );
      });
    });

    describe("a stream can be cut anywhere", () => {
      // Of several choices, the one that has not begun when the stream ends leaves no trace of itself.
      for (const [name, reply] of named.filter(([, { choices }]) => choices.length === 1)) {
        const text = (): string => stream(unfold(reply).flatMap((event) => inPieces(event, [5][Symbol.iterator](), 5)));

        test(`${name}: the same events from any two halves`, () => {
          const bytes = new TextEncoder().encode(text());
          const events = read(framesOf(text()));
          const step = Math.max(1, Math.floor(bytes.length / 1500));
          for (let at = 0; at <= bytes.length; at += step) {
            const reader = new SseReader();
            const frames = [...reader.push(bytes.subarray(0, at)), ...reader.push(bytes.subarray(at)), ...reader.end()];
            expect(read(frames)).toEqual(events);
          }
        });

        test(`${name}: the same events byte by byte`, () => {
          const bytes = new TextEncoder().encode(text());
          const reader = new SseReader();
          const frames: Frame[] = [];
          for (const byte of bytes) frames.push(...reader.push(Uint8Array.of(byte)));
          expect(read([...frames, ...reader.end()])).toEqual(read(framesOf(text())));
        });

        test(`${name}: a stream that ends early is never a silent success`, () => {
          const frames = framesOf(text());
          for (let length = 0; length < frames.length; length++) {
            const events = read(frames.slice(0, length));
            expectDiscipline(events, "cut");
            if (events.some(({ type }) => type === "error")) continue;
            // Complete after all: only what stands beside the answer may be missing.
            expect(normal({ ...fold(events), usage: undefined }, samples)).toEqual(normal({ ...reply, usage: undefined }, samples));
          }
        });

        test(`${name}: a last event cut in half is never a silent success`, () => {
          const frames = framesOf(text());
          for (let length = 0; length < frames.length; length++) {
            const frame = frames[length] as Frame;
            const events = read([...frames.slice(0, length), { event: frame.event, data: frame.data.slice(0, frame.data.length / 2) }]);
            if (events.some(({ type }) => type === "error")) continue;
            expect(normal({ ...fold(events), usage: undefined }, samples)).toEqual(normal({ ...reply, usage: undefined }, samples));
          }
        });
      }
    });

    describe("errors leave in the format's envelope", () => {
      for (const code of Object.keys(catalogue) as ErrorCode[]) {
        test(code, () => {
          const error = new GatewayError(code, "It went wrong");
          const body = throughJson(client.encodeError(error, context.callId));
          expect(JSON.stringify(body)).toContain("It went wrong");
          const back = provider.decodeError(error.status, body, new Headers());
          expect(isGatewayError(back)).toBe(true);
          expect(back.message).not.toBe("");

          // As the last thing in a stream: an error, and never an answer.
          const frames = framesOf(client.encodeStreamError(error, context.callId));
          expect(frames.length).toBeGreaterThan(0);
          expect(read(frames).some(({ type }) => type === "error")).toBe(true);
        });
      }

      test("of a provider's credentials, never as if the caller's own key were wrong", () => {
        for (const code of ["provider_auth", "provider_billing"] as const) {
          const body = JSON.stringify(client.encodeError(new GatewayError(code, "No"), context.callId));
          expect(body).not.toMatch(/authentication_error|permission_error|invalid_api_key/);
        }
      });

      test("after an error event nothing more is written", () => {
        const encoder = client.encodeEvents(context);
        const reply = named[0]?.[1] as ChatReply;
        let out = "";
        for (const event of unfold(reply).slice(0, 3)) out += encoder.push(event);
        out += encoder.push({ type: "error", error: new GatewayError("provider_stream_cut", "Gone") });
        expect(encoder.push({ type: "end" })).toBe("");
        const events = read(framesOf(out));
        expect(events.filter(({ type }) => type === "error")).toHaveLength(1);
        expect(events.some(({ type }) => type === "end")).toBe(false);
      });
    });

    describe("a passing answer is read for the record", () => {
      for (const [name, reply] of named) {
        test(`${name}: whole and streamed tell the same usage, model and finish`, () => {
          const read = codec.verbatim.readReply(throughJson(client.encodeReply(reply, context)));
          const watcher = codec.verbatim.watch({ includeUsage: true });
          const text = stream(unfold(reply));
          const words: string[] = [];
          for (const frame of framesOf(text)) if (watcher.concerns(`data: ${frame.data}\n\n`)) words.push(watcher.look(frame));
          expect(watcher.ended).toBe(true);
          expect(words.at(-1)).toBe(samples.closes === undefined ? "last" : "pass");
          expect(watcher.reading.model).toBe(read.model);
          expect(watcher.reading.finish?.reason).toBe(read.finish?.reason);
          expect(normalUsage(watcher.reading.usage)).toEqual(normalUsage(read.usage));
          expect(normalUsage(read.usage)).toEqual(normalUsage(reply.usage));
        });
      }
    });
  });
}

// ── random answers ───────────────────────────────────────────────────────────────────────────────────────────

function replies(
  format: string,
  can: (ability: Ability) => boolean,
  ids: readonly string[] = ["reply-1", "chatcmpl-2", "msg_3"],
): fc.Arbitrary<ChatReply> {
  const text = fc.oneof(
    fc.string({ minLength: 1, maxLength: 30, unit: "grapheme" }),
    fc.string({ minLength: 1, maxLength: 20, unit: "binary" }),
    fc.constantFrom("\n\n", "data: [DONE]", '{"error":{}}', "\u2028", "😀", '"'),
  );
  const data = fc.base64String({ minLength: 4, maxLength: 40 });
  const ownSignature = data.map((value): OpaqueState => ({ format, kind: "signature", data: value }));
  const foreign = fc.record(
    {
      format: fc.constant("elsewhere/format"),
      kind: fc.constantFrom("signature", "encrypted"),
      data,
      id: fc.constant("rs_1"),
      item: fc.constant<JsonObject>({ type: "reasoning", summary: [] }),
    },
    { requiredKeys: ["format", "kind", "data"] },
  ) as fc.Arbitrary<OpaqueState>;
  const state = can("foreign-state") ? fc.oneof(ownSignature, foreign) : ownSignature;

  const reasoning: fc.Arbitrary<AssistantPart> = fc.oneof(
    fc.record({ type: fc.constant("reasoning" as const), text, state }),
    fc.record({ type: fc.constant("reasoning" as const), text: fc.constant(""), state: ownSignature }),
    data.map((value): AssistantPart => ({ type: "reasoning", text: "", state: { format, kind: "redacted", data: value } })),
    text.map((words): AssistantPart => ({ type: "reasoning", text: words })),
  );
  const speech: fc.Arbitrary<AssistantPart> = text.map((words) => ({ type: "text", text: words }));
  const value = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 12 }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.integer(), { maxLength: 3 }),
  );
  const call: fc.Arbitrary<AssistantPart> = fc
    .record({ name: fc.stringMatching(/^[a-z_]{1,12}$/), input: fc.dictionary(fc.string({ maxLength: 8 }), value, { maxKeys: 4 }) })
    .map(({ name, input }) => ({ type: "tool-call", id: "", name, kind: "function", arguments: JSON.stringify(input) }));
  const freeform: fc.Arbitrary<AssistantPart> = text.map((input) => ({
    type: "tool-call",
    id: "",
    name: "freeform",
    kind: "custom",
    arguments: input,
  }));
  const calls = can("custom-calls") ? fc.oneof({ weight: 4, arbitrary: call }, { weight: 1, arbitrary: freeform }) : call;

  const ordered = fc
    .tuple(fc.array(reasoning, { maxLength: 2 }), fc.array(speech, { maxLength: 1 }), fc.array(calls, { maxLength: 3 }))
    .map((groups) => groups.flat());
  const any = fc.array(fc.oneof(reasoning, speech, calls), { maxLength: 6 });
  const content = can("any-order") ? fc.oneof(ordered, any) : ordered;

  const choice = fc
    .record({
      content,
      reason: fc.constantFrom<FinishReason>(
        "stop",
        "stop-sequence",
        "length",
        "context-overflow",
        "tool-calls",
        "refusal",
        "content-filter",
        "pause",
        "malformed-call",
        "unknown",
      ),
    })
    .map(({ content: parts, reason }) => ({ content: withIds(parts), finish: finishFor(parts, reason) }));
  const count = fc.nat({ max: 100_000 });
  const usage: fc.Arbitrary<Usage> = can("usage-details")
    ? fc.tuple(count, count, count, count, count).map(([fresh, read, written, spoken, thought]) => ({
        input: fresh + read + written,
        output: spoken + thought,
        cacheRead: read,
        cacheWrite: written,
        reasoning: thought,
      }))
    : fc.record({ input: count, output: count });
  return fc.record({
    id: fc.constantFrom(...ids),
    model: fc.constantFrom("m", "vendor/m-1"),
    choices: fc.array(choice, { minLength: 1, maxLength: can("choices") ? 3 : 1 }),
    usage,
  });
}

function withIds(parts: readonly AssistantPart[]): AssistantPart[] {
  return parts.map((part, index) => (part.type === "tool-call" ? { ...part, id: `call_${index}` } : part));
}

/** A way to end that goes with what was said. */
function finishFor(parts: readonly AssistantPart[], reason: FinishReason): Finish {
  const called = parts.some(({ type }) => type === "tool-call");
  if (called && (reason === "stop" || reason === "stop-sequence" || reason === "unknown" || reason === "pause"))
    return { reason: "tool-calls" };
  if (!called && reason === "tool-calls") return { reason: "stop" };
  return reason === "stop-sequence" ? { reason, stopSequence: "END" } : { reason };
}

// ── comparing ────────────────────────────────────────────────────────────────────────────────────────────────

type Normal = Pick<ChatReply, "id" | "model" | "choices" | "usage">;
type Outcome = { reply: Normal } | { error: true };

function outcome(run: () => Normal): Outcome {
  try {
    return { reply: run() };
  } catch (thrown) {
    if (isGatewayError(thrown)) return { error: true };
    throw thrown;
  }
}

function outcomeOf(reply: ChatReply, samples: ContractSamples): Outcome {
  if (reply.choices.some(({ finish }) => samples.finishes?.[finish.reason]?.as === "error")) return { error: true };
  return { reply: normal(reply, samples) };
}

/** What must be the same: the vendor's own words, raw counts and where state came from are looked at elsewhere. */
function normal(reply: ChatReply, samples: ContractSamples): Normal {
  return {
    id: reply.id,
    model: reply.model,
    choices: reply.choices.map((choice) => ({
      content: normalParts(choice.content),
      finish: normalFinish(choice.finish, samples),
      logprobs: choice.logprobs,
    })),
    usage: normalUsage(reply.usage),
  };
}

/** Neighbouring texts without anything of their own are one text. */
function normalParts(parts: readonly AssistantPart[]): AssistantPart[] {
  const kept: AssistantPart[] = [];
  for (const part of parts) {
    const last = kept.at(-1);
    if (part.type === "text" || part.type === "reasoning") {
      const state = part.state && comparable(part.state);
      if (part.text === "" && !state) continue;
      const citations = part.type === "text" ? part.citations?.map((citation): Citation => ({ ...citation, raw: null })) : undefined;
      if (part.type === "text" && last?.type === "text" && !last.state && !last.citations && !citations)
        kept[kept.length - 1] = { ...last, text: last.text + part.text, state };
      else
        kept.push(
          part.type === "text" ? { type: "text", text: part.text, state, citations } : { type: "reasoning", text: part.text, state },
        );
    } else if (part.type === "tool-call") {
      const parsed = part.kind === "function" ? parseJson(part.arguments) : undefined;
      kept.push({
        ...part,
        arguments: parsed === undefined ? part.arguments : JSON.stringify(parsed),
        state: part.state && comparable(part.state),
      });
    } else kept.push(part);
  }
  return kept;
}

function comparable({ format, kind, data, id, item }: OpaqueState): OpaqueState {
  return { format, kind, data, id, item };
}

function normalFinish(finish: Finish, { finishes }: ContractSamples): Finish {
  const as = finishes?.[finish.reason]?.as;
  // Where it comes back as a plain stop, the sequence has no place either.
  if (as !== undefined && as !== "error") return { reason: as };
  return { reason: finish.reason, stopSequence: finish.stopSequence };
}

/** Nothing and zero are the same count. */
function normalUsage(usage: Usage | undefined): Usage | undefined {
  if (!usage) return undefined;
  const { input, output, cacheRead, cacheWrite, reasoning } = usage;
  return { input, output, cacheRead: cacheRead ?? 0, cacheWrite: cacheWrite ?? 0, reasoning: reasoning ?? 0 };
}

/** Blocks are dense from 0 in each choice, begin once, end once, and deltas stand between; nothing follows the end. */
export function expectDiscipline(events: readonly ChatEvent[], mayBe?: "cut"): void {
  const begun = new Map<number, number>();
  const open = new Set<string>();
  const finished = new Set<number>();
  events.forEach((event, position) => {
    if (event.type === "end" || event.type === "error") expect(position, "an event after the end").toBe(events.length - 1);
    if (event.type === "finish") {
      expect(finished.has(event.choice), "a second finish").toBe(false);
      finished.add(event.choice);
    }
    if (!("block" in event)) return;
    const key = `${event.choice}/${event.block}`;
    expect(finished.has(event.choice), "a block event after the finish").toBe(false);
    if (event.type === "block-start") {
      const next = begun.get(event.choice) ?? 0;
      expect(event.block, "a block number that is not dense").toBe(next);
      begun.set(event.choice, next + 1);
      open.add(key);
    } else {
      expect(open.has(key), `${event.type} of a block that is not open`).toBe(true);
      if (event.type === "block-end") open.delete(key);
    }
  });
  if (mayBe === "cut" && events.at(-1)?.type === "error") return;
  expect([...open], "blocks that never ended").toEqual([]);
}

// ── carrying ─────────────────────────────────────────────────────────────────────────────────────────────────

function framesOf(text: string): Frame[] {
  const reader = new SseReader();
  return [...reader.push(new TextEncoder().encode(text)), ...reader.end()];
}

/** A delta as several. Cuts anywhere, between two halves of a character too. */
function inPieces(event: ChatEvent, sizes: Iterator<number>, fallback = 3): ChatEvent[] {
  if (event.type !== "text-delta" && event.type !== "reasoning-delta" && event.type !== "refusal-delta" && event.type !== "arguments-delta")
    return [event];
  const pieces: ChatEvent[] = [];
  for (let at = 0; at < event.text.length;) {
    const { value } = sizes.next();
    const size = typeof value === "number" ? value : fallback;
    pieces.push({ ...event, text: event.text.slice(at, at + size) });
    at += size;
  }
  return pieces;
}

function throughJson(body: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(body)) as JsonObject;
}

/** Codecs change nothing that they are given. */
function frozen<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null && !(value instanceof Error) && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) frozen(inner as Json);
  }
  return value;
}

/** For samples: narrows what a test has built by hand. */
export function asBody(value: unknown): JsonObject {
  if (!isObject(value)) throw new TypeError("A body is an object.");
  return value;
}
