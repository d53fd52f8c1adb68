/** Same format on both sides: what the gateway does not know travels untouched, byte for byte; what must not travel does not. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startFakeProvider } from "../../testkit/fake-provider.ts";
import type { FakeProvider } from "../../testkit/fake-provider.ts";
import { anthropicStream, byteByByte, openaiStream } from "../../testkit/frames.ts";
import { bothFormats, openHouse } from "./house.ts";
import type { House } from "./house.ts";
import { completion, completionChunks, message, messageEvents, textBlock } from "./replies.ts";

const secret = "client-secret-number-1";
const auth = { authorization: `Bearer ${secret}` };

let fake: FakeProvider;
let house: House;

beforeAll(async () => {
  fake = await startFakeProvider();
  const { providers } = bothFormats(fake);
  house = await openHouse({
    providers,
    keys: [{ name: "ci", key: secret }],
    models: { tuned: { targets: [{ model: "oai/m", set: { temperature: 0.2, seed: 7 } }] } },
  });
});
afterAll(async () => {
  await house.close();
  await fake.close();
});
beforeEach(() => void (fake.requests.length = 0));

/** Numbers beyond 2^53, spellings that JSON.stringify would not choose, fields of next year. */
const oddities =
  '"seed" : 12345678901234567890,"temperature":1.0, "top_p":1e-1,\t"x_new":{"b":[1,2 , {}],"a":"\\u00e9\\/\\ud83d\\ude00"},"metadata":{"k":"v"}';

const openaiBody = `{ "messages":[ {"role":"user","content":[{"type":"text","text":"Hi","x_part":true},{"type":"x_hologram","x_hologram":{"id":9007199254740993}}],"x_msg":null} ],\n "model" : "oai/m" ,${oddities}}`;
const anthropicBody = `{"max_tokens": 50, "messages":[ {"role":"user","content":[{"type":"text","text":"Hi","x_part":true},{"type":"x_hologram","id":9007199254740993}]} ],"model":\r\n"ant/m",${oddities.replace('"metadata":{"k":"v"}', '"metadata":{"user_id":"u","x":1}')},"x_tail":[ ]}`;

