import { describe, expect, test } from "vitest";
import type { AssistantPart, Message, OpaqueState, ToolResultPart } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { encode, otherSignature, signature } from "./samples.ts";
import type { Target } from "./samples.ts";
import { sentinel } from "./state.ts";

const ask = (text = "go"): Message => ({ role: "user", content: [{ type: "text", text }] });
const said = (...content: AssistantPart[]): Message => ({ role: "assistant", content });
const call = (id: string, more: Partial<Extract<AssistantPart, { type: "tool-call" }>> = {}): AssistantPart => ({
  type: "tool-call",
  id,
  name: "look",
  kind: "function",
  arguments: "{}",
  ...more,
});
const result = (callId: string, more: Partial<ToolResultPart> = {}): ToolResultPart => ({
  type: "tool-result",
  callId,
  content: [{ type: "text", text: `result of ${callId}` }],
  ...more,
});
const results = (...content: ToolResultPart[]): Message => ({ role: "tool", content });
const own = (data = signature, origin?: string): OpaqueState => ({ format: "gemini/generate-content", kind: "signature", data, origin });
const send = (messages: Message[], target?: Target) => encode({ messages }, target);

describe("turns", () => {
  test("user and model alternate, and the responses to all calls stand together right after them", () => {
    const { contents, told } = send([
      ask(),
      ask("please"),
      said({ type: "text", text: "Looking." }, call("a", { state: own() })),
      said(call("b")),
      results(result("b")),
      ask("well?"),
      results(result("a")),
    ]);
    expect(contents).toEqual([
      { role: "user", parts: [{ text: "go" }, { text: "please" }] },
      {
        role: "model",
        parts: [
          { text: "Looking." },
          { functionCall: { name: "look", args: {}, id: "a" }, thoughtSignature: signature },
          { functionCall: { name: "look", args: {}, id: "b" } },
        ],
      },
      {
        role: "user",
        parts: [
          { functionResponse: { name: "look", response: { output: "result of a" }, id: "a" } },
          { functionResponse: { name: "look", response: { output: "result of b" }, id: "b" } },
          { text: "well?" },
        ],
      },
    ]);
    expect(told).toEqual([]);
  });

  test("as many responses as calls: a missing one is an error, a result of nothing is text", () => {
    const { contents, told } = send([ask(), said(call("a"), call("b")), results(result("a"), result("z", { name: "gone" })), ask("so?")], {
      capabilities: { reasoning: false },
    });
    expect(contents[2]).toEqual({
      role: "user",
      parts: [
        { functionResponse: { name: "look", response: { output: "result of a" }, id: "a" } },
        { functionResponse: { name: "look", response: { error: "No result of this call was recorded." }, id: "b" } },
        { text: "Result of gone (call z):" },
        { text: "result of z" },
        { text: "so?" },
      ],
    });
    expect(told).toEqual(["repaired messages[2].content[1]", "repaired messages[1]"]);
  });

  test("calls that come last wait for their results", () => {
    expect(send([ask(), said(call("a", { state: own() }))]).contents).toHaveLength(2);
  });

  test("ids that count anew each turn find their own results", () => {
    const { contents } = send([
      ask(),
      said(call("call_0")),
      results(result("call_0", { content: [{ type: "text", text: "first" }] })),
      said(call("call_0")),
      results(result("call_0", { content: [{ type: "text", text: "second" }] })),
    ]);
    expect(contents.map(({ parts }) => JSON.stringify(parts)).filter((parts) => parts.includes("functionResponse"))).toEqual([
      expect.stringContaining("first"),
      expect.stringContaining("second"),
    ]);
  });

  test("made-up ids are not sent, nor any to a provider that refuses them", () => {
    expect(JSON.stringify(send([ask(), said(call("call_hgh_1_0")), results(result("call_hgh_1_0"))]).contents)).not.toContain(`"id"`);
    expect(JSON.stringify(send([ask(), said(call("a")), results(result("a"))], { quirks: ["no-call-ids"] }).contents)).not.toContain(
      `"id"`,
    );
  });

  test("a call without a name, which would be refused on every later turn, is left out with its result", () => {
    const { contents, told } = send([ask(), said({ type: "text", text: "a" }, call("x", { name: "" })), results(result("x"))]);
    expect(JSON.stringify(contents)).not.toContain("functionCall");
    expect(told).toEqual(["repaired messages[2].content[0]", "repaired messages[1].content[1].name"]);
  });

  test("a call needs a user's turn before it, and a conversation one at all", () => {
    expect(send([said(call("a", { state: own() })), results(result("a"))]).contents[0]).toEqual({
      role: "user",
      parts: [{ text: "(start of the conversation)" }],
    });
    expect(send([]).contents).toEqual([{ role: "user", parts: [{ text: "(start of the conversation)" }] }]);
    expect(send([said({ type: "text", text: "Hello!" }), ask()]).contents[0]).toMatchObject({ role: "model" });
  });

  test("an empty message does not make one answer of two", () => {
    const { contents, told } = send([ask(), said({ type: "text", text: "a" }), ask(""), said({ type: "text", text: "b" })]);
    expect(contents.map(({ role }) => role)).toEqual(["user", "model", "user", "model"]);
    expect(told).toEqual(["repaired messages[2].content"]);
  });

  test("an answer begun by the client is continued, or asked for", () => {
    const messages = [ask(), said({ type: "text", text: "Once upon" })];
    expect(send(messages).contents).toHaveLength(2);
    expect(send(messages, { capabilities: { prefill: false } })).toMatchObject({
      contents: [{}, {}, { role: "user" }],
      told: ["emulated messages"],
    });
  });
});

