/**
 * The load generator, in a process of its own: reads one job as JSON from standard input, prints one result as JSON.
 * Keeps every latency instead of a histogram, so its percentiles are exact.
 */

import { chunkText, toolArguments } from "./expected.ts";
import { HttpConnection, requestBytes, type Target } from "./http-client.ts";

/** Whole answers over a fixed number of connections: as fast as they come, or at a fixed rate. */
export interface ClosedJob {
  kind: "closed";
  target: Target;
  body: string;
  connections: number;
  seconds: number;
  /** Requests a second in all. A late answer then counts from when its request was due, so that a stall is not hidden by the load pausing with it. */
  rate?: number;
  /** Must stand in every body. */
  marker: string;
  status?: number;
  /** Send this one request once every so often beside the rest; its latencies are not counted. */
  pauseMs?: number;
}

/** Streams, each checked chunk for chunk against what the provider says. */
export interface StreamJob {
  kind: "streams";
  target: Target;
  body: string;
  format: "openai" | "anthropic";
  streams: number;
  chunks: number;
  /** No new stream starts after this; the open ones run to their end. */
  seconds: number;
  /** Streams start this much apart in all, so that their chunks do not all fall due at once. */
  spreadMs: number;
  /** Leave in the middle after this long instead; the result tells when. */
  dropAfterMs?: number;
}

/** A conversation of tool calls, as an agent has it: each answer's call goes back with a result, the prompt grows. */
export interface ToolJob {
  kind: "tools";
  target: Target;
  format: "openai" | "anthropic";
  model: string;
  turns: number;
  stream: boolean;
  seconds: number;
}

export type Job = ClosedJob | StreamJob | ToolJob;

export interface Percentiles {
  count: number;
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

export interface ClosedResult {
  requests: number;
  seconds: number;
  latency: Percentiles;
  badBodies: number;
  oddStatuses: number;
  socketErrors: number;
}
export interface StreamResult {
  streams: number;
  chunks: number;
  seconds: number;
  /** Request written to first chunk with text, in ms. */
  firstToken: Percentiles;
  /** Between neighbouring chunks of a stream, in ms. */
  gap: Percentiles;
  /** Streams that were not the expected sequence, in order, to the end. */
  unfaithful: number;
  firstFault: string | null;
  broken: number;
  /** Milliseconds since the epoch at which the streams were dropped. */
  droppedAt: number;
}
export interface ToolResult {
  conversations: number;
  turns: number;
  /** One turn, in ms. */
  turn: Percentiles;
  /** The last turn of each conversation, where the prompt is longest. */
  lastTurn: Percentiles;
  wrong: number;
  firstFault: string | null;
}

class Samples {
  #values = new Float64Array(1 << 16);
  #count = 0;

