import { describe, expect, test } from "vitest";
import type { AssistantPart, Message, TextPart, ToolResultPart } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { encode } from "./samples.ts";
import type { Target } from "./samples.ts";

function text(content: string): TextPart {
  return { type: "text", text: content };
}
function user(...content: string[]): Message {
  return { role: "user", content: content.map(text) };
}
function assistant(...content: (string | AssistantPart)[]): Message {
  return { role: "assistant", content: content.map((part) => (typeof part === "string" ? text(part) : part)) };
}
function system(content: string): Message {
  return { role: "system", content: [text(content)] };
}
function call(id: string, name = "look", given = "{}"): AssistantPart {
  return { type: "tool-call", id, name, kind: "function", arguments: given };
}
function result(callId: string, content = "ok"): ToolResultPart {
  return { type: "tool-result", callId, content: [text(content)] };
}
function tool(...content: ToolResultPart[]): Message {
  return { role: "tool", content };
}

function turns(messages: Message[], target: Target = {}) {
  const { body, told } = encode(
    { messages, tools: [{ name: "look", kind: "function", parameters: { type: "object", properties: {} } }] },
    target,
  );
  return { turns: body.messages as JsonObject[], system: body.system, told };
}

function blocksOf(turn: JsonObject | undefined): JsonObject[] {
  return Array.isArray(turn?.content) ? (turn.content as JsonObject[]) : [];
}

const use = (id: string, input: JsonObject = {}) => ({ type: "tool_use", id, name: "look", input });
const answer = (id: string, content = "ok") => ({ type: "tool_result", tool_use_id: id, content });

describe("system messages", () => {
  test("leading system and developer messages become system blocks, each its own", () => {
    const head: Message[] = [
      { role: "system", content: [{ ...text("a"), cache: { ttl: "1h" } }] },
      { role: "developer", content: [text("b")] },
    ];
    expect(turns([...head, user("hi")]).system).toEqual([
      { type: "text", text: "a", cache_control: { type: "ephemeral", ttl: "1h" } },
      { type: "text", text: "b" },
    ]);
    expect(turns([system("only"), user("hi")]).system).toBe("only");
  });

  test("a later one is marked text in the user's turn where the model takes none, and says so", () => {
    const { turns: sent, told } = turns([user("a"), assistant("b"), system("in French"), user("c")]);
    expect(sent).toEqual([
      { role: "user", content: "a" },
      { role: "assistant", content: "b" },
      {
        role: "user",
        content: [
          { type: "text", text: "<system>\nin French\n</system>" },
          { type: "text", text: "c" },
        ],
      },
    ]);
    expect(told).toEqual(["emulated messages[2]"]);
  });

  test("a later one stays a system message after a user turn where the model takes it", () => {
    const { turns: sent, told } = turns([user("a"), system("in French"), assistant("b")], { capabilities: { midSystem: true } });
    expect(sent.map(({ role }) => role)).toEqual(["user", "system", "assistant"]);
    expect(told).toEqual([]);
  });

  test("it may stand only right before the assistant's turn: behind the user's next message it is moved", () => {
    const native = { capabilities: { midSystem: true } };
    for (const head of [
      [user("a"), assistant("b")],
      [user("a"), assistant("b"), user("b2")],
    ]) {
      const { turns: sent, told } = turns([...head, system("in French"), user("c")], native);
      expect(sent.slice(-2).map(({ role }) => role)).toEqual(["user", "system"]);
      expect(told).toEqual([`approximated messages[${head.length}]`]);
    }
  });

  test("several in a row are one, and with no user turn before it stays in the user's voice", () => {
    const native = { capabilities: { midSystem: true } };
    expect(turns([user("a"), system("b"), system("c"), assistant("d")], native).turns[1]).toEqual({
      role: "system",
      content: [text("b"), text("c")],
    });
    const { turns: sent, told } = turns([user("a"), assistant("b"), system("c")], native);
    expect(sent[2]).toEqual({ role: "user", content: "<system>\nc\n</system>" });
    expect(told).toEqual(["emulated messages[2]"]);
  });

  test("between a call and its result it does not part them", () => {
    const conversation = [user("a"), assistant(call("1")), system("careful"), tool(result("1"))];
    expect(turns(conversation).turns[2]).toEqual({
      role: "user",
      content: [answer("1"), { type: "text", text: "<system>\ncareful\n</system>" }],
    });
    const { turns: native } = turns(conversation, { capabilities: { midSystem: true } });
    expect(native.slice(2)).toEqual([
      { role: "user", content: [answer("1")] },
      { role: "system", content: "careful" },
    ]);
  });
});

