/** What is not chat, through the official `openai` package: embeddings, images, speech, transcriptions, moderations. */

import type OpenAI from "openai";
import { toFile } from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startFakeProvider } from "../../testkit/fake-provider.ts";
import type { FakeProvider } from "../../testkit/fake-provider.ts";
import { openHouse } from "./house.ts";
import type { House } from "./house.ts";

let fake: FakeProvider;
let house: House;
let client: OpenAI;

beforeAll(async () => {
  fake = await startFakeProvider();
  const key = { api_key: "sk-provider-secret" };
  house = await openHouse({
    providers: {
      oai: { type: "openai", base_url: `${fake.url}/v1`, ...key },
      gem: { type: "gemini", base_url: fake.url, ...key },
      coh: { type: "cohere", base_url: fake.url, ...key },
      voy: { type: "voyage", base_url: `${fake.url}/v1`, ...key },
      oll: { type: "ollama", base_url: fake.url, formats: ["ollama/chat"] },
      ant: { type: "anthropic", base_url: fake.url, ...key },
    },
    models: {
      any: { route: "fallback", targets: ["ant/claude-opus-4-5", "oai/text-embedding-3-small"] },
    },
    keys: [
      { name: "all", key: "client-secret-1" },
      { name: "some", key: "client-secret-2", models: ["gem/*"] },
    ],
  });
  client = house.openai({ apiKey: "client-secret-1" });
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

const sent = (index = 0): Record<string, unknown> => fake.requests[index]?.json() as Record<string, unknown>;

/** Three numbers that a 32-bit float holds exactly, as the vendor writes them in base64. */
const exact = [0.5, -0.25, 0.0030517578125];
const inBase64 = Buffer.from(new Float32Array(exact).buffer).toString("base64");
const embeddingsOf = (...vectors: unknown[]) => ({
  object: "list",
  data: vectors.map((embedding, index) => ({ object: "embedding", index, embedding })),
  model: "text-embedding-3-small",
  usage: { prompt_tokens: 8, total_tokens: 8 },
});

describe("embeddings", () => {
  test("the SDK's own base64 comes through as the provider's bytes, with usage and cost on record", async () => {
    fake.always({ headers: { "x-request-id": "req_up" }, body: embeddingsOf(inBase64) });
    const { data: reply, response } = await client.embeddings
      .create({ model: "oai/text-embedding-3-small", input: "hello" })
      .withResponse();
    expect(reply.data[0]?.embedding).toEqual(exact);
    expect(sent()).toEqual({ model: "text-embedding-3-small", input: "hello", encoding_format: "base64" });
    expect(fake.requests[0]?.path).toBe("/v1/embeddings");
    expect(fake.requests[0]?.headers["authorization"]).toBe("Bearer sk-provider-secret");
    expect(response.headers.get("x-request-id")).toBe("req_up");
    expect(response.headers.get("x-headgate-cost-usd")).toBe("0.00000016");
    expect(await house.ended(1)).toMatchObject({
      operation: "embeddings",
      clientFormat: "openai/embeddings",
      providerFormat: "openai/embeddings",
      keyName: "all",
      provider: "oai",
      model: "text-embedding-3-small",
      verbatim: true,
      input: 8,
      output: 0,
      costPico: 160_000,
      status: 200,
      outcome: "ok",
    });
  });

  test("a provider that does not know base64 is read for a client that asked for it, and the other way round", async () => {
    fake.always({ body: embeddingsOf(exact) });
    expect((await client.embeddings.create({ model: "oai/m", input: "hello" })).data[0]?.embedding).toEqual(exact);
    fake.always({ body: embeddingsOf(Buffer.from(new Float32Array([0.1]).buffer).toString("base64")) });
    const plain = await client.embeddings.create({ model: "oai/m", input: "hello", encoding_format: "float" });
    expect(plain.data[0]?.embedding).toEqual([0.1]);
  });

  test("lists of texts, tokens and lists of tokens, dimensions and user reach the provider as they are", async () => {
    fake.always({ body: embeddingsOf(exact, exact) });
    await client.embeddings.create({ model: "oai/m", input: ["a", "b"], dimensions: 3, user: "u" });
    await client.embeddings.create({ model: "oai/m", input: [1, 2, 3] });
    await client.embeddings.create({ model: "oai/m", input: [[1], [2, 3]], encoding_format: "float" });
    expect(sent()).toMatchObject({ input: ["a", "b"], dimensions: 3, user: "u" });
    expect(sent(1)).toMatchObject({ input: [1, 2, 3] });
    expect(sent(2)).toMatchObject({ input: [[1], [2, 3]], encoding_format: "float" });
  });

  test("Gemini: translated, in turns of a hundred, in order", async () => {
    fake.always(({ json }) => {
      const { requests } = json() as { requests: { content: { parts: [{ text: string }] } }[] };
      return { body: { embeddings: requests.map((one) => ({ values: [Number(one.content.parts[0].text), 0.5] })) } };
    });
    const input = Array.from({ length: 230 }, (_, index) => String(index));
    const { data: reply, response } = await client.embeddings
      .create({ model: "gem/gemini-embedding-001", input, dimensions: 2, user: "u" })
      .withResponse();
    expect(reply.data.map((one) => one.embedding[0])).toEqual(input.map(Number));
    expect(reply.data[229]).toMatchObject({ index: 229, object: "embedding" });
    expect(fake.requests.map((one) => one.path)).toEqual(Array(3).fill("/v1beta/models/gemini-embedding-001:batchEmbedContents"));
    expect(fake.requests[0]?.headers["x-goog-api-key"]).toBe("sk-provider-secret");
    expect((sent()["requests"] as object[])[0]).toEqual({
      model: "models/gemini-embedding-001",
      content: { parts: [{ text: "0" }] },
      outputDimensionality: 2,
    });
    expect(response.headers.get("x-headgate-warnings")).toBe("dropped user: gemini/embed-content has no such field");
    expect(await house.ended(1)).toMatchObject({ verbatim: false, estimated: true, providerFormat: "gemini/embed-content" });
  });

  test("Cohere, Voyage and Ollama: each in its own words", async () => {
    fake.script(
      { body: { id: "x", embeddings: { float: [exact] }, meta: { billed_units: { input_tokens: 5 } } } },
      {
        body: {
          object: "list",
          data: [{ object: "embedding", index: 0, embedding: exact }],
          model: "voyage-3",
          usage: { total_tokens: 6 },
        },
      },
      { body: { model: "nomic", embeddings: [exact], prompt_eval_count: 7 } },
    );
    for (const model of ["coh/embed-v4.0", "voy/voyage-3", "oll/nomic-embed-text"]) {
      const reply = await client.embeddings.create(Object.assign({ model, input: "hello", dimensions: 3 }, { input_type: "search_query" }));
      expect(reply.data[0]?.embedding).toEqual(exact);
    }
    expect(fake.requests.map((one) => one.path)).toEqual(["/v2/embed", "/v1/embeddings", "/api/embed"]);
    expect(sent(0)).toEqual({
      model: "embed-v4.0",
      texts: ["hello"],
      input_type: "search_query",
      embedding_types: ["float"],
      output_dimension: 3,
    });
    expect(sent(1)).toEqual({ model: "voyage-3", input: ["hello"], input_type: "query", output_dimension: 3 });
    expect(sent(2)).toEqual({ model: "nomic-embed-text", input: ["hello"], dimensions: 3 });
    await house.ended(3);
    expect(house.records.map((one) => one.input)).toEqual([5, 6, 7]);
  });

  test("tokens are refused where they would mean other words, and strict forbids losses", async () => {
    const refused = await client.embeddings
      .create({ model: "coh/embed-v4.0", input: [1, 2] })
      .catch((error: unknown) => error as InstanceType<typeof OpenAI.APIError>);
    expect(refused).toMatchObject({ status: 400, code: "unsupported_field", param: "input" });
    const strict = await client.embeddings
      .create({ model: "coh/embed-v4.0", input: "x" }, { headers: { "x-headgate-strict": "true" } })
      .catch((error: unknown) => error as InstanceType<typeof OpenAI.APIError>);
    expect(strict).toMatchObject({ status: 400, code: "lossy_translation", param: "input_type" });
    expect(fake.requests).toHaveLength(0);
  });

  test("a target that has none of it is passed over; a failure is retried and falls back", async () => {
    fake.script({ status: 503, body: { error: { message: "busy" } } });
    fake.always({ body: embeddingsOf(inBase64) });
    await client.embeddings.create({ model: "any", input: "x" });
    const record = await house.ended(1);
    expect(record.attempts.map((one) => [one.target, one.error])).toEqual([
      ["ant/claude-opus-4-5", "unsupported_field"],
      ["oai/text-embedding-3-small", "provider_overloaded"],
      ["oai/text-embedding-3-small", undefined],
    ]);
  });

  test.each([
    [{ input: "x" }, "model"],
    [{ model: "oai/m" }, "input"],
    [{ model: "oai/m", input: [] }, "input"],
    [{ model: "oai/m", input: ["a", 3] }, "input[0]"],
    [{ model: "oai/m", input: [[1], ["a"]] }, "input[1]"],
    [{ model: "oai/m", input: "x", dimensions: -1 }, "dimensions"],
    [{ model: "oai/m", input: "x", encoding_format: "hex" }, "encoding_format"],
  ])("bad input %j is named, and the provider not called", async (body, field) => {
    const response = await house.post("/v1/embeddings", body, { authorization: "Bearer client-secret-1" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: field, type: "invalid_request_error" } });
    expect(fake.requests).toHaveLength(0);
  });

  test("keys and their lists of models count here too", async () => {
    expect((await house.post("/v1/embeddings", { model: "oai/m", input: "x" })).status).toBe(401);
    expect((await house.post("/v1/embeddings", { model: "oai/m", input: "x" }, { authorization: "Bearer client-secret-2" })).status).toBe(
      403,
    );
    expect(fake.requests).toHaveLength(0);
  });
});

describe("images", () => {
  const usage = { input_tokens: 10, output_tokens: 100, total_tokens: 110, input_tokens_details: { text_tokens: 10, image_tokens: 0 } };

  test("are made", async () => {
    fake.always({ body: { created: 1, data: [{ b64_json: "aGk=" }], usage } });
    const reply = await client.images.generate({ model: "oai/gpt-image-1", prompt: "a cat", n: 1 });
    expect(reply.data?.[0]?.b64_json).toBe("aGk=");
    expect(sent()).toEqual({ model: "gpt-image-1", prompt: "a cat", n: 1 });
    expect(await house.ended(1)).toMatchObject({ operation: "images", input: 10, output: 100, verbatim: true });
  });

  test("are made in a stream", async () => {
    const event = (type: string, more: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
    fake.always({
      chunks: [
        event("image_generation.partial_image", { b64_json: "YQ==", partial_image_index: 0 }),
        event("image_generation.completed", { b64_json: "aGk=", usage }),
      ],
    });
    const types: string[] = [];
    for await (const one of await client.images.generate({ model: "oai/gpt-image-1", prompt: "a cat", stream: true, partial_images: 1 }))
      types.push(one.type);
    expect(types).toEqual(["image_generation.partial_image", "image_generation.completed"]);
    expect(await house.ended(1)).toMatchObject({ input: 10, output: 100, stream: true });
  });

  test("are edited: the form passes, only the model's name is changed", async () => {
    fake.always({ body: { created: 1, data: [{ b64_json: "aGk=" }] } });
    const image = await toFile(new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10, 0, 1]), "cat.png", { type: "image/png" });
    await client.images.edit({ model: "oai/gpt-image-1", prompt: "a hat", image });
    expect(fake.requests[0]?.path).toBe("/v1/images/edits");
    expect(fake.requests[0]?.body).toContain('name="model"\r\n\r\ngpt-image-1\r\n');
    expect(fake.requests[0]?.body).toContain('name="prompt"\r\n\r\na hat\r\n');
    expect(fake.requests[0]?.body).toContain('filename="cat.png"');
  });

  test("need a prompt", async () => {
    const response = await house.post("/v1/images/generations", { model: "oai/m" }, { authorization: "Bearer client-secret-1" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: "prompt" } });
    expect(fake.requests).toHaveLength(0);
  });
});

