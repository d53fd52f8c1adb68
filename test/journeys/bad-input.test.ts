/** Bodies that are wrong, in both dialects, toward providers of both formats: a clear refusal in the client's format, and the provider is not called. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openStore } from "../../src/index.ts";
import { startFakeProvider } from "../../testkit/fake-provider.ts";
import type { FakeProvider, RecordedRequest } from "../../testkit/fake-provider.ts";
import { bothFormats, openHouse } from "./house.ts";
import type { House } from "./house.ts";
import { post, sendRaw } from "./raw-client.ts";
import { completion, message } from "./replies.ts";

type Dialect = "openai" | "anthropic";
type Dict = Record<string, unknown>;

const paths: Record<Dialect, string> = { openai: "/v1/chat/completions", anthropic: "/v1/messages" };

/** Client's dialect and the provider it asks for: verbatim, then translated. */
const ways: readonly [Dialect, "oai" | "ant"][] = [
  ["openai", "oai"],
  ["openai", "ant"],
  ["anthropic", "ant"],
  ["anthropic", "oai"],
];

const secret = "client-secret-number-1";

let fake: FakeProvider;
let house: House;
let guarded: House;

beforeAll(async () => {
  fake = await startFakeProvider({
    answer: (request) => ({ body: request.path.endsWith("/messages") ? message("Hello.") : completion("Hello.") }),
  });
  house = await openHouse(bothFormats(fake), { store: await openStore("sqlite::memory:") });
  guarded = await openHouse({ ...bothFormats(fake), keys: [{ name: "ci", key: secret }] });
});
afterAll(async () => {
  await Promise.all([house.close(), guarded.close()]);
  await fake.close();
});
beforeEach(() => void (fake.requests.length = 0));

function good(dialect: Dialect, provider: string): Dict {
  const body: Dict = { model: `${provider}/m`, messages: [{ role: "user", content: "Hello" }] };
  return dialect === "anthropic" ? { ...body, max_tokens: 100 } : body;
}

async function expectRefusal(
  answer: Response,
  dialect: Dialect,
  status: number,
): Promise<{ message: string; field: unknown; code: unknown }> {
  const text = await answer.text();
  expect([answer.status, text]).toEqual([status, expect.stringContaining('"error"')]);
  expect(answer.headers.get("content-type")).toBe("application/json");
  expect(answer.headers.get("x-headgate-request-id")).toMatch(/^hg_/);
  expect(answer.headers.get("x-should-retry")).toBe("false");
  const told = JSON.parse(text) as { type?: string; error: { message: string; type: string; param?: unknown; code?: unknown } };
  expect(told.error.message.length).toBeLessThan(700);
  expect(typeof told.error.type).toBe("string");
  if (dialect === "openai") expect(told.error).toHaveProperty("param");
  else expect(told.type).toBe("error");
  expect(fake.requests.length).toBe(0);
  return { message: told.error.message, field: told.error.param, code: answer.headers.get("x-headgate-error") };
}

async function expectService(): Promise<void> {
  for (const [dialect, provider] of ways) {
    const answer = await house.post(paths[dialect], good(dialect, provider));
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain("Hello.");
  }
}

describe("bodies that are no JSON object", () => {
  const bodies: readonly [string, string | Uint8Array][] = [
    ["nothing", ""],
    ["blanks", "  \n "],
    ["text", "Hello"],
    ["null", "null"],
    ["a list", "[]"],
    ["a list of requests", `[${JSON.stringify(good("openai", "oai"))}]`],
    ["a string", '"Hello"'],
    ["a number", "42"],
    ["true", "true"],
    ["two objects", `${JSON.stringify(good("openai", "oai"))}{}`],
    ["a comma too many", '{"model":"oai/m",}'],
    ["single quotes", "{'model':'oai/m'}"],
    ["a comment", '{"model":"oai/m"/* */}'],
    ["NaN", '{"model":"oai/m","temperature":NaN}'],
    ["half an object", '{"model":"oai/m","messages":[{"role":"us'],
    ["a raw line feed in a string", '{"model":"oai/m\n"}'],
    ["a raw NUL in a string", '{"model":"oai/m\0"}'],
    ["bad UTF-8", Buffer.from(JSON.stringify({ model: "oai/m", messages: [{ role: "user", content: "ä" }] }), "latin1")],
    ["half a letter", Buffer.concat([Buffer.from('{"model":"oai/m","x":"'), Buffer.from([0xe2, 0x82]), Buffer.from('"}')])],
    ["an overlong letter", Buffer.concat([Buffer.from('{"model":"oai/m","x":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')])],
    ["UTF-16", Buffer.from(`\ufeff${JSON.stringify(good("openai", "oai"))}`, "utf16le")],
  ];
  for (const [name, body] of bodies) {
    test(name, async () => {
      for (const dialect of ["openai", "anthropic"] as const) {
        const answer = await fetch(house.url + paths[dialect], {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: body as string,
        });
        expect((await expectRefusal(answer, dialect, 400)).code).toBe("invalid_json");
      }
      await expectService();
    });
  }
});

