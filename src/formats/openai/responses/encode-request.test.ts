import { describe, expect, test } from "vitest";
import type { AssistantPart, Message, OpaqueState, ToolResultPart } from "../../../canonical/chat.ts";
import { isGatewayError } from "../../../canonical/errors.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { encode, roundTrip } from "./samples.ts";

const go: Message = { role: "user", content: [{ type: "text", text: "go" }] };

function answered(...parts: AssistantPart[]): Message[] {
  const results = parts.flatMap((part): ToolResultPart[] =>
    part.type === "tool-call" ? [{ type: "tool-result", callId: part.id, content: [{ type: "text", text: "ok" }] }] : [],
  );
  return [
    go,
    { role: "assistant", content: parts },
    ...(results.length > 0 ? [{ role: "tool", content: results } satisfies Message] : []),
    go,
  ];
}

function call(id: string, name = "look"): AssistantPart {
  return { type: "tool-call", id, name, kind: "function", arguments: "{}" };
}

function refused(run: () => unknown): string | undefined {
  try {
    run();
  } catch (thrown) {
    if (isGatewayError(thrown) && thrown.code === "unsupported_field") return thrown.field;
    throw thrown;
  }
  return undefined;
}

const item: JsonObject = { id: "rs_1", type: "reasoning", summary: [{ type: "summary_text", text: "Hm." }] };
const own: OpaqueState = { format: "openai/responses", kind: "encrypted", data: "gAAA", id: "rs_1", item };
const whole: JsonObject = { ...item, encrypted_content: "gAAA" };

describe("reasoning is replayed whole, or not at all", () => {
  const done: AssistantPart = { type: "text", text: "Done." };
  const thought = (state?: OpaqueState): AssistantPart => ({ type: "reasoning", text: "Hm.", ...(state && { state }) });

  test("an own item goes back as it came", () => {
    const { input, told } = encode({ messages: answered(thought(own), call("c1")) });
    expect(input[1]).toEqual(whole);
    expect(told).toEqual([]);
  });

  test("also when it is known to come from this very model", () => {
    expect(encode({ messages: answered(thought({ ...own, origin: "openai/gpt-x" }), done) }).input[1]).toEqual(whole);
  });

  test.each<[string, OpaqueState | undefined]>([
    ["another model's", { ...own, origin: "openai/gpt-y" }],
    ["another provider's", { ...own, origin: "azure/gpt-x" }],
    ["another format's", { format: "anthropic/messages", kind: "signature", data: "c2ln" }],
    ["nobody's", undefined],
  ])("%s is left out, and said so", (_, state) => {
    const { input, told } = encode({ messages: answered(thought(state), done) });
    expect(input.map(({ type }) => type)).toEqual(["message", "message", "message"]);
    expect(told).toEqual(["dropped messages[1].content[0]"]);
  });

  test("an item with nothing inside is only sent where the provider has kept it", () => {
    const bare = { ...own, data: "" };
    expect(encode({ messages: answered(thought(bare), done) }).told).toEqual(["dropped messages[1].content[0]"]);
    expect(encode({ messages: answered(thought(bare), done), store: true }).input[1]).toEqual(item);
  });

  test("reasoning that an interrupted answer ends with is left out: it lacks its following item", () => {
    const { input, told } = encode({ messages: answered(done, thought(own)) });
    expect(input.map(({ type }) => type)).toEqual(["message", "message", "message"]);
    expect(told).toEqual(["repaired messages[1].content[1]"]);
  });

  test("a server that thinks aloud gets the words back", () => {
    const { input, told } = encode({ messages: answered(thought(), done) }, { quirks: ["replay-reasoning"] });
    expect(input[1]).toEqual({ type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "Hm." }] });
    expect(told).toEqual([]);
  });

  test("encrypted content is asked for wherever a response is not kept and the model may reason", () => {
    expect(encode({ reasoning: { effort: "low" } }).body).toMatchObject({ store: false, include: ["reasoning.encrypted_content"] });
    expect(encode({}, { capabilities: { reasoning: ["effort"] } }).body.include).toEqual(["reasoning.encrypted_content"]);
    expect(encode({ messages: answered(thought(own), done) }).body.include).toEqual(["reasoning.encrypted_content"]);
    expect(encode({}).body.include).toBeUndefined();
    expect(encode({}, { capabilities: { reasoning: false } }).body.include).toBeUndefined();
    expect(encode({ reasoning: { effort: "none" } }).body.include).toBeUndefined();
    expect(encode({ reasoning: { effort: "low" }, store: true }).body).toMatchObject({ store: true });
    expect(encode({ reasoning: { effort: "low" }, store: true }).body.include).toBeUndefined();
  });
});

