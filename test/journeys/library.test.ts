/** The gateway inside an application's own process: no socket, no store, nothing but web standards. */

import Anthropic from "@anthropic-ai/sdk";
import { readFileSync } from "node:fs";
import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { checkConfig, createGateway, isConfigError, isGatewayError, memoryStore } from "../../src/index.ts";
import type { CallRecord, Gateway, Parts } from "../../src/index.ts";
import { anthropicStream, openaiStream } from "../../testkit/frames.ts";
import { openHouse } from "./house.ts";
import { completion, completionChunks, message, messageEvents, textBlock } from "./replies.ts";

const messages = [{ role: "user" as const, content: "Hello" }];

function ask(gateway: Gateway, path: string, body: object, init: RequestInit = {}): Promise<Response> {
  return gateway.fetch(
    new Request(`http://gateway${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      ...init,
    }),
  );
}

/** SDKs that call the gateway as a function. */
function clients(gateway: Gateway): { openai: OpenAI; anthropic: Anthropic } {
  const through = (url: string | URL | Request, init?: RequestInit): Promise<Response> => gateway.fetch(new Request(url, init));
  return {
    openai: new OpenAI({ baseURL: "http://gateway/v1", apiKey: "none", fetch: through, maxRetries: 0 }),
    anthropic: new Anthropic({ baseURL: "http://gateway", apiKey: "none", fetch: through, maxRetries: 0 }),
  };
}

describe("createGateway, with nothing but a configuration", () => {
  test("answers both SDKs on the built-in provider, whole and streamed", async () => {
    const { openai, anthropic } = clients(createGateway({ providers: { mock: {} }, models: { fast: "mock/echo" } }));
    for (const model of ["mock/echo", "fast"]) {
      const completed = await openai.chat.completions.create({ model, messages });
      expect(completed.choices[0]?.message.content).toContain("Hello");
      const streamed = await openai.chat.completions.stream({ model, messages }).finalChatCompletion();
      expect(streamed.choices[0]?.message.content).toContain("Hello");
      const answer = await anthropic.messages.create({ model, max_tokens: 100, messages });
      expect(answer.content[0]).toMatchObject({ type: "text" });
      const told = await anthropic.messages.stream({ model, max_tokens: 100, messages }).finalMessage();
      expect(told.stop_reason).toBe("end_turn");
    }
  });

  test("without a configuration: the mock, and whatever has a key in the environment it is given", async () => {
    const bare = createGateway();
    expect((await ask(bare, "/v1/chat/completions", { model: "mock/echo", messages })).status).toBe(200);
    expect((await ask(bare, "/v1/chat/completions", { model: "openai/gpt-5.4-mini", messages })).status).toBe(404);
    const asked: { url: string; authorization: string | undefined }[] = [];
    const keyed = createGateway(undefined, {
      env: { OPENAI_API_KEY: "sk-from-the-environment" },
      fetch: (url, init) => {
        asked.push({ url, authorization: init.headers["authorization"] });
        return Promise.resolve(Response.json(completion("Hello.")));
      },
    });
    expect((await ask(keyed, "/v1/chat/completions", { model: "openai/gpt-5.4-mini", messages })).status).toBe(200);
    expect(asked).toEqual([{ url: "https://api.openai.com/v1/chat/completions", authorization: "Bearer sk-from-the-environment" }]);
  });

  test("does no work until it is asked, and says what is wrong with a configuration all at once", () => {
    try {
      createGateway({ provider: {}, models: { a: { targets: [] } }, keys: [{ name: "x" }] });
      expect.unreachable();
    } catch (thrown) {
      expect(isConfigError(thrown)).toBe(true);
      expect((thrown as { problems: unknown[] }).problems.length).toBeGreaterThan(2);
      expect((thrown as Error).message).toContain("providers");
    }
  });

  test("keys work without a store, hashed by web standards", async () => {
    const gateway = createGateway({ providers: { mock: {} }, keys: [{ name: "ci", key: "client-secret-1", models: ["mock/echo"] }] });
    const status = async (authorization: string | undefined, model = "mock/echo"): Promise<number> =>
      (
        await ask(
          gateway,
          "/v1/chat/completions",
          { model, messages },
          { headers: { "content-type": "application/json", ...(authorization && { authorization }) } },
        )
      ).status;
    expect(await status(undefined)).toBe(401);
    expect(await status("Bearer wrong")).toBe(401);
    expect(await status("Bearer client-secret-1")).toBe(200);
    expect(await status("Bearer client-secret-1", "mock/slow")).toBe(403);
  });

  test("health, metrics and the list of models", async () => {
    const gateway = createGateway({ providers: { mock: {} } });
    const read = async (path: string): Promise<string> => (await gateway.fetch(new Request(`http://gateway${path}`))).text();
    await ask(gateway, "/v1/chat/completions", { model: "mock/echo", messages });
    expect(JSON.parse(await read("/health/ready"))).toMatchObject({ status: "ok" });
    expect(await read("/metrics")).toMatch(/^headgate_\w+.* 1$/m);
    expect(JSON.parse(await read("/v1/models"))).toMatchObject({
      object: "list",
      data: expect.arrayContaining([expect.objectContaining({ id: "mock/echo" })]),
    });
  });

  test("never rejects, whatever it is given", async () => {
    const gateway = createGateway({ providers: { mock: {} } });
    for (const request of [
      new Request("http://gateway"),
      new Request("http://gateway/v1/messages"),
      new Request("http://gateway/%"),
      new Request("http://gateway/v1/messages", { method: "POST" }),
    ]) {
      expect((await gateway.fetch(request)).status).toBeLessThan(500);
    }
  });
});