describe("content types and encodings", () => {
  const refused: readonly Record<string, string>[] = [
    { "content-type": "text/plain" },
    { "content-type": "application/json\ta" },
    { "content-type": "application/json garbage" },
    { "content-type": "application/jsonp" },
    { "content-type": "multipart/form-data; boundary=x" },
    { "content-encoding": "gzip" },
    { "content-encoding": "br" },
    { "content-encoding": "gzip, gzip, gzip, gzip, gzip, gzip" },
    { "content-encoding": "bogus" },
  ];
  for (const headers of refused) {
    test(Object.values(headers)[0]?.replace("\t", "\\t") ?? "", async () => {
      for (const [dialect, provider] of ways) {
        const answer = await house.post(paths[dialect], good(dialect, provider), headers);
        expect((await expectRefusal(answer, dialect, 415)).code).toBe("unsupported_media_type");
      }
    });
  }

  test("what is JSON by another spelling is taken", async () => {
    for (const headers of [
      { "content-type": "Application/JSON; charset=UTF-8" },
      { "content-type": "application/json ;charset=utf-8" },
      { "content-encoding": "identity" },
    ] as Record<string, string>[]) {
      expect((await house.post(paths.openai, good("openai", "oai"), headers)).status).toBe(200);
    }
  });
});

