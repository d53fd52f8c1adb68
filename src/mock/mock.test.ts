import { describe, expect, test } from "vitest";
import type { ChatEvent, ChatReply, ChatRequest } from "../canonical/chat.ts";
import { fold } from "../canonical/fold.ts";
import { createClock } from "../../testkit/clock.ts";
import { createMock, mockModels } from "./mock.ts";
import { plainCodec } from "../../testkit/plain-codec.ts";

const codecs = [plainCodec(() => "/chat")];
const url = "http://mock.invalid/v1/chat";

type Asked = Partial<ChatRequest> & { model: string };

function body(asked: Asked): string {
  return JSON.stringify({ messages: [{ role: "user", content: [{ type: "text", text: "Hello there, mock" }] }], ...asked });
}

async function call(asked: Asked, mock = createMock({ codecs })): Promise<Response> {
  return await mock(url, { headers: {}, body: body(asked) });
}

async function reply(asked: Asked, mock = createMock({ codecs })): Promise<ChatReply & { callId: string }> {
  const response = await call(asked, mock);
  expect(response.status).toBe(200);
  return (await response.json()) as ChatReply & { callId: string };
}

async function events(asked: Asked, mock = createMock({ codecs })): Promise<ChatEvent[]> {
  const text = await (await call({ ...asked, stream: true }, mock)).text();
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as ChatEvent);
}

function said(answer: ChatReply): string {
  return (answer.choices[0]?.content ?? []).map((part) => ("text" in part ? part.text : "")).join("");
}

/** A promise that is given up, and how it ended. */
async function outcome(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => "done",
    (thrown: unknown) => (thrown instanceof Error ? thrown.message : "failed"),
  );
}

describe("echo", () => {
  test("answers with the last user text and counts it", async () => {
    const answer = await reply({ model: "echo" });
    expect(said(answer)).toBe("Hello there, mock");
    expect(answer.choices[0]?.finish).toEqual({ reason: "stop" });
    // `user` and 17 characters: 1 + 5 tokens of four.
    expect(answer.usage).toEqual({ input: 6, output: 5 });
  });

  test("streams the same, word by word, with its blocks in order", async () => {
    const told = await events({ model: "echo" });
    expect(told.map((event) => event.type)).toEqual([
      "start",
      "usage",
      "block-start",
      "text-delta",
      "text-delta",
      "text-delta",
      "block-end",
      "finish",
      "usage",
      "end",
    ]);
  });

  test("keeps white space and letters of every kind", async () => {
    const text = "  \n tab\t and 👩‍👩‍👧 héé\r\n end  ";
    expect(said(await reply({ model: "echo", messages: [{ role: "user", content: [{ type: "text", text }] }] }))).toBe(text);
  });

  test("says what came when there is no text", async () => {
    const content = [
      { type: "image", source: { kind: "base64", mediaType: "image/png", data: "AAAA" } },
      { type: "file", filename: "a.pdf", source: { kind: "url", url: "https://example.com/a.pdf" } },
    ] as const;
    expect(said(await reply({ model: "echo", messages: [{ role: "user", content: [...content] }] }))).toBe(
      "This came: an image (image/png, 3 bytes); a file (a.pdf, at https://example.com/a.pdf).",
    );
    expect(said(await reply({ model: "echo", messages: [] }))).toBe("No user message came.");
  });

  test("gives as many choices as asked", async () => {
    const answer = await reply({ model: "echo", choices: 3 });
    expect(answer.choices.map((choice) => choice.content)).toEqual(
      Array.from({ length: 3 }, () => [{ type: "text", text: "Hello there, mock" }]),
    );
    expect(answer.usage?.output).toBe(15);
    expect((await call({ model: "echo", choices: 1e9 })).status).toBe(400);
  });

  test("counts what is marked for caching as written first, then as read", async () => {
    const mock = createMock({ codecs });
    const asked: Asked = {
      model: "echo",
      messages: [
        { role: "system", content: [{ type: "text", text: "x".repeat(400), cache: { ttl: "1h" } }] },
        { role: "user", content: [{ type: "text", text: "four" }] },
      ],
    };
    expect((await reply(asked, mock)).usage).toEqual({ input: 104, output: 1, cacheWrite: 102, cacheWriteLong: 102 });
    expect((await reply(asked, mock)).usage).toEqual({ input: 104, output: 1, cacheRead: 102 });
  });

  test("says nothing on usage as `no-usage`", async () => {
    expect((await reply({ model: "no-usage" })).usage).toBeUndefined();
  });
});

