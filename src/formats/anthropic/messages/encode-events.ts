/** Events as Anthropic's stream: one block at a time, and the last word only when everything is known. */

import type { BlockStart, ChatEvent, Citation, Finish, OpaqueState } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Usage } from "../../../canonical/usage.ts";
import type { Encoder, ReplyContext } from "../../codec.ts";
import { toInputObject } from "./arguments.ts";
import { callHead, callState, encodeCitation, malformedCall, mediaText, messageHead, reasoningBlock, signature } from "./encode-reply.ts";
import { encodeStreamError } from "./errors.ts";
import { encodeFinish } from "./finish.ts";
import { format, own } from "./format.ts";
import { encodeUsage } from "./usage.ts";

export function encodeEvents(context: ReplyContext): Encoder {
  return new MessagesEncoder(context);
}

type StartEvent = Extract<ChatEvent, { type: "start" }>;
type BlockEvent = Extract<ChatEvent, { block: number }>;

/** A canonical block on its way out. `index` is its place in the client's stream, once it has one. */
interface Live {
  block: number;
  content: BlockStart;
  index: number;
  started: boolean;
  /** Arguments that do not begin as an object are held to the end and made one: the client parses nothing else. */
  input: "new" | "passing" | "held";
  held: string;
  /** What came while another block was being written. */
  queue: BlockEvent[];
}

class MessagesEncoder implements Encoder {
  readonly #context: ReplyContext;
  /** Held for one event: the usage that opens the message follows it. */
  #head: StartEvent | undefined;
  #begun = false;
  #over = false;
  #nextIndex = 0;
  #current: Live | undefined;
  #waiting: Live[] = [];
  #calledTool = false;
  #usage: Usage | undefined;
  #finish: Finish | undefined;
  #extra: JsonObject = {};

  constructor(context: ReplyContext) {
    this.#context = context;
  }