describe("fields of the wrong type", () => {
  const text = (content: unknown, more: Dict = {}): Dict => ({ messages: [{ role: "user", content, ...more }] });
  /** What is changed in a good body, and the field that the refusal must name. */
  const both: readonly [Dict, string][] = [
    [{ model: undefined }, "model"],
    [{ model: null }, "model"],
    [{ model: 42 }, "model"],
    [{ model: "" }, "model"],
    [{ model: ["oai/m"] }, "model"],
    [{ model: { id: "oai/m" } }, "model"],
    [{ messages: undefined }, "messages"],
    [{ messages: null }, "messages"],
    [{ messages: "Hello" }, "messages"],
    [{ messages: {} }, "messages"],
    [{ messages: [] }, "messages"],
    [{ messages: [null] }, "messages[0]"],
    [{ messages: ["Hello"] }, "messages[0]"],
    [{ messages: [[]] }, "messages[0]"],
    [{ messages: [{ content: "Hello" }] }, "messages[0].role"],
    [{ messages: [{ role: 42, content: "Hello" }] }, "messages[0].role"],
    [{ messages: [{ role: "user" }] }, "messages[0].content"],
    [text(42), "messages[0].content"],
    [text({}), "messages[0].content"],
    [text(true), "messages[0].content"],
    [text([null]), "messages[0].content[0]"],
    [text([42]), "messages[0].content[0]"],
    [text([{}]), "messages[0].content[0].type"],
    [text([{ type: "text" }]), "messages[0].content[0].text"],
    [text([{ type: "text", text: 42 }]), "messages[0].content[0].text"],
    [{ tools: {} }, "tools"],
    [{ tools: "calculator" }, "tools"],
    [{ tools: [null] }, "tools[0]"],
    [{ tools: [42] }, "tools[0]"],
    [{ tool_choice: 42 }, "tool_choice"],
    [{ stream: "true" }, "stream"],
    [{ stream: 1 }, "stream"],
    [{ max_tokens: "100" }, "max_tokens"],
    [{ max_tokens: 1.5 }, "max_tokens"],
    [{ max_tokens: {} }, "max_tokens"],
    [{ temperature: "hot" }, "temperature"],
    [{ top_p: [] }, "top_p"],
    [{ metadata: "x" }, "metadata"],
    [{ headgate: 5 }, "headgate"],
    [{ headgate: { tags: [5] } }, "headgate.tags"],
  ];
  const image = (url: unknown): Dict => text([{ type: "image_url", image_url: { url } }]);
  const source = (source: unknown): Dict => text([{ type: "image", source }]);
  const own: Record<Dialect, readonly [Dict, string][]> = {
    openai: [
      [{ n: "2" }, "n"],
      [{ stop: 42 }, "stop"],
      [{ stop: [42] }, "stop[0]"],
      [{ seed: "1" }, "seed"],
      [{ logprobs: "yes" }, "logprobs"],
      [{ logit_bias: "x" }, "logit_bias"],
      [{ response_format: "json" }, "response_format"],
      [{ stream_options: "usage" }, "stream_options"],
      [{ stream_options: { include_usage: "yes" } }, "stream_options.include_usage"],
      [{ parallel_tool_calls: "no" }, "parallel_tool_calls"],
      [{ max_completion_tokens: "100" }, "max_completion_tokens"],
      [{ reasoning_effort: 5 }, "reasoning_effort"],
      [{ tools: [{}] }, "tools[0].type"],
      [{ tools: [{ type: "function" }] }, "tools[0].function"],
      [{ tools: [{ type: "function", function: {} }] }, "tools[0].function.name"],
      [{ tools: [{ type: "function", function: { name: "a", parameters: "x" } }] }, "tools[0].function.parameters"],
      [{ messages: [{ role: "tool", content: "5" }] }, "messages[0].tool_call_id"],
      [{ messages: [{ role: "assistant", tool_calls: {} }] }, "messages[0].tool_calls"],
      [{ messages: [{ role: "assistant", tool_calls: [null] }] }, "messages[0].tool_calls[0]"],
      [
        { messages: [{ role: "assistant", tool_calls: [{ type: "function", function: { name: "a", arguments: "{}" } }] }] },
        "messages[0].tool_calls[0].id",
      ],
      [image(42), "messages[0].content[0].image_url.url"],
      [image("file:///etc/passwd"), "messages[0].content[0].image_url.url"],
      [image("FTP://example.com/a.png"), "messages[0].content[0].image_url.url"],
      [image("gopher://127.0.0.1:6379/_FLUSHALL"), "messages[0].content[0].image_url.url"],
      [image("javascript:alert(1)"), "messages[0].content[0].image_url.url"],
    ],
    anthropic: [
      [{ max_tokens: undefined }, "max_tokens"],
      [{ max_tokens: null }, "max_tokens"],
      [{ max_tokens: -1 }, "max_tokens"],
      [{ system: 42 }, "system"],
      [{ system: [42] }, "system[0]"],
      [{ system: [{ type: "text" }] }, "system[0].text"],
      [{ stop_sequences: "END" }, "stop_sequences"],
      [{ stop_sequences: [42] }, "stop_sequences[0]"],
      [{ thinking: "on" }, "thinking"],
      [{ thinking: { type: "enabled" } }, "thinking.budget_tokens"],
      [{ tools: [{}] }, "tools[0].name"],
      [{ tools: [{ name: "a", input_schema: "x" }] }, "tools[0].input_schema"],
      [{ tool_choice: { type: "tool" } }, "tool_choice.name"],
      [{ messages: [{ role: "assistant", content: [{ type: "tool_use", name: "a", input: {} }] }] }, "messages[0].content[0].id"],
      [{ messages: [{ role: "user", content: [{ type: "tool_result", content: "5" }] }] }, "messages[0].content[0].tool_use_id"],
      [source(undefined), "messages[0].content[0].source"],
      [source({ type: "base64", data: "AAAA" }), "messages[0].content[0].source.media_type"],
      [source({ type: "url", url: "file:///etc/passwd" }), "messages[0].content[0].source.url"],
      [source({ type: "url", url: "gopher://127.0.0.1:6379/" }), "messages[0].content[0].source.url"],
    ],
  };
  for (const [dialect, provider] of ways) {
    for (const [change, field] of [...both, ...own[dialect]]) {
      const shown = JSON.stringify(change, (_, value: unknown) => (value === undefined ? "(absent)" : value)).slice(0, 90);
      test(`${dialect} to ${provider}: ${shown}`, async () => {
        const answer = await house.post(paths[dialect], { ...good(dialect, provider), ...change });
        const told = await expectRefusal(answer, dialect, 400);
        expect(told.code).toBe("invalid_request");
        expect(told.message).toContain(field);
        if (dialect === "openai") expect(told.field).toBe(field);
      });
    }
  }
});

