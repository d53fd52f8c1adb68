import { describe, expect, test } from "vitest";
import type { AssistantPart, ChatEvent, ChatReply, ChatRequest, Message } from "../../src/canonical/chat.ts";
import { isGatewayError } from "../../src/canonical/errors.ts";
import { fold } from "../../src/canonical/fold.ts";
import { parseJson } from "../../src/canonical/json.ts";
import type { Json, JsonObject } from "../../src/canonical/json.ts";
import type { Quirk } from "../../src/canonical/quirks.ts";
import { expectDiscipline } from "../../src/formats/codec.contract.ts";
import type { EncodeContext } from "../../src/formats/codec.ts";
import { chatCompletions } from "../../src/formats/openai/chat-completions.ts";
import { catalogue } from "../../src/providers/catalogue.ts";
import { SseReader } from "../../src/upstream/framing/sse.ts";

const { client, provider } = chatCompletions;

// ── the way there and the way back, as a row of the catalogue says ───────────────────────────────────────────

interface Encoded {
  body: JsonObject;
  messages: JsonObject[];
  disclosed: string[];
}

function encode(request: Partial<ChatRequest>, row: keyof typeof catalogue = "mistral", more: Partial<EncodeContext> = {}): Encoded {
  const disclosed: string[] = [];
  const context: EncodeContext = {
    capabilities: {},
    quirks: new Set<Quirk>(catalogue[row].quirks),
    origin: `${row}/m`,
    warn: ({ field, action }) => disclosed.push(`${action} ${field}`),
    ...more,
  };
  const body = provider.encodeRequest({ model: "m", messages: [user("Hi")], stream: false, ...request }, context);
  return { body, messages: body["messages"] as JsonObject[], disclosed };
}

/** The events of the bytes of a stream: `data:` lines as given, or payloads. */
function decode(payloads: readonly (JsonObject | string)[], row: keyof typeof catalogue = "mistral"): ChatEvent[] {
  const text = payloads.map((one) => (typeof one === "string" ? one : `data: ${JSON.stringify(one)}\n\n`)).join("");
  const reader = new SseReader();
  const decoder = provider.decodeEvents(new Set<Quirk>(catalogue[row].quirks));
  const frames = [...reader.push(new TextEncoder().encode(text)), ...reader.end()];
  const events = [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
  expectDiscipline(events, "cut");
  return events;
}

const DONE = "data: [DONE]\n\n";

function foldStream(payloads: readonly (JsonObject | string)[], row?: keyof typeof catalogue): ChatReply {
  return fold(decode([...payloads, DONE], row));
}

function partsOf(payloads: readonly (JsonObject | string)[], row?: keyof typeof catalogue): AssistantPart[] {
  return foldStream(payloads, row).choices[0]?.content ?? [];
}

function errorOf(events: readonly ChatEvent[]): string | undefined {
  const last = events.at(-1);
  return last?.type === "error" ? last.error.code : undefined;
}

function chunk(delta: JsonObject, finish: string | null = null, more: JsonObject = {}): JsonObject {
  return {
    id: "735e434874a24f68",
    object: "chat.completion.chunk",
    created: 1_787_234_678,
    model: "m",
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...more,
  };
}

const toolCall = (call: JsonObject, finish: string | null = null): JsonObject => chunk({ tool_calls: [call] }, finish);

function whole(message: JsonObject, finish = "stop", more: JsonObject = {}): JsonObject {
  return {
    id: "a4e29c5b",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason: finish }],
    ...more,
  };
}

function reply(message: JsonObject, finish?: string, more?: JsonObject): ChatReply {
  return fold(provider.decodeReply(whole(message, finish, more), new Set<Quirk>(catalogue.mistral.quirks)));
}

const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] });
const said = (text: string): AssistantPart => ({ type: "text", text });
const assistant = (...content: AssistantPart[]): Message => ({ role: "assistant", content });
const call = (id: string, args = "{}"): AssistantPart => ({ type: "tool-call", id, name: "f", kind: "function", arguments: args });
const result = (...ids: string[]): Message => ({
  role: "tool",
  content: ids.map((callId) => ({ type: "tool-result", callId, content: [{ type: "text", text: "ok" }] })),
});
const called = (parts: readonly AssistantPart[]): unknown[] =>
  parts.map((part) => part.type === "tool-call" && [part.name, part.arguments]);