describe("requests", () => {
  test("to OpenAI: every byte but the model's name", async () => {
    fake.script({ body: completion("Hello.") });
    expect((await house.post("/v1/chat/completions", openaiBody, auth)).status).toBe(200);
    expect(fake.requests[0]?.body).toBe(openaiBody.replace('"oai/m"', '"m"'));
  });

  test("to Anthropic: every byte but the model's name", async () => {
    fake.script({ body: message("Hello.") });
    expect((await house.post("/v1/messages", anthropicBody, auth)).status).toBe(200);
    expect(fake.requests[0]?.body).toBe(anthropicBody.replace('"ant/m"', '"m"'));
  });

  test("a stream asks OpenAI for its usage, which the record needs, and changes nothing else", async () => {
    fake.script({ chunks: [openaiStream(completionChunks([{ content: "Hello." }]))] });
    const streamed = openaiBody.replace("{", '{"stream":true,');
    await (await house.post("/v1/chat/completions", streamed, auth)).text();
    expect(fake.requests[0]?.body).toBe(streamed.replace('"oai/m"', '"m"').replace(/\}$/, ',"stream_options":{"include_usage":true}}'));
  });

  test("a stream that asks for usage itself, and one to Anthropic, change nothing at all", async () => {
    fake.script(
      { chunks: [openaiStream(completionChunks([{ content: "Hello." }]))] },
      { chunks: [anthropicStream(messageEvents([textBlock("Hello.")]))] },
    );
    const openai = openaiBody.replace("{", '{"stream" :true,"stream_options": {"x":1,"include_usage":true},');
    await (await house.post("/v1/chat/completions", openai, auth)).text();
    expect(fake.requests[0]?.body).toBe(openai.replace('"oai/m"', '"m"'));
    const anthropic = anthropicBody.replace("{", '{"stream": true,');
    await (await house.post("/v1/messages", anthropic, auth)).text();
    expect(fake.requests[1]?.body).toBe(anthropic.replace('"ant/m"', '"m"'));
  });

  test("the gateway's own object is cut out, wherever it stands", async () => {
    const own = '"headgate" : {"tags":["a"],"session":"s"}';
    for (const [sent, received] of [
      [openaiBody.replace("{", `{${own},`), openaiBody],
      [openaiBody.replace(/\}$/, `, ${own}}`), openaiBody],
      [openaiBody.replace(' "model"', ` ${own}, "model"`), openaiBody],
    ] as const) {
      fake.requests.length = 0;
      fake.script({ body: completion("Hello.") });
      expect((await house.post("/v1/chat/completions", sent, auth)).status).toBe(200);
      const body = fake.requests[0]?.body ?? "";
      expect(body).not.toContain("headgate");
      expect(body.replaceAll(/\s/g, "")).toBe(received.replace('"oai/m"', '"m"').replaceAll(/\s/g, ""));
    }
    fake.script({ body: message("Hello.") });
    await house.post("/v1/messages", anthropicBody.replace("{", `{${own},`), auth);
    expect(fake.requests[1]?.body).toBe(anthropicBody.replace('"ant/m"', '"m"'));
    expect(house.records.at(-1)).toMatchObject({ session: "s", tags: ["a"], verbatim: true });
  });

  test("a target's own settings replace the client's, and nothing else", async () => {
    fake.script({ body: completion("Hello.") });
    expect((await house.post("/v1/chat/completions", openaiBody.replace("oai/m", "tuned"), auth)).status).toBe(200);
    expect(fake.requests[0]?.body).toBe(openaiBody.replace('"oai/m"', '"m"').replace("12345678901234567890", "7").replace("1.0,", "0.2,"));
  });

  test("no header of the client travels but those of the format", async () => {
    const headers = {
      cookie: "session=1",
      "x-api-key": secret,
      "openai-organization": "org-of-the-client",
      "openai-project": "project-of-the-client",
      "x-stainless-lang": "js",
      "user-agent": "client/1",
      "x-forwarded-for": "10.0.0.1",
      "x-headgate-tags": "a,b",
      "x-custom": "1",
      "anthropic-version": "2026-10-21",
      "anthropic-beta": "context-management-2025-06-27, fine-grained-tool-streaming-2025-05-14",
    };
    fake.script({ body: completion("Hello.") }, { body: message("Hello.") });
    await house.post("/v1/chat/completions", openaiBody, headers);
    await house.post("/v1/messages", anthropicBody, headers);
    const [toOpenai, toAnthropic] = fake.requests;
    for (const request of [toOpenai, toAnthropic]) {
      const sent = JSON.stringify(request?.rawHeaders);
      for (const word of [secret, "session=1", "of-the-client", "client/1", "10.0.0.1", "x-headgate", "x-custom", "x-stainless"])
        expect(sent).not.toContain(word);
    }
    expect(toOpenai?.headers["authorization"]).toBe("Bearer sk-provider-openai");
    expect(toOpenai?.headers["anthropic-beta"]).toBeUndefined();
    expect(toAnthropic?.headers).toMatchObject({
      "x-api-key": "sk-provider-anthropic",
      "anthropic-version": "2026-10-21",
      "anthropic-beta": headers["anthropic-beta"],
    });
    expect(toAnthropic?.headers["authorization"]).toBeUndefined();
  });
});

