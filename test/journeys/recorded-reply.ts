/** Reads a recorded reply by the letter of its vendor's documentation, with no code of the gateway: what a client must be told of it. */

export interface ReadReply {
  text: string;
  /** The readable part of its reasoning. */
  thought: string;
  calls: { name: string; args: unknown }[];
  /** In the words of its own format. */
  stop: string;
  /** All input, cached or not. */
  input: number;
  output: number;
  total: number;
  /** Input read from the cache, where said. */
  cached?: number | undefined;
  reasoning?: number | undefined;
  /** Tokens that were used but stand outside the vendor's own totals. */
  beside?: { input: number; output: number };
}

export interface Recorded {
  /** `folder/file`, and the number of the reply where the file holds several. */
  name: string;
  format: "openai" | "anthropic";
  streamed: boolean;
  /** The reply, or one event's payload a line. */
  lines: string[];
  reply: ReadReply;
  /** It holds no complete answer: what the client's error must say. */
  broken?: RegExp | undefined;
}

interface Dict {
  [key: string]: unknown;
}

/** Every reply of a chat in the file; none for what is something else. */
export function readRecording(name: string, content: string): Recorded[] {
  if (name.endsWith(".json")) return readReply(name, false, [content]);
  if (!name.endsWith(".chunks.txt")) return [];
  // Some files hold the answers of a whole tool loop, one after the other.
  const replies: string[][] = [];
  for (const line of content.split("\n").filter((line) => line.trim() !== "")) {
    if (replies.length === 0 || (line.includes('"type":"message_start"') && replies.at(-1)?.at(-1)?.includes('"type":"message_stop"')))
      replies.push([]);
    replies.at(-1)?.push(line);
  }
  return replies.flatMap((lines, at) => readReply(replies.length === 1 ? name : `${name}@${at + 1}`, true, lines));
}

function readReply(name: string, streamed: boolean, lines: string[]): Recorded[] {
  const payloads = lines.flatMap((line) => parsed(line));
  const first = payloads[0] ?? {};
  if (first["object"] === "chat.completion" && Array.isArray(first["choices"]))
    return [{ name, format: "openai", streamed, lines, reply: readCompletion(first) }];
  if (streamed && payloads.some((payload) => payload["object"] === "chat.completion.chunk"))
    return [{ name, format: "openai", streamed, lines, reply: readChunks(payloads) }];
  if (first["type"] === "message" && Array.isArray(first["content"]))
    return [{ name, format: "anthropic", streamed, lines, reply: readMessage(first) }];
  if (first["type"] === "message_start")
    return [{ name, format: "anthropic", streamed, lines, reply: readEvents(payloads), broken: splice(payloads) }];
  return [];
}

function parsed(line: string): Dict[] {
  try {
    return [JSON.parse(line) as Dict];
  } catch {
    return [];
  }
}

/** Two answers in one stream, the first broken off: a proxy's accident that no client can read. */
function splice(payloads: Dict[]): RegExp | undefined {
  const starts = payloads.filter((payload) => payload["type"] === "message_start").length;
  return starts > 1 ? /message_start|broke off/ : undefined;
}

// ── Chat Completions ─────────────────────────────────────────────────────────────────────────────────────────

function readCompletion(body: Dict): ReadReply {
  const choice = list(body["choices"])[0] ?? {};
  const message = dict(choice["message"]);
  return {
    ...readContent(message["content"], message["reasoning_content"] ?? message["reasoning"]),
    calls: list(message["tool_calls"]).map((call) => ({
      name: text(dict(call["function"])["name"]),
      args: argumentsOf(text(dict(call["function"])["arguments"])),
    })),
    stop: text(choice["finish_reason"]),
    ...readTokens(dict(body["usage"])),
  };
}

function readChunks(chunks: Dict[]): ReadReply {
  let stop = "";
  let usage: Dict = {};
  const content: string[] = [];
  const thought: string[] = [];
  const calls = new Map<number, { name: string; args: string }>();
  for (const chunk of chunks) {
    if (chunk["usage"]) usage = dict(chunk["usage"]);
    const choice = list(chunk["choices"])[0];
    if (!choice) continue;
    const delta = dict(choice["delta"]);
    const said = readContent(delta["content"], delta["reasoning_content"] ?? delta["reasoning"]);
    content.push(said.text);
    thought.push(said.thought);
    for (const part of list(delta["tool_calls"])) {
      const index = Number(part["index"] ?? 0);
      const call = calls.get(index) ?? { name: "", args: "" };
      calls.set(index, call);
      call.name += text(dict(part["function"])["name"]);
      call.args += text(dict(part["function"])["arguments"]);
    }
    if (typeof choice["finish_reason"] === "string") stop = choice["finish_reason"];
  }
  return {
    text: content.join(""),
    thought: thought.join(""),
    calls: [...calls.values()].map(({ name, args }) => ({ name, args: argumentsOf(args) })),
    stop,
    ...readTokens(usage),
  };
}

