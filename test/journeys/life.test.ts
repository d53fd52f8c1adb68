/** What befalls a call on its way: who leaves early, who falls silent, who breaks, and what is on record when it is over. */

import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { APIError as AnthropicError } from "@anthropic-ai/sdk";
import { APIError as OpenaiError } from "openai";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openStore } from "../../src/index.ts";
import { startFakeProvider } from "../../testkit/fake-provider.ts";
import type { Answer, FakeProvider, RecordedRequest } from "../../testkit/fake-provider.ts";
import { anthropicStream, openaiStream } from "../../testkit/frames.ts";
import { bothFormats, openHouse, underBun } from "./house.ts";
import type { House, HouseOptions } from "./house.ts";
import { post } from "./raw-client.ts";
import { completion, completionChunks, message, messageEvents, textBlock } from "./replies.ts";

/** Client's door and the provider it asks for: each format to each. */
const ways = [
  ["/v1/chat/completions", "oai"],
  ["/v1/chat/completions", "ant"],
  ["/v1/messages", "ant"],
  ["/v1/messages", "oai"],
] as const;
type Door = (typeof ways)[number][0];
type Provider = (typeof ways)[number][1];

let fake: FakeProvider;
let spare: FakeProvider;
const houses: House[] = [];

beforeAll(async () => {
  fake = await startFakeProvider();
  spare = await startFakeProvider({
    answer: (request) => whole(request.path.endsWith("/messages") ? "ant" : "oai", "Spare.", request.body.includes('"stream":true')),
  });
});
afterAll(async () => {
  await fake.close();
  await spare.close();
});
beforeEach(() => {
  fake.requests.length = 0;
  spare.requests.length = 0;
  fake.always({ status: 500, body: { error: { message: "nothing is scripted" } } });
});
afterEach(async () => {
  for (const house of houses.splice(0)) await house.close();
});

async function open(config: object = bothFormats(fake), options: HouseOptions = {}): Promise<House> {
  const house = await openHouse(config, options);
  houses.push(house);
  return house;
}

function ask(provider: Provider, more: object = {}): object {
  return { model: `${provider}/m`, max_tokens: 100, messages: [{ role: "user", content: "Hello" }], ...more };
}

function pieces(provider: Provider, ...said: string[]): string[] {
  if (provider === "oai")
    return completionChunks(said.map((content) => ({ content })))
      .map((chunk) => openaiStream([chunk], { done: false }))
      .concat("data: [DONE]\n\n");
  return messageEvents([textBlock(...said)]).map((event) => anthropicStream([event]));
}

function whole(provider: Provider, said: string, stream = false): Answer {
  if (stream) return { chunks: pieces(provider, said) };
  return { body: provider === "oai" ? completion(said) : message(said) };
}

/** The first pieces of a stream, up to and with its first words. */
function begun(provider: Provider): string[] {
  const all = pieces(provider, "One, ", "two, ", "three.");
  return all.slice(0, all.findIndex((piece) => piece.includes("two, ")) + 1);
}

describe("a client that leaves", () => {
  const gone: readonly [string, boolean, (provider: Provider) => Answer][] = [
    ["before a whole answer", false, () => ({ silent: true })],
    ["in the middle of a whole answer", false, () => ({ body: "{", claimedLength: 5000, ending: "hang" })],
    ["before the headers of a stream", true, () => ({ silent: true })],
    ["before the first event of a stream", true, () => ({ chunks: [": wait\n\n"], ending: "hang" })],
    ["in the middle of a stream", true, (provider) => ({ chunks: begun(provider), ending: "hang" })],
  ];
  for (const [when, stream, answer] of gone) {
    for (const [door, provider] of ways) {
      test(`${when}, ${door} to ${provider}: the provider is let go within 100 ms`, async () => {
        const house = await open();
        fake.always(answer(provider));
        let fastest = Number.POSITIVE_INFINITY;
        for (let turn = 0; turn < 3 && fastest >= 100; turn++) {
          const controller = new AbortController();
          const answered = house.post(door, ask(provider, { stream }), {}, controller.signal).then(
            (response) => response.text().catch(() => "gone"),
            () => "gone",
          );
          const request = await fake.request(turn);
          await wait(60);
          expect(request.closedAt).toBeUndefined();
          const left = performance.now();
          controller.abort();
          await Promise.race([request.closed, wait(2000)]);
          expect(request.closedAt).toBeDefined();
          fastest = Math.min(fastest, (request.closedAt as number) - left);
          expect(await answered).toBe("gone");
          const record = await house.ended(turn + 1);
          expect(record).toMatchObject({ outcome: "aborted", status: 499, stream, provider, model: "m" });
        }
        expect(fastest).toBeLessThan(100);
      });
    }
  }

  test("is not tried again, nor elsewhere", async () => {
    const house = await open({ ...two(), models: { m: { targets: ["oai/m", "spare/m"], retry: { attempts: 3 } } } });
    fake.always({ silent: true });
    const controller = new AbortController();
    const answered = house.post("/v1/chat/completions", ask("oai", { model: "m" }), {}, controller.signal).catch(() => "gone");
    await fake.request(0);
    controller.abort();
    await answered;
    expect(await house.ended(1)).toMatchObject({ outcome: "aborted", attempts: [{ target: "oai/m", error: "client_closed" }] });
    await wait(50);
    expect([fake.requests.length, spare.requests.length]).toEqual([1, 0]);
  });

  test("has what it used on record, as far as it was told", async () => {
    const house = await open();
    for (const door of ["/v1/messages", "/v1/chat/completions"] as const) {
      fake.always({ chunks: begun("ant"), ending: "hang" });
      const controller = new AbortController();
      const response = await house.post(door, ask("ant", { stream: true }), {}, controller.signal);
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      await reader.read();
      await wait(60);
      controller.abort();
      const record = await house.ended(door === "/v1/messages" ? 1 : 2);
      // From message_start: five fresh, four from the cache, two into it.
      expect([door, record]).toEqual([door, expect.objectContaining({ outcome: "aborted", input: 11, cacheRead: 4, cacheWrite: 2 })]);
    }
  });
});

