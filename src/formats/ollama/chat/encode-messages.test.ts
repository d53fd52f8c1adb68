import { describe, expect, test } from "vitest";
import type { Message, UserPart } from "../../../canonical/chat.ts";
import { isGatewayError } from "../../../canonical/errors.ts";
import type { Capabilities } from "../../../canonical/capabilities.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import { assistant, call, encodeMessages, result, user } from "./samples.ts";

const png = { kind: "base64", mediaType: "image/png", data: "aGk=" } as const;

function refusal(messages: Message[], options?: { capabilities?: Capabilities; quirks?: Quirk[] }): string | undefined {
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

describe("texts", () => {
  test("parts are one string", () => {
    const { messages } = encodeMessages([
      {
        role: "developer",
        content: [
          { type: "text", text: "A" },
          { type: "text", text: "B" },
        ],
      },
      says({ type: "text", text: "C" }, { type: "text", text: "" }, { type: "text", text: "D" }),
      assistant({ type: "text", text: "E" }, { type: "text", text: "F" }, { type: "refusal", text: "G" }),
    ]);
    expect(messages).toEqual([
      { role: "system", content: "A\n\nB" },
      { role: "user", content: "C\n\nD" },
      { role: "assistant", content: "EFG" },
    ]);
  });

  test("a system message in the middle stays where it is, unless the template takes none", () => {
    const conversation: Message[] = [user("Hi"), { role: "system", content: [{ type: "text", text: "Now French." }] }, user("Hello")];
    expect(encodeMessages(conversation).messages[1]).toEqual({ role: "system", content: "Now French." });
    for (const options of [{ quirks: ["system-first" as const] }, { capabilities: { midSystem: false } }]) {
      const { messages, disclosed } = encodeMessages(conversation, options);
      expect(messages[1]).toEqual({ role: "user", content: "<system>\nNow French.\n</system>" });
      expect(disclosed).toEqual(["emulated messages[1]"]);
    }
  });

  test("a template that takes one system message gets one", () => {
    const conversation: Message[] = ["A", "B"].map((text) => ({ role: "system", content: [{ type: "text", text }] }));
    expect(encodeMessages([...conversation, user("Hi")]).messages.map(({ content }) => content)).toEqual(["A", "B", "Hi"]);
    expect(encodeMessages([...conversation, user("Hi")], { quirks: ["system-first"] }).messages).toEqual([
      { role: "system", content: "A\n\nB" },
      { role: "user", content: "Hi" },
    ]);
  });

  test("names and marks have no place, and are told once however long the history", () => {
    const marked = (text: string): Message => ({ role: "user", name: "Ann", content: [{ type: "text", text, cache: {} }] });
    const { messages, disclosed } = encodeMessages([marked("a"), marked("b"), marked("c")]);
    expect(messages).toEqual(["a", "b", "c"].map((content) => ({ role: "user", content })));
    expect(disclosed).toEqual(["dropped messages[0].name", "dropped messages[0].content[0].cache_control"]);
  });
});

describe("images and documents", () => {
  test("images are bare base64 beside the text", () => {
    const { messages, warnings } = encodeMessages([
      says(
        { type: "text", text: "What?" },
        { type: "image", source: png },
        { type: "image", source: { kind: "url", url: "data:image/jpeg;base64,aGV5" } },
      ),
    ]);
    expect(messages).toEqual([{ role: "user", content: "What?", images: ["aGk=", "aGV5"] }]);
    expect(warnings).toEqual([]);
  });

  test("an image within the text loses its place, and that is told", () => {
    const text = { type: "text", text: "x" } as const;
    expect(encodeMessages([says(text, { type: "image", source: png }, text)]).disclosed).toEqual(["approximated messages[0].content"]);
    expect(encodeMessages([says({ type: "image", source: png }, text)]).disclosed).toEqual([]);
  });

  test("an image by address is refused with the reason, never sent as text", () => {
    const linked = says({ type: "image", source: { kind: "url", url: "https://e.org/a.png" } });
    expect(refusal([linked])).toMatch(/messages\[0\]\.content\[0\]: Ollama fetches no images/);
  });

  test("so are files of another provider, sound, PDF and blocks of other formats", () => {
    expect(refusal([says({ type: "image", source: { kind: "id", id: "file-1", format: "openai/responses" } })])).toContain(
      "openai/responses",
    );
    expect(refusal([says({ type: "audio", source: { kind: "base64", mediaType: "audio/wav", data: "" } })])).toContain("sound");
    expect(refusal([says({ type: "file", source: { kind: "base64", mediaType: "application/pdf", data: "" } })])).toContain("documents");
    expect(refusal([says({ type: "vendor", format: "x/y", value: { type: "video_url" } })])).toContain("video_url");
    expect(refusal([assistant({ type: "vendor", format: "x/y", value: { type: "server_tool_use" } })])).toContain("server_tool_use");
    expect(refusal([assistant({ type: "media", source: png })])).toContain("messages[0].content[0]");
  });

  test("a model without eyes is shown nothing", () => {
    const seen = [says({ type: "image", source: png })];
    expect(refusal(seen, { capabilities: { input: [] } })).toContain("no images");
    expect(refusal(seen, { quirks: ["no-images"] })).toContain("no images");
    expect(refusal(seen, { capabilities: { input: ["image"] } })).toBeUndefined();
  });

  test("a text document is text, an image as a file an image", () => {
    const { messages, disclosed } = encodeMessages([
      says(
        { type: "file", source: { kind: "text", text: "All of it." }, filename: "a.txt", context: "Notes", citations: true },
        { type: "file", source: { kind: "base64", mediaType: "application/json", data: btoa('{"a":1}') } },
        { type: "file", source: png },
      ),
    ]);
    expect(messages).toEqual([{ role: "user", content: 'a.txt\n\nNotes\n\nAll of it.\n\n{"a":1}', images: ["aGk="] }]);
    expect(disclosed).toEqual(["dropped messages[0].content[0].citations", "emulated messages[0].content[0]"]);
  });

  test("the transcript stands for what the model said aloud", () => {
    const { messages, disclosed } = encodeMessages([assistant({ type: "media", source: png, transcript: "Hello" })]);
    expect(messages).toEqual([{ role: "assistant", content: "Hello" }]);
    expect(disclosed).toEqual(["approximated messages[0].content[0]"]);
  });
});

describe("reasoning", () => {
  test("goes back as thinking, beside what was said and called", () => {
    const { messages } = encodeMessages([
      assistant(
        { type: "reasoning", text: "First." },
        { type: "reasoning", text: "Then." },
        { type: "text", text: "So:" },
        call("c1", "clock"),
      ),
    ]);
    expect(messages).toEqual([
      {
        role: "assistant",
        content: "So:",
        thinking: "First.\n\nThen.",
        tool_calls: [{ id: "c1", function: { name: "clock", arguments: {} } }],
      },
    ]);
  });

  test("hidden reasoning is left out, and reasoning for a model that does none", () => {
    const hidden = assistant({ type: "reasoning", text: "", state: { format: "openai/responses", kind: "encrypted", data: "x" } });
    expect(encodeMessages([hidden]).disclosed).toEqual(["dropped messages[0].content[0]"]);
    const shown = [assistant({ type: "reasoning", text: "Hm." }, { type: "text", text: "Yes." })];
    for (const options of [{ capabilities: { reasoning: false as const } }, { quirks: ["strip-reasoning" as const] }]) {
      const { messages, disclosed } = encodeMessages(shown, options);
      expect(messages).toEqual([{ role: "assistant", content: "Yes." }]);
      expect(disclosed).toEqual(["dropped messages[0].thinking"]);
    }
  });
});

describe("tool calls", () => {
  const argumentsOf = (text: string): [string, string[]] => {
    const { messages, disclosed } = encodeMessages([assistant(call("c", "f", text))]);
    const made = (messages[0]?.["tool_calls"] ?? []) as { function: { arguments: unknown } }[];
    return [JSON.stringify(made[0]?.function.arguments), disclosed];
  };

  test("arguments are an object", () => {
    expect(argumentsOf('{"a": [1, 2]}')).toEqual(['{"a":[1,2]}', []]);
  });

  test("no arguments are the empty object, however they are written (MoonshotAI/kimi-cli#1764)", () => {
    for (const nothing of ["", " ", "null", "{}"]) expect(argumentsOf(nothing)).toEqual(["{}", []]);
  });

  test("numbers keep every digit (earendil-works/pi#8943)", () => {
    expect(argumentsOf('{"id":12345678901234567890,"price":0.12345678901234567890}')[0]).toBe(
      '{"id":12345678901234567890,"price":0.12345678901234567890}',
    );
  });

  test("what is no object is put into one, and told", () => {
    expect(argumentsOf("[1]")).toEqual(['{"value":[1]}', ["repaired messages[0].content[0].arguments"]]);
    expect(argumentsOf("Paris")).toEqual(['{"text":"Paris"}', ["repaired messages[0].content[0].arguments"]]);
    expect(argumentsOf('"{\\"a\\":1}"')).toEqual(['{"a":1}', ["repaired messages[0].content[0].arguments"]]);
    expect(argumentsOf("12345678901234567890")[0]).toBe('{"value":12345678901234567890}');
  });

  test("a free-form call is the call of the function that stands for it", () => {
    const { messages } = encodeMessages([assistant({ type: "tool-call", id: "c", name: "patch", kind: "custom", arguments: "*** Begin" })]);
    expect(messages[0]?.["tool_calls"]).toEqual([{ id: "c", function: { name: "patch", arguments: { input: "*** Begin" } } }]);
  });

  test("a call without a name is left out: kept, it would spoil every later turn", () => {
    const { messages, disclosed } = encodeMessages([assistant(call("c", "")), user("go on")]);
    expect(messages[0]).toEqual({ role: "assistant", content: "" });
    expect(disclosed).toEqual(["repaired messages[0].content[0].name"]);
  });

  test("a provider without tools takes no earlier calls either", () => {
    expect(refusal([assistant(call("c", "f"))], { quirks: ["no-tools"] })).toContain("no tools");
  });
});

describe("tool results", () => {
  test("go by the tool's name, which the history tells", () => {
    const { messages, warnings } = encodeMessages([
      user("?"),
      assistant(call("c1", "weather"), call("c2", "clock")),
      result(["c1", "22"], ["c2", "noon"]),
    ]);
    expect(messages.slice(2)).toEqual([
      { role: "tool", content: "22", tool_name: "weather", tool_call_id: "c1" },
      { role: "tool", content: "noon", tool_name: "clock", tool_call_id: "c2" },
    ]);
    expect(warnings).toEqual([]);
  });

  test("stand in the order of their calls: two calls of one tool are told apart by nothing else", () => {
    const { messages } = encodeMessages([
      assistant(call("c1", "f"), call("c2", "f"), call("c3", "f")),
      result(["c3", "three"]),
      result(["c1", "one"], ["c2", "two"]),
    ]);
    expect(messages.slice(1).map(({ content }) => content)).toEqual(["one", "two", "three"]);
  });

  test("come home to their calls from later turns (diegosouzapw/OmniRoute#4714)", () => {
    const { messages, disclosed } = encodeMessages([
      assistant(call("c1", "f"), call("c2", "g")),
      result(["c1", "one"]),
      user("Wait."),
      result(["c2", "two"]),
      user("Now?"),
    ]);
    expect(messages.map(({ role, content }) => `${String(role)}: ${String(content)}`)).toEqual([
      "assistant: ",
      "tool: one",
      "tool: two",
      "user: Wait.",
      "user: Now?",
    ]);
    expect(disclosed).toEqual(["repaired messages[3]"]);
  });

  test("ids that are used anew each turn answer the latest call, in order", () => {
    const { messages } = encodeMessages([
      assistant(call("call_0", "f")),
      result(["call_0", "first"]),
      assistant(call("call_0", "g"), call("call_0", "h")),
      result(["call_0", "second"], ["call_0", "third"]),
    ]);
    expect(messages.filter(({ role }) => role === "tool").map(({ tool_name, content }) => [tool_name, content])).toEqual([
      ["f", "first"],
      ["g", "second"],
      ["h", "third"],
    ]);
  });

  test("a call that nobody answered does not take the result of a later one with its id", () => {
    const { messages } = encodeMessages([
      assistant(call("call_0", "f")),
      user("Never mind."),
      assistant(call("call_0", "g")),
      result(["call_0", "now"]),
    ]);
    expect(messages.map(({ role }) => role)).toEqual(["assistant", "user", "assistant", "tool"]);
    expect(messages[3]).toMatchObject({ tool_name: "g" });
  });

  test("an empty id is none", () => {
    expect(encodeMessages([assistant(call("", "f")), result(["", "x"])]).messages[1]).toEqual({
      role: "tool",
      content: "x",
      tool_name: "f",
    });
  });

  test("an orphan stays where it is, by the name it brings", () => {
    const orphan: Message = {
      role: "tool",
      content: [{ type: "tool-result", callId: "x", name: "f", content: [{ type: "text", text: "?" }] }],
    };
    expect(encodeMessages([user("a"), orphan, user("b")]).messages[1]).toEqual({
      role: "tool",
      content: "?",
      tool_name: "f",
      tool_call_id: "x",
    });
  });

  test("a failure is told in words", () => {
    const failed = (text: string): Message => ({
      role: "tool",
      content: [{ type: "tool-result", callId: "c", isError: true, content: [{ type: "text", text }] }],
    });
    const { messages, disclosed } = encodeMessages([assistant(call("c", "f")), failed("no such city")]);
    expect(messages[1]?.["content"]).toBe("Error: no such city");
    expect(disclosed).toEqual(["emulated messages[1].content[0].is_error"]);
    expect(encodeMessages([assistant(call("c", "f")), failed("ERROR 5")]).messages[1]?.["content"]).toBe("ERROR 5");
  });

  test("images of several results follow in one user message", () => {
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
    expect(messages[3]).toMatchObject({ images: ["aGk="] });
    expect(messages[3]?.["content"]).toContain("shot");
    expect(disclosed).toEqual(["emulated messages[1].content[0]"]);
  });
});