describe("bodies that would hold up the process", () => {
  const deep = (levels: number): string =>
    `{"model":"oai/m","messages":[{"role":"user","content":"a"}],"x":${"[".repeat(levels)}${"]".repeat(levels)}}`;
  const wide = (bytes: number): string => `{"model":"oai/m","messages":[{"role":"user","content":"a"}],"x":[${"{},".repeat(bytes / 3)}{}]}`;
  const bodies: readonly [string, () => string][] = [
    ["10,000 levels", () => deep(10_000)],
    ["a million levels", () => deep(1_000_000)],
    ["a million levels that are never closed", () => `{"x":${"[".repeat(1_000_000)}`],
    ["a million levels of objects", () => `${'{"a":'.repeat(1_000_000)}1${"}".repeat(1_000_000)}`],
    ["a list of a million levels", () => "[".repeat(1_000_000)],
    ["21 MB of {}", () => wide(21_000_000)],
    ["21 MB of {} in a list", () => `[${"{},".repeat(7_000_000)}{}]`],
    ["21 MB of {} behind a key in disguise", () => `{"\\u0061":1,${wide(21_000_000).slice(1)}`],
    ["a million fields", () => `{${'"a":1,'.repeat(1_000_000)}"model":"oai/m"}`],
  ];
  for (const [name, make] of bodies) {
    test(name, async () => {
      const body = make();
      for (const dialect of ["openai", "anthropic"] as const) {
        const request = new Request(house.url + paths[dialect], { method: "POST", headers: { "content-type": "application/json" }, body });
        // In this process, so that only what the gateway does is measured.
        const block = watchLoop();
        const answer = await house.gateway.fetch(request);
        expect(block.longestMs()).toBeLessThan(1000);
        await expectRefusal(answer, dialect, 400);
      }
      await expectService();
    });
  }

  test("fifty megabytes of an image are too large", async () => {
    const body = JSON.stringify({
      ...good("openai", "oai"),
      messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(50_000_000)}` } }] }],
    });
    const answer = await sendRaw(house.port, post(paths.openai, body), { waitMs: 5000 });
    expect(answer.status).toBe(413);
    expect(fake.requests.length).toBe(0);
    await expectService();
  });
});

describe("text that is odd but right", () => {
  const odd: readonly [string, string][] = [
    ["a NUL", "a\\u0000b"],
    ["a lone surrogate", "a\\ud800b"],
    ["a reversed pair", "\\udc00\\ud800"],
    ["an astral letter", "\u{1f600}"],
    ["a tag character", "\u{e0041}"],
    ["a BOM within", "a\ufeffb"],
    ["line separators", "a\u2028b\u2029c"],
  ];
  for (const [name, escaped] of odd) {
    test(`${name} reaches the provider as it was`, async () => {
      const said = JSON.parse(`"${escaped}"`) as string;
      for (const [dialect, provider] of ways) {
        fake.requests.length = 0;
        const body = `{"model":"${provider}/m","max_tokens":9,"messages":[{"role":"user","content":"${escaped}"}]}`;
        const answer = await house.post(paths[dialect], body);
        expect(answer.status).toBe(200);
        const received = fake.requests[0] as RecordedRequest;
        const { messages } = received.json() as { messages: { content: string | { text: string }[] }[] };
        const content = messages[0]?.content;
        expect(typeof content === "string" ? content : content?.[0]?.text).toBe(said);
        if ((dialect === "openai") === (provider === "oai")) expect(received.body).toContain(`"content":"${escaped}"`);
      }
    });
  }

  test("a byte order mark before the body is no part of it", async () => {
    const answer = await house.post(paths.openai, `\ufeff${JSON.stringify(good("openai", "oai"))}`);
    expect(answer.status).toBe(200);
    expect(fake.requests[0]?.json()).toMatchObject({ model: "m" });
  });

  test("a field that stands twice is sent as it was read: once", async () => {
    const answer = await house.post(paths.openai, '{"model":"ant/other","messages":[{"role":"user","content":"a"}],"model":"oai/m"}');
    expect(answer.status).toBe(200);
    expect(fake.requests[0]?.path).toBe("/v1/chat/completions");
    expect(fake.requests[0]?.body.match(/"model"/g)).toHaveLength(1);
  });

  test("fields named after an object's own innards are fields like any other", async () => {
    const body =
      '{"model":"oai/m","messages":[{"role":"user","content":"a"}],"__proto__":{"stream":true},"constructor":{"a":1},"toString":"x"}';
    const answer = await house.post(paths.openai, body);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(fake.requests[0]?.body).toBe(body.replace("oai/m", "m"));
    for (const [dialect, provider] of ways)
      expect(
        (await house.post(paths[dialect], { ...(JSON.parse(body.replace("{", '{"max_tokens":9,')) as Dict), model: `${provider}/m` }))
          .status,
      ).toBe(200);
    expect(({} as Dict)["stream"]).toBeUndefined();
  });

  test("what is put on record is exact, whatever it is made of", async () => {
    const session = "s\u0000\u{1f600}'; DROP TABLE calls; --";
    const tags = ["t\u0000t", "a\u2028b", "a'b"];
    await house.post(paths.openai, { ...good("openai", "oai"), headgate: { session, tags } });
    const [call] = await house.store.recent({ limit: 1 });
    expect(call).toMatchObject({ outcome: "ok", session, tags });
  });
});

describe("names of models", () => {
  const names = [
    "__proto__",
    "constructor",
    "toString",
    "oai/__proto__/../x",
    "no-such-model",
    "nobody/m",
    "/m",
    "oai/",
    "oai",
    "oai//m",
    "oai/m\r\nX-Injected: 1",
    "oai/m\u0000",
    "oai/../../admin",
    "oai/a/../../b",
    "oai/..",
    "oai/%2e%2e/x",
    "oai/a\\b",
    "oai/m?key=1",
    "oai/m#x",
    "oai/m;x",
    "oai/m m",
    "oai/ä",
    `oai/${"m".repeat(300)}`,
    "__proto__/m",
    "constructor/m",
  ];
  for (const name of names) {
    test(JSON.stringify(name.slice(0, 40)), async () => {
      for (const dialect of ["openai", "anthropic"] as const) {
        const answer = await house.post(paths[dialect], { ...good(dialect, "oai"), model: name });
        const told = await expectRefusal(answer, dialect, 404);
        expect(told.code).toBe("model_not_found");
        expect(told.message).not.toContain("\r");
        expect(answer.headers.get("x-injected")).toBeNull();
        const [call] = await house.store.recent({ limit: 1 });
        expect(call).toMatchObject({ requestedModel: name.slice(0, 200), outcome: "error", errorCode: "model_not_found", provider: null });
      }
    });
  }

  test("names that are odd but right reach the provider as they are, at its own path", async () => {
    for (const model of ["m@20260101", "org/model:free", "a.b-c_d+e", "ft:gpt:org::id", "@host"]) {
      const answer = await house.post(paths.openai, { ...good("openai", "oai"), model: `oai/${model}` });
      expect([model, answer.status]).toEqual([model, 200]);
      expect(fake.requests.at(-1)).toMatchObject({ path: "/v1/chat/completions", headers: { host: `127.0.0.1:${fake.port}` } });
      expect(fake.requests.at(-1)?.json()).toMatchObject({ model });
    }
  });

  test("in the path of the model list they are only looked up", async () => {
    for (const name of ["__proto__", "..%2f..%2fadmin", "%00", "%", "%c0%af", "a%0d%0aX:%201"]) {
      const answer = await sendRaw(house.port, `GET /v1/models/${name} HTTP/1.1\r\nHost: gateway\r\n\r\n`);
      expect([name, answer.status]).toEqual([name, 404]);
      expect(answer.headers["x"]).toBeUndefined();
    }
  });
});

describe("paths", () => {
  test("spellings of an admin's door open nothing", async () => {
    const spellings = [
      "/admin",
      "/admin/",
      "/admin/api/keys",
      "//admin/api/keys",
      "/ADMIN/api/keys",
      "/%61dmin/api/keys",
      "/admin%2fapi%2fkeys",
      "/admin;x/api/keys",
      "/v1/%2e%2e/admin/api/keys",
      "/v1/models/../../admin/api/keys",
      "/v1/chat/completions/../../../admin/api/keys",
      "/admin/api/keys?key=x#y",
      "/\\admin/api/keys",
      "/.env",
      "/proc/self/environ",
    ];
    for (const path of spellings) {
      const answer = await sendRaw(guarded.port, `GET ${path} HTTP/1.1\r\nHost: gateway\r\n\r\n`);
      expect([path, [400, 401, 403, 404].includes(answer.status)]).toEqual([path, true]);
      expect(answer.body).not.toContain(secret);
    }
  });

  test("spellings of a chat's door never open it to a stranger", async () => {
    const body = JSON.stringify(good("openai", "oai"));
    for (const path of [
      "//v1/chat/completions",
      "/v1//chat/completions",
      "/v1/chat/completions/",
      "/V1/chat/completions",
      "/v1/chat/completions%2f",
      "/v1/chat%2fcompletions",
      "/health/live/../../v1/chat/completions",
      "/v1/chat/completions;x",
      "/v1/chat/completions?key=wrong",
      "/metrics/../v1/messages",
    ]) {
      const answer = await sendRaw(guarded.port, post(path, body));
      expect([path, [400, 401, 404].includes(answer.status)]).toEqual([path, true]);
    }
    expect(fake.requests.length).toBe(0);
  });

  test("what has no door says so in the caller's format", async () => {
    const openai = await house.post("/v1/nothing", {});
    expect((await expectRefusal(openai, "openai", 404)).code).toBe("route_not_found");
    const anthropic = await house.post("/v1/messages/batches", {}, { "anthropic-version": "2023-06-01" });
    expect((await expectRefusal(anthropic, "anthropic", 404)).code).toBe("route_not_found");
  });
});

describe("credentials", () => {
  const wrong: readonly Record<string, string>[] = [
    {},
    { authorization: "" },
    { authorization: "Bearer" },
    { authorization: "Bearer " },
    { authorization: "Bearer null" },
    { authorization: "Bearer undefined" },
    { authorization: `Basic ${btoa(`user:${secret}`)}` },
    { authorization: `Basic ${secret}` },
    { authorization: `Token ${secret}` },
    { authorization: secret },
    { authorization: `Bearer ${secret.slice(0, -1)}` },
    { authorization: `Bearer ${secret}x` },
    { authorization: `Bearer ${secret.toUpperCase()}` },
    { authorization: `Bearer ${secret}, Bearer ${secret}` },
    { authorization: `Bearer "${secret}"` },
    { authorization: "Bearer ' OR '1'='1" },
    { authorization: `Bearer ${"a".repeat(8000)}` },
    { authorization: "Bearer sk-provider-openai" },
    { "x-api-key": "" },
    { "x-api-key": `Bearer ${secret}` },
    { "x-goog-api-key": "nope" },
    { cookie: `key=${secret}` },
  ];
  for (const headers of wrong) {
    test(`refused: ${JSON.stringify(headers).slice(0, 60)}`, async () => {
      for (const dialect of ["openai", "anthropic"] as const) {
        const answer = await guarded.post(paths[dialect], good(dialect, "oai"), headers);
        const told = await expectRefusal(answer, dialect, 401);
        expect(told.code).toBe("unauthenticated");
        expect(told.message).not.toContain(secret);
      }
      expect((await fetch(`${guarded.url}/v1/models`, { headers })).status).toBe(401);
    });
  }

  test("taken: every usual place", async () => {
    const places: readonly [string, Record<string, string>][] = [
      ["", { authorization: `Bearer ${secret}` }],
      ["", { authorization: `bearer  ${secret} ` }],
      ["", { "x-api-key": secret }],
      ["", { "api-key": secret }],
      ["", { "x-goog-api-key": secret }],
      [`?key=${secret}`, {}],
    ];
    for (const [search, headers] of places) {
      const answer = await guarded.post(paths.openai + search, good("openai", "oai"), headers);
      expect([headers, answer.status]).toEqual([headers, 200]);
      const received = fake.requests.at(-1);
      expect(received?.path).toBe("/v1/chat/completions");
      expect(JSON.stringify(received?.rawHeaders) + received?.body).not.toContain(secret);
    }
  });
});

describe("attempts to send the provider's key elsewhere", () => {
  test("fields and headers that name another address change nothing", async () => {
    const thief = await startFakeProvider({ answer: { body: completion("Stolen.") } });
    try {
      const fields = {
        api_base: thief.url,
        base_url: thief.url,
        api_key: "x",
        extra_headers: { "x-evil": "1" },
        extra_body: { a: 1 },
        api_version: "x",
        custom_llm_provider: "x",
      };
      const headers = {
        "x-base-url": thief.url,
        "x-api-base": thief.url,
        "x-portkey-custom-host": thief.url,
        "helicone-target-url": thief.url,
        "x-headgate-base-url": thief.url,
        "x-forwarded-host": `127.0.0.1:${thief.port}`,
        forwarded: `host=127.0.0.1:${thief.port}`,
        "x-original-url": thief.url,
      };
      for (const [dialect, provider] of ways) {
        const answer = await house.post(paths[dialect], { ...good(dialect, provider), ...fields }, headers);
        expect([200, 400]).toContain(answer.status);
        const names = fake.requests.at(-1)?.rawHeaders.map(([name]) => name.toLowerCase()) ?? [];
        for (const name of [...Object.keys(headers), "x-evil"]) expect(names).not.toContain(name);
      }
      expect(thief.requests.length).toBe(0);
    } finally {
      await thief.close();
    }
  });

  test("a redirect of the provider is not followed", async () => {
    const thief = await startFakeProvider({ answer: { body: completion("Stolen.") } });
    try {
      for (const [dialect, provider] of ways) {
        fake.requests.length = 0;
        fake.script(
          { status: 307, headers: { location: `${thief.url}/v1/chat/completions` } },
          { status: 302, headers: { location: thief.url } },
        );
        const answer = await house.post(paths[dialect], good(dialect, provider));
        expect(answer.status).toBe(502);
        expect(answer.headers.get("x-headgate-error")).toBe("provider_redirect");
        expect(await answer.text()).not.toContain(thief.url);
        fake.script();
      }
      expect(thief.requests.length).toBe(0);
    } finally {
      await thief.close();
    }
  });

  test("the address of an image is never opened", async () => {
    const thief = await startFakeProvider({ answer: { body: {} } });
    try {
      for (const url of [
        `${thief.url}/a.png`,
        `http://localhost:${thief.port}/a.png`,
        `http://2130706433:${thief.port}/a.png`,
        `http://[::ffff:127.0.0.1]:${thief.port}/a.png`,
        `http://0x7f.1:${thief.port}/a.png`,
      ]) {
        for (const provider of ["oai", "ant"]) {
          await house.post(paths.openai, {
            ...good("openai", provider),
            messages: [{ role: "user", content: [{ type: "image_url", image_url: { url } }] }],
          });
          await house.post(paths.anthropic, {
            ...good("anthropic", provider),
            messages: [{ role: "user", content: [{ type: "image", source: { type: "url", url } }] }],
          });
        }
      }
      expect(thief.connections).toBe(0);
    } finally {
      await thief.close();
    }
  });
});

/** How long the event loop was held up since. */
function watchLoop(): { longestMs(): number } {
  let longest = 0;
  let last = performance.now();
  const tick = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(tick, 5);
  return {
    longestMs() {
      tick();
      clearInterval(timer);
      return longest;
    },
  };
}