describe("an answer becomes items in the order in which it was made", () => {
  test("words, deeds and words again", () => {
    const { input } = encode({
      messages: answered(
        { type: "text", text: "One." },
        { type: "text", text: "Two." },
        call("c1"),
        { type: "tool-call", id: "c2", name: "patch", kind: "custom", arguments: "x" },
        { type: "text", text: "Three." },
      ),
    });
    expect(input.slice(1, -1)).toEqual([
      {
        type: "message",
        role: "assistant",
        content: [
          { type: "output_text", text: "One.", annotations: [] },
          { type: "output_text", text: "Two.", annotations: [] },
        ],
      },
      { type: "function_call", call_id: "c1", name: "look", arguments: "{}" },
      { type: "custom_tool_call", call_id: "c2", name: "patch", input: "x" },
      { type: "message", role: "assistant", content: "Three." },
      { type: "function_call_output", call_id: "c1", output: "ok" },
      { type: "custom_tool_call_output", call_id: "c2", output: "ok" },
    ]);
  });

  test("no item has an id but reasoning: ids that a provider does not know are of no use", () => {
    const { input } = roundTrip({
      input: [
        { role: "user", content: "x" },
        { type: "message", id: "msg_1", role: "assistant", status: "completed", content: [{ type: "output_text", text: "a" }] },
        { type: "function_call", id: "fc_1", call_id: "c", name: "f", arguments: "{}" },
        { type: "function_call_output", id: "fco_1", call_id: "c", output: "" },
      ],
    });
    expect(input.map(({ id }) => id)).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("a refusal keeps its own kind", () => {
    expect(encode({ messages: answered({ type: "refusal", text: "No." }) }).input[1]).toEqual({
      type: "message",
      role: "assistant",
      content: [{ type: "refusal", refusal: "No." }],
    });
  });

  test("an image that the assistant made follows as the user's", () => {
    const { input, told } = encode({
      messages: answered({ type: "media", source: { kind: "base64", mediaType: "image/png", data: "AAAA" } }),
    });
    expect(input[1]).toMatchObject({
      role: "user",
      content: [{ type: "input_text" }, { type: "input_image", image_url: "data:image/png;base64,AAAA" }],
    });
    expect(told).toEqual(["emulated messages[1].content[0]"]);
  });

  test("another format's block is refused by name", () => {
    const block: AssistantPart = { type: "vendor", format: "anthropic/messages", value: { type: "server_tool_use" } };
    expect(refused(() => encode({ messages: answered(block) }))).toBe("messages[1].content[0]");
  });
});

describe("calls and results", () => {
  const ids = (input: JsonObject[]): unknown[] => input.filter(({ call_id: id }) => id !== undefined).map(({ call_id: id }) => id);

  test("long ids are shortened, in the call and in its result alike, and stay apart", () => {
    const long = (end: string): string => `codex_mcp__server__tool_exec-${"0".repeat(50)}${end}`;
    const { input } = encode({ messages: answered(call(long("a")), call(long("b"))) });
    const [first, second, ...results] = ids(input) as string[];
    expect(first).not.toBe(second);
    expect(first?.length).toBeLessThanOrEqual(64);
    expect(results).toEqual([first, second]);
    expect(ids(encode({ messages: answered(call(long("a")), call(long("b"))) }).input)).toEqual(ids(input));
  });

  test("an id that comes again in a later turn is another call", () => {
    const turn = (): Message[] => answered(call("call_0")).slice(0, 3);
    expect(ids(encode({ messages: [...turn(), ...turn()] }).input)).toEqual(["call_0", "call_0", "call_0_2", "call_0_2"]);
  });

  test("a call without a result is answered, or the provider refuses the whole conversation", () => {
    const { input, told } = encode({ messages: [go, { role: "assistant", content: [call("c1")] }, go] });
    expect(input[2]).toMatchObject({ type: "function_call_output", call_id: "c1" });
    expect(told).toEqual(["repaired messages[1].content[0]"]);
  });

  test("a result without its call is told as words, unless the call stands at the provider", () => {
    const orphan: Message = {
      role: "tool",
      content: [{ type: "tool-result", callId: "c9", name: "look", content: [{ type: "text", text: "seen" }] }],
    };
    expect(encode({ messages: [go, orphan] })).toMatchObject({
      input: [{}, { role: "user", content: [{ text: "Result of look (call c9):" }, { text: "seen" }] }],
      told: ["repaired messages[1].content[0]"],
    });
    const { input, told } = roundTrip({
      previous_response_id: "resp_1",
      input: [{ type: "function_call_output", call_id: "c9", output: "seen" }],
    });
    expect(input).toEqual([{ type: "function_call_output", call_id: "c9", output: "seen" }]);
    expect(told).toEqual([]);
  });

  test("results of text are a string, with images a list, and a failure says so", () => {
    const result = (part: Partial<ToolResultPart>): Message[] => [
      go,
      { role: "assistant", content: [call("c1")] },
      { role: "tool", content: [{ type: "tool-result", callId: "c1", content: [], ...part }] },
    ];
    const output = (part: Partial<ToolResultPart>): unknown => encode({ messages: result(part) }).input[2]?.output;
    expect(output({})).toBe("");
    expect(output({ content: [{ type: "text", text: "a" }] })).toBe("a");
    expect(
      output({
        content: [
          { type: "text", text: "a" },
          { type: "image", source: { kind: "url", url: "https://a" } },
        ],
      }),
    ).toEqual([
      { type: "input_text", text: "a" },
      { type: "input_image", detail: "auto", image_url: "https://a" },
    ]);
    expect(output({ content: [{ type: "text", text: "gone" }], isError: true })).toBe("Error: gone");
    expect(encode({ messages: result({ isError: true, content: [{ type: "text", text: "x" }] }) }).told).toEqual([
      "emulated messages[2].content[0].is_error",
    ]);
  });
});

describe("system messages", () => {
  const system = (text: string): Message => ({ role: "system", content: [{ type: "text", text }] });

  test("the one at the head is the instructions; every other keeps its place", () => {
    const { body } = encode({ messages: [system("A"), { role: "developer", content: [{ type: "text", text: "B" }] }, go, system("C")] });
    expect(body.instructions).toBe("A");
    expect(body.input).toMatchObject([{ role: "developer", content: "B" }, { role: "user" }, { role: "system", content: "C" }]);
  });

  test("alone it is an item: there must be an input", () => {
    expect(encode({ messages: [system("A")] }).body).toMatchObject({ input: [{ role: "system", content: "A" }] });
  });

  test("a late one is marked as such where the model takes none", () => {
    const { input, told } = encode({ messages: [go, system("C")] }, { capabilities: { midSystem: false } });
    expect(input[1]).toEqual({ type: "message", role: "user", content: "<system>\nC\n</system>" });
    expect(told).toEqual(["emulated messages[1]"]);
  });
});

describe("settings", () => {
  test("what changes the answer is refused", () => {
    expect(refused(() => encode({ choices: 2 }))).toBe("n");
    expect(refused(() => encode({ stop: ["x"] }))).toBe("stop");
    expect(refused(() => encode({ logitBias: { "1": 2 } }))).toBe("logit_bias");
    expect(refused(() => encode({ modalities: ["text", "audio"] }))).toBe("modalities");
    expect(refused(() => encode({ extra: { format: "anthropic/messages", fields: { container: "c" } } }))).toBe("container");
  });

  test("what only tunes it is left out, and said so", () => {
    const { body, told } = encode({ seed: 1, topK: 5, frequencyPenalty: 0.5, presencePenalty: 0, choices: 1, stop: [] });
    expect(Object.keys(body).sort()).toEqual(["input", "model", "store"]);
    expect(told.sort()).toEqual(["dropped frequency_penalty", "dropped seed", "dropped top_k"]);
  });

  test("a model without sampling gets none", () => {
    const { body, told } = encode({ temperature: 0.5, topP: 0.9 }, { capabilities: { sampling: false } });
    expect(body).not.toHaveProperty("temperature");
    expect(told).toEqual(["dropped temperature", "dropped top_p"]);
  });

  test("less than sixteen tokens are not taken", () => {
    expect(encode({ maxOutputTokens: 1 })).toMatchObject({ body: { max_output_tokens: 16 }, told: ["approximated max_output_tokens"] });
  });

  test("tools say whether they are strict, and look as this format writes them", () => {
    const { body } = encode({
      tools: [
        { name: "look", kind: "function" },
        { name: "patch", kind: "custom", input: { type: "grammar", grammar: { syntax: "lark", definition: "x" } } },
      ],
      toolChoice: { type: "tool", name: "patch" },
      parallelToolCalls: false,
    });
    expect(body).toMatchObject({
      tools: [
        { type: "function", name: "look", parameters: { type: "object", properties: {} }, strict: false },
        { type: "custom", name: "patch", format: { type: "grammar", syntax: "lark", definition: "x" } },
      ],
      tool_choice: { type: "custom", name: "patch" },
      parallel_tool_calls: false,
    });
  });

  test("a hosted tool of another vendor is refused, an own one passes", () => {
    expect(refused(() => encode({ tools: [{ name: "x", kind: "vendor", extra: { format: "anthropic/messages", fields: {} } }] }))).toBe(
      "tools[0]",
    );
    expect(roundTrip({ tools: [{ type: "web_search", filters: {} }] }).body.tools).toEqual([{ type: "web_search", filters: {} }]);
  });

  test("efforts, budgets and the wish to see the text", () => {
    expect(encode({ reasoning: { effort: "xhigh", summary: "summarized" } }).body.reasoning).toEqual({ effort: "xhigh", summary: "auto" });
    expect(encode({ reasoning: { budgetTokens: 4000, summary: "omitted" } })).toMatchObject({
      body: { reasoning: { effort: "medium" } },
      told: ["approximated reasoning.budget"],
    });
    expect(encode({ reasoning: { effort: "low" } }, { capabilities: { reasoning: false } }).body).not.toHaveProperty("reasoning");
  });

  test("the shape of the answer stands under text", () => {
    expect(encode({ output: { type: "json-schema", schema: { type: "object" }, strict: true }, verbosity: "low" }).body.text).toEqual({
      format: { type: "json_schema", name: "answer", schema: { type: "object" }, strict: true },
      verbosity: "low",
    });
    const weak = encode({ output: { type: "json-schema", schema: { type: "object" } } }, { quirks: ["no-json-schema"] });
    expect(weak.body).toMatchObject({ text: { format: { type: "json_object" } }, instructions: expect.stringContaining("JSON Schema") });
    expect(refused(() => encode({ output: { type: "json-object" } }, { quirks: ["no-response-format"] }))).toBe("text.format");
  });

  test("quirks of a server leave out what it refuses", () => {
    const { body, told } = encode(
      { metadata: { a: "b" }, serviceTier: "flex", endUser: "u", promptCacheKey: "k", verbosity: "low" },
      { quirks: ["no-metadata", "no-service-tier", "no-user", "no-prompt-cache-key", "no-verbosity"] },
    );
    expect(Object.keys(body).sort()).toEqual(["input", "model"]);
    expect(told.sort()).toEqual(["dropped metadata", "dropped safety_identifier", "dropped service_tier", "dropped text.verbosity"]);
  });

  test("media stand where this format has them, or are refused", () => {
    const user = (part: Extract<Message, { role: "user" }>["content"][number]): JsonObject[] =>
      encode({ messages: [{ role: "user", content: [part] }] }).input;
    expect(user({ type: "file", source: { kind: "base64", mediaType: "application/pdf", data: "JVBE" } })).toMatchObject([
      { content: [{ type: "input_file", filename: "document.pdf", file_data: "data:application/pdf;base64,JVBE" }] },
    ]);
    expect(user({ type: "file", source: { kind: "url", url: "https://a" } })).toMatchObject([
      { content: [{ type: "input_file", file_url: "https://a" }] },
    ]);
    expect(user({ type: "file", source: { kind: "text", text: "words" }, filename: "a.txt" })).toMatchObject([
      { content: "a.txt\n\nwords" },
    ]);
    expect(user({ type: "image", source: { kind: "id", id: "file-1", format: "openai/chat-completions" } })).toMatchObject([
      { content: [{ type: "input_image", file_id: "file-1" }] },
    ]);
    expect(refused(() => user({ type: "image", source: { kind: "id", id: "f", format: "anthropic/messages" } }))).toBe(
      "messages[0].content[0]",
    );
    expect(refused(() => user({ type: "audio", source: { kind: "base64", mediaType: "audio/wav", data: "AA" } }))).toBe(
      "messages[0].content[0]",
    );
  });
});
