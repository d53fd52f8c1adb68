import { describe, expect, test } from "vitest";
import type { Message, OpaqueState } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { assistant, calls, encode, results, system, turns, user } from "./samples.ts";

function roles(list: JsonObject[]): string {
  return list.map(({ role }) => String(role)[0]).join("");
}

function blocks(turn: JsonObject | undefined): JsonObject[] {
  return (turn?.content ?? []) as JsonObject[];
}

describe("turns", () => {
  test("blocks are unions without a type", () => {
    expect(turns([user("hi"), assistant("hello"), user("bye")])).toEqual([
      { role: "user", content: [{ text: "hi" }] },
      { role: "assistant", content: [{ text: "hello" }] },
      { role: "user", content: [{ text: "bye" }] },
    ]);
  });

  test("alternate: neighbours of one role are one turn", () => {
    const list = turns([user("a"), user("b"), assistant("c"), assistant("d"), user("e")]);
    expect(roles(list)).toBe("uau");
    expect(blocks(list[1])).toEqual([{ text: "c" }, { text: "d" }]);
  });

  test("begin with the user", () => {
    const { body, told } = encode({ messages: [assistant("welcome"), user("hi")] });
    expect((body.messages as JsonObject[])[0]).toEqual({ role: "user", content: [{ text: "(start of the conversation)" }] });
    expect(told).toEqual(["repaired messages"]);
  });

  test("there is at least one, and it is the user's", () => {
    expect(turns([])).toEqual([{ role: "user", content: [{ text: "(start of the conversation)" }] }]);
    expect(turns([system("only this")])).toEqual([{ role: "user", content: [{ text: "(start of the conversation)" }] }]);
  });

  test("blank text is left out, and a message of nothing else gets a placeholder", () => {
    const { body, told } = encode({ messages: [user("  "), assistant(""), user("hi"), assistant(" \n"), user("bye")] });
    expect(body.messages).toEqual([{ role: "user", content: [{ text: "(empty message)" }, { text: "hi" }, { text: "bye" }] }]);
    expect(told).toEqual(["repaired messages[0].content[0]", "repaired messages[0].content"]);
  });

  test("names of participants are dropped aloud", () => {
    expect(encode({ messages: [{ ...user("hi"), name: "ann" } as Message] }).told).toEqual(["dropped messages[0].name"]);
  });
});

describe("system messages", () => {
  test("at the head they are the system prompt, each its own block", () => {
    const { body } = encode({ messages: [system("a"), { role: "developer", content: [{ type: "text", text: "b" }] }, user("hi")] });
    expect(body.system).toEqual([{ text: "a" }, { text: "b" }]);
  });

  test("later ones stay where they are, in the user's voice", () => {
    const { body, told } = encode({ messages: [system("a"), user("hi"), assistant("x"), system("now brief"), user("go")] });
    expect(body.system).toEqual([{ text: "a" }]);
    expect(blocks((body.messages as JsonObject[])[2])).toEqual([{ text: "<system>\nnow brief\n</system>" }, { text: "go" }]);
    expect(told).toEqual(["emulated messages[3]"]);
  });

  test("or have a role of their own where the model takes that, between the user's turn and the answer", () => {
    const capabilities = { midSystem: true };
    expect(roles(turns([user("hi"), system("s"), assistant("x"), user("y"), system("t")], { capabilities }))).toBe("usaus");
    const moved = encode({ messages: [user("hi"), system("s"), user("more"), assistant("x"), user("y")] }, { capabilities });
    expect(roles(moved.body.messages as JsonObject[])).toBe("usau");
    expect(moved.told).toEqual(["approximated messages[1]"]);
    // The quirk of a door that refuses what the model could.
    expect(roles(turns([user("hi"), system("s"), assistant("x")], { capabilities, quirks: ["system-first"] }))).toBe("ua");
  });
});