describe("replies", () => {
  const whole =
    '{ "id":"chatcmpl-1", "object":"chat.completion","created":1,"model":"m-2026","choices":[{"index":0,"message":{"role":"assistant","content":"H\\u00e9\\/","x_msg":{"n":9007199254740993}},"finish_reason":"stop","x_choice":1.0}],\n"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"x_tokens":1e2},"x_top":[ ] }\n';
  const wholeMessage =
    '{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"x_block","data":12345678901234567890},{"type":"text","text":"H\\u00e9","x":null}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2,"x":1.50},"x_top":{ } }';

  test("whole ones come back byte for byte", async () => {
    for (const [path, asked, reply] of [
      ["/v1/chat/completions", openaiBody, whole],
      ["/v1/messages", anthropicBody, wholeMessage],
    ] as const) {
      fake.script({ body: reply }, { chunks: byteByByte(reply), headers: { "content-type": "application/json" } });
      expect(await (await house.post(path, asked, auth)).text()).toBe(reply);
      expect(await (await house.post(path, asked, auth)).text()).toBe(reply);
    }
    expect(house.records.at(-1)).toMatchObject({ verbatim: true, input: 1, output: 2 });
  });

  const chunk = (delta: string, more = ""): string =>
    `{"id":"c","object":"chat.completion.chunk", "created":1,"model":"m","choices":[{"index":0,"delta":${delta},"finish_reason":null}]${more}}`;
  const stream = [
    ": a comment\n\n",
    `data: ${chunk('{"role":"assistant","content":""}')}\n\n`,
    `data:${chunk('{"content":"H\\u00e9 é \u{1f600}","x_new":{"n":12345678901234567890}}', ',"x_top":1.0')}\n\n`,
    `event: x_news\nid: 7\ndata: {"anything": [1.0]}\n\n`,
    `data: ${chunk('{"content":"\\"usage\\": {"}')}\r\n\r\n`,
    "retry: 10\n: OPENROUTER PROCESSING\n\n",
    `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop","x":1}]}\n\n`,
    `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":4,"completion_tokens":5,"total_tokens":9,"x_cost":0.10}}\n\n`,
    "data: [DONE]\n\n",
  ];
  const messageStream = [
    `event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"x":1.0,"usage":{"input_tokens":4,"output_tokens":1}}}\n\n`,
    `event: ping\ndata: {"type": "ping"}\n\n`,
    `event: content_block_start\r\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"x_block","n":12345678901234567890}}\r\n\r\n`,
    `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"x_delta","x":"H\\u00e9 é \u{1f600} message_stop"}}\n\n`,
    `event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n`,
    `event: x_event\ndata: {"type":"x_event","a":[ ]}\n\n`,
    `event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null,"x":null},"usage":{"output_tokens":5,"x":1e1}}\n\n`,
    `event: message_stop\ndata: {"type":"message_stop", "x":1.0}\n\n`,
  ];

  const cuts: readonly [string, (pieces: string[]) => (string | Uint8Array)[]][] = [
    ["event by event", (pieces) => pieces],
    ["in one piece", (pieces) => [pieces.join("")]],
    ["byte by byte", (pieces) => byteByByte(pieces.join(""))],
  ];
  for (const [name, cut] of cuts) {
    test(`streamed ones come back byte for byte, sent ${name}`, async () => {
      fake.script({ chunks: cut(stream) }, { chunks: cut(messageStream) });
      const openai = await house.post(
        "/v1/chat/completions",
        openaiBody.replace("{", '{"stream":true,"stream_options":{"include_usage":true},'),
        auth,
      );
      expect(await openai.text()).toBe(stream.join(""));
      expect(house.records.at(-1)).toMatchObject({ verbatim: true, stream: true, input: 4, output: 5, finish: "stop", servedModel: "m" });
      const anthropic = await house.post("/v1/messages", anthropicBody.replace("{", '{"stream":true,'), auth);
      expect(await anthropic.text()).toBe(messageStream.join(""));
      expect(house.records.at(-1)).toMatchObject({ verbatim: true, stream: true, input: 4, output: 5, finish: "stop" });
    });
  }

  test("the usage that only the gateway asked for is left out again, and nothing else", async () => {
    for (const [, cut] of cuts) {
      fake.script({ chunks: cut(stream) });
      const answer = await house.post("/v1/chat/completions", openaiBody.replace("{", '{"stream":true,'), auth);
      expect(await answer.text()).toBe(stream.filter((event) => !event.includes("x_cost")).join(""));
      expect(house.records.at(-1)).toMatchObject({ input: 4, output: 5 });
    }
  });

  test("what a vendor says after the end of its stream is not passed on", async () => {
    fake.script({ chunks: [...stream, `data: ${chunk('{"content":"more"}')}\n\n`] });
    const answer = await house.post(
      "/v1/chat/completions",
      openaiBody.replace("{", '{"stream":true,"stream_options":{"include_usage":true},'),
      auth,
    );
    expect(await answer.text()).toBe(stream.join(""));
  });

  test("rate limits and the request id keep their names in the same format, and get a prefix across", async () => {
    const openai = {
      "x-request-id": "req_1",
      "x-ratelimit-remaining-tokens": "7",
      "x-ratelimit-reset-tokens": "6m0s",
      "openai-processing-ms": "12",
      "set-cookie": "a=b",
      server: "vendor",
      "x-internal": "1",
    };
    const anthropic = {
      "request-id": "req_2",
      "anthropic-ratelimit-tokens-remaining": "7",
      "anthropic-organization-id": "org",
      "set-cookie": "a=b",
    };
    fake.script(
      { body: completion("a"), headers: openai },
      { body: message("a"), headers: anthropic },
      { body: completion("a"), headers: openai },
      { body: message("a"), headers: anthropic },
    );
    const same = await house.post("/v1/chat/completions", openaiBody, auth);
    expect(same.headers.get("x-request-id")).toBe("req_1");
    expect(same.headers.get("x-ratelimit-remaining-tokens")).toBe("7");
    expect(same.headers.get("x-ratelimit-reset-tokens")).toBe("6m0s");
    const sameToo = await house.post("/v1/messages", anthropicBody, auth);
    expect(sameToo.headers.get("request-id")).toBe("req_2");
    expect(sameToo.headers.get("anthropic-ratelimit-tokens-remaining")).toBe("7");
    const plain = { max_tokens: 9, messages: [{ role: "user", content: "Hi" }] };
    const across = await house.post("/v1/messages", { ...plain, model: "oai/m" }, auth);
    expect(across.headers.get("x-ratelimit-remaining-tokens")).toBeNull();
    expect(across.headers.get("x-headgate-upstream-x-ratelimit-remaining-tokens")).toBe("7");
    const acrossToo = await house.post("/v1/chat/completions", { ...plain, model: "ant/m" }, auth);
    expect(acrossToo.headers.get("x-headgate-upstream-anthropic-ratelimit-tokens-remaining")).toBe("7");
    for (const answer of [same, sameToo, across, acrossToo]) {
      for (const name of ["set-cookie", "x-internal", "x-headgate-upstream-set-cookie"]) expect(answer.headers.get(name)).toBeNull();
    }
  });

  test("a reply says who answered, and what it cost where the price is known", async () => {
    const priced = await openHouse({ ...bothFormats(fake), prices: { "oai/m": { input: 1, output: 2, cache_read: 0.5 } } });
    try {
      fake.script({ body: completion("Hello.") });
      const answer = await priced.post("/v1/chat/completions", openaiBody);
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        "x-headgate-provider": "oai",
        "x-headgate-model": "m",
        "x-headgate-attempts": "1",
        // Five fresh tokens, four from the cache, three of output.
        "x-headgate-cost-usd": "0.000013",
      });
      expect(answer.headers.get("x-headgate-request-id")).toBe(priced.records[0]?.id);
      expect(priced.records[0]?.costPico).toBe(13_000_000);
      fake.script({ body: message("Hello.") });
      const unpriced = await priced.post("/v1/messages", anthropicBody);
      expect(unpriced.headers.get("x-headgate-cost-usd")).toBeNull();
      expect(priced.records[1]?.costPico).toBeNull();
    } finally {
      await priced.close();
    }
  });
});