const idsOf = (parts: readonly AssistantPart[]): string[] => parts.flatMap((part) => (part.type === "tool-call" ? [part.id] : []));

// ── Mistral ──────────────────────────────────────────────────────────────────────────────────────────────────

describe("a request to Mistral", () => {
  test("says what the vendor knows by the vendor's names", () => {
    const { body, disclosed } = encode({
      maxOutputTokens: 9,
      seed: 7,
      temperature: 0.2,
      stop: ["END"],
      frequencyPenalty: 1,
      choices: 2,
      promptCacheKey: "k",
      parallelToolCalls: false,
      stream: true,
    });
    expect(body).toEqual({
      model: "m",
      messages: [{ role: "user", content: "Hi" }],
      max_tokens: 9,
      random_seed: 7,
      temperature: 0.2,
      stop: ["END"],
      frequency_penalty: 1,
      n: 2,
      prompt_cache_key: "k",
      stream: true,
    });
    // Without tools there is nothing to call in parallel.
    expect(disclosed).toEqual([]);
  });

  test("leaves out and tells what would be a 422, and refuses what the caller relies on", () => {
    const { body, disclosed } = encode({ endUser: "u", verbosity: "low", metadata: { a: "b" }, store: true, serviceTier: "flex" });
    expect(Object.keys(body)).toEqual(["model", "messages"]);
    expect(disclosed.toSorted()).toEqual([
      "dropped metadata",
      "dropped service_tier",
      "dropped store",
      "dropped user",
      "dropped verbosity",
    ]);
    expect(() => encode({ logitBias: { "1": 2 } })).toThrow("logit_bias");
    expect(() => encode({ logprobs: { top: 0 } })).toThrow("logprobs");
  });

  test("has no developer and no names", () => {
    const { messages } = encode({
      messages: [
        { role: "developer", content: [{ type: "text", text: "Be brief." }] },
        { role: "user", name: "Ann", content: [{ type: "text", text: "Hi" }] },
      ],
    });
    expect(messages).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "Hi" },
    ]);
  });

  test("chooses tools in all four ways; `required` is understood beside `any`", () => {
    const tools: ChatRequest["tools"] = [{ name: "f", kind: "function", parameters: { type: "object" } }];
    const chosen = (toolChoice: ChatRequest["toolChoice"]): unknown => encode({ tools, toolChoice }).body["tool_choice"];
    expect(chosen({ type: "auto" })).toBe("auto");
    expect(chosen({ type: "none" })).toBe("none");
    expect(chosen({ type: "required" })).toBe("required");
    expect(chosen({ type: "tool", name: "f" })).toEqual({ type: "function", function: { name: "f" } });
    expect(encode({ tools, parallelToolCalls: false }).body["parallel_tool_calls"]).toBe(false);
  });

  test("keeps the vendor's own fields of a client that speaks its dialect", () => {
    const request = client.decodeRequest(
      {
        model: "m",
        messages: [{ role: "user", content: "Hi" }],
        safe_prompt: true,
        prompt_mode: "reasoning",
        random_seed: 3,
        guardrails: [],
        tool_choice: "any",
        tools: [{ type: "function", function: { name: "f" } }],
      },
      { headers: new Headers() },
    );
    const { body } = encode(request);
    expect(body).toMatchObject({ safe_prompt: true, prompt_mode: "reasoning", random_seed: 3, guardrails: [], tool_choice: "required" });
  });
});

describe("tool call ids at Mistral", () => {
  const sent = (...ids: string[]): { calls: string[]; results: string[] } => {
    const { messages } = encode({ messages: [user("?"), assistant(...ids.map((id) => call(id))), result(...ids)] });
    return {
      calls: ((messages[1]?.["tool_calls"] ?? []) as { id: string }[]).map(({ id }) => id),
      results: messages.slice(2).map((message) => String(message["tool_call_id"])),
    };
  };
  const foreign = ["call_abc", "functions.f:0", "toolu_01A09q90qw90lq917835lq9", "", "a".repeat(300), "id with spaces", "ünï"];

  test("are nine letters and digits, in the call and in its result (mnfst/llm-gateway#1182)", () => {
    const { calls, results } = sent(...foreign);
    for (const id of calls) expect(id).toMatch(/^[A-Za-z0-9]{9}$/);
    expect(results).toEqual(calls);
  });

  test("stay what they are when they are so already, and are the same in every request (router-for-me/CLIProxyAPI#4939)", () => {
    expect(sent("gSIMJiOkT").calls).toEqual(["gSIMJiOkT"]);
    expect(sent(...foreign)).toEqual(sent(...foreign));
    expect(sent("call_abc").calls[0]).toBe(sent("x", "call_abc").calls[1] as string);
  });

  test("are different for different ids, however many, and when one looks like another's short one", () => {
    const many = Array.from({ length: 3000 }, (_, index) => `call_${index}`);
    expect(new Set(sent(...many).calls).size).toBe(many.length);
    const [short] = sent("call_abc").calls as [string];
    for (const ids of [
      ["call_abc", short],
      [short, "call_abc"],
    ]) {
      const { calls, results } = sent(...ids);
      expect(new Set(calls).size).toBe(2);
      expect(results).toEqual(calls);
    }
  });
});