describe("time", () => {
  test("a stream comes at its pace, chunk for chunk", async () => {
    const clock = createClock();
    const mock = createMock({ codecs, sleep: clock.sleep, now: clock.now });
    const response = await call({ model: "stream-4x50", stream: true }, mock);
    const arrivals: number[] = [];
    const reading = (async () => {
      for await (const bytes of response.body ?? [])
        if (new TextDecoder().decode(bytes).includes("-delta")) arrivals.push(clock.monotonic());
    })();
    await clock.advance(1000);
    await reading;
    expect(arrivals).toEqual([50, 100, 150, 200]);
  });

  test.each([
    ["delay-2000", 2000],
    ["stream-4x50", 200],
  ])("%s answers whole after %i ms", async (model, ms) => {
    const clock = createClock();
    const answering = call({ model }, createMock({ codecs, sleep: clock.sleep, now: clock.now }));
    await clock.advance(ms - 1);
    expect(clock.sleeping).toBe(1);
    await clock.advance(1);
    expect((await answering).status).toBe(200);
  });

  test("nothing is made before it is read", async () => {
    const clock = createClock();
    const response = await call({ model: "slow", stream: true }, createMock({ codecs, sleep: clock.sleep }));
    const reader = response.body?.getReader();
    for (let told = 0; told < 3; told++) await reader?.read();
    await clock.advance(10_000);
    expect(clock.sleeping).toBe(0);
    const next = reader?.read();
    await clock.advance(50);
    expect(new TextDecoder().decode((await next)?.value)).toContain('"You "');
    await reader?.cancel();
  });

  test("the slow model speaks at a human pace", async () => {
    const clock = createClock();
    const reading = events({ model: "slow" }, createMock({ codecs, sleep: clock.sleep }));
    await clock.advance(1000);
    expect(clock.sleeping).toBe(1);
    await clock.advance(10_000);
    const words = (await reading).filter((event) => event.type === "text-delta");
    expect(words.length).toBeGreaterThan(40);
  });
});

describe("tools", () => {
  const tools: ChatRequest["tools"] = [
    {
      name: "weather",
      kind: "function",
      parameters: { type: "object", properties: { city: { type: "string", examples: ["Paris"] } }, required: ["city"] },
    },
    { name: "note", kind: "custom" },
    { name: "search", kind: "vendor" },
  ];
  const calls = (answer: ChatReply) =>
    answer.choices[0]?.content.map((part) => (part.type === "tool-call" ? [part.name, part.kind, part.arguments] : part));

  test("the first one is called with fitting arguments", async () => {
    const answer = await reply({ model: "tools", tools });
    expect(calls(answer)).toEqual([["weather", "function", '{"city":"Paris"}']]);
    expect(answer.choices[0]?.finish.reason).toBe("tool-calls");
  });

  test("the one that tool_choice names is called, and none when it says so", async () => {
    expect(calls(await reply({ model: "tools", tools, toolChoice: { type: "tool", name: "note" } }))).toEqual([
      ["note", "custom", "mock input for note"],
    ]);
    expect(said(await reply({ model: "tools", tools, toolChoice: { type: "none" } }))).toBe("No tool to call. Hello there, mock");
    expect((await call({ model: "tools", tools, toolChoice: { type: "tool", name: "absent" } })).status).toBe(400);
  });

  test("all are called in parallel, with different ids, or one when parallel calls are off", async () => {
    const answer = await reply({ model: "tools-parallel", tools });
    expect(calls(answer)?.map((one) => (Array.isArray(one) ? one[0] : one))).toEqual(["weather", "note"]);
    expect(new Set(answer.choices[0]?.content.map((part) => (part.type === "tool-call" ? part.id : ""))).size).toBe(2);
    expect(calls(await reply({ model: "tools-parallel", tools, parallelToolCalls: false }))).toHaveLength(1);
  });

  test("results are answered in words", async () => {
    const messages: ChatRequest["messages"] = [
      { role: "assistant", content: [{ type: "tool-call", id: "a", name: "weather", kind: "function", arguments: "{}" }] },
      {
        role: "tool",
        content: [
          { type: "tool-result", callId: "a", name: "weather", content: [{ type: "text", text: "21 degrees" }] },
          {
            type: "tool-result",
            callId: "b",
            content: [{ type: "image", source: { kind: "url", url: "https://example.com/a.png" } }],
            isError: true,
          },
        ],
      },
    ];
    expect(said(await reply({ model: "tools", tools, messages }))).toBe(
      "The tool weather answered: 21 degrees\nThe tool b failed: an image (at https://example.com/a.png)",
    );
  });
});

