import { describe, expect, test } from "vitest";
import type { Capabilities } from "../../../canonical/capabilities.ts";
import type { Message, UserPart } from "../../../canonical/chat.ts";
import { isGatewayError } from "../../../canonical/errors.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { assistant, call, encodeMessages, result, system, user } from "./samples.ts";

const png = { kind: "base64", mediaType: "image/png", data: "aGk=" } as const;

function refusal(messages: Message[], options?: { capabilities?: Capabilities }): string | undefined {
  try {
    encodeMessages(messages, options);
    return undefined;
  } catch (thrown) {
    if (!isGatewayError(thrown)) throw thrown;
    expect(thrown.code).toBe("unsupported_field");
    return thrown.message;
  }
}

const says = (...content: UserPart[]): Message => ({ role: "user", content });

describe("system messages", () => {
  test("those at the head are one, and stand first", () => {
    expect(encodeMessages([system("A"), { role: "developer", content: [{ type: "text", text: "B" }] }, user("Hi")]).messages).toEqual([
      { role: "system", content: "A\n\nB" },
      { role: "user", content: "Hi" },
    ]);
  });

  test("a later one stays in its place, marked: the vendor takes none there", () => {
    const conversation = [user("Hi"), system("Now French."), user("Hello")];
    const { messages, disclosed } = encodeMessages(conversation);
    expect(messages[1]).toEqual({ role: "user", content: "<system>\nNow French.\n</system>" });
    expect(disclosed).toEqual(["emulated messages[1]"]);
    expect(encodeMessages(conversation, { capabilities: { midSystem: true } }).messages[1]).toEqual({
      role: "system",
      content: "Now French.",
    });
  });
});

describe("users", () => {
  test("one text is a string, several are blocks", () => {
    expect(
      encodeMessages([
        says({ type: "text", text: "A" }, { type: "text", text: "" }),
        says({ type: "text", text: "A" }, { type: "text", text: "B" }),
      ]).messages,
    ).toEqual([
      { role: "user", content: "A" },
      {
        role: "user",
        content: [
          { type: "text", text: "A" },
          { type: "text", text: "B" },
        ],
      },
    ]);
  });

  test("an empty message would be a 400", () => {
    const { messages, disclosed } = encodeMessages([says({ type: "text", text: "" })]);
    expect(messages).toEqual([{ role: "user", content: "(empty message)" }]);
    expect(disclosed).toEqual(["repaired messages[0].content"]);
  });

  test("images, by data and by address, with their detail", () => {
    const { messages, disclosed } = encodeMessages([
      says(
        { type: "image", source: png, detail: "low" },
        { type: "image", source: { kind: "url", url: "https://e.org/a.png" }, detail: "original" },
      ),
    ]);
    expect(messages[0]?.["content"]).toEqual([
      { type: "image_url", image_url: { url: "data:image/png;base64,aGk=", detail: "low" } },
      { type: "image_url", image_url: { url: "https://e.org/a.png" } },
    ]);
    expect(disclosed).toEqual(["dropped messages[0].content[1].detail"]);
  });

  test("what Cohere cannot take is refused with its place", () => {
    expect(refusal([says({ type: "image", source: { kind: "id", id: "file-1", format: "openai/responses" } })])).toContain(
      "messages[0].content[0]: the file file-1",
    );
    expect(refusal([says({ type: "image", source: png })], { capabilities: { input: [] } })).toContain("no images");
    expect(refusal([says({ type: "audio", source: png })])).toContain("sound");
    expect(refusal([says({ type: "file", source: { kind: "base64", mediaType: "application/pdf", data: "" } })])).toContain("documents");
    expect(refusal([says({ type: "file", source: { kind: "url", url: "https://e.org/a.txt" } })])).toContain("documents");
    expect(refusal([says({ type: "vendor", format: "x/y", value: { type: "video_url" } })])).toContain("video_url");
    expect(refusal([assistant({ type: "vendor", format: "x/y", value: { type: "server_tool_use" } })])).toContain("server_tool_use");
    expect(refusal([assistant({ type: "media", source: png })])).toContain("messages[0].content[0]");
  });

  test("names and marks have no place, and are told once however long the history", () => {
    const marked = (text: string): Message => ({ role: "user", name: "Ann", content: [{ type: "text", text, cache: {} }] });
    expect(encodeMessages([marked("a"), marked("b")]).disclosed).toEqual([
      "dropped messages[0].name",
      "dropped messages[0].content[0].cache_control",
    ]);
  });
});