  add(value: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(this.#count * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#count++] = value;
  }

  percentiles(): Percentiles {
    const sorted = this.#values.subarray(0, this.#count).slice().sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
    return { count: this.#count, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: sorted[sorted.length - 1] ?? Number.NaN };
  }
}

// ── whole answers ────────────────────────────────────────────────────────────────────────────────────────────

async function closed(job: ClosedJob): Promise<ClosedResult> {
  const request = requestBytes(job.target, job.body);
  const marker = Buffer.from(job.marker);
  const latency = new Samples();
  const result = { requests: 0, badBodies: 0, oddStatuses: 0, socketErrors: 0 };
  const startedAt = performance.now();
  const endsAt = startedAt + job.seconds * 1000;
  const everyMs = job.rate === undefined ? 0 : (1000 * job.connections) / job.rate;

  const drive = (index: number) =>
    new Promise<void>((resolve) => {
      const connection = new HttpConnection(job.target.url);
      let due = startedAt + (everyMs * index) / job.connections;
      let pieces: Buffer[] = [];
      const next = () => {
        const now = performance.now();
        if (everyMs > 0) {
          if (due >= endsAt) return done();
          const wait = due - now;
          const at = due;
          due += everyMs;
          // A timer that fires late is the generator's doing; an answer that came late is the subject's, and counts from when the next was due.
          if (wait > 0) return void setTimeout(() => send(performance.now()), wait);
          return send(at);
        }
        if (now >= endsAt) return done();
        send(now);
      };
      const done = () => {
        connection.drop();
        resolve();
      };
      const send = (from: number) => {
        pieces = [];
        connection
          .send(request, {
            onBody: (piece) => void pieces.push(piece),
            onEnd(status, now) {
              result.requests++;
              latency.add(now - from);
              if (status !== (job.status ?? 200)) result.oddStatuses++;
              else if (!holds(pieces, marker)) result.badBodies++;
              if (job.pauseMs === undefined) next();
              else setTimeout(next, job.pauseMs);
            },
            onBroken() {
              result.socketErrors++;
              setTimeout(next, 5);
            },
          })
          .catch(() => {
            result.socketErrors++;
            setTimeout(next, 50);
          });
      };
      next();
    });
  await Promise.all(Array.from({ length: job.connections }, (_, index) => drive(index)));
  return { ...result, seconds: (performance.now() - startedAt) / 1000, latency: latency.percentiles() };
}

function holds(pieces: Buffer[], marker: Buffer): boolean {
  const [only] = pieces;
  return (pieces.length === 1 && only ? only : Buffer.concat(pieces)).includes(marker);
}

// ── streams ──────────────────────────────────────────────────────────────────────────────────────────────────

interface Event {
  name: string;
  data: string;
}

/** Server-sent events, from pieces cut anywhere. */
class EventReader {
  #rest = "";
  readonly #decoder = new TextDecoder();

  read(piece: Buffer): Event[] {
    const text = this.#rest + this.#decoder.decode(piece, { stream: true });
    const events: Event[] = [];
    let from = 0;
    for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n", from)) {
      let name = "";
      let data = "";
      for (const line of text.slice(from, end).split("\n")) {
        if (line.startsWith("data: ")) data += (data === "" ? "" : "\n") + line.slice(6);
        else if (line.startsWith("event: ")) name = line.slice(7);
      }
      if (data !== "") events.push({ name, data });
      from = end + 2;
    }
    this.#rest = text.slice(from);
    return events;
  }
}

/** What a stream event says, in the words both formats share. */
type Said = { text: string } | { toolId: string; toolName: string } | { toolArguments: string } | "end" | "nothing" | { error: string };

interface OpenAIChunk {
  error?: unknown;
  choices?: { delta?: { content?: string | null; tool_calls?: { id?: string; function?: { name?: string; arguments?: string } }[] } }[];
}
interface AnthropicEvent {
  type: string;
  error?: unknown;
  content_block?: { type: string; id?: string; name?: string };
  delta?: { type?: string; text?: string; partial_json?: string };
}

function hear(event: Event, format: "openai" | "anthropic"): Said[] {
  if (format === "openai") {
    if (event.data === "[DONE]") return ["end"];
    const chunk = JSON.parse(event.data) as OpenAIChunk;
    if (chunk.error !== undefined) return [{ error: event.data }];
    const delta = chunk.choices?.[0]?.delta;
    const said: Said[] = [];
    if (delta?.content) said.push({ text: delta.content });
    for (const call of delta?.tool_calls ?? []) {
      if (call.id) said.push({ toolId: call.id, toolName: call.function?.name ?? "" });
      if (call.function?.arguments) said.push({ toolArguments: call.function.arguments });
    }
    return said;
  }
  const data = JSON.parse(event.data) as AnthropicEvent;
  if (data.type === "message_stop") return ["end"];
  if (data.type === "error") return [{ error: event.data }];
  if (data.content_block?.type === "tool_use") return [{ toolId: data.content_block.id ?? "", toolName: data.content_block.name ?? "" }];
  if (data.delta?.type === "text_delta" && data.delta.text) return [{ text: data.delta.text }];
  if (data.delta?.type === "input_json_delta" && data.delta.partial_json) return [{ toolArguments: data.delta.partial_json }];
  return ["nothing"];
}

async function streams(job: StreamJob): Promise<StreamResult> {
  const request = requestBytes(job.target, job.body);
  const firstToken = new Samples();
  const gap = new Samples();
  const result = { streams: 0, chunks: 0, unfaithful: 0, firstFault: null as string | null, broken: 0, droppedAt: 0 };
  const startedAt = performance.now();
  const endsAt = startedAt + job.seconds * 1000;
  const connections = new Set<HttpConnection>();

  const drive = async (index: number) => {
    await Bun.sleep((job.spreadMs * index) / job.streams);
    const connection = new HttpConnection(job.target.url);
    connections.add(connection);
    do {
      await new Promise<void>((resolve) => {
        const reader = new EventReader();
        const sentAt = performance.now();
        let heard = 0;
        let lastAt = 0;
        let ended = false;
        let fault: string | null = null;
        let opening = "";
        const finish = () => {
          result.streams++;
          if (!ended) fault ??= `ended after ${heard} chunks without its end mark`;
          else if (heard !== job.chunks) fault ??= `${heard} chunks instead of ${job.chunks}`;
          if (fault !== null) {
            result.unfaithful++;
            result.firstFault ??= fault;
          }
          resolve();
        };
        connection
          .send(request, {
            onBody(piece, now) {
              if (opening === "") opening = piece.toString("utf8", 0, 300);
              for (const event of reader.read(piece)) {
                for (const said of hear(event, job.format)) {
                  if (said === "end") ended = true;
                  else if (typeof said === "object" && "text" in said) {
                    if (said.text !== chunkText(heard))
                      fault ??= `chunk ${heard} is ${JSON.stringify(said.text)} instead of ${JSON.stringify(chunkText(heard))}`;
                    if (heard === 0) firstToken.add(now - sentAt);
                    else gap.add(now - lastAt);
                    lastAt = now;
                    heard++;
                    result.chunks++;
                  } else if (typeof said === "object" && "error" in said) fault ??= said.error;
                }
              }
            },
            onEnd(status) {
              if (status !== 200) fault ??= `status ${status}: ${opening}`;
              finish();
            },
            onBroken(reason) {
              result.broken++;
              fault ??= reason;
              finish();
            },
          })
          .catch((error: unknown) => {
            result.broken++;
            fault ??= String(error);
            setTimeout(finish, 50);
          });
      });
    } while (performance.now() < endsAt);
    connection.drop();
  };

  const all = Promise.all(Array.from({ length: job.streams }, (_, index) => drive(index)));
  if (job.dropAfterMs === undefined) await all;
  else {
    await Bun.sleep(job.dropAfterMs);
    result.droppedAt = performance.timeOrigin + performance.now();
    for (const connection of connections) connection.drop();
  }
  return { ...result, seconds: (performance.now() - startedAt) / 1000, firstToken: firstToken.percentiles(), gap: gap.percentiles() };
}

// ── tool loop ────────────────────────────────────────────────────────────────────────────────────────────────

interface ToolCall {
  id: string;
  name: string;
  arguments: unknown;
}
const SCHEMA = {
  type: "object",
  properties: { turn: { type: "integer" }, query: { type: "string" }, filter: { type: "object" }, note: { type: ["string", "null"] } },
  required: ["turn", "query"],
};
const DESCRIPTION = "Search the company's records.";
/** What a tool gives back: 400 tokens of JSON as text. */
const FINDING = JSON.stringify({
  rows: Array.from({ length: 20 }, (_, row) => ({
    id: row,
    title: `Record “${row}”`,
    text: "nothing of note was found in this row of the table",
  })),
});

function toolRequest(job: ToolJob, calls: ToolCall[]): string {
  const messages: unknown[] = [{ role: "user", content: "Find out what happened, step by step." }];
  for (const call of calls) {
    if (job.format === "openai") {
      messages.push({
        role: "assistant",
        content: null,
        tool_calls: [{ id: call.id, type: "function", function: { name: call.name, arguments: JSON.stringify(call.arguments) } }],
      });
      messages.push({ role: "tool", tool_call_id: call.id, content: FINDING });
    } else {
      messages.push({ role: "assistant", content: [{ type: "tool_use", id: call.id, name: call.name, input: call.arguments }] });
      messages.push({ role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: FINDING }] });
    }
  }
  const shared = { model: job.model, messages, stream: job.stream };
  return job.format === "openai"
    ? JSON.stringify({
        ...shared,
        tools: [{ type: "function", function: { name: "search", description: DESCRIPTION, parameters: SCHEMA } }],
      })
    : JSON.stringify({ ...shared, max_tokens: 1024, tools: [{ name: "search", description: DESCRIPTION, input_schema: SCHEMA }] });
}