describe("the order of turns at Mistral", () => {
  const roles = (messages: Message[]): string[] => encode({ messages }).messages.map(({ role }) => String(role));

  test("results stand directly after their calls: \"Unexpected role 'tool' after role 'user'\" is a 400 (mistralai/mistral-vibe#1114)", () => {
    expect(
      roles([user("?"), assistant(call("a"), call("b")), result("a"), user("Wait."), result("b"), assistant(said("Done.")), user("!")]),
    ).toEqual(["user", "assistant", "tool", "tool", "user", "assistant", "user"]);
  });

  // Until April 2026 an assistant's message had to stand between: mistralai/mistral-common#218.
  test("a user's word may follow a result, and so may images that a tool returned", () => {
    const shown: Message = {
      role: "tool",
      content: [
        {
          type: "tool-result",
          callId: "a",
          content: [{ type: "image", source: { kind: "base64", mediaType: "image/png", data: "aGk=" } }],
        },
      ],
    };
    expect(roles([user("?"), assistant(call("a")), result("a"), user("And now?")])).toEqual(["user", "assistant", "tool", "user"]);
    expect(roles([user("?"), assistant(call("a")), shown])).toEqual(["user", "assistant", "tool", "user"]);
  });

  test("an answer begun by the client is marked as the beginning it is", () => {
    const { messages, disclosed } = encode({ messages: [user("?"), assistant(said("Once upon"))] });
    expect(messages[1]).toEqual({ role: "assistant", content: "Once upon", prefix: true });
    expect(disclosed).toEqual([]);
    expect(encode({ messages: [user("?"), assistant(said("Yes.")), user("!")] }).messages[1]).not.toHaveProperty("prefix");
    expect(encode({ messages: [user("?"), assistant(call("a"))] }).messages[1]).not.toHaveProperty("prefix");
  });

  test("a client's own mark is kept", () => {
    const request = client.decodeRequest(
      {
        model: "m",
        messages: [
          { role: "user", content: "?" },
          { role: "assistant", content: "Once", prefix: true },
        ],
      },
      { headers: new Headers() },
    );
    expect(encode(request).messages[1]).toEqual({ role: "assistant", content: "Once", prefix: true });
  });
});