describe("documents", () => {
  const file = { type: "file", source: { kind: "text", text: "All of it." }, filename: "a.txt", context: "Notes" } as const;

  test("a text that shall be cited from is a document of the request", () => {
    const { body, messages, disclosed } = encodeMessages([says({ ...file, citations: true }, { type: "text", text: "What?" })]);
    expect(body["documents"]).toEqual([{ data: { text: "All of it.", title: "a.txt", context: "Notes" } }]);
    expect(messages).toEqual([{ role: "user", content: "What?" }]);
    expect(disclosed).toEqual(["approximated messages[0].content[0]"]);
  });

  test("any other is text of its message", () => {
    const json = { type: "file", source: { kind: "base64", mediaType: "application/json", data: btoa('{"a":1}') } } as const;
    const { body, messages, disclosed } = encodeMessages([says(file, json)]);
    expect(body).not.toHaveProperty("documents");
    expect(messages[0]?.["content"]).toEqual([
      { type: "text", text: "a.txt\n\nNotes\n\nAll of it." },
      { type: "text", text: '{"a":1}' },
    ]);
    expect(disclosed).toEqual(["emulated messages[0].content[0]"]);
  });

  test("an image sent as a file is an image", () => {
    expect(encodeMessages([says({ type: "file", source: png })]).messages[0]?.["content"]).toMatchObject([{ type: "image_url" }]);
  });
});

describe("the assistant", () => {
  test("text, and thoughts before it", () => {
    expect(
      encodeMessages([assistant({ type: "text", text: "A" }, { type: "text", text: "B" }, { type: "refusal", text: "C" })]).messages,
    ).toEqual([{ role: "assistant", content: "ABC" }]);
    expect(
      encodeMessages([assistant({ type: "reasoning", text: "Hm." }, { type: "text", text: "Yes." })]).messages[0]?.["content"],
    ).toEqual([
      { type: "thinking", thinking: "Hm." },
      { type: "text", text: "Yes." },
    ]);
  });

  test("the words before a call are the plan, and the thoughts stay thoughts", () => {
    const { messages, warnings } = encodeMessages([
      assistant({ type: "reasoning", text: "Hm." }, { type: "text", text: "I will look." }, call("c1", "f", '{"a":1}')),
    ]);
    expect(messages).toEqual([
      {
        role: "assistant",
        content: [{ type: "thinking", thinking: "Hm." }],
        tool_plan: "I will look.",
        tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: '{"a":1}' } }],
      },
    ]);
    expect(warnings).toEqual([]);
    expect(encodeMessages([assistant(call("c1", "f"))]).messages[0]).not.toHaveProperty("content");
  });

  test("hidden reasoning is left out, and reasoning for a model that does none", () => {
    expect(
      encodeMessages([
        assistant({ type: "reasoning", text: "", state: { format: "x/y", kind: "encrypted", data: "x" } }, { type: "text", text: "A" }),
      ]).disclosed,
    ).toEqual(["dropped messages[0].content[0]"]);
    const { messages, disclosed } = encodeMessages([assistant({ type: "reasoning", text: "Hm." }, { type: "text", text: "Yes." })], {
      capabilities: { reasoning: false },
    });
    expect(messages).toEqual([{ role: "assistant", content: "Yes." }]);
    expect(disclosed).toEqual(["dropped messages[0].thinking"]);
  });

  test("an empty answer is left out: it would be a 400", () => {
    const { messages, disclosed } = encodeMessages([user("Hi"), assistant({ type: "text", text: "" }), user("Hello?")]);
    expect(messages.map(({ role }) => role)).toEqual(["user", "user"]);
    expect(disclosed).toEqual(["repaired messages[1]"]);
  });

  test("the transcript stands for what was said aloud", () => {
    expect(encodeMessages([assistant({ type: "media", source: png, transcript: "Hello" })]).messages).toEqual([
      { role: "assistant", content: "Hello" },
    ]);
  });

  test("arguments are the text of an object, digit by digit", () => {
    const argumentsOf = (text: string): [unknown, string[]] => {
      const { messages, disclosed } = encodeMessages([assistant(call("c", "f", text))]);
      const calls = (messages[0]?.["tool_calls"] ?? []) as { function: JsonObject }[];
      return [calls[0]?.function["arguments"], disclosed];
    };
    expect(argumentsOf('{"id": 12345678901234567890}')).toEqual(['{"id": 12345678901234567890}', []]);
    for (const nothing of ["", " ", "null"]) expect(argumentsOf(nothing)).toEqual(["{}", []]);
    const repaired = ["repaired messages[0].content[0].arguments"];
    expect(argumentsOf("[1]")).toEqual(['{"value":[1]}', repaired]);
    expect(argumentsOf("Paris")).toEqual(['{"text":"Paris"}', repaired]);
    expect(argumentsOf('"{\\"a\\":1}"')).toEqual(['{"a":1}', repaired]);
  });

  test("a free-form call is the call of the function that stands for it; one without a name is left out", () => {
    const { messages, disclosed } = encodeMessages([
      assistant({ type: "tool-call", id: "c", name: "patch", kind: "custom", arguments: "*** Begin" }, call("d", "")),
    ]);
    expect(messages[0]?.["tool_calls"]).toEqual([
      { id: "c", type: "function", function: { name: "patch", arguments: '{"input":"*** Begin"}' } },
    ]);
    expect(disclosed).toEqual(["repaired messages[0].content[1].name"]);
  });
});