describe("parts that an application brings along", () => {
  const vendor =
    (body: (path: string, stream: boolean) => Response): Parts["fetch"] =>
    (url, init) =>
      Promise.resolve(body(new URL(url).pathname, String(init.body).includes('"stream":true')));
  const stream = (text: string): Response => new Response(text, { headers: { "content-type": "text/event-stream" } });
  const config = { providers: { openai: { api_key: "k" }, anthropic: { api_key: "k" } } };

  test("its own fetch carries every call, in all four pairs", async () => {
    const gateway = createGateway(config, {
      fetch: vendor((path, streamed) => {
        if (path.endsWith("/messages"))
          return streamed
            ? stream(anthropicStream(messageEvents([textBlock("From Anthropic.")])))
            : Response.json(message("From Anthropic."));
        return streamed ? stream(openaiStream(completionChunks([{ content: "From OpenAI." }]))) : Response.json(completion("From OpenAI."));
      }),
    });
    const { openai, anthropic } = clients(gateway);
    for (const [model, said] of [
      ["openai/gpt-5.4-mini", "From OpenAI."],
      ["anthropic/claude-opus-4-5", "From Anthropic."],
    ] as const) {
      expect((await openai.chat.completions.create({ model, messages })).choices[0]?.message.content).toBe(said);
      expect((await openai.chat.completions.stream({ model, messages }).finalChatCompletion()).choices[0]?.message.content).toBe(said);
      expect((await anthropic.messages.create({ model, max_tokens: 9, messages })).content).toMatchObject([{ text: said }]);
      expect((await anthropic.messages.stream({ model, max_tokens: 9, messages }).finalMessage()).content).toMatchObject([{ text: said }]);
    }
  });

  test("an abort of the request reaches its fetch", async () => {
    const controller = new AbortController();
    let aborted: unknown;
    const gateway = createGateway(config, {
      fetch: (_, init) =>
        new Promise((_, reject) => {
          init.signal.addEventListener("abort", () => {
            aborted = init.signal.reason;
            reject(init.signal.reason as Error);
          });
        }),
    });
    const answered = ask(gateway, "/v1/chat/completions", { model: "openai/m", messages }, { signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, 20));
    controller.abort();
    expect((await answered).status).toBe(499);
    expect(isGatewayError(aborted) && aborted.code).toBe("client_closed");
  });

  test("a reader that stops early ends the provider's stream", async () => {
    const heard: CallRecord[] = [];
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) =>
        controller.enqueue(new TextEncoder().encode(openaiStream(completionChunks([{ content: "more " }]).slice(0, 2), { done: false }))),
      cancel: () => void (cancelled = true),
    });
    const gateway = createGateway(config, {
      fetch: vendor(() => new Response(endless, { headers: { "content-type": "text/event-stream" } })),
      onCall: (record) => void heard.push(record),
    });
    const response = await ask(gateway, "/v1/chat/completions", { model: "openai/m", messages, stream: true });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toContain("more");
    await reader.cancel();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(cancelled).toBe(true);
    expect(heard).toMatchObject([{ outcome: "aborted", status: 499 }]);
  });

  test("its store has every call, and stays its own to close", async () => {
    const store = memoryStore();
    const gateway = createGateway({ providers: { mock: {} } }, { store });
    const response = await ask(gateway, "/v1/chat/completions", { model: "mock/echo", messages, headgate: { session: "s" } });
    expect(await store.find(response.headers.get("x-headgate-request-id") as string)).toMatchObject({
      outcome: "ok",
      provider: "mock",
      session: "s",
    });
    await gateway.close();
    expect(await store.check()).toBe("ok");
  });

  test("a reload changes what may be asked for", async () => {
    const gateway = createGateway({ providers: { mock: {} }, models: { a: "mock/echo" } });
    gateway.reload(checkConfig({ providers: { mock: {} }, models: { b: "mock/echo" } }, { env: {} }).config);
    expect((await ask(gateway, "/v1/chat/completions", { model: "a", messages })).status).toBe(404);
    expect((await ask(gateway, "/v1/chat/completions", { model: "b", messages })).status).toBe(200);
    expect([...gateway.furnishing.routes.keys()]).toEqual(["b"]);
  });
});