describe("reasoning at Mistral", () => {
  const thinking = (text: string, more: JsonObject = {}): JsonObject => ({ type: "thinking", thinking: [{ type: "text", text }], ...more });

  test("comes as a list of chunks, whole", () => {
    expect(reply({ content: [thinking("2+2"), { type: "text", text: "4" }] }).choices[0]?.content).toEqual([
      { type: "reasoning", text: "2+2" },
      { type: "text", text: "4" },
    ]);
  });

  test("and in deltas, between texts as strings", () => {
    expect(
      partsOf([
        chunk({ role: "assistant", content: [thinking("2+")] }),
        chunk({ content: [thinking("2")] }),
        chunk({ content: "It is " }),
        chunk({ content: [{ type: "text", text: "4" }] }, "stop"),
      ]),
    ).toEqual([
      { type: "reasoning", text: "2+2" },
      { type: "text", text: "It is 4" },
    ]);
  });

  test("its signature is kept, whole and in deltas, and goes back with its words to the model that gave it", () => {
    const state = { format: "openai/chat-completions", kind: "signature", data: "c2ln" };
    const wanted = [
      { type: "reasoning", text: "2+2", state },
      { type: "text", text: "4" },
    ];
    expect(
      reply({ content: [thinking("2+2", { signature: "c2ln", closed: true }), { type: "text", text: "4" }] }).choices[0]?.content,
    ).toEqual(wanted as AssistantPart[]);
    const streamed = partsOf([
      chunk({ content: [thinking("2+")] }),
      chunk({ content: [thinking("2", { signature: "c2ln" })] }),
      chunk({ content: "4" }, "stop"),
    ]);
    expect(streamed).toEqual(wanted as AssistantPart[]);

    const back = encode({ messages: [user("?"), assistant(...streamed), user("!")] });
    expect(back.messages[1]?.["content"]).toEqual([thinking("2+2", { signature: "c2ln" }), { type: "text", text: "4" }]);
    expect(back.disclosed).toEqual([]);
  });

  test("of another vendor, or without a signature, does not go there", () => {
    const other = { format: "anthropic/messages", kind: "signature", data: "c2ln" } as const;
    for (const state of [other, { ...other, format: "openai/chat-completions", origin: "elsewhere/m" }, undefined]) {
      const { messages, disclosed } = encode({
        messages: [user("?"), assistant({ type: "reasoning", text: "Hm.", state }, said("Yes.")), user("!")],
      });
      expect(messages[1]).toEqual({ role: "assistant", content: "Yes." });
      expect(disclosed).toEqual(["dropped messages[1].reasoning_content"]);
    }
  });

  test("chunks that only Mistral has are kept whole, never turned into text", () => {
    const reference = { type: "reference", reference_ids: [1] };
    expect(reply({ content: [{ type: "text", text: "a" }, reference] }).choices[0]?.content).toEqual([
      { type: "text", text: "a" },
      { type: "vendor", format: "openai/chat-completions", value: reference },
    ]);
  });
});

describe("tool calls of Mistral", () => {
  test("are complete in one delta, without index and type: each is its own", () => {
    const both = chunk(
      {
        tool_calls: [
          { id: "gSIMJiOkT", function: { name: "f", arguments: '{"a":1}' } },
          { id: "hSIMJiOkT", function: { name: "f", arguments: '{"a":2}' } },
        ],
      },
      "tool_calls",
    );
    expect(called(partsOf([both]))).toEqual([
      ["f", '{"a":1}'],
      ["f", '{"a":2}'],
    ]);
    const apart = [
      toolCall({ id: "gSIMJiOkT", function: { name: "f", arguments: "{}" } }),
      toolCall({ id: "hSIMJiOkT", function: { name: "g", arguments: "{}" } }, "tool_calls"),
    ];
    expect(called(partsOf(apart))).toEqual([
      ["f", "{}"],
      ["g", "{}"],
    ]);
  });

  test("of its guests repeat an empty name: the call goes on (recorded with zai-glm-5-2)", () => {
    const reply = foldStream([
      toolCall({ id: "chatcmpl-tool-9f149c74c42f265b", type: "function", function: { name: "search", arguments: "" }, index: 0 }),
      toolCall({ type: "function", function: { name: "", arguments: '{"query": ' }, index: 0 }),
      toolCall({ type: "function", function: { name: "", arguments: '"Berlin"}' }, index: 0 }),
      chunk({ index: 0, content: "" }, "tool_calls"),
    ]);
    expect(called(reply.choices[0]?.content ?? [])).toEqual([["search", '{"query": "Berlin"}']]);
    expect(reply.choices[0]?.finish.reason).toBe("tool-calls");
  });

  test("have arguments as text, as an object, as nothing", () => {
    for (const [given, told] of [
      ['{"a":1}', '{"a":1}'],
      [{ a: 1 }, '{"a":1}'],
      ["", "{}"],
      ["null", "{}"],
      [null, "{}"],
    ] as const) {
      expect(called(partsOf([toolCall({ id: "gSIMJiOkT", function: { name: "f", arguments: given as Json } }, "tool_calls")]))).toEqual([
        ["f", told],
      ]);
      expect(
        called(
          reply({ tool_calls: [{ id: "gSIMJiOkT", function: { name: "f", arguments: given as Json } }] }, "tool_calls").choices[0]
            ?.content ?? [],
        ),
      ).toEqual([["f", told]]);
    }
  });

  test("end in the vendor's own words", () => {
    const finish = (raw: string): unknown => foldStream([chunk({ content: "a" }, raw)]).choices[0]?.finish;
    expect(finish("length")).toEqual({ reason: "length", raw: "length" });
    expect(finish("model_length")).toEqual({ reason: "context-overflow", raw: "model_length" });
    expect(errorOf(decode([chunk({ content: "a" }), chunk({}, "error"), DONE]))).toBe("provider_error");
    expect(() => reply({ content: "a" }, "error")).toThrow();
  });
});

