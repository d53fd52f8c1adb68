/** Counting tokens, ranking, requests passed through, and lists of models, through a real socket. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startFakeProvider } from "../../testkit/fake-provider.ts";
import type { FakeProvider } from "../../testkit/fake-provider.ts";
import { openHouse } from "./house.ts";
import type { House } from "./house.ts";
import { sendRaw } from "./raw-client.ts";
import { completion, completionChunks } from "./replies.ts";
import { openaiStream } from "../../testkit/frames.ts";

let fake: FakeProvider;
let house: House;

beforeAll(async () => {
  fake = await startFakeProvider();
  const key = { api_key: "sk-provider-secret" };
  house = await openHouse({
    providers: {
      oai: { type: "openai", base_url: `${fake.url}/v1`, ...key },
      ant: { type: "anthropic", base_url: fake.url, ...key },
      gem: { type: "gemini", base_url: fake.url, ...key },
      coh: { type: "cohere", base_url: fake.url, ...key },
      voy: { type: "voyage", base_url: `${fake.url}/v1`, ...key },
      jin: { type: "jina", base_url: `${fake.url}/v1`, ...key },
    },
    models: { fast: "oai/gpt-5.4-mini" },
    keys: [
      { name: "all", key: "client-secret-1" },
      { name: "some", key: "client-secret-2", models: ["fast", "gem/*"] },
    ],
  });
});
afterAll(async () => {
  await house.close();
  await fake.close();
});
beforeEach(() => {
  fake.requests.length = 0;
  house.records.length = 0;
  fake.always({ status: 500, body: { error: { message: "nothing is scripted" } } });
});

const key = { authorization: "Bearer client-secret-1" };
const sent = (index = 0): Record<string, unknown> => fake.requests[index]?.json() as Record<string, unknown>;

describe("counting tokens", () => {
  const messages = [{ role: "user", content: "How many tokens are in this sentence?" }];

  test("Anthropic counts its own", async () => {
    fake.always({ headers: { "request-id": "req_1" }, body: { input_tokens: 2095 } });
    const count = await house
      .anthropic({ apiKey: "client-secret-1" })
      .messages.countTokens({ model: "ant/claude-opus-4-5", messages: messages as [] });
    expect(count).toEqual({ input_tokens: 2095 });
    expect(fake.requests[0]?.path).toBe("/v1/messages/count_tokens");
    expect(fake.requests[0]?.headers).toMatchObject({
      "x-api-key": "sk-provider-secret",
      "anthropic-version": expect.any(String) as string,
    });
    expect(sent()).toEqual({ model: "claude-opus-4-5", messages });
    expect(await house.ended(1)).toMatchObject({ operation: "count-tokens", verbatim: true, input: null, costPico: null });
  });

  test("elsewhere it is an estimate that says so", async () => {
    const response = await house.post(
      "/v1/messages/count_tokens",
      { model: "oai/gpt-5.4-mini", messages, tools: [{ name: "t", description: "d", input_schema: { type: "object" } }] },
      key,
    );
    expect(response.status).toBe(200);
    const { input_tokens: tokens } = (await response.json()) as { input_tokens: number };
    expect(tokens).toBeGreaterThan(20);
    expect(tokens).toBeLessThan(60);
    expect(response.headers.get("x-headgate-warnings")).toContain("approximated input_tokens");
    expect(fake.requests).toHaveLength(0);
    expect(
      (await house.post("/v1/messages/count_tokens", { model: "oai/gpt-5.4-mini", messages }, { ...key, "x-headgate-strict": "true" }))
        .status,
    ).toBe(400);
  });

  test("also where an imitator has no such door", async () => {
    fake.always({ status: 404, body: { type: "error", error: { type: "not_found_error", message: "no" } } });
    const response = await house.post("/v1/messages/count_tokens", { model: "ant/claude-opus-4-5", messages }, key);
    expect([response.status, Object.keys((await response.json()) as object)]).toEqual([200, ["input_tokens"]]);
  });

  test("Gemini's words", async () => {
    fake.always({ body: { totalTokens: 31 } });
    const contents = [{ role: "user", parts: [{ text: "Hello" }] }];
    const exact = await house.post(
      "/v1beta/models/gem%2Fgemini-2.5-flash:countTokens",
      { contents },
      { "x-goog-api-key": "client-secret-1" },
    );
    expect(await exact.json()).toEqual({ totalTokens: 31 });
    expect(fake.requests[0]?.path).toBe("/v1beta/models/gemini-2.5-flash:countTokens");
    const own = await house.post(
      "/v1beta/models/fast:countTokens",
      { generateContentRequest: { model: "models/x", contents } },
      { "x-goog-api-key": "client-secret-1" },
    );
    expect(((await own.json()) as { totalTokens: number }).totalTokens).toBeGreaterThan(3);
  });

  test("bad input is told in the caller's dialect", async () => {
    const response = await house.post("/v1/messages/count_tokens", { model: "oai/m", messages: "no" }, key);
    expect([response.status, await response.json()]).toMatchObject([400, { type: "error", error: { type: "invalid_request_error" } }]);
  });
});

describe("ranking", () => {
  const asked = { query: "capital?", documents: ["Paris", { text: "Rome" }, "Bern"], top_n: 2, return_documents: true };

  test.each([
    [
      "coh/rerank-v3.5",
      "/v2/rerank",
      { top_n: 2 },
      {
        id: "r",
        results: [
          { index: 2, relevance_score: 0.9 },
          { index: 0, relevance_score: 0.1 },
        ],
        meta: { billed_units: { search_units: 1 } },
      },
    ],
    [
      "voy/rerank-2.5",
      "/v1/rerank",
      { top_k: 2 },
      {
        object: "list",
        data: [
          { index: 2, relevance_score: 0.9 },
          { index: 0, relevance_score: 0.1 },
        ],
        model: "rerank-2.5",
        usage: { total_tokens: 12 },
      },
    ],
    [
      "jin/jina-reranker-v2",
      "/v1/rerank",
      { top_n: 2 },
      {
        model: "j",
        results: [
          { index: 2, relevance_score: 0.9 },
          { index: 0, relevance_score: 0.1 },
        ],
        usage: { total_tokens: 12 },
      },
    ],
  ])("%s", async (model, path, top, body) => {
    fake.always({ body });
    const response = await house.post("/v1/rerank", { model, ...asked }, key);
    expect(response.status).toBe(200);
    expect(((await response.json()) as { results: object[] }).results).toEqual([
      { index: 2, relevance_score: 0.9, document: { text: "Bern" } },
      { index: 0, relevance_score: 0.1, document: { text: "Paris" } },
    ]);
    expect(fake.requests[0]?.path).toBe(path);
    expect(sent()).toMatchObject({ model: model.split("/")[1], query: "capital?", documents: ["Paris", "Rome", "Bern"], ...top });
    expect(await house.ended(1)).toMatchObject({ operation: "rerank", outcome: "ok" });
  });

  test("answers under /rerank and /v2/rerank too, and refuses who has none", async () => {
    expect((await house.post("/rerank", { model: "oai/m", query: "q", documents: ["a"] }, key)).status).toBe(400);
    expect((await house.post("/v2/rerank", { model: "oai/m", query: "q", documents: [] }, key)).status).toBe(400);
    const refused = await house.post("/v2/rerank", { model: "coh/m", query: "q", documents: [3] }, key);
    expect(await refused.json()).toMatchObject({ param: "documents[0]", message: expect.stringContaining("documents[0]") });
    expect(fake.requests).toHaveLength(0);
  });
});

describe("passing through", () => {
  test("any method and path, with the provider's own key", async () => {
    fake.always({
      status: 201,
      headers: { "content-type": "application/json", "x-request-id": "r1", "set-cookie": "a=b", "x-custom": "yes" },
      body: { id: "file-1" },
    });
    const response = await fetch(`${house.url}/passthrough/oai/v1/files/file-1?purpose=x&key=client-secret-1`, {
      method: "PUT",
      headers: {
        "content-type": "application/json",
        "x-api-key": "client-secret-1",
        "x-headgate-tags": "t",
        cookie: "c=d",
        "x-forwarded-for": "1.2.3.4",
        "openai-beta": "assistants=v2",
      },
      body: '{"a": 1}',
    });
    expect([response.status, await response.text()]).toEqual([201, '{"id":"file-1"}']);
    expect(response.headers.get("x-custom")).toBe("yes");
    expect(response.headers.get("set-cookie")).toBeNull();
    const [request] = fake.requests;
    expect([request?.method, request?.path, request?.body]).toEqual(["PUT", "/v1/files/file-1?purpose=x", '{"a": 1}']);
    expect(request?.headers).toMatchObject({ authorization: "Bearer sk-provider-secret", "openai-beta": "assistants=v2" });
    for (const name of ["x-api-key", "cookie", "x-forwarded-for", "x-headgate-tags"]) expect(request?.headers[name]).toBeUndefined();
    expect(await house.ended(1)).toMatchObject({
      operation: "passthrough",
      requestedModel: "oai/*",
      provider: "oai",
      status: 201,
      outcome: "ok",
      tags: ["t"],
    });
  });

  test("usage and cost are read where the format is known", async () => {
    fake.always({ body: completion("hi") });
    await (await house.post("/passthrough/oai/chat/completions", { model: "gpt-5.4-mini", messages: [] }, key)).text();
    const whole = await house.ended(1);
    expect(whole).toMatchObject({ model: "gpt-5.4-mini", providerFormat: "openai/chat-completions" });
    expect(whole.input).toBeGreaterThan(0);
    expect(whole.costPico).toBeGreaterThan(0);
    fake.always({ chunks: [openaiStream(completionChunks([{ content: "hi" }]))] });
    await (await house.post("/passthrough/oai/v1/chat/completions", { model: "gpt-5.4-mini", messages: [], stream: true }, key)).text();
    expect((await house.ended(2)).input).toBeGreaterThan(0);
  });

  test("the provider's error comes as it is", async () => {
    fake.always({ status: 429, headers: { "retry-after": "3" }, body: { error: { message: "slow down" } } });
    const response = await fetch(`${house.url}/passthrough/oai/models`, { headers: key });
    expect([response.status, response.headers.get("retry-after"), await response.json()]).toEqual([
      429,
      "3",
      { error: { message: "slow down" } },
    ]);
    expect(fake.requests).toHaveLength(1);
    expect(await house.ended(1)).toMatchObject({ status: 429, outcome: "error" });
  });

  test.each([
    "/passthrough/oai/%2e%2e/admin",
    "/passthrough/oai/a/..%2fadmin",
    "/passthrough/oai//evil.example",
    "/passthrough/oai/%252e%252e/x",
    "/passthrough/oai/a%5c..%5cb",
    "/passthrough/oai/../../x",
    "/passthrough/oai/%zz",
    "/passthrough/nobody/x",
    "/passthrough/%2e%2e/x",
  ])("%s does not get out", async (path) => {
    const { status } = await sendRaw(
      house.port,
      `GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer client-secret-1\r\nconnection: close\r\n\r\n`,
    );
    expect([400, 404]).toContain(status);
    expect(fake.requests).toHaveLength(0);
  });

  test("needs a key that may use all of the provider", async () => {
    expect((await fetch(`${house.url}/passthrough/oai/models`)).status).toBe(401);
    expect((await fetch(`${house.url}/passthrough/oai/models`, { headers: { "x-api-key": "client-secret-2" } })).status).toBe(403);
    fake.always({ body: {} });
    expect((await fetch(`${house.url}/passthrough/gem/v1beta/models`, { headers: { "x-api-key": "client-secret-2" } })).status).toBe(200);
    expect(fake.requests[0]?.headers["x-goog-api-key"]).toBe("sk-provider-secret");
  });
});

describe("lists of models", () => {
  const get = async (path: string, headers: Record<string, string> = key): Promise<Record<string, unknown>> =>
    (await (await fetch(house.url + path, { headers })).json()) as Record<string, unknown>;

  test("OpenAI's, with prices and what else is known", async () => {
    const { data } = (await get("/v1/models")) as { data: Record<string, unknown>[] };
    expect(data[0]).toMatchObject({ id: "fast", object: "model", owned_by: "headgate" });
    expect(data.find((one) => one["id"] === "ant/claude-opus-4-5")).toMatchObject({
      owned_by: "ant",
      context_window: 200_000,
      headgate: { usd_per_million_tokens: { input: 5, output: 25, cache_read: 0.5, cache_write: 6.25 } },
    });
    expect(data.length).toBeGreaterThan(100);
  });

  test("only what the key may use", async () => {
    const { data } = (await get("/v1/models", { "x-api-key": "client-secret-2" })) as { data: { id: string }[] };
    expect(data.every(({ id }) => id === "fast" || id.startsWith("gem/"))).toBe(true);
    expect(await get("/v1/models/ant/claude-opus-4-5", { "x-api-key": "client-secret-2" })).toMatchObject({
      error: { code: "model_not_found" },
    });
    expect(await get("/v1/models", {})).toMatchObject({ error: { headgate_code: "unauthenticated" } });
  });

  test("Anthropic's and Google's", async () => {
    expect(await get("/v1/models", { "x-api-key": "client-secret-1", "anthropic-version": "2023-06-01" })).toMatchObject({
      has_more: false,
      first_id: "fast",
    });
    const { models } = (await get("/v1beta/models", { "x-goog-api-key": "client-secret-1" })) as { models: Record<string, unknown>[] };
    expect(models[0]).toMatchObject({
      name: "models/fast",
      displayName: "fast",
      supportedGenerationMethods: ["generateContent", "countTokens"],
    });
    expect(await get("/v1beta/models/fast", { "x-goog-api-key": "client-secret-1" })).toMatchObject({ name: "models/fast" });
  });

  test("one model, by its name or by its bare name", async () => {
    expect(await house.openai({ apiKey: "client-secret-1" }).models.retrieve("ant/claude-opus-4-5")).toMatchObject({
      id: "ant/claude-opus-4-5",
      owned_by: "ant",
    });
    expect(await get("/v1/models/claude-opus-4-5")).toMatchObject({ id: "claude-opus-4-5", owned_by: "ant" });
    expect((await fetch(`${house.url}/v1/models/oai/nothing`, { headers: key })).status).toBe(404);
  });
});