  push(event: ChatEvent): string {
    if (this.#over) return "";
    switch (event.type) {
      case "start":
        if (!this.#begun) this.#head ??= event;
        return "";
      case "usage":
        this.#usage = event.usage;
        return "";
      case "extra":
        Object.assign(this.#extra, own(event.extra));
        return "";
      case "finish":
        if (event.choice === 0) this.#finish = event.finish;
        return "";
      case "logprobs":
        return "";
      case "ping":
        // Nothing but a comment may come before message_start.
        return this.#begun || this.#head ? this.#begin() + `event: ping\ndata: {"type":"ping"}\n\n` : ": ping\n\n";
      case "end":
        return this.#begin() + this.#end();
      case "error":
        this.#over = true;
        return encodeStreamError(event.error, this.#context.callId);
      default:
        if (event.choice !== 0) return "";
        return this.#begun ? this.#route(event) : this.#begin() + this.#route(event);
    }
  }

  // ── the message ────────────────────────────────────────────────────────────────────────────────────────────

  #begin(): string {
    if (this.#begun) return "";
    this.#begun = true;
    const head = this.#head;
    const message: JsonObject = {
      ...messageHead(head?.id, head?.model, this.#context),
      content: [],
      stop_reason: null,
      stop_sequence: null,
      stop_details: null,
      usage: encodeUsage(this.#usage),
      ...own(head?.extra),
    };
    return write({ type: "message_start", message });
  }

  /** The whole usage goes into message_delta: clients that show the context's size read it there, and message_start was too early to know. */
  #end(): string {
    this.#over = true;
    const rest = this.#flush();
    if (!this.#finish) {
      return (
        rest +
        encodeStreamError(
          new GatewayError("provider_stream_cut", "The provider's answer ended before it was complete."),
          this.#context.callId,
        )
      );
    }
    if (this.#finish.reason === "malformed-call") return rest + encodeStreamError(malformedCall(), this.#context.callId);
    const { context_management, ...delta } = this.#extra;
    const message: JsonObject = {
      type: "message_delta",
      delta: { ...encodeFinish(this.#finish, this.#calledTool), ...delta },
      usage: encodeUsage(this.#usage),
    };
    if (context_management !== undefined) message.context_management = context_management;
    return rest + write(message) + `event: message_stop\ndata: {"type":"message_stop"}\n\n`;
  }

  /** Well-formed events leave nothing open here. */
  #flush(): string {
    let text = "";
    while (this.#current) text += this.#endBlock(this.#current, undefined);
    return text;
  }

  // ── its blocks ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Blocks may grow side by side in the canonical stream (parallel calls do); here the first is finished before the next begins. */
  #route(event: BlockEvent): string {
    const current = this.#current;
    if (current?.block === event.block) return this.#write(current, event);
    if (event.type !== "block-start") {
      this.#waiting.find((live) => live.block === event.block)?.queue.push(event);
      return "";
    }
    const live: Live = { block: event.block, content: event.content, index: -1, started: false, input: "new", held: "", queue: [] };
    if (current) {
      this.#waiting.push(live);
      return "";
    }
    this.#current = live;
    return this.#open(live);
  }

  #write(live: Live, event: BlockEvent): string {
    switch (event.type) {
      case "text-delta":
      case "refusal-delta":
        return event.text === "" ? "" : this.#startText(live) + delta(live.index, "text_delta", "text", event.text);
      case "reasoning-delta":
        if (event.text === "") return "";
        return (
          this.#start(live, { type: "thinking", thinking: "", signature: "" }) + delta(live.index, "thinking_delta", "thinking", event.text)
        );
      case "arguments-delta":
        return this.#arguments(live, event.text);
      case "citation":
        return this.#citation(live, event.citation);
      case "block-end":
        return this.#endBlock(live, event.state);
      case "block-start":
        return "";
    }
  }

  /** Only what is sure to stay is written at once: a text block that remains empty never appears, thinking may turn out to be redacted. */
  #open(live: Live): string {
    const { content } = live;
    switch (content.kind) {
      case "text":
      case "refusal":
      case "reasoning":
        return "";
      case "tool-call":
        this.#calledTool = true;
        return this.#start(live, { ...callHead(content.id, content.name), input: {}, ...own(content.extra) });
      case "media":
        return this.#startText(live) + delta(live.index, "text_delta", "text", mediaText(content.part));
      case "vendor":
        return content.part.format === format ? this.#vendor(live, content.part.value) : "";
    }
  }

  #endBlock(live: Live, state: OpaqueState | undefined): string {
    let text = "";
    const { kind } = live.content;
    if (kind === "reasoning") text = this.#endReasoning(live, state);
    if (kind === "tool-call") text = this.#endArguments(live);
    if (live.started) text += stop(live.index);
    if (kind === "tool-call") for (const block of callState(state, this.#context)) text += this.#whole(block);
    return text + this.#next();
  }

  #next(): string {
    const live = this.#waiting.shift();
    this.#current = live;
    if (!live) return "";
    let text = this.#open(live);
    for (const event of live.queue) text += this.#write(live, event);
    return text;
  }

  #start(live: Live, block: JsonObject): string {
    if (live.started) return "";
    live.started = true;
    live.index = this.#nextIndex;
    this.#nextIndex += 1;
    return write({ type: "content_block_start", index: live.index, content_block: block });
  }

  #startText(live: Live): string {
    return live.started ? "" : this.#start(live, { type: "text", text: "" });
  }

  #citation(live: Live, citation: Citation): string {
    const raw = encodeCitation(citation, this.#context);
    if (!raw) return "";
    return (
      this.#startText(live) + write({ type: "content_block_delta", index: live.index, delta: { type: "citations_delta", citation: raw } })
    );
  }

  #endReasoning(live: Live, state: OpaqueState | undefined): string {
    if (live.started) return delta(live.index, "signature_delta", "signature", signature(state, this.#context));
    const block = reasoningBlock({ text: "", state }, this.#context);
    if (!block) return "";
    if (block.type === "redacted_thinking") return this.#start(live, block);
    const start = this.#start(live, { type: "thinking", thinking: "", signature: "" });
    return start + delta(live.index, "signature_delta", "signature", String(block.signature));
  }

  #arguments(live: Live, text: string): string {
    if (text === "") return "";
    if (live.content.kind === "tool-call" && live.content.call === "custom") {
      // Free-form input becomes the one argument of an object, escaped piece by piece.
      const opening = live.input === "new" ? `{"input":"` : "";
      live.input = "passing";
      return delta(live.index, "input_json_delta", "partial_json", opening + JSON.stringify(text).slice(1, -1));
    }
    if (live.input === "new" && text.trim() !== "") live.input = text.trimStart().startsWith("{") ? "passing" : "held";
    if (live.input === "passing") return delta(live.index, "input_json_delta", "partial_json", text);
    live.held += text;
    return "";
  }

  #endArguments(live: Live): string {
    if (live.content.kind === "tool-call" && live.content.call === "custom") {
      return delta(live.index, "input_json_delta", "partial_json", live.input === "new" ? `{"input":""}` : `"}`);
    }
    if (live.input === "passing") return "";
    return delta(live.index, "input_json_delta", "partial_json", JSON.stringify(toInputObject(live.held).input));
  }

  /** Server tools' input comes as a delta in the vendor's own stream; all else stands in the start. */
  #vendor(live: Live, value: JsonObject): string {
    if (value.input === undefined) return this.#start(live, value);
    const start = this.#start(live, { ...value, input: {} });
    return start + delta(live.index, "input_json_delta", "partial_json", JSON.stringify(value.input));
  }

  #whole(block: JsonObject): string {
    const index = this.#nextIndex;
    this.#nextIndex += 1;
    const { signature: signed } = block;
    const start = write({ type: "content_block_start", index, content_block: { ...block, signature: "" } });
    return start + delta(index, "signature_delta", "signature", String(signed)) + stop(index);
  }
}

function write(data: JsonObject): string {
  return `event: ${String(data.type)}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The hot path: one string, no object. */
function delta(index: number, type: string, field: string, text: string): string {
  return `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":"${type}","${field}":${JSON.stringify(text)}}}\n\n`;
}

function stop(index: number): string {
  return `event: content_block_stop\ndata: {"type":"content_block_stop","index":${index}}\n\n`;
}