describe("calls and results", () => {
  test("all results of one turn in one user message, first in it", () => {
    const list = turns([user("go"), calls("a", "b"), results("b"), results("a"), user("and?")]);
    expect(roles(list)).toBe("uau");
    expect(blocks(list[1])).toEqual([
      { toolUse: { toolUseId: "a", name: "look", input: { at: 1 } } },
      { toolUse: { toolUseId: "b", name: "look", input: { at: 1 } } },
    ]);
    expect(blocks(list[2])).toEqual([
      { toolResult: { toolUseId: "a", content: [{ text: "seen a" }] } },
      { toolResult: { toolUseId: "b", content: [{ text: "seen b" }] } },
      { text: "and?" },
    ]);
  });

  test("calls of several messages in a row are one turn", () => {
    const list = turns([user("go"), calls("a"), calls("b"), results("a", "b")]);
    expect(roles(list)).toBe("uau");
    expect(blocks(list[2]).map(({ toolResult }) => (toolResult as JsonObject).toolUseId)).toEqual(["a", "b"]);
  });

  test("a result that follows late still answers its call", () => {
    const list = turns([user("go"), calls("a", "b"), results("a"), user("wait"), results("b"), user("ok")]);
    expect(
      blocks(list[2])
        .slice(0, 2)
        .map(({ toolResult }) => (toolResult as JsonObject).toolUseId),
    ).toEqual(["a", "b"]);
  });

  test("a missing result is named, a result of no call is told as text", () => {
    const missing = encode({ messages: [user("go"), calls("a", "b"), results("a"), user("x")] });
    expect(blocks((missing.body.messages as JsonObject[])[2])[1]).toEqual({
      toolResult: { toolUseId: "b", content: [{ text: "No result of this call was recorded." }], status: "error" },
    });
    expect(missing.told).toContain("repaired messages[1]");
    const orphan = encode({ messages: [user("go"), results("z")] });
    expect(blocks((orphan.body.messages as JsonObject[])[0])).toEqual([{ text: "go" }, { text: "Result (call z):" }, { text: "seen z" }]);
    expect(orphan.told).toEqual(["repaired messages[1].content[0]"]);
  });

  test("ids outside the vendor's alphabet are rewritten in both places, and unique", () => {
    const list = turns([
      user("go"),
      calls("functions.look:0", ""),
      results("functions.look:0", ""),
      calls("functions.look:0"),
      results("functions.look:0"),
    ]);
    const used = list.flatMap((turn) => blocks(turn).flatMap(({ toolUse }) => (toolUse ? [(toolUse as JsonObject).toolUseId] : [])));
    const answered = list.flatMap((turn) =>
      blocks(turn).flatMap(({ toolResult }) => (toolResult ? [(toolResult as JsonObject).toolUseId] : [])),
    );
    expect(new Set(used).size).toBe(3);
    expect(answered).toEqual(used);
    for (const id of used) expect(id).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    const short = turns([user("go"), calls("toolu_1", "toolu_1"), results("toolu_1", "toolu_1")], { quirks: ["short-tool-ids"] });
    expect(new Set(blocks(short[1]).map(({ toolUse }) => (toolUse as JsonObject).toolUseId)).size).toBe(2);
    for (const { toolUse } of blocks(short[1])) expect((toolUse as JsonObject).toolUseId).toMatch(/^[a-zA-Z0-9]{9}$/);
  });

  test("a call without a name is left out, one without arguments has an empty object, long integers keep their digits", () => {
    const content = [
      { type: "tool-call", id: "a", name: "", kind: "function", arguments: "{}" },
      { type: "tool-call", id: "b", name: "look", kind: "function", arguments: "" },
      { type: "tool-call", id: "c", name: "look", kind: "function", arguments: '{"id":12345678901234567890}' },
      { type: "tool-call", id: "d", name: "look", kind: "function", arguments: "[1]" },
      { type: "tool-call", id: "e", name: "look", kind: "custom", arguments: "free" },
    ] as const;
    const { body, told } = encode({ messages: [user("go"), { role: "assistant", content: [...content] }, results("b", "c", "d", "e")] });
    const text = JSON.stringify(blocks((body.messages as JsonObject[])[1]).map(({ toolUse }) => (toolUse as JsonObject).input));
    expect(text).toBe('[{},{"id":12345678901234567890},{"value":[1]},{"input":"free"}]');
    expect(told.slice(0, 2)).toEqual(["repaired messages[1].content[0].name", "repaired messages[1].content[3].arguments"]);
  });

  test("a failed result says so, in words where the model takes no status", () => {
    const failed: Message = {
      role: "tool",
      content: [{ type: "tool-result", callId: "a", content: [{ type: "text", text: "boom" }], isError: true }],
    };
    expect(blocks(turns([user("go"), calls("a"), failed])[2])[0]).toEqual({
      toolResult: { toolUseId: "a", content: [{ text: "boom" }], status: "error" },
    });
    expect(blocks(turns([user("go"), calls("a"), failed], { quirks: ["no-result-status"] })[2])[0]).toEqual({
      toolResult: { toolUseId: "a", content: [{ text: "The tool failed:" }, { text: "boom" }] },
    });
  });

  test("an empty result is legal", () => {
    const silent: Message = { role: "tool", content: [{ type: "tool-result", callId: "a", content: [] }] };
    expect(blocks(turns([user("go"), calls("a"), silent])[2])[0]).toEqual({ toolResult: { toolUseId: "a", content: [] } });
  });
});