describe("Mistral's refusals", () => {
  const refused = (status: number, body: Json): { code: string; message: string; status: number } =>
    provider.decodeError(status, body, new Headers());

  test("in its three shapes", () => {
    expect(
      refused(400, {
        object: "error",
        message: "Unexpected role 'user' after role 'tool'",
        type: "invalid_request_message_order",
        param: null,
        code: "3230",
      }),
    ).toMatchObject({
      code: "provider_rejected",
      status: 400,
      message: "Unexpected role 'user' after role 'tool'",
    });
    expect(
      refused(422, { detail: [{ type: "extra_forbidden", loc: ["body", "stream_options"], msg: "Extra inputs are not permitted" }] }),
    ).toMatchObject({
      code: "provider_rejected",
      status: 422,
      message: "stream_options: Extra inputs are not permitted",
    });
    expect(refused(401, { detail: "Unauthorized" }).code).toBe("provider_auth");
    expect(refused(429, { object: "error", message: "Requests rate limit exceeded", type: "rate_limited", code: "1300" }).code).toBe(
      "provider_rate_limited",
    );
    expect(
      refused(400, {
        object: "error",
        message: "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
        type: "invalid_request_prompt",
      }).code,
    ).toBe("context_length_exceeded");
  });
});

// ── the dialects of others, row by row ───────────────────────────────────────────────────────────────────────

