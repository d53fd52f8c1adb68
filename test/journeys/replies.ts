/** Replies as vendors send them, short: the shapes are those of real ones. */

export const usage = {
  prompt_tokens: 9,
  completion_tokens: 3,
  total_tokens: 12,
  prompt_tokens_details: { cached_tokens: 4 },
  completion_tokens_details: { reasoning_tokens: 1 },
};

/** A whole Chat Completions reply: a text, or the message given. */
export function completion(
  message: string | object,
  more: { finish_reason?: string; usage?: object; [field: string]: unknown } = {},
): object {
  const { finish_reason = "stop", ...fields } = more;
  const said =
    typeof message === "string"
      ? { role: "assistant", content: message, refusal: null, annotations: [] }
      : { role: "assistant", ...message };
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1_790_000_000,
    model: "gpt-5.4-mini-2026-03-05",
    choices: [{ index: 0, message: said, logprobs: null, finish_reason }],
    usage,
    service_tier: "default",
    system_fingerprint: "fp_1",
    ...fields,
  };
}

/** The payloads of a streamed one: the deltas given, the finish, and, in its own chunk, the usage. */
export function completionChunks(deltas: readonly object[], finish_reason = "stop", counted: object | null = usage): object[] {
  const chunk = (choices: object[], more: object = {}): object => ({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1_790_000_000,
    model: "gpt-5.4-mini-2026-03-05",
    service_tier: "default",
    system_fingerprint: "fp_1",
    choices,
    ...more,
  });
  const choice = (delta: object, finish: string | null = null): object => ({ index: 0, delta, logprobs: null, finish_reason: finish });
  return [
    chunk([choice({ role: "assistant", content: "", refusal: null })], { usage: null }),
    ...deltas.map((delta) => chunk([choice(delta)], { usage: null })),
    chunk([choice({}, finish_reason)], { usage: null }),
    ...(counted === null ? [] : [chunk([], { usage: counted })]),
  ];
}

export const counts = { input_tokens: 5, cache_creation_input_tokens: 2, cache_read_input_tokens: 4, output_tokens: 3 };

/** A whole Messages reply: a text, or the blocks given. */
export function message(
  content: string | readonly object[],
  more: { stop_reason?: string; usage?: object; [field: string]: unknown } = {},
): object {
  return {
    id: "msg_01",
    type: "message",
    role: "assistant",
    model: "claude-opus-4-5-20251101",
    content: typeof content === "string" ? [{ type: "text", text: content }] : content,
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: counts,
    ...more,
  };
}

/** The events of a streamed one: each block as its start and its deltas. */
export function messageEvents(
  blocks: readonly (readonly [start: object, ...deltas: object[]])[],
  stop: object = { stop_reason: "end_turn" },
  used: object = {},
): object[] {
  return [
    { type: "message_start", message: { ...message([]), stop_reason: null, usage: { ...counts, output_tokens: 1 } } },
    { type: "ping" },
    ...blocks.flatMap(([content_block, ...deltas], index) => [
      { type: "content_block_start", index, content_block },
      ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
      { type: "content_block_stop", index },
    ]),
    { type: "message_delta", delta: { stop_reason: null, stop_sequence: null, ...stop }, usage: { ...counts, ...used } },
    { type: "message_stop" },
  ];
}

/** A text block, said in pieces. */
export function textBlock(...pieces: string[]): [object, ...object[]] {
  return [{ type: "text", text: "" }, ...pieces.map((text) => ({ type: "text_delta", text }))];
}