describe("speech", () => {
  test("flows as bytes", async () => {
    const sound = new Uint8Array(300_000).map((_, index) => index % 251);
    fake.always({ headers: { "content-type": "audio/mpeg" }, chunks: [sound.subarray(0, 1000), sound.subarray(1000)] });
    const response = await client.audio.speech.create({ model: "oai/tts-1", voice: "alloy", input: "hi" });
    expect(response.headers.get("content-type")).toBe("audio/mpeg");
    expect(Buffer.from(await response.arrayBuffer()).equals(Buffer.from(sound))).toBe(true);
    expect(await house.ended(1)).toMatchObject({ operation: "speech", status: 200, stream: true, outcome: "ok", input: null });
  });

  test("that breaks off is not taken for whole", async () => {
    fake.always({ headers: { "content-type": "audio/mpeg" }, chunks: ["some sound", { bytes: "more", afterMs: 20 }], ending: "reset" });
    const response = await client.audio.speech.create({ model: "oai/tts-1", voice: "alloy", input: "hi" });
    await expect(response.arrayBuffer()).rejects.toThrow();
    expect(await house.ended(1)).toMatchObject({ outcome: "error", errorCode: "provider_stream_cut" });
  });

  test("ends at the provider when the client leaves", async () => {
    fake.always({ headers: { "content-type": "audio/mpeg" }, chunks: ["sound"], ending: "hang" });
    const controller = new AbortController();
    const response = await client.audio.speech.create({ model: "oai/tts-1", voice: "alloy", input: "hi" }, { signal: controller.signal });
    await response.body?.getReader().read();
    controller.abort();
    await fake.requests[0]?.closed;
    expect(await house.ended(1)).toMatchObject({ outcome: "aborted", status: 499 });
  });

  test("an error comes before the first byte, in the client's words", async () => {
    fake.always({ status: 400, body: { error: { message: "voice: unknown", type: "invalid_request_error", param: "voice", code: null } } });
    const error = await client.audio.speech.create({ model: "oai/tts-1", voice: "alloy", input: "hi" }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ status: 400, param: "voice" });
  });
});