describe("what compatible vendors send", () => {
  test("vLLM: usage on every chunk, id and type on every delta, the finish on the last piece, a token's number as stop reason", () => {
    const usage = (completion: number): JsonObject => ({
      usage: { prompt_tokens: 5, completion_tokens: completion, total_tokens: 5 + completion },
    });
    const piece = (args: string, count: number, finish: string | null = null): JsonObject => ({
      ...chunk(
        { tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: args === "" ? "f" : "", arguments: args } }] },
        finish,
      ),
      ...usage(count),
    });
    const last = piece("1}", 3, "tool_calls");
    (last["choices"] as JsonObject[])[0] = { ...(last["choices"] as JsonObject[])[0], stop_reason: 154_829 };
    const reply = foldStream([piece("", 1), piece('{"a":', 2), last, { id: "x", choices: [], ...usage(4) }], "vllm");
    expect(called(reply.choices[0]?.content ?? [])).toEqual([["f", '{"a":1}']]);
    expect(reply.choices[0]?.finish).toEqual({ reason: "tool-calls", raw: "tool_calls" });
    expect(reply.usage).toMatchObject({ input: 5, output: 4 });
  });

  test("ids missing or empty: made up once a call, the same each time (anomalyco/opencode#25925)", () => {
    for (const none of [{}, { id: "" }, { id: null }]) {
      const chunks = [
        toolCall({ index: 0, ...none, function: { name: "f", arguments: "" } }),
        toolCall({ index: 0, ...none, function: { arguments: "{}" } }),
        toolCall({ index: 1, ...none, function: { name: "f", arguments: "{}" } }, "tool_calls"),
      ];
      const parts = partsOf(chunks, "nvidia");
      expect(called(parts)).toEqual([
        ["f", "{}"],
        ["f", "{}"],
      ]);
      expect(new Set(idsOf(parts)).size).toBe(2);
      expect(idsOf(partsOf(chunks, "nvidia"))).toEqual(idsOf(parts));
      expect(idsOf(parts).every((id) => id !== "")).toBe(true);
    }
  });

  test("Kimi's ids `functions.name:0` pass as they are", () => {
    expect(
      idsOf(partsOf([toolCall({ index: 0, id: "functions.f:0", function: { name: "f", arguments: "{}" } }, "tool_calls")], "moonshotai")),
    ).toEqual(["functions.f:0"]);
  });

  test("indexes that are missing, always 0, or begin with 1", () => {
    const pair = (first: JsonObject, second: JsonObject): unknown[] =>
      called(
        partsOf(
          [
            toolCall({ ...first, id: "a", function: { name: "f", arguments: '{"a":1}' } }),
            toolCall({ ...second, id: "b", function: { name: "g", arguments: "{}" } }, "tool_calls"),
          ],
          "openai",
        ),
      );
    const wanted = [
      ["f", '{"a":1}'],
      ["g", "{}"],
    ];
    expect(pair({}, {})).toEqual(wanted);
    expect(pair({ index: 0 }, { index: 0 })).toEqual(wanted);
    expect(pair({ index: 1 }, { index: 2 })).toEqual(wanted);
  });

  test("keep-alives as comments, and as data that begins with a colon (anomalyco/opencode#50871)", () => {
    expect(
      partsOf(
        [
          ": OPENROUTER PROCESSING\n\n",
          chunk({ content: "a" }),
          "data: : keepalive\n\n",
          ": ping\n",
          "data:\n\n",
          chunk({ content: "b" }, "stop"),
        ],
        "openrouter",
      ),
    ).toEqual([{ type: "text", text: "ab" }]);
  });

  test.each([
    ["reasoning_content", [{ reasoning_content: "H" }, { reasoning_content: "m" }]],
    ["reasoning", [{ reasoning: "H" }, { reasoning: "m" }]],
    [
      "both at once",
      [
        { reasoning: "H", reasoning_content: "H" },
        { reasoning: "m", reasoning_content: "m" },
      ],
    ],
    [
      "reasoning_details",
      [
        { reasoning_details: [{ type: "reasoning.text", text: "H", index: 0 }] },
        { reasoning_details: [{ type: "reasoning.text", text: "m", index: 0 }] },
      ],
    ],
    [
      "reasoning and reasoning_details",
      [
        { reasoning: "H", reasoning_details: [{ type: "reasoning.text", text: "H", index: 0 }] },
        { reasoning: "m", reasoning_details: [{ type: "reasoning.text", text: "m", index: 0 }] },
      ],
    ],
  ] as [string, JsonObject[]][])("reasoning under the name %s is told once", (_, deltas) => {
    const parts = partsOf([...deltas.map((delta) => chunk(delta)), chunk({ content: "Yes." }, "stop")], "openrouter");
    expect(parts.map((part) => "text" in part && [part.type, part.text])).toEqual([
      ["reasoning", "Hm"],
      ["text", "Yes."],
    ]);
  });

  test("reasoning between <think> tags, where the row says so", () => {
    expect(
      partsOf([chunk({ content: "<thi" }), chunk({ content: "nk>Hm</th" }), chunk({ content: "ink>\n\nYes." }, "stop")], "minimax"),
    ).toEqual([
      { type: "reasoning", text: "Hm" },
      { type: "text", text: "Yes." },
    ]);
    expect(partsOf([chunk({ content: "<think>Hm</think>" }, "stop")], "openai")).toEqual([{ type: "text", text: "<think>Hm</think>" }]);
  });

  test("usage in each of its places, and null never wins (diegosouzapw/OmniRoute#9750)", () => {
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
    const places: JsonObject[][] = [
      [chunk({}, "stop", { usage })],
      [chunk({}, "stop"), { id: "x", choices: [], usage }],
      [chunk({}, "stop"), { id: "x", choices: [{ index: 0, delta: {} }], usage }],
      [chunk({}, "stop", { x_groq: { id: "r", usage } })],
      [chunk({}, "stop", { usage }), chunk({}, null, { usage: null })],
    ];
    for (const place of places)
      expect(foldStream([chunk({ content: "a" }, null, { usage: null }), ...place], "groq").usage).toMatchObject({ input: 3, output: 2 });
  });

  test("xAI leaves reasoning out of its completion tokens: 291 + 26 is not 513", () => {
    const usage = { prompt_tokens: 291, completion_tokens: 26, total_tokens: 513, completion_tokens_details: { reasoning_tokens: 196 } };
    expect(foldStream([chunk({ content: "a" }), chunk({}, "stop", { usage })], "xai").usage).toMatchObject({
      input: 291,
      output: 222,
      reasoning: 196,
    });
    // A vendor that counts it is left alone.
    const counted = { prompt_tokens: 10, completion_tokens: 30, total_tokens: 40, completion_tokens_details: { reasoning_tokens: 20 } };
    expect(foldStream([chunk({ content: "a" }), chunk({}, "stop", { usage: counted })], "xai").usage).toMatchObject({
      input: 10,
      output: 30,
      reasoning: 20,
    });
  });

  test("the finish chunk's own content, null and empty contents, a missing [DONE]", () => {
    const events = decode(
      [chunk({ role: "assistant", content: null }), chunk({ content: "" }), chunk({ content: "a" }), chunk({ content: "b" }, "stop")],
      "openai",
    );
    expect(fold(events).choices[0]?.content).toEqual([{ type: "text", text: "ab" }]);
  });

  test("an error with status 200, whole and in the stream", () => {
    for (const body of [
      { error: { message: "overloaded", type: "server_error" } },
      { error: "the model crashed" },
      { object: "error", message: "bad", code: 500 },
    ] as JsonObject[]) {
      expect(errorOf(decode([chunk({ content: "a" }), body], "openai"))).toBeDefined();
      expect(() => provider.decodeReply(body)).toThrow();
    }
  });

  test.each([
    ["plain text", "upstream connect error", "upstream connect error"],
    ["a page", "<!doctype html><html><head><title>502 Bad Gateway</title></head></html>", "502 Bad Gateway"],
    ["detail", { detail: "no such thing" }, "no such thing"],
    ["message", { message: "no such thing" }, "no such thing"],
    ["error as text", { error: "no such thing" }, "no such thing"],
    ["a list", [{ error: { message: "no such thing", code: 400 } }], "no such thing"],
  ] as [string, Json, string][])("an error body as %s", (_, body, words) => {
    const error = provider.decodeError(400, body, new Headers());
    expect(isGatewayError(error) && error.message).toContain(words);
  });
});