describe("credentials of the provider", () => {
  const key = "correct horse battery staple".replaceAll(" ", "");
  const leaky = {
    error: {
      message: `Incorrect API key provided: ${key} (Authorization: Bearer ${key})`,
      type: "invalid_request_error",
      code: "invalid_api_key",
      param: key,
    },
  };

  test("never reach the client, even where the provider says them", async () => {
    const bare = await openHouse({
      providers: {
        oai: { type: "openai", base_url: `${fake.url}/v1`, api_key: key },
        ant: { type: "anthropic", base_url: fake.url, api_key: key },
      },
    });
    const asked = { max_tokens: 9, messages: [{ role: "user", content: "Hi" }] };
    for (const status of [400, 401, 403, 404, 422, 429, 500]) {
      fake.always({ status, body: leaky, headers: { "x-debug-authorization": `Bearer ${key}`, "retry-after": "5" } });
      for (const [path, model] of [
        ["/v1/chat/completions", "oai/m"],
        ["/v1/messages", "oai/m"],
        ["/v1/chat/completions", "ant/m"],
        ["/v1/messages", "ant/m"],
      ] as const) {
        for (const stream of [false, true]) {
          const answer = await bare.post(path, { ...asked, model, stream });
          const text = (await answer.text()) + JSON.stringify([...answer.headers]);
          expect([status, path, model, text.includes(key)]).toEqual([status, path, model, false]);
          // The caller's own key is never said to be wrong when it is the gateway's.
          expect([status, model, answer.status === 401]).toEqual([status, model, false]);
        }
      }
    }
    expect(JSON.stringify(bare.records)).not.toContain(key);
    await bare.close();
  }, 20_000);
});