describe("reasoning in the history", () => {
  const turn = (state: OpaqueState | undefined, text = "hm"): Message[] => [
    user("a"),
    {
      role: "assistant",
      content: [
        { type: "reasoning", text, state },
        { type: "text", text: "so" },
      ],
    },
    user("b"),
  ];
  const own = (data: string, origin?: string): OpaqueState => ({
    format: "bedrock/converse",
    kind: "signature",
    data,
    ...(origin && { origin }),
  });

  test("goes back with its signature, to the model that made it, behind whatever inference profile", () => {
    const expected = { reasoningContent: { reasoningText: { text: "hm", signature: "sig" } } };
    for (const origin of [
      undefined,
      "bedrock/us.anthropic.claude-x",
      "aws/eu.anthropic.claude-x",
      "bedrock/anthropic.claude-x",
      "bedrock/arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-x",
    ]) {
      expect(blocks(turns(turn(own("sig", origin)))[1])[0]).toEqual(expected);
    }
  });

  test("also without any text, and redacted", () => {
    expect(blocks(turns(turn(own("sig"), ""))[1])[0]).toEqual({ reasoningContent: { reasoningText: { text: "", signature: "sig" } } });
    expect(blocks(turns(turn({ format: "bedrock/converse", kind: "redacted", data: "cmVk" }, ""))[1])[0]).toEqual({
      reasoningContent: { redactedContent: "cmVk" },
    });
  });

  test("of another model, another format, or without a signature is dropped aloud", () => {
    for (const state of [own("sig", "bedrock/us.anthropic.claude-y"), own(""), { ...own("x"), format: "anthropic/messages" }, undefined]) {
      const { body, told } = encode({ messages: turn(state) });
      expect(blocks((body.messages as JsonObject[])[1])).toEqual([{ text: "so" }]);
      expect(told).toEqual(["dropped messages[1].content[0]"]);
    }
  });

  test("without a signature goes to models that want it", () => {
    expect(blocks(turns(turn(undefined), { quirks: ["replay-reasoning"] })[1])[0]).toEqual({
      reasoningContent: { reasoningText: { text: "hm" } },
    });
  });
});

describe("the end of the conversation", () => {
  test("an answer begun is continued, without white space at its end", () => {
    const { body, told } = encode({ messages: [user("a"), assistant("so far \n")] });
    expect((body.messages as JsonObject[])[1]).toEqual({ role: "assistant", content: [{ text: "so far" }] });
    expect(told).toEqual(["repaired messages"]);
  });

  test("or asked for, where the model takes none", () => {
    const { body, told } = encode({ messages: [user("a"), assistant("so far")] }, { capabilities: { prefill: false } });
    expect(roles(body.messages as JsonObject[])).toBe("uau");
    expect(told).toEqual(["emulated messages"]);
  });
});