describe("what compatible vendors want", () => {
  const thoughtful: Message[] = [user("?"), assistant({ type: "reasoning", text: "Hm." }, call("a", '{"b":1}')), result("a")];

  test("DeepSeek: the reasoning of earlier turns, beside the calls it led to, or the answer is 400", () => {
    expect(encode({ messages: thoughtful }, "deepseek").messages[1]).toMatchObject({ reasoning_content: "Hm.", tool_calls: [{ id: "a" }] });
    // A calling turn of another model has none; empty will do.
    expect(encode({ messages: [user("?"), assistant(call("a")), result("a")] }, "deepseek").messages[1]).toMatchObject({
      reasoning_content: "",
    });
  });

  test("those that do not know it: none of it", () => {
    for (const row of ["openai", "mistral", "groq"] as const) {
      expect(encode({ messages: thoughtful }, row).messages[1]).not.toHaveProperty("reasoning_content");
    }
  });

  test("OpenRouter: its own entries back as they were", () => {
    const details = [{ type: "reasoning.text", text: "Hm.", signature: "c2ln", index: 0, format: "anthropic-claude-v1" }];
    const [part] = partsOf([chunk({ reasoning: "Hm.", reasoning_details: details }), chunk({ content: "Yes." }, "stop")], "openrouter");
    expect(
      encode({ messages: [user("?"), assistant(part as AssistantPart, said("Yes.")), user("!")] }, "openrouter").messages[1]?.[
        "reasoning_details"
      ],
    ).toEqual(details);
  });

  test("templates with one system message: it stands first, later ones are marked", () => {
    const system = (text: string): Message => ({ role: "system", content: [{ type: "text", text }] });
    const { messages } = encode({ messages: [system("a"), system("b"), user("c"), system("d")] }, "vllm");
    expect(messages.map(({ role }) => role)).toEqual(["system", "user", "user"]);
    expect(parseJson(JSON.stringify(messages[0]?.["content"]))).toEqual([
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ]);
    expect(messages[2]?.["content"]).toBe("<system>\nd\n</system>");
  });

  test("usage is asked for on every stream, but of those that refuse the question", () => {
    expect(encode({ stream: true }, "openai").body["stream_options"]).toEqual({ include_usage: true });
    expect(encode({ stream: true }, "mistral").body).not.toHaveProperty("stream_options");
  });

  test("the token limit by the name that the vendor knows", () => {
    expect(encode({ maxOutputTokens: 5 }, "openai").body).toMatchObject({ max_completion_tokens: 5 });
    expect(encode({ maxOutputTokens: 5 }, "deepseek").body).toMatchObject({ max_tokens: 5 });
    expect(encode({ maxOutputTokens: 5 }, "deepseek").body).not.toHaveProperty("max_completion_tokens");
  });
});