describe("content", () => {
  test("reasoning comes first, signed, and is counted", async () => {
    const answer = await reply({ model: "reason" });
    const [thoughts, text] = answer.choices[0]?.content ?? [];
    expect(thoughts).toMatchObject({ type: "reasoning", state: { format: "plain", kind: "signature" } });
    expect(text).toMatchObject({ type: "text", text: "Hello there, mock" });
    expect(answer.usage?.reasoning).toBe((answer.usage?.output ?? 0) - 5);
  });

  test("json fits the asked-for schema", async () => {
    const schema = { type: "object", properties: { answer: { enum: [42] }, list: { type: "array", items: { type: "integer" } } } };
    expect(JSON.parse(said(await reply({ model: "json", output: { type: "json-schema", schema } })))).toEqual({ answer: 42, list: [1] });
    expect(JSON.parse(said(await reply({ model: "json" })))).toEqual({ echo: "Hello there, mock" });
  });

  test.each([
    ["refuse", "refusal", "I cannot help with that."],
    ["length", "length", "one two six ten ".repeat(4)],
    ["long-3", "stop", "one two six "],
    ["empty", "stop", ""],
    ["stop-sequence", "stop", "Hello there, mock"],
  ])("%s", async (model, reason, text) => {
    const answer = await reply({ model });
    expect([answer.choices[0]?.finish.reason, said(answer)]).toEqual([reason, text]);
  });

  test("long and length obey max_tokens", async () => {
    for (const model of ["long-1000", "length"]) {
      const answer = await reply({ model, maxOutputTokens: 2 });
      expect([said(answer), answer.choices[0]?.finish.reason, answer.usage?.output]).toEqual(["one two ", "length", 2]);
    }
  });

  test("a stop sequence is named", async () => {
    expect((await reply({ model: "stop-sequence", stop: ["END"] })).choices[0]?.finish).toEqual({
      reason: "stop-sequence",
      stopSequence: "END",
    });
  });

  test("citations span the words they are for", async () => {
    const [part] = (await reply({ model: "cite" })).choices[0]?.content ?? [];
    if (part?.type !== "text") throw new Error("no text came");
    for (const { start, end, citedText } of part.citations ?? []) expect(part.text.slice(start, end)).toBe(citedText);
    expect(part.citations).toHaveLength(2);
  });
});