interface WholeOpenAI {
  choices?: { message?: { content?: string | null; tool_calls?: { id: string; function: { name: string; arguments: string } }[] } }[];
}
interface WholeAnthropic {
  content?: { type: string; id?: string; name?: string; input?: unknown }[];
}

/** The call a whole or streamed answer makes; null when it is words. */
function callOf(job: ToolJob, body: Buffer): ToolCall | null {
  if (job.stream) {
    let call: { id: string; name: string } | null = null;
    let json = "";
    for (const event of new EventReader().read(body)) {
      for (const said of hear(event, job.format)) {
        if (typeof said !== "object") continue;
        if ("error" in said) throw new Error(said.error);
        if ("toolId" in said) call = { id: said.toolId, name: said.toolName };
        if ("toolArguments" in said) json += said.toolArguments;
      }
    }
    return call === null ? null : { ...call, arguments: JSON.parse(json) as unknown };
  }
  const answer = JSON.parse(body.toString()) as WholeOpenAI & WholeAnthropic;
  if (job.format === "openai") {
    const call = answer.choices?.[0]?.message?.tool_calls?.[0];
    return call ? { id: call.id, name: call.function.name, arguments: JSON.parse(call.function.arguments) as unknown } : null;
  }
  const call = answer.content?.find((part) => part.type === "tool_use");
  return call ? { id: call.id ?? "", name: call.name ?? "", arguments: call.input } : null;
}