describe("examples of the documentation", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const blocks = [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, code]) => ({ language, code: code as string }));
  const scripts = blocks.filter((block) => block.language === "ts");

  /** Runs an example with its imports given, and returns what it prints. */
  async function run(code: string, given: Record<string, unknown>, url = ""): Promise<unknown[]> {
    const printed: unknown[] = [];
    const console = { log: (...values: unknown[]) => void printed.push(...values) };
    const body = code.replaceAll(/^import .*$/gm, "").replaceAll("http://127.0.0.1:4000", url);
    const AsyncFunction = (async () => {}).constructor as new (...parts: string[]) => (...values: unknown[]) => Promise<void>;
    await new AsyncFunction("console", ...Object.keys(given), body)(console, ...Object.values(given));
    return printed;
  }

  test("the README's first calls, from both SDKs", async () => {
    const house = await openHouse({ providers: { mock: {} } });
    try {
      const [openai, anthropic] = ["OpenAI", "Anthropic"].map(
        (name) => scripts.find((block) => block.code.includes(`import ${name} `))?.code ?? "",
      );
      expect(await run(openai as string, { OpenAI }, house.url)).toEqual([expect.stringContaining("Hello")]);
      expect(await run(anthropic as string, { Anthropic }, house.url)).toEqual([
        [expect.objectContaining({ type: "text", text: expect.stringContaining("Hello") })],
      ]);
      const curl = /-d '(\{.*\})'/.exec(readme)?.[1] as string;
      expect((await house.post("/v1/chat/completions", curl)).status).toBe(200);
    } finally {
      await house.close();
    }
  });

  test("the README's library", async () => {
    const example = scripts.find((block) => block.code.includes('from "headgate"'))?.code as string;
    expect(await run(example, { createGateway })).toMatchObject([
      { object: "chat.completion", choices: [{ message: { content: expect.stringContaining("Hello") } }] },
    ]);
  });

  test("the README's configuration and examples/headgate.yaml", () => {
    const written = [
      blocks.find((block) => block.language === "yaml" && block.code.includes("providers:"))?.code as string,
      readFileSync(new URL("../../examples/headgate.yaml", import.meta.url), "utf8"),
    ];
    for (const text of written) {
      const env = Object.fromEntries([...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => [name as string, `example-of-${name}`]));
      Object.assign(env, { OPENAI_API_KEY: "sk-example-1", ANTHROPIC_API_KEY: "sk-example-2" });
      expect(() => createGateway(parse(text) as object, { env })).not.toThrow();
    }
  });
});