describe("tool results", () => {
  test("are one message each, a text as it is", () => {
    const { messages, warnings } = encodeMessages([assistant(call("c1", "f"), call("c2", "g")), result(["c1", '{"a":1}'], ["c2", "two"])]);
    expect(messages.slice(1)).toEqual([
      { role: "tool", tool_call_id: "c1", content: '{"a":1}' },
      { role: "tool", tool_call_id: "c2", content: "two" },
    ]);
    expect(warnings).toEqual([]);
  });

  test("come home to their calls from later turns (diegosouzapw/OmniRoute#4714)", () => {
    const { messages, disclosed } = encodeMessages([
      assistant(call("c1", "f"), call("c2", "g")),
      result(["c1", "one"]),
      user("Wait."),
      result(["c2", "two"]),
    ]);
    expect(messages.map(({ role }) => role)).toEqual(["assistant", "tool", "tool", "user"]);
    expect(disclosed).toEqual(["repaired messages[3]"]);
  });

  test("answer the latest call of their id: vendors count anew each turn", () => {
    const { messages } = encodeMessages([
      assistant(call("call_0", "f")),
      user("Never mind."),
      assistant(call("call_0", "g")),
      result(["call_0", "now"]),
    ]);
    expect(messages.map(({ role }) => role)).toEqual(["assistant", "user", "assistant", "tool"]);
  });

  test("with documents are documents, which can be cited", () => {
    const { messages } = encodeMessages([
      assistant(call("c", "f")),
      {
        role: "tool",
        content: [
          {
            type: "tool-result",
            callId: "c",
            content: [
              { type: "text", text: "Found:" },
              { type: "file", source: { kind: "text", text: "Body" }, filename: "b.txt" },
            ],
          },
        ],
      },
    ]);
    expect(messages[1]?.["content"]).toEqual([
      { type: "text", text: "Found:" },
      { type: "document", document: { data: { text: "Body", title: "b.txt" } } },
    ]);
  });

  test("of several texts are one text; a failure is told in words; nothing is a placeholder", () => {
    const text = (one: string) => ({ type: "text", text: one }) as const;
    const results = (isError: boolean, ...content: ReturnType<typeof text>[]): Message => ({
      role: "tool",
      content: [{ type: "tool-result", callId: "c", isError, content }],
    });
    const contentOf = (message: Message): [unknown, string[]] => {
      const { messages, disclosed } = encodeMessages([assistant(call("c", "f")), message]);
      return [messages[1]?.["content"], disclosed];
    };
    expect(contentOf(results(false, text("a"), text("b")))).toEqual(["a\nb", []]);
    expect(contentOf(results(true, text("no such city")))).toEqual(["Error: no such city", ["emulated messages[1].content[0].is_error"]]);
    expect(contentOf(results(true, text("Error 5")))[0]).toBe("Error 5");
    expect(contentOf(results(true))[0]).toBe("Error:");
    expect(contentOf(results(false))).toEqual(["(no output)", ["repaired messages[1].content[0]"]]);
  });

  test("with images are followed by them, after all results", () => {
    const { messages, disclosed } = encodeMessages([
      assistant(call("c1", "shot"), call("c2", "clock")),
      {
        role: "tool",
        content: [
          { type: "tool-result", callId: "c1", content: [{ type: "image", source: png }] },
          { type: "tool-result", callId: "c2", content: [{ type: "text", text: "noon" }] },
        ],
      },
    ]);
    expect(messages.map(({ role }) => role)).toEqual(["assistant", "tool", "tool", "user"]);
    expect(messages[1]?.["content"]).toBe("See the next user message.");
    expect(messages[3]?.["content"]).toMatchObject([{ type: "text" }, { type: "image_url" }]);
    expect(disclosed).toEqual(["emulated messages[1].content[0]"]);
  });

  test("that answer no call are told as text: as results they would be a 400", () => {
    const { messages, disclosed } = encodeMessages([user("a"), result(["x", "22"]), user("b")]);
    expect(messages[1]).toEqual({ role: "user", content: "Result (call x):\n22" });
    expect(disclosed).toEqual(["repaired messages[1].content[0]"]);
  });
});