/** Text, or Mistral's list of text and thinking. */
function readContent(content: unknown, reasoning: unknown): { text: string; thought: string } {
  if (!Array.isArray(content)) return { text: text(content), thought: text(reasoning) };
  const parts = list(content);
  return {
    text: parts.map((part) => (part["type"] === "text" ? text(part["text"]) : "")).join(""),
    thought: parts.map((part) => (part["type"] === "thinking" ? readContent(part["thinking"], "").text : "")).join(""),
  };
}

function readTokens(usage: Dict): Pick<ReadReply, "input" | "output" | "total" | "cached" | "reasoning"> {
  const input = Number(usage["prompt_tokens"] ?? 0);
  const total = Number(usage["total_tokens"] ?? 0);
  const cached = dict(usage["prompt_tokens_details"])["cached_tokens"] ?? usage["cached_tokens"];
  const reasoning = dict(usage["completion_tokens_details"])["reasoning_tokens"] ?? usage["reasoning_tokens"];
  // Where a vendor leaves reasoning out of completion_tokens, the total has it.
  return { input, output: total - input, total, cached: count(cached), reasoning: count(reasoning) };
}

// ── Messages ─────────────────────────────────────────────────────────────────────────────────────────────────

function readMessage(body: Dict): ReadReply {
  const blocks = list(body["content"]);
  return {
    text: blocks.map((block) => (block["type"] === "text" ? text(block["text"]) : "")).join(""),
    thought: blocks.map((block) => (block["type"] === "thinking" ? text(block["thinking"]) : "")).join(""),
    calls: blocks.flatMap((block) => (block["type"] === "tool_use" ? [{ name: text(block["name"]), args: block["input"] }] : [])),
    stop: text(body["stop_reason"]),
    ...readCounts(dict(body["usage"])),
  };
}

function readEvents(events: Dict[]): ReadReply {
  const blocks: Dict[] = [];
  const inputs = new Map<number, string>();
  let usage: Dict = {};
  let stop: unknown;
  for (const event of events) {
    const at = Number(event["index"]);
    const delta = dict(event["delta"]);
    switch (event["type"]) {
      case "message_start":
        usage = { ...usage, ...dict(dict(event["message"])["usage"]) };
        stop = dict(event["message"])["stop_reason"];
        blocks.push(...list(dict(event["message"])["content"]));
        break;
      case "content_block_start":
        blocks[at] = { ...dict(event["content_block"]) };
        break;
      case "content_block_delta": {
        const block = blocks[at] ?? {};
        if (delta["type"] === "text_delta") block["text"] = text(block["text"]) + text(delta["text"]);
        if (delta["type"] === "thinking_delta") block["thinking"] = text(block["thinking"]) + text(delta["thinking"]);
        if (delta["type"] === "input_json_delta") inputs.set(at, (inputs.get(at) ?? "") + text(delta["partial_json"]));
        break;
      }
      case "message_delta":
        stop = delta["stop_reason"];
        usage = { ...usage, ...dict(event["usage"]) };
        break;
    }
  }
  for (const [at, input] of inputs) (blocks[at] as Dict)["input"] = argumentsOf(input);
  return readMessage({ content: blocks, stop_reason: stop, usage });
}

function readCounts(usage: Dict): Pick<ReadReply, "input" | "output" | "total" | "cached" | "reasoning" | "beside"> {
  const read = Number(usage["cache_read_input_tokens"] ?? 0);
  const input = Number(usage["input_tokens"] ?? 0) + read + Number(usage["cache_creation_input_tokens"] ?? 0);
  const output = Number(usage["output_tokens"] ?? 0);
  const compactions = list(usage["iterations"])
    .filter((iteration) => iteration["type"] === "compaction")
    .map(readCounts);
  return {
    input,
    output,
    total: input + output,
    cached: read,
    reasoning: count(dict(usage["output_tokens_details"])["thinking_tokens"]),
    ...(compactions.length > 0 && {
      beside: { input: sum(compactions.map((one) => one.input)), output: sum(compactions.map((one) => one.output)) },
    }),
  };
}

// ── JSON ─────────────────────────────────────────────────────────────────────────────────────────────────────

function sum(counts: number[]): number {
  return counts.reduce((all, one) => all + one, 0);
}

function argumentsOf(json: string): unknown {
  if (json === "") return {};
  try {
    return JSON.parse(json);
  } catch {
    return `not JSON: ${json}`;
  }
}

function dict(value: unknown): Dict {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Dict) : {};
}

function list(value: unknown): Dict[] {
  return Array.isArray(value) ? value.map(dict) : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function count(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