describe("failures", () => {
  test.each([400, 401, 404, 429, 500, 503, 529])("error-%i has that status", async (status) => {
    const response = await call({ model: `error-${status}` });
    expect(response.status).toBe(status);
    expect(response.headers.get("retry-after")).toBe(status === 429 || status === 503 ? "1" : null);
    expect(Object.keys((await response.json()) as object)).toEqual(["error", "message", "callId"]);
  });

  test("an unknown model is 404 and the nearest name is told", async () => {
    const response = await call({ model: "ecco" });
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('Did you mean \\"echo\\"');
    expect(await (await call({ model: "stream-5" })).text()).toContain('\\"stream-20x50\\"');
  });

  test.each(["constructor", "__proto__", "echo\n", "long-", "error-200x", "x".repeat(10_000)])("model %j is unknown", async (model) => {
    expect((await call({ model })).status).toBe(404);
  });

  test.each(["error-200", "long-0", "flaky-101", "long-999999999"])("%s is out of bounds", async (model) => {
    expect((await call({ model })).status).toBe(400);
  });

  test("flaky fails for its share of the calls, evenly and repeatably", async () => {
    const mock = createMock({ codecs });
    const statuses: number[] = [];
    for (let index = 0; index < 10; index++) statuses.push((await call({ model: "flaky-30" }, mock)).status);
    expect(statuses).toEqual([200, 200, 200, 503, 200, 200, 503, 200, 200, 503]);
    expect((await call({ model: "flaky-0" }, mock)).status).toBe(200);
    expect((await call({ model: "flaky-100" }, mock)).status).toBe(503);
  });

  test("an error in the stream is the last thing in it", async () => {
    const told = await events({ model: "error-in-stream" });
    expect(told.filter((event) => event.type === "text-delta")).toHaveLength(4);
    expect(told.at(-1)).toMatchObject({ error: "provider_overloaded" });
    expect((await call({ model: "error-in-stream" })).status).toBe(529);
  });

  test("cut: the stream is over without its end, the whole answer breaks off", async () => {
    const told = await events({ model: "cut" });
    expect(told.at(-1)?.type).toBe("text-delta");
    const response = await call({ model: "cut" });
    expect(response.status).toBe(200);
    expect(await outcome(response.text())).not.toBe("done");
  });

  test("garbage is 200 and no JSON, not even text", async () => {
    const bytes = new Uint8Array(await (await call({ model: "garbage" })).arrayBuffer());
    expect(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes)).toThrow();
  });

  test("redirect", async () => {
    const response = await call({ model: "redirect" });
    expect([response.status, response.headers.get("location")]).toEqual([302, "https://elsewhere.example.invalid/"]);
  });

  test("malformed requests are refused in the format's own words", async () => {
    const mock = createMock({ codecs });
    const status = async (text: string, method = "POST") => (await mock(url, { method, headers: {}, body: text })).status;
    expect(await status("")).toBe(400);
    expect(await status("[]")).toBe(400);
    expect(await status('{"model":"echo","messages":1}')).toBe(400);
    expect(await status(body({ model: "echo" }), "GET")).toBe(405);
    expect((await mock("http://mock.invalid/v1/absent", { headers: {}, body: "{}" })).status).toBe(404);
  });
});