describe("turns", () => {
  test("consecutive turns of one role become one", () => {
    expect(turns([user("a"), user("b"), assistant("c"), assistant("d"), user("e")]).turns).toEqual([
      { role: "user", content: [text("a"), text("b")] },
      { role: "assistant", content: [text("c"), text("d")] },
      { role: "user", content: "e" },
    ]);
  });

  test("empty text beside a tool call is left out", () => {
    expect(turns([user("a"), assistant("", call("1")), tool(result("1"))]).turns[1]).toEqual({ role: "assistant", content: [use("1")] });
  });

  test("blank user text is left out; a turn that would be empty gets a placeholder, and both are told", () => {
    const { turns: sent, told } = turns([user("a", " \n"), assistant("b"), user("")]);
    expect(sent[0]).toEqual({ role: "user", content: "a" });
    expect(sent[2]).toEqual({ role: "user", content: "(empty message)" });
    expect(told).toEqual(["repaired messages[0].content[1]", "repaired messages[2].content"]);
  });

  test("a conversation that the assistant opens stays as it is", () => {
    const { turns: sent, told } = turns([assistant("hello"), user("hi")]);
    expect(sent.map(({ role }) => role)).toEqual(["assistant", "user"]);
    expect(told).toEqual([]);
  });

  test("participant names are dropped with a warning, told once", () => {
    const named: Message[] = [{ ...user("a"), name: "ann" } as Message, assistant("b"), { ...user("c"), name: "bob" } as Message];
    expect(turns(named).told).toEqual(["dropped messages[0].name"]);
  });
});