async function tools(job: ToolJob): Promise<ToolResult> {
  const turn = new Samples();
  const lastTurn = new Samples();
  const result = { conversations: 0, turns: 0, wrong: 0, firstFault: null as string | null };
  const connection = new HttpConnection(job.target.url);
  const endsAt = performance.now() + job.seconds * 1000;
  const ask = (body: string) =>
    new Promise<{ status: number; body: Buffer; ms: number }>((resolve, reject) => {
      const pieces: Buffer[] = [];
      const request = requestBytes(job.target, body);
      const sentAt = performance.now();
      connection
        .send(request, {
          onBody: (piece) => void pieces.push(piece),
          onEnd: (status, now) => resolve({ status, body: Buffer.concat(pieces), ms: now - sentAt }),
          onBroken: (reason) => reject(new Error(reason)),
        })
        .catch(reject);
    });

  do {
    const calls: ToolCall[] = [];
    try {
      for (let index = 0; index <= job.turns; index++) {
        const answer = await ask(toolRequest(job, calls));
        if (answer.status !== 200) throw new Error(`turn ${index}: status ${answer.status} ${answer.body.toString().slice(0, 300)}`);
        turn.add(answer.ms);
        result.turns++;
        const call = callOf(job, answer.body);
        if (index === job.turns) {
          lastTurn.add(answer.ms);
          if (call !== null) throw new Error("a tool call where the last answer was due");
        } else {
          if (call === null) throw new Error(`turn ${index}: no tool call in ${answer.body.toString().slice(0, 300)}`);
          if (call.name !== "search" || !Bun.deepEquals(call.arguments, toolArguments(index)))
            throw new Error(`turn ${index}: the call came out as ${JSON.stringify(call)}`);
          calls.push(call);
        }
      }
    } catch (error) {
      result.wrong++;
      result.firstFault ??= error instanceof Error ? error.message : String(error);
      await Bun.sleep(20);
    }
    result.conversations++;
  } while (performance.now() < endsAt);
  connection.drop();
  return { ...result, turn: turn.percentiles(), lastTurn: lastTurn.percentiles() };
}

function work(job: Job): Promise<ClosedResult | StreamResult | ToolResult> {
  if (job.kind === "closed") return closed(job);
  return job.kind === "streams" ? streams(job) : tools(job);
}

if (import.meta.main) {
  const job = JSON.parse(await Bun.stdin.text()) as Job;
  console.log(JSON.stringify(await work(job)));
  process.exit(0);
}