describe("a client that reads slowly", () => {
  const piece = "x".repeat(60_000);
  for (const [door, provider] of ways) {
    test(`${door} to ${provider}: holds the provider back, and gets everything in the end`, async () => {
      const house = await open();
      const many = 800;
      const all = pieces(provider, ...Array.from({ length: many }, () => piece));
      fake.always({ chunks: all });
      const socket = connect(house.port, "127.0.0.1");
      let heard = 0;
      let tail = "";
      socket.on("data", (bytes: Buffer) => {
        heard += bytes.length;
        tail = (tail + bytes.toString("latin1")).slice(-200);
      });
      for (const bytes of post(door, JSON.stringify(ask(provider, { stream: true })))) socket.write(bytes);
      const request = await fake.request(0);
      while (heard === 0) await wait(5);
      socket.pause();
      await wait(200);
      const before = process.memoryUsage().rss;
      await wait(400);
      // 48 MB are on offer. What the kernel's buffers hold has been taken, the rest waits at the provider.
      expect(request.answeredAt).toBeUndefined();
      expect(process.memoryUsage().rss - before).toBeLessThan(24 << 20);
      socket.resume();
      const record = await house.ended(1);
      expect(record.outcome).toBe("ok");
      while (!tail.includes(door === "/v1/messages" ? "message_stop" : "[DONE]")) await wait(5);
      expect(heard).toBeGreaterThan(many * piece.length);
      socket.destroy();
    }, 20_000);
  }

  test("that leaves while it is being waited for, lets the provider go", async () => {
    const house = await open();
    fake.always({ chunks: pieces("oai", ...Array.from({ length: 800 }, () => piece)) });
    const socket = connect(house.port, "127.0.0.1");
    socket.on("error", () => {});
    for (const bytes of post("/v1/chat/completions", JSON.stringify(ask("oai", { stream: true })))) socket.write(bytes);
    const request = await fake.request(0);
    await new Promise<void>((resolve) => socket.once("data", () => resolve()));
    socket.pause();
    await wait(200);
    socket.destroy();
    await Promise.race([request.closed, wait(2000)]);
    expect(request.aborted).toBe(true);
    expect(await house.ended(1)).toMatchObject({ outcome: "aborted" });
  }, 20_000);
});

/** What comes after it comes when the words before it have been passed on. */
const later = { bytes: ": later\n\n", afterMs: 80 };