describe("what cannot be translated", () => {
  const asked = { model: "ant/m", messages: [{ role: "user", content: "Hi" }] };

  test("is named in x-headgate-warnings and on record", async () => {
    fake.script({ body: message("Hello.") });
    const answer = await house.post(
      "/v1/chat/completions",
      { ...asked, seed: 5, frequency_penalty: 0.5, x_new: { a: 1 }, verbosity: "low" },
      auth,
    );
    expect(answer.status).toBe(200);
    const warnings = answer.headers.get("x-headgate-warnings") ?? "";
    for (const field of ["seed", "frequency_penalty", "x_new", "verbosity"]) {
      expect(warnings).toContain(field);
      expect(house.records.at(-1)?.warnings.some((warning) => warning.field === field)).toBe(true);
    }
    const received = fake.requests[0]?.json() as Record<string, unknown>;
    for (const field of ["seed", "frequency_penalty", "x_new", "verbosity"]) expect(received).not.toHaveProperty(field);
  });

  test("is named the other way round, and in a stream", async () => {
    fake.script({ chunks: [openaiStream(completionChunks([{ content: "Hello." }]))] });
    const answer = await house.post(
      "/v1/messages",
      { ...asked, model: "oai/m", max_tokens: 9, stream: true, top_k: 5, x_new: 1, inference_geo: "eu" },
      auth,
    );
    const warnings = answer.headers.get("x-headgate-warnings") ?? "";
    for (const field of ["top_k", "x_new", "inference_geo"]) expect(warnings).toContain(field);
    await answer.text();
    expect(house.records.at(-1)?.warnings.length).toBeGreaterThan(2);
  });

  test("is a 400 under x-headgate-strict, and the provider is not called", async () => {
    for (const [headers, own] of [
      [{ "x-headgate-strict": "true" }, {}],
      [{}, { headgate: { strict: true } }],
    ] as [Record<string, string>, object][]) {
      const openai = await house.post("/v1/chat/completions", { ...asked, seed: 5, ...own }, { ...auth, ...headers });
      expect(openai.status).toBe(400);
      expect(await openai.json()).toMatchObject({
        error: { type: "invalid_request_error", code: "lossy_translation", param: "seed", message: expect.stringContaining("seed") },
      });
      const anthropic = await house.post(
        "/v1/messages",
        { ...asked, model: "oai/m", max_tokens: 9, top_k: 5, ...own },
        { ...auth, ...headers },
      );
      expect(anthropic.status).toBe(400);
      expect(await anthropic.json()).toMatchObject({
        type: "error",
        error: { type: "invalid_request_error", message: expect.stringContaining("top_k") },
      });
    }
    expect(fake.requests.length).toBe(0);
    fake.script({ body: message("Hello.") });
    expect((await house.post("/v1/chat/completions", asked, { ...auth, "x-headgate-strict": "true" })).status).toBe(200);
  });

  test("is a 400 in any case where the answer would be another", async () => {
    for (const [fields, field] of [
      [{ n: 2 }, "n"],
      [{ logprobs: true }, "logprobs"],
      [{ logit_bias: { 5: 1 } }, "logit_bias"],
      [{ modalities: ["audio"], audio: { voice: "alloy", format: "wav" } }, "modalities"],
      [
        { messages: [{ role: "user", content: [{ type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }] }] },
        "messages[0].content[0]",
      ],
      [{ messages: [{ role: "user", content: [{ type: "file", file: { file_id: "file-1" } }] }] }, "messages[0].content[0]"],
    ] as [object, string][]) {
      const answer = await house.post("/v1/chat/completions", { ...asked, ...fields }, auth);
      const told = (await answer.json()) as { error: { code: string; param: string; message: string } };
      expect([answer.status, told.error.code]).toEqual([400, "unsupported_field"]);
      expect(told.error.param).toContain(field);
    }
    expect(fake.requests.length).toBe(0);
  });
});