describe("system messages", () => {
  test("those at the head are the system instruction, part by part", () => {
    const { body, told } = send([
      { role: "system", content: [{ type: "text", text: "a" }] },
      { role: "developer", content: [{ type: "text", text: "b" }] },
      ask(),
    ]);
    expect(body.systemInstruction).toEqual({ parts: [{ text: "a" }, { text: "b" }] });
    expect(told).toEqual([]);
  });

  test("later ones stay in their place, marked, in the user's voice", () => {
    const { body, contents, told } = send([
      ask(),
      said({ type: "text", text: "a" }),
      ask("b"),
      { role: "system", content: [{ type: "text", text: "Be brief." }] },
    ]);
    expect(body.systemInstruction).toBeUndefined();
    expect(contents[2]).toEqual({ role: "user", parts: [{ text: "b" }, { text: "<system>\nBe brief.\n</system>" }] });
    expect(told).toEqual(["emulated messages[3]"]);
  });

  test("names of participants are told as lost, once", () => {
    expect(send([{ ...ask(), name: "ann" } as Message, { ...ask(), name: "bob" } as Message]).told).toEqual(["dropped messages[0].name"]);
  });
});

describe("function responses", () => {
  const wrapped: [Partial<ToolResultPart>, unknown][] = [
    [{ content: [{ type: "text", text: "sunny" }] }, { output: "sunny" }],
    [{ content: [{ type: "text", text: '{"a":1}' }] }, { a: 1 }],
    [{ content: [{ type: "text", text: "[1]" }] }, { output: "[1]" }],
    [
      {
        content: [
          { type: "text", text: "a" },
          { type: "text", text: "b" },
        ],
      },
      { output: "a\nb" },
    ],
    [{ content: [] }, { output: "" }],
    [{ content: [{ type: "text", text: "gone" }], isError: true }, { error: "gone" }],
    [{ content: [{ type: "text", text: '{"code":5}' }], isError: true }, { error: { code: 5 } }],
    [{ content: [], isError: true }, { error: "(no output)" }],
  ];
  test.each(wrapped)("%j becomes the object %j", (more, response) => {
    const { contents } = send([ask(), said(call("a")), results(result("a", more))]);
    expect(contents[2]).toMatchObject({ parts: [{ functionResponse: { name: "look", response } }] });
  });

  const picture: Partial<ToolResultPart> = {
    content: [
      { type: "text", text: "see" },
      { type: "image", source: { kind: "base64", mediaType: "image/png", data: "aa" } },
    ],
  };

  test("media stand in the response where the model knows that", () => {
    const { contents, told } = send([ask(), said(call("a", { state: own() })), results(result("a", picture))], {
      capabilities: { toolMedia: true },
    });
    expect(contents[2]).toEqual({
      role: "user",
      parts: [
        {
          functionResponse: {
            name: "look",
            response: { output: "see" },
            id: "a",
            parts: [{ inlineData: { mimeType: "image/png", data: "aa" } }],
          },
        },
      ],
    });
    expect(told).toEqual([]);
  });

  test("elsewhere they follow all responses", () => {
    const { contents, told } = send([ask(), said(call("a", { state: own() }), call("b")), results(result("a", picture), result("b"))]);
    const [, , answers] = contents as { parts: object[] }[] & JsonObject[];
    expect(answers?.parts.map((part) => Object.keys(part)[0])).toEqual(["functionResponse", "functionResponse", "text", "inlineData"]);
    expect(told).toEqual(["emulated messages[2].content[0]"]);
  });

  test("arguments: no argument at all, one that is no object, and a number that JavaScript cannot hold (earendil-works/pi#8943)", () => {
    const encoded = send([
      ask(),
      said(
        call("a", { arguments: "", state: own() }),
        call("b", { arguments: "[1]" }),
        call("c", { arguments: '{"id":12345678901234567890}' }),
      ),
      results(result("a"), result("b"), result("c")),
    ]);
    expect(JSON.stringify(encoded.contents[1])).toContain(`"args":{"id":12345678901234567890}`);
    expect(encoded.contents[1]).toMatchObject({ parts: [{ functionCall: { args: {} } }, { functionCall: { args: { value: [1] } } }, {}] });
    expect(encoded.told).toEqual(["repaired messages[1].content[1].arguments"]);
  });

  test("a custom call is its one text argument", () => {
    const { contents } = send([
      ask(),
      said(call("a", { kind: "custom", arguments: "select 1", state: own() })),
      results(result("a", { kind: "custom" })),
    ]);
    expect(contents[1]).toMatchObject({ parts: [{ functionCall: { args: { input: "select 1" } } }] });
  });
});