describe("a provider that breaks off in the middle of a stream", () => {
  for (const ending of ["close", "reset", "end"] as const) {
    for (const [door, provider] of ways) {
      test(`${ending}, ${door} to ${provider}: ends in the format's own error`, async () => {
        const house = await open();
        fake.always({ chunks: [...begun(provider), later], ending });
        const text = await (await house.post(door, ask(provider, { stream: true }))).text();
        expect(text).toContain("two, ");
        const last = text.trimEnd().split("\n\n").at(-1) as string;
        if (door === "/v1/messages") {
          expect(last).toMatch(/^event: error\ndata: \{"type":"error","error":\{"type":"api_error"/);
          expect(text).not.toContain("message_stop");
        } else {
          expect(last).toMatch(/^data: \{"error":\{"message":"/);
          expect(text).not.toContain("[DONE]");
          expect(text).not.toMatch(/"finish_reason":"/);
        }
        expect(house.records[0]).toMatchObject({ outcome: "error", errorCode: "provider_stream_cut", status: 200, finish: null });
        expect(fake.requests.length).toBe(1);

        // And the vendor's own SDK throws its own error.
        const model = `${provider}/m`;
        const messages = [{ role: "user" as const, content: "Hello" }];
        if (door === "/v1/messages") {
          const failure = await house
            .anthropic()
            .messages.stream({ model, max_tokens: 100, messages })
            .finalMessage()
            .catch((error: unknown) => error);
          expect(failure).toBeInstanceOf(AnthropicError);
        } else {
          const failure = await house
            .openai()
            .chat.completions.stream({ model, messages })
            .finalChatCompletion()
            .catch((error: unknown) => error);
          expect(failure).toBeInstanceOf(OpenaiError);
          expect((failure as OpenaiError).code).toBe("provider_stream_cut");
        }
      });
    }
  }

  test("an error event of its own, in the middle, is told as such", async () => {
    const house = await open();
    for (const [door, provider] of ways) {
      fake.always({ chunks: [...begun(provider), later, overloaded(provider)] });
      const text = await (await house.post(door, ask(provider, { stream: true }))).text();
      expect(text).toContain("two, ");
      expect(text.match(/"error":/g)?.length).toBe(1);
      expect(text).toContain("Too many of you");
      expect(text).not.toMatch(/\[DONE\]|message_stop/);
      expect([door, provider, house.records.at(-1)]).toEqual([
        door,
        provider,
        expect.objectContaining({ outcome: "error", errorCode: "provider_overloaded" }),
      ]);
    }
  });
});

describe("a provider that says too much", () => {
  test("an event without end is given up, and does not hold up the process", async () => {
    const house = await open();
    const endless = ['data: {"x":"', ...Array.from({ length: 1100 }, () => "a".repeat(16_384))];
    for (const [door, provider] of ways) {
      fake.always({ chunks: [...begun(provider), later, ...endless], ending: "hang" });
      const before = performance.now();
      const text = await (await house.post(door, ask(provider, { stream: true }))).text();
      expect(text).toContain("two, ");
      expect(text.slice(-600)).toContain("provider_bad_response");
      expect(performance.now() - before).toBeLessThan(3000);
      await Promise.race([fake.requests.at(-1)?.closed, wait(1000)]);
      expect(fake.requests.at(-1)?.aborted).toBe(true);
    }
  }, 20_000);

  test("an answer that unpacks beyond measure is given up", async () => {
    const house = await open();
    const packed = gzipSync(Buffer.concat([Buffer.from(JSON.stringify(completion("Hello."))), Buffer.alloc(80_000_000, 32)]));
    for (const status of [200, 400]) {
      fake.always({ status, headers: { "content-encoding": "gzip" }, body: packed });
      const response = await house.post("/v1/chat/completions", ask("oai", { headgate: { timeout: "10s" } }));
      expect([status, response.status, response.headers.get("x-headgate-error")]).toEqual([status, 502, "provider_bad_response"]);
    }
  }, 20_000);

  test("an error of ten megabytes is cut short", async () => {
    const house = await open();
    fake.always({ status: 400, body: { error: { message: "x".repeat(900_000), type: "invalid_request_error" } } });
    const response = await house.post("/v1/chat/completions", ask("oai"));
    expect(response.status).toBe(400);
    expect((await response.text()).length).toBeLessThan(5000);
    fake.always({ status: 500, body: `<html><title>Oops</title><script>secret()</script>${"x".repeat(10_000_000)}</html>` });
    const broken = await house.post("/v1/messages", ask("oai"));
    expect(broken.status).toBe(502);
    expect((await broken.text()).length).toBeLessThan(5000);
  }, 20_000);
});

function overloaded(provider: Provider): string {
  if (provider === "oai") return 'data: {"error":{"message":"Too many of you","type":"server_error","code":"overloaded"}}\n\n';
  return 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Too many of you"}}\n\n';
}

function two(timeout: object = {}): { providers: Record<string, object> } {
  return {
    providers: {
      oai: { type: "openai", base_url: `${fake.url}/v1`, api_key: "sk-provider-openai", timeout },
      ant: { type: "anthropic", base_url: fake.url, api_key: "sk-provider-anthropic", timeout },
      spare: { type: "openai", base_url: `${spare.url}/v1`, api_key: "sk-provider-spare" },
      "spare-ant": { type: "anthropic", base_url: spare.url, api_key: "sk-provider-spare" },
    },
  };
}

describe("fallback, before the first event", () => {
  const html = { body: "<html><title>Bad gateway</title></html>", headers: { "content-type": "text/html" } };
  const failures: readonly [string, (provider: Provider) => Answer, string, ("whole" | "streamed")?][] = [
    ["500", () => ({ status: 500, body: { error: { message: "broken" } } }), "provider_error"],
    ["503", () => ({ status: 503, body: "" }), "provider_overloaded"],
    [
      "529",
      () => ({ status: 529, body: { type: "error", error: { type: "overloaded_error", message: "Overloaded" } } }),
      "provider_overloaded",
    ],
    [
      "429",
      () => ({ status: 429, body: { error: { message: "slow down", type: "rate_limit_error" } }, headers: { "retry-after": "30" } }),
      "provider_rate_limited",
    ],
    ["401", () => ({ status: 401, body: { error: { message: "bad key" } } }), "provider_auth"],
    ["403", () => ({ status: 403, body: { error: { message: "no" } } }), "provider_auth"],
    ["402", () => ({ status: 402, body: { error: { message: "pay" } } }), "provider_billing"],
    [
      "404 for its model",
      () => ({ status: 404, body: { error: { message: "The model m does not exist", type: "not_found_error", code: "model_not_found" } } }),
      "provider_model_not_found",
    ],
    ["a redirect", () => ({ status: 301, headers: { location: "http://127.0.0.1:1/" } }), "provider_redirect"],
    ["a reset connection", () => ({ refuse: true }), "provider_unreachable"],
    ["a closed connection", () => ({ raw: "" }), "provider_unreachable"],
    ["no HTTP", () => ({ raw: "SSH-2.0-OpenSSH_9.9\r\n" }), "provider_unreachable"],
    ["silence", () => ({ silent: true }), "provider_timeout"],
    ["headers and then silence", () => ({ chunks: [": wait\n\n"], ending: "hang" }), "provider_timeout"],
    ["204", () => ({ status: 204 }), "provider_bad_response"],
    ["nothing in a 200", () => ({ body: "" }), "provider_bad_response"],
    ["HTML in a 200", () => html, "provider_bad_response"],
    ["a JSON list in a 200", () => ({ body: [] }), "provider_bad_response"],
    ["an error in a 200", () => ({ body: { error: { message: "broken", type: "server_error" } } }), "provider_error"],
    ["half a body", () => ({ body: '{"id":"x","choices":[', claimedLength: 500, ending: "close" }), "provider_stream_cut", "whole"],
    ["half a JSON", () => ({ body: '{"id":"x","choices":[' }), "provider_bad_response"],
    ["an error as the first event", (provider) => ({ chunks: [": hello\n\n", overloaded(provider)] }), "provider_overloaded", "streamed"],
    ["a stream of comments", () => ({ chunks: [": a\n\n", ": b\n\n"] }), "provider_bad_response", "streamed"],
    ["a stream that breaks before its first event", () => ({ chunks: [": a\n\n"], ending: "reset" }), "provider_stream_cut", "streamed"],
    ["a stream that ends at once", () => ({ chunks: ["data: [DONE]\n\n"] }), "provider_bad_response", "streamed"],
  ];
  for (const [name, answer, code, only] of failures) {
    test(
      name,
      async () => {
        const house = await open({
          ...two({ first_byte: "150ms", whole: "150ms" }),
          models: {
            "m-oai": { targets: ["oai/m", "spare/m"], retry: { attempts: 1 } },
            "m-ant": { targets: ["ant/m", "spare-ant/m"], retry: { attempts: 1 } },
          },
        });
        for (const [door, provider] of ways) {
          for (const stream of only === "whole" ? [false] : only === "streamed" ? [true] : [false, true]) {
            fake.always(answer(provider));
            const response = await house.post(door, ask(provider, { model: `m-${provider}`, stream }));
            const text = await response.text();
            const seen = {
              door,
              provider,
              stream,
              status: response.status,
              spare: text.includes("Spare."),
              attempts: response.headers.get("x-headgate-attempts"),
              by: response.headers.get("x-headgate-provider"),
            };
            expect(seen).toEqual({
              door,
              provider,
              stream,
              status: 200,
              spare: true,
              attempts: "2",
              by: provider === "oai" ? "spare" : "spare-ant",
            });
            const record = house.records.at(-1);
            expect(record).toMatchObject({ outcome: "ok", attempts: [{ target: `${provider}/m` }, { status: 200 }] });
            expect([door, provider, stream, record?.attempts[0]?.error]).toEqual([door, provider, stream, code]);
          }
        }
      },
      20_000,
    );
  }

  test("a refused connection", async () => {
    const closed = await startFakeProvider();
    const { port } = closed;
    await closed.close();
    const house = await open({
      providers: { ...two().providers, oai: { type: "openai", base_url: `http://127.0.0.1:${port}/v1`, api_key: "k" } },
      models: { m: { targets: ["oai/m", "spare/m"], retry: { attempts: 1 } } },
    });
    const response = await house.post("/v1/chat/completions", ask("oai", { model: "m" }));
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("Spare.")]);
    expect(house.records[0]?.attempts[0]).toMatchObject({ status: 0, error: "provider_unreachable" });
  });

  test("a refusal that is the caller's own fault goes nowhere else", async () => {
    const house = await open({ ...two(), models: { m: { targets: ["oai/m", "spare/m"] } } });
    for (const status of [400, 422]) {
      fake.always({
        status,
        body: { error: { message: "temperature: too hot", type: "invalid_request_error", param: "temperature", code: "x" } },
      });
      const response = await house.post("/v1/chat/completions", ask("oai", { model: "m" }));
      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject({
        error: { message: "temperature: too hot", type: "invalid_request_error", param: "temperature", code: "x" },
      });
    }
    expect(spare.requests.length).toBe(0);
  });

  test("when nobody answers, the last failure is told, with all attempts", async () => {
    const house = await open({ ...two(), models: { m: { targets: ["oai/m", "ant/m"], retry: { attempts: 1 } } } });
    fake.always((request) =>
      request.path.endsWith("/messages")
        ? { status: 529, body: { type: "error", error: { type: "overloaded_error", message: "Overloaded" } } }
        : { status: 500 },
    );
    for (const door of ["/v1/chat/completions", "/v1/messages"]) {
      const response = await house.post(door, ask("oai", { model: "m" }));
      expect([response.status, response.headers.get("x-headgate-attempts"), response.headers.get("x-headgate-error")]).toEqual([
        503,
        "2",
        "provider_overloaded",
      ]);
      expect(response.headers.get("retry-after")).toBe("1");
      expect(response.headers.get("x-should-retry")).toBeNull();
    }
    expect(house.records[0]).toMatchObject({
      outcome: "error",
      status: 503,
      errorCode: "provider_overloaded",
      attempts: [{ status: 500 }, { status: 529 }],
    });
  });

  test("the other target may speak another format", async () => {
    const house = await open({ ...two(), models: { m: { targets: ["oai/m", "spare-ant/m"], retry: { attempts: 1 } } } });
    fake.always({ status: 500 });
    const completed = await house.openai().chat.completions.create({ model: "m", messages: [{ role: "user", content: "Hello" }] });
    expect(completed.choices[0]?.message.content).toBe("Spare.");
    expect(spare.requests[0]?.path).toBe("/v1/messages");
    expect(house.records[0]).toMatchObject({ provider: "spare-ant", verbatim: false, providerFormat: "anthropic/messages" });
  });
});

describe("retries", () => {
  const instant = { now: () => Date.now(), monotonic: () => performance.now(), sleep: () => Promise.resolve() };

  test("as many as the route says, then the next target", async () => {
    const house = await open(
      { ...two(), models: { m: { targets: ["oai/m", "spare/m"], retry: { attempts: 3 } } } },
      { parts: { clock: instant } },
    );
    fake.always({ status: 500 });
    const response = await house.post("/v1/chat/completions", ask("oai", { model: "m" }));
    expect([response.status, response.headers.get("x-headgate-attempts")]).toEqual([200, "4"]);
    expect([fake.requests.length, spare.requests.length]).toEqual([3, 1]);
    expect(house.records[0]?.attempts.map((attempt) => [attempt.target, attempt.status])).toEqual([
      ["oai/m", 500],
      ["oai/m", 500],
      ["oai/m", 500],
      ["spare/m", 200],
    ]);
  });

  test("only on what the route names", async () => {
    const house = await open(
      { ...two(), models: { m: { targets: ["oai/m"], retry: { attempts: 3, on: [503, "network"] } } } },
      { parts: { clock: instant } },
    );
    for (const [answer, tries] of [
      [{ status: 500 }, 1],
      [{ status: 503 }, 3],
      [{ refuse: true }, 3],
      [{ status: 429 }, 1],
      [{ status: 400 }, 1],
    ] as [Answer, number][]) {
      fake.requests.length = 0;
      fake.always(answer);
      await house.post("/v1/chat/completions", ask("oai", { model: "m" }));
      expect([answer, fake.requests.length]).toEqual([answer, tries]);
    }
  });

  test("a short Retry-After is waited for, a long one is passed on", async () => {
    const slept: number[] = [];
    const clock = { ...instant, sleep: (ms: number) => Promise.resolve(void slept.push(ms)) };
    const house = await open({ ...two(), models: { m: { targets: ["oai/m"], retry: { attempts: 2 } } } }, { parts: { clock } });
    const limited = (headers: Record<string, string>): Answer => ({
      status: 429,
      body: { error: { message: "slow down", type: "tokens", code: "rate_limit_exceeded" } },
      headers,
    });
    for (const [headers, waits, told] of [
      [{ "retry-after": "1" }, [1000], "1"],
      [{ "retry-after": "1.5" }, [1500], "2"],
      [{ "retry-after-ms": "700" }, [700], "1"],
      [{ "retry-after": "30" }, [], "30"],
      [{ "retry-after": "Wed, 21 Oct 2026 07:28:20 GMT", date: "Wed, 21 Oct 2026 07:28:00 GMT" }, [], "20"],
    ] as [Record<string, string>, number[], string][]) {
      slept.length = 0;
      fake.always(limited(headers));
      const response = await house.post("/v1/chat/completions", ask("oai", { model: "m" }));
      expect([headers, response.status, slept, response.headers.get("retry-after")]).toEqual([headers, 429, waits, told]);
      expect(await response.json()).toMatchObject({ error: { type: "rate_limit_error", code: "rate_limit_exceeded" } });
    }
    // The SDK's own retry reads the same header.
    const failure = await house
      .openai()
      .chat.completions.create({ model: "m", messages: [] as never[] })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OpenaiError);
  });

  test("warnings of a target that failed are not told of the one that answered", async () => {
    const house = await open({ ...two(), models: { m: { targets: ["ant/m", "spare/m"], retry: { attempts: 1 } } } });
    fake.always({ status: 500 });
    const response = await house.post("/v1/chat/completions", ask("oai", { model: "m", seed: 5 }));
    expect([response.status, response.headers.get("x-headgate-warnings")]).toEqual([200, null]);
    expect(spare.requests[0]?.json()).toMatchObject({ seed: 5 });
  });
});

describe("several keys of one provider", () => {
  const keyed = (): object => ({
    providers: { oai: { type: "openai", base_url: `${fake.url}/v1`, api_keys: ["key-number-a", "key-number-b", "key-number-c"] } },
  });
  const used = (): (string | undefined)[] => fake.requests.map((request) => request.headers["authorization"]?.slice(-1));

  test("are used in turn", async () => {
    const house = await open(keyed());
    fake.always(whole("oai", "Hello."));
    for (let turn = 0; turn < 6; turn++) await house.post("/v1/chat/completions", ask("oai"));
    expect(used().toSorted()).toEqual(["a", "a", "b", "b", "c", "c"]);
    expect(house.records.map((record) => record.attempts[0]?.key).toSorted()).toEqual([0, 0, 1, 1, 2, 2]);
  });

  test("one that is refused rests, and the call goes on with another", async () => {
    for (const status of [401, 403, 429]) {
      fake.requests.length = 0;
      const house = await open(keyed());
      fake.always((request) =>
        request.headers["authorization"]?.endsWith("-b") ? { status, body: { error: { message: "no" } } } : whole("oai", "Hello."),
      );
      for (let turn = 0; turn < 7; turn++) expect((await house.post("/v1/chat/completions", ask("oai"))).status).toBe(200);
      expect([status, used().filter((key) => key === "b").length]).toEqual([status, 1]);
      expect(house.records[1]).toMatchObject({
        attempts: [
          { status, key: 1 },
          { status: 200, key: 2 },
        ],
      });
    }
  });

  test("all refused: the caller is told that it is not its own key", async () => {
    const house = await open(keyed());
    fake.always({ status: 401, body: { error: { message: "Incorrect API key provided: key-number-a", code: "invalid_api_key" } } });
    const response = await house.post("/v1/chat/completions", ask("oai"));
    expect([response.status, response.headers.get("x-headgate-attempts")]).toEqual([502, "3"]);
    expect(await response.text()).not.toContain("key-number");
    expect(used().toSorted()).toEqual(["a", "b", "c"]);
  });
});

describe("timeouts", () => {
  async function timed(
    timeout: object,
    answer: Answer,
    more: object = {},
    headers: Record<string, string> = {},
  ): Promise<{ response: Response; text: string; ms: number; house: House; request: RecordedRequest | undefined }> {
    const house = await open({ ...two(), models: { m: { targets: ["oai/m"], retry: { attempts: 1 }, timeout } } });
    fake.always(answer);
    const before = performance.now();
    const response = await house.post("/v1/chat/completions", ask("oai", { model: "m", ...more }), headers);
    const text = await response.text();
    const ms = performance.now() - before;
    await wait(60);
    return { response, text, ms, house, request: fake.requests.at(-1) };
  }

  function expectGone(request: RecordedRequest | undefined): void {
    expect(request?.closedAt).toBeDefined();
  }

  test("first byte: no headers", async () => {
    const { response, text, ms, request } = await timed({ first_byte: "150ms" }, { silent: true }, { stream: true });
    expect([response.status, JSON.parse(text)]).toEqual([
      504,
      { error: expect.objectContaining({ type: "timeout", code: "provider_timeout" }) },
    ]);
    expect(ms).toBeGreaterThan(140);
    expect(ms).toBeLessThan(1500);
    expectGone(request);
  });

  test("first byte: headers, but no event", async () => {
    const { response, request } = await timed(
      { first_byte: "150ms" },
      { chunks: [": wait\n\n", { bytes: ": wait\n\n", afterMs: 50 }], ending: "hang" },
      { stream: true },
    );
    expect(response.status).toBe(504);
    expectGone(request);
  });

  test("whole: headers that drip in", async () => {
    const { response, request } = await timed({ whole: "150ms" }, { raw: "HTTP/1.1 200 OK\r\ncontent-", ending: "hang" });
    expect(response.status).toBe(504);
    expectGone(request);
  });

  test("whole: a body that drips in", async () => {
    const { response, request } = await timed(
      { whole: "200ms" },
      { body: JSON.stringify(completion("Hello.")), drip: { bytes: 1, everyMs: 5 } },
    );
    expect(response.status).toBe(504);
    expectGone(request);
  });

  test("idle: silence in the middle", async () => {
    const { response, text, ms, house, request } = await timed(
      { idle: "150ms" },
      { chunks: begun("oai"), ending: "hang" },
      { stream: true },
    );
    expect(response.status).toBe(200);
    expect(text).toContain("two, ");
    expect(text).toContain('"code":"provider_timeout"');
    expect(ms).toBeLessThan(1500);
    expect(house.records[0]).toMatchObject({ outcome: "error", errorCode: "provider_timeout" });
    expectGone(request);
  });

  test("idle counts silence, not time: a slow but steady stream comes to its end", async () => {
    const all = pieces("oai", ..."A slow but steady stream".split(" "));
    const { text, ms } = await timed({ idle: "250ms" }, { chunks: all, paceMs: 60 }, { stream: true });
    expect(text).toContain("[DONE]");
    expect(ms).toBeGreaterThan(350);
  });

  test("total: ends a stream that is alive", async () => {
    const { text, ms, request } = await timed(
      { total: "300ms" },
      { chunks: pieces("oai", ...Array.from({ length: 100 }, () => "x")), paceMs: 30 },
      { stream: true },
    );
    expect(text).toContain('"code":"provider_timeout"');
    expect(text).not.toContain("[DONE]");
    expect(ms).toBeLessThan(1500);
    expectGone(request);
  });

  test("total: over all attempts", async () => {
    const house = await open({
      ...two(),
      models: { m: { targets: ["oai/m", "oai/m", "oai/m", "oai/m"], retry: { attempts: 1 }, timeout: { whole: "200ms", total: "350ms" } } },
    });
    fake.always({ silent: true });
    const before = performance.now();
    const response = await house.post("/v1/chat/completions", ask("oai", { model: "m" }));
    expect(response.status).toBe(504);
    expect(performance.now() - before).toBeLessThan(1500);
    expect(fake.requests.length).toBe(2);
  });

  test("the client's own limit, as a header and as a field", async () => {
    for (const [headers, more] of [
      [{ "x-headgate-timeout": "200ms" }, {}],
      [{ "x-headgate-timeout": "0.2" }, {}],
      [{}, { headgate: { timeout: "200ms" } }],
    ] as [Record<string, string>, object][]) {
      const { response, ms } = await timed({}, { silent: true }, more, headers);
      expect(response.status).toBe(504);
      expect(ms).toBeLessThan(1500);
    }
  });

  test("a limit that is none is refused", async () => {
    const house = await open();
    for (const limit of ["soon", "-5", "", "1h30", "1e3"]) {
      const response = await house.post("/v1/chat/completions", ask("oai"), { "x-headgate-timeout": limit });
      expect([limit, response.status]).toEqual([limit, 400]);
    }
    expect(fake.requests.length).toBe(0);
  });
});

describe("a reload", () => {
  test("moves new calls, and lets those under way end where they began", async () => {
    const { checkConfig } = await import("../../src/index.ts");
    const house = await open({ ...two(), models: { m: "oai/m" } });
    const all = pieces("oai", "One, ", "two.");
    fake.always({ chunks: all, paceMs: 40 });
    const response = await house.post("/v1/chat/completions", ask("oai", { model: "m", stream: true }));
    house.gateway.reload(
      checkConfig({ providers: { spare: two().providers["spare"] as object }, models: { m: "spare/m" } }, { env: {} }).config,
    );
    const after = await house.post("/v1/chat/completions", ask("oai", { model: "m" }));
    expect(await after.text()).toContain("Spare.");
    expect((await house.post("/v1/chat/completions", ask("oai"))).status).toBe(404);
    expect(await response.text()).toMatch(/One, [\s\S]*two\.[\s\S]*\[DONE\]/);
    expect(house.records.find((record) => record.provider === "oai")).toMatchObject({ outcome: "ok", requestedModel: "m" });
  });
});

describe.skipIf(!underBun)("a server that stops", () => {
  test("takes no new calls, and lets those under way come to their end", async () => {
    const { bunParts, serve } = await import("../../src/runtimes/bun.ts");
    const { createGateway } = await import("../../src/index.ts");
    const server = serve(createGateway(bothFormats(fake), bunParts), { hostname: "127.0.0.1", port: 0 });
    fake.always({ chunks: pieces("oai", "One, ", "two."), paceMs: 40 });
    const body = JSON.stringify(ask("oai", { stream: true }));
    const asked = (): Promise<Response> =>
      fetch(`${server.url}/v1/chat/completions`, { method: "POST", headers: { "content-type": "application/json" }, body });
    const under = await asked();
    const stopped = server.stop(5000);
    expect(await asked().catch(() => "refused")).toBe("refused");
    expect(await under.text()).toMatch(/One, [\s\S]*two\.[\s\S]*\[DONE\]/);
    await stopped;
  });

  test("cuts what lasts longer than it is given", async () => {
    const { bunParts, serve } = await import("../../src/runtimes/bun.ts");
    const { createGateway } = await import("../../src/index.ts");
    const heard: string[] = [];
    const server = serve(createGateway(bothFormats(fake), { ...bunParts, onCall: (record) => void heard.push(record.outcome) }), {
      hostname: "127.0.0.1",
      port: 0,
    });
    fake.always({ chunks: begun("oai"), ending: "hang" });
    const response = await fetch(`${server.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(ask("oai", { stream: true })),
    });
    const text = response.text().catch(() => "cut");
    await wait(50);
    await server.stop(100);
    expect(await text).not.toContain("[DONE]");
    await Promise.race([fake.requests[0]?.closed, wait(1000)]);
    expect(fake.requests[0]?.aborted).toBe(true);
    expect(heard).toEqual(["aborted"]);
  });
});

describe("the record of a call", () => {
  const priced = (): object => ({
    ...two(),
    keys: [{ name: "ci", key: "client-secret-1" }],
    prices: { "oai/m": { input: 1, output: 2, cache_read: 0.5 }, "ant/m": { input: 10, output: 20, cache_read: 1, cache_write: 12.5 } },
  });
  const auth = { authorization: "Bearer client-secret-1" };

  for (const driver of ["memory:", "sqlite::memory:"]) {
    for (const [door, provider] of ways) {
      for (const stream of [false, true]) {
        test(`${driver} ${door} to ${provider}, ${stream ? "streamed" : "whole"}: is there when the client has the last byte`, async () => {
          const house = await open(priced(), { store: await openStore(driver) });
          fake.always(whole(provider, "Hello.", stream));
          const response = await house.post(
            door,
            ask(provider, { stream, top_k: 5, headgate: { session: "s-1", tags: ["x", "y"] } }),
            auth,
          );
          if (stream) await lastEvent(response, door);
          else await response.text();
          const call = await house.store.find(response.headers.get("x-headgate-request-id") as string);
          expect(call).toMatchObject({
            keyId: "config:ci",
            keyName: "ci",
            operation: "chat",
            clientFormat: door === "/v1/messages" ? "anthropic/messages" : "openai/chat-completions",
            providerFormat: provider === "ant" ? "anthropic/messages" : "openai/chat-completions",
            requestedModel: `${provider}/m`,
            provider,
            model: "m",
            servedModel: provider === "ant" ? "claude-opus-4-5-20251101" : "gpt-5.4-mini-2026-03-05",
            stream,
            verbatim: (door === "/v1/messages") === (provider === "ant"),
            status: 200,
            outcome: "ok",
            errorCode: null,
            finish: "stop",
            attempts: [{ target: `${provider}/m`, status: 200, key: 0 }],
            ...(provider === "oai"
              ? { input: 9, output: 3, cacheRead: 4, reasoning: 1, costPico: 5_000_000 + 2_000_000 + 6_000_000 }
              : { input: 11, output: 3, cacheRead: 4, cacheWrite: 2, costPico: 50_000_000 + 4_000_000 + 25_000_000 + 60_000_000 }),
            estimated: false,
            session: "s-1",
            tags: ["x", "y"],
          });
          expect(call?.firstByteMs).toBeGreaterThan(0);
          expect(call?.durationMs).toBeGreaterThanOrEqual(call?.firstByteMs as number);
          expect(call?.overheadMs).toBeLessThan(1000);
        });
      }
    }
  }

  test("is there for every refusal and failure as well", async () => {
    const house = await open(priced(), { store: await openStore("sqlite::memory:") });
    fake.always({ status: 500, body: {} });
    const failed = await house.post("/v1/messages", ask("oai", { model: "oai/m" }), auth);
    expect(await house.store.find(failed.headers.get("x-headgate-request-id") as string)).toMatchObject({
      outcome: "error",
      status: 502,
      errorCode: "provider_error",
      provider: "oai",
      input: null,
      costPico: null,
      keyName: "ci",
    });
    const unknown = await house.post("/v1/messages", ask("oai", { model: "nobody/m" }), auth);
    expect(await house.store.find(unknown.headers.get("x-headgate-request-id") as string)).toMatchObject({
      outcome: "error",
      status: 404,
      errorCode: "model_not_found",
      provider: null,
      attempts: [],
    });
  });

  test("of a hundred calls at once: each is there, once", async () => {
    const house = await open(priced(), { store: await openStore("sqlite::memory:") });
    fake.always((request) => whole("oai", "Hello.", request.body.includes('"stream":true')));
    const ids = await Promise.all(
      Array.from({ length: 100 }, async (_, at) => {
        const response = await house.post("/v1/chat/completions", ask("oai", { stream: at % 2 === 0 }), auth);
        await response.text();
        const id = response.headers.get("x-headgate-request-id") as string;
        expect(await house.store.find(id)).toMatchObject({ outcome: "ok", input: 9 });
        return id;
      }),
    );
    expect(new Set(ids).size).toBe(100);
    const [totals] = await house.store.usage({ groupBy: [] });
    expect(totals).toMatchObject({ calls: 100, input: 900, output: 300, costPico: 1_300_000_000n });
  });

  test("a database that fails neither loses nor delays the answer for long", async () => {
    const broken = await openStore("memory:");
    broken.append = () => {
      throw new Error("disk full");
    };
    const house = await open(priced(), { store: broken });
    fake.always((request) => whole("oai", "Hello.", request.body.includes('"stream":true')));
    for (const stream of [false, true]) {
      const before = performance.now();
      const response = await house.post("/v1/chat/completions", ask("oai", { stream }), auth);
      expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("Hello.")]);
      expect(performance.now() - before).toBeLessThan(6000);
    }
  }, 30_000);
});

/** Reads as far as the event that says that the stream is over, and no further. */
async function lastEvent(response: Response, door: Door): Promise<void> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (!text.includes(door === "/v1/messages" ? "message_stop" : "[DONE]")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the stream ended early: ${text}`);
    text += decoder.decode(value, { stream: true });
  }
}