describe("tool calls and results", () => {
  test("results in separate messages stand together, first, in one user turn", () => {
    const { turns: sent, told } = turns([
      user("a"),
      assistant(call("1"), call("2")),
      tool(result("2", "two")),
      tool(result("1", "one")),
      user("so?"),
    ]);
    expect(sent[2]).toEqual({ role: "user", content: [answer("1", "one"), answer("2", "two"), text("so?")] });
    expect(told).toEqual([]);
  });

  test("results spread over several turns go back to their call", () => {
    const { turns: sent, told } = turns([
      user("a"),
      assistant(call("1"), call("2")),
      tool(result("1")),
      user("wait"),
      tool(result("2")),
      assistant("done"),
    ]);
    expect(sent[2]).toEqual({ role: "user", content: [answer("1"), answer("2"), text("wait")] });
    expect(sent.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"]);
    expect(told).toEqual([]);
  });

  test("calls in assistant messages of their own make one turn", () => {
    const { turns: sent } = turns([
      user("a"),
      assistant("let me see"),
      assistant(call("1")),
      assistant(call("2")),
      tool(result("1"), result("2")),
    ]);
    expect(sent[1]).toEqual({ role: "assistant", content: [text("let me see"), use("1"), use("2")] });
    expect(sent[2]).toEqual({ role: "user", content: [answer("1"), answer("2")] });
  });

  test("images between results do not break their row", () => {
    const image = { type: "image", source: { kind: "url", url: "https://a/b.png" } } as const;
    const { turns: sent } = turns([
      user("a"),
      assistant(call("1"), call("2")),
      tool({ type: "tool-result", callId: "1", content: [image] }),
      { role: "user", content: [image] },
      tool(result("2")),
    ]);
    const block = { type: "image", source: { type: "url", url: "https://a/b.png" } };
    expect(sent[2]?.content).toEqual([{ type: "tool_result", tool_use_id: "1", content: [block] }, answer("2"), block]);
  });

  test("foreign ids become legal on call and result alike", () => {
    for (const id of ["functions.look:0", "call|x", "", "ünï"]) {
      const { turns: sent } = turns([user("a"), assistant(call(id)), tool(result(id))]);
      const used = blocksOf(sent[1])[0]?.id;
      expect(used).toMatch(/^[a-zA-Z0-9_-]+$/);
      expect(blocksOf(sent[2])[0]?.tool_use_id).toBe(used);
    }
  });

  test("an id that is used again gets one of its own, and its results find it", () => {
    const { turns: sent, told } = turns([
      user("a"),
      assistant(call("call_0")),
      tool(result("call_0", "first")),
      assistant(call("call_0"), call("call_0")),
      tool(result("call_0", "second"), result("call_0", "third")),
    ]);
    expect(sent[2]?.content).toEqual([answer("call_0", "first")]);
    expect(sent[3]?.content).toEqual([use("call_0_2"), use("call_0_3")]);
    expect(sent[4]?.content).toEqual([answer("call_0_2", "second"), answer("call_0_3", "third")]);
    expect(told).toEqual([]);
  });

  test("a call without a result is answered with an error once the conversation goes on", () => {
    const { turns: sent, told } = turns([user("a"), assistant(call("1")), user("never mind")]);
    expect(sent[2]?.content).toEqual([
      { type: "tool_result", tool_use_id: "1", content: "No result of this call was recorded.", is_error: true },
      text("never mind"),
    ]);
    expect(told).toEqual(["repaired messages[1]"]);
  });

  test("a result without a call is sent as text", () => {
    const { turns: sent, told } = turns([user("a"), tool(result("9", "late")), user("b")]);
    expect(sent).toEqual([{ role: "user", content: [text("a"), text("Result (call 9):"), text("late"), text("b")] }]);
    expect(told).toEqual(["repaired messages[1].content[0]"]);
  });

  test("a call without a name is left out", () => {
    const { turns: sent, told } = turns([user("a"), assistant("x", call("", "")), user("b")]);
    expect(sent[1]).toEqual({ role: "assistant", content: "x" });
    expect(told).toEqual(["repaired messages[1].content[1].name"]);
  });

  test("empty arguments are the empty object, large integers keep their digits", () => {
    const given = '{"id":12345678901234567890}';
    const { turns: sent } = turns([
      user("a"),
      assistant(call("1", "look", ""), call("2", "look", "null"), call("3", "look", given)),
      tool(result("1"), result("2"), result("3")),
    ]);
    const [first, second, third] = blocksOf(sent[1]);
    expect([first?.input, second?.input]).toEqual([{}, {}]);
    if ("rawJSON" in JSON) expect(JSON.stringify(third?.input)).toBe(given);
  });

  test("the content of results: a plain string, nothing, an error's placeholder", () => {
    const { turns: sent } = turns([
      user("a"),
      assistant(call("1"), call("2"), call("3")),
      tool(result("1", "ok"), result("2", ""), { type: "tool-result", callId: "3", content: [], isError: true }),
    ]);
    expect(sent[2]?.content).toEqual([
      answer("1"),
      { type: "tool_result", tool_use_id: "2" },
      { type: "tool_result", tool_use_id: "3", content: "(no output)", is_error: true },
    ]);
  });

  test("the same history always gives the same bytes", () => {
    const history = [user("a"), assistant(call("x.y"), call("x.y")), tool(result("x.y"), result("x.y")), user("b")];
    expect(JSON.stringify(turns(history))).toBe(JSON.stringify(turns(history)));
  });
});

describe("the end of the conversation", () => {
  test("a begun answer is sent without trailing white space", () => {
    const { turns: sent, told } = turns([user("a"), assistant("Once ")]);
    expect(sent[1]).toEqual({ role: "assistant", content: "Once" });
    expect(told).toEqual(["repaired messages"]);
  });

  test("where the model continues none, it is asked to", () => {
    const { turns: sent, told } = turns([user("a"), assistant("Once")], { capabilities: { prefill: false } });
    expect(sent.map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
    expect(told).toEqual(["emulated messages"]);
  });

  test("a system prompt alone gets a user turn", () => {
    expect(turns([system("You are a poet.")])).toMatchObject({
      system: "You are a poet.",
      turns: [{ role: "user" }],
      told: ["repaired messages"],
    });
  });
});

describe("reasoning in the history", () => {
  const own = { format: "anthropic/messages", kind: "signature", data: "sig" } as const;

  test("signatures go back unchanged, also without text, in their order among the blocks", () => {
    const { turns: sent, told } = turns([
      user("a"),
      assistant(
        { type: "reasoning", text: "one", state: own },
        "x",
        { type: "reasoning", text: "", state: { ...own, data: "two" } },
        { type: "reasoning", text: "", state: { ...own, kind: "redacted" } },
        "y",
      ),
      user("b"),
    ]);
    expect(sent[1]?.content).toEqual([
      { type: "thinking", thinking: "one", signature: "sig" },
      text("x"),
      { type: "thinking", thinking: "", signature: "two" },
      { type: "redacted_thinking", data: "sig" },
      text("y"),
    ]);
    expect(told).toEqual([]);
  });

  test("another vendor's state, another model's and none are left out with a warning", () => {
    const foreign = { format: "openai/responses", kind: "encrypted", data: "x" } as const;
    for (const state of [foreign, { ...own, origin: "anthropic/claude-y" }, undefined]) {
      const { turns: sent, told } = turns([
        user("a"),
        assistant({ type: "reasoning", text: "hm", ...(state && { state }) }, "x"),
        user("b"),
      ]);
      expect(sent[1]).toEqual({ role: "assistant", content: "x" });
      expect(told).toEqual(["dropped messages[1].content[0]"]);
    }
  });

  test("the same model at another of our providers keeps its signatures", () => {
    const { turns: sent } = turns([
      user("a"),
      assistant({ type: "reasoning", text: "hm", state: { ...own, origin: "eu/claude-x" } }, "x"),
      user("b"),
    ]);
    expect(sent[1]?.content).toMatchObject([{ type: "thinking", signature: "sig" }, text("x")]);
  });
});