describe("thought signatures", () => {
  const partsOf = (messages: Message[], target?: Target): unknown =>
    send(messages, target).contents.flatMap(({ role, parts }) => (role === "model" ? (parts as unknown[]) : []));

  test("go back on exactly their part", () => {
    expect(
      partsOf([
        ask(),
        said(
          { type: "reasoning", text: "hm" },
          { type: "reasoning", text: "so", state: own() },
          { type: "text", text: "a", state: own(otherSignature) },
          { type: "text", text: "", state: own() },
        ),
      ]),
    ).toEqual([
      { text: "hm", thought: true },
      { text: "so", thought: true, thoughtSignature: signature },
      { text: "a", thoughtSignature: otherSignature },
      { text: "", thoughtSignature: signature },
    ]);
  });

  test("also under another provider's name, but not to another model", () => {
    const messages = [ask(), said({ type: "text", text: "a", state: own(signature, "vertex/gemini-x") })];
    expect(partsOf(messages)).toEqual([{ text: "a", thoughtSignature: signature }]);
    expect(partsOf(messages, { origin: "gemini/gemini-y" })).toEqual([{ text: "a" }]);
  });

  test("other models' state never goes to Google: their thoughts are left out, their words stay", () => {
    const state: OpaqueState = { format: "anthropic/messages", kind: "signature", data: "x", origin: "anthropic/claude" };
    const { contents, told } = send([
      ask(),
      said({ type: "reasoning", text: "hm", state }, { type: "text", text: "a", state: { ...state, format: "openai/responses" } }),
    ]);
    expect(contents[1]).toEqual({ role: "model", parts: [{ text: "a" }] });
    expect(told).toEqual(["dropped messages[1].content[0]"]);
  });

  test("a foreign call of the current turn gets Google's placeholder, one for each step; earlier turns need none", () => {
    const messages = [
      ask("first"),
      said(call("a")),
      results(result("a")),
      said({ type: "text", text: "done" }),
      ask("second"),
      said(call("b"), call("c")),
      results(result("b"), result("c")),
      said(call("d", { state: own() }), call("e")),
      results(result("d"), result("e")),
      said(call("f", { state: { format: "openai/responses", kind: "encrypted", data: "x" } })),
      results(result("f")),
    ];
    const { contents, told } = send(messages);
    const signatures = contents.flatMap(({ parts }) =>
      (parts as { functionCall?: { id: string }; thoughtSignature?: string }[]).flatMap((part) =>
        part.functionCall ? [[part.functionCall.id, part.thoughtSignature]] : [],
      ),
    );
    expect(signatures).toEqual([
      ["a", undefined],
      ["b", sentinel],
      ["c", undefined],
      ["d", signature],
      ["e", undefined],
      ["f", sentinel],
    ]);
    expect(told).toEqual(["emulated messages[].content"]);
    expect(JSON.stringify(send(messages, { capabilities: { reasoning: false } }).contents)).not.toContain(sentinel);
  });

  test("the signature that Google's OpenAI-compatible door gave is one of its own", () => {
    const state: OpaqueState = {
      format: "openai/chat-completions",
      kind: "signature",
      data: signature,
      item: { google: { thought_signature: signature } },
    };
    expect(partsOf([ask(), said(call("a", { state })), results(result("a"))])).toMatchObject([{ thoughtSignature: signature }]);
  });

  test("pictures of the model's own go back with theirs; what cannot be sent is refused", () => {
    const picture: AssistantPart = { type: "media", source: { kind: "base64", mediaType: "image/png", data: "aa" }, state: own() };
    expect(partsOf([ask(), said(picture)])).toEqual([{ inlineData: { mimeType: "image/png", data: "aa" }, thoughtSignature: signature }]);
    const spoken: AssistantPart = {
      type: "media",
      source: { kind: "id", id: "audio_1", format: "openai/chat-completions" },
      transcript: "Hello.",
    };
    expect(send([ask(), said(spoken)])).toMatchObject({
      contents: [{}, { parts: [{ text: "Hello." }] }],
      told: ["approximated messages[1].content[0]"],
    });
    expect(() => send([ask(), said({ ...spoken, transcript: undefined })])).toThrow(/base64/);
  });
});