describe("transcriptions", () => {
  const recording = () =>
    toFile(
      new Uint8Array(5000).map((_, index) => index % 256),
      "a.wav",
      { type: "audio/wav" },
    );

  test("a recording passes byte for byte", async () => {
    fake.always({
      body: {
        text: "hello",
        usage: {
          type: "tokens",
          input_tokens: 14,
          output_tokens: 3,
          total_tokens: 17,
          input_token_details: { audio_tokens: 14, text_tokens: 0 },
        },
      },
    });
    const reply = await client.audio.transcriptions.create({ model: "oai/gpt-4o-transcribe", file: await recording() });
    expect(reply.text).toBe("hello");
    expect(fake.requests[0]?.headers["content-type"]).toMatch(/^multipart\/form-data; ?boundary=/);
    expect(fake.requests[0]?.body).toContain('name="model"\r\n\r\ngpt-4o-transcribe\r\n');
    expect(await house.ended(1)).toMatchObject({ operation: "transcriptions", input: 14, output: 3 });
  });

  test("plain text and translations", async () => {
    fake.always({ headers: { "content-type": "text/plain; charset=utf-8" }, body: "hällo\n" });
    expect(await client.audio.transcriptions.create({ model: "oai/whisper-1", file: await recording(), response_format: "text" })).toBe(
      "hällo\n",
    );
    fake.always({ body: { text: "hello" } });
    expect((await client.audio.translations.create({ model: "oai/whisper-1", file: await recording() })).text).toBe("hello");
    expect(fake.requests.map((one) => one.path)).toEqual(["/v1/audio/transcriptions", "/v1/audio/translations"]);
  });

  test("in a stream", async () => {
    const event = (payload: object) => `data: ${JSON.stringify(payload)}\n\n`;
    fake.always({
      chunks: [
        event({ type: "transcript.text.delta", delta: "he" }),
        event({
          type: "transcript.text.done",
          text: "hello",
          usage: { type: "tokens", input_tokens: 4, output_tokens: 2, total_tokens: 6 },
        }),
      ],
    });
    const types: string[] = [];
    for await (const one of await client.audio.transcriptions.create({
      model: "oai/gpt-4o-transcribe",
      file: await recording(),
      stream: true,
    }))
      types.push(one.type);
    expect(types).toEqual(["transcript.text.delta", "transcript.text.done"]);
    expect(await house.ended(1)).toMatchObject({ input: 4, output: 2 });
  });

  test("a form with two models, none, or no end is refused", async () => {
    const form = (...models: string[]) =>
      models.map((model) => `--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n${model}\r\n`).join("");
    const post = (body: string, type = "multipart/form-data; boundary=b") =>
      house.post("/v1/audio/transcriptions", body, { authorization: "Bearer client-secret-1", "content-type": type });
    const told = async (response: Response) => [
      response.status,
      ((await response.json()) as { error: { param: string | null } }).error.param,
    ];
    expect(await told(await post(`${form("oai/a", "gem/b")}--b--\r\n`))).toEqual([400, "model"]);
    expect(await told(await post("--b--\r\n"))).toEqual([400, "model"]);
    expect(await told(await post(form("oai/a")))).toEqual([400, null]);
    expect(await told(await post("{}", "application/json"))).toEqual([415, null]);
    expect(fake.requests).toHaveLength(0);
  });
});

describe("moderations", () => {
  const reply = { id: "modr-1", model: "omni-moderation-latest", results: [{ flagged: false, categories: {}, category_scores: {} }] };

  test("pass", async () => {
    fake.always({ body: reply });
    const told = await client.moderations.create({ model: "oai/omni-moderation-latest", input: ["a", "b"] });
    expect(told.results[0]?.flagged).toBe(false);
    expect(sent()).toEqual({ model: "omni-moderation-latest", input: ["a", "b"] });
    expect(await house.ended(1)).toMatchObject({ operation: "moderations", servedModel: "omni-moderation-latest" });
  });

  test("need an input", async () => {
    const response = await house.post("/v1/moderations", { model: "oai/m" }, { authorization: "Bearer client-secret-1" });
    expect([response.status, await response.json()]).toMatchObject([400, { error: { param: "input" } }]);
  });
});