describe("the caller leaves", () => {
  test.each([
    ["hang", false],
    ["hang", true],
    ["delay-60000", false],
    ["stream-2x60000", false],
  ])("%s (stream: %s) rejects with the signal's reason", async (model, stream) => {
    const leaving = new AbortController();
    const waiting = outcome(createMock({ codecs })(url, { headers: {}, body: body({ model, stream }), signal: leaving.signal }));
    leaving.abort(new Error("left"));
    expect(await waiting).toBe("left");
  });

  test("before anything has begun", async () => {
    expect(
      await outcome(
        createMock({ codecs })(url, { headers: {}, body: body({ model: "echo" }), signal: AbortSignal.abort(new Error("left")) }),
      ),
    ).toBe("left");
  });

  test.each(["hang-in-stream", "stream-2x60000", "slow"])("in the middle of %s: the body fails at once", async (model) => {
    const leaving = new AbortController();
    const response = await createMock({ codecs })(url, { headers: {}, body: body({ model, stream: true }), signal: leaving.signal });
    const reading = outcome(response.text());
    await new Promise((resolve) => setTimeout(resolve, 10));
    leaving.abort(new Error("left"));
    expect(await reading).toBe("left");
  });

  test("in the middle of a whole answer that hangs", async () => {
    const leaving = new AbortController();
    const response = await createMock({ codecs })(url, { headers: {}, body: body({ model: "hang-in-stream" }), signal: leaving.signal });
    const reading = outcome(response.text());
    leaving.abort(new Error("left"));
    expect(await reading).toBe("left");
  });

  test("by cancelling the body: the sleeper is woken and nothing goes on", async () => {
    const clock = createClock();
    const response = await call({ model: "stream-5x1000", stream: true }, createMock({ codecs, sleep: clock.sleep }));
    const reader = response.body?.getReader();
    for (let told = 0; told < 3; told++) await reader?.read();
    const pending = reader?.read();
    await clock.advance(1);
    expect(clock.sleeping).toBe(1);
    await reader?.cancel();
    expect((await pending)?.done).toBe(true);
    await clock.advance(10);
    expect(clock.sleeping).toBe(0);
  });
});

describe("doors", () => {
  const geminiLike = plainCodec(
    (model, stream) => `/v1beta/models/${encodeURIComponent(model)}:${stream ? "streamGenerate?alt=sse" : "generate"}`,
    "in-path",
  );
  const mock = createMock({ codecs: [...codecs, geminiLike, plainCodec(() => "/v1/chat", "longer")] });
  const ask = async (path: string) => (await mock(`https://host.invalid${path}`, { headers: {}, body: '{"messages":[]}' })).status;

  test("the model may stand in the path", async () => {
    expect(await ask("/v1beta/models/echo:generate")).toBe(200);
    expect(await ask("/prefix/v1beta/models/error-418:streamGenerate?alt=sse")).toBe(418);
    expect(await ask("/v1beta/models/:generate")).toBe(404);
    expect(await ask("/v1beta/models/%E0:generate")).toBe(404);
  });

  test("the longest path wins, and it must end the URL", async () => {
    const reasoning = await mock("https://host.invalid/v1/chat", { headers: {}, body: body({ model: "reason" }) });
    expect(await reasoning.text()).toContain('"format":"longer"');
    expect(await ask("/v1/chat/more")).toBe(404);
  });
});

describe("the same every time", () => {
  test("two mocks give the same bytes for the same calls", async () => {
    const transcript = async () => {
      const mock = createMock({ codecs, now: () => 0 });
      const texts: string[] = [];
      for (const model of ["echo", "reason", "json", "cite", "tools", "refuse"]) {
        for (const stream of [false, true]) texts.push(await (await call({ model, stream }, mock)).text());
      }
      return texts;
    };
    expect(await transcript()).toEqual(await transcript());
  });

  test.each(["echo", "reason", "json", "cite", "refuse", "length", "long-100", "empty", "no-usage", "slow"])(
    "%s says the same streamed and whole",
    async (model) => {
      const options = { codecs, now: () => 0, sleep: () => Promise.resolve() };
      const { callId: _callId, created: _created, ...whole } = await reply({ model }, createMock(options));
      expect(JSON.parse(JSON.stringify(fold(await events({ model }, createMock(options)))))).toEqual(whole);
    },
  );

  test("every model of the table has a description, and its example can be called", async () => {
    expect(new Set(mockModels.map((model) => model.name)).size).toBe(mockModels.length);
    for (const { example, description } of mockModels) {
      expect(description).not.toBe("");
      const leaving = new AbortController();
      const answering = createMock({ codecs, sleep: () => Promise.resolve() })(url, {
        headers: {},
        body: body({ model: example }),
        signal: leaving.signal,
      });
      if (example === "hang") {
        leaving.abort();
        await expect(answering).rejects.toThrow();
      } else expect((await answering).status >= 400).toBe(example.startsWith("error"));
    }
  });
});
