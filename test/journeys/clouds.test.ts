/** Cloud providers: signed requests, their own paths and framings, reached by clients of other formats. */

import { afterEach, expect, test } from "vitest";
import { startFakeProvider } from "../../testkit/fake-provider.ts";
import type { FakeProvider } from "../../testkit/fake-provider.ts";
import { openHouse } from "./house.ts";
import type { House } from "./house.ts";

let fake: FakeProvider | undefined;
let house: House | undefined;

afterEach(async () => {
  await house?.close();
  await fake?.close();
});

const converseReply = {
  output: { message: { role: "assistant", content: [{ text: "Hello from Bedrock" }] } },
  stopReason: "end_turn",
  usage: { inputTokens: 7, outputTokens: 4, totalTokens: 11 },
  metrics: { latencyMs: 12 },
};

test("an OpenAI client is answered by a signed Converse call", async () => {
  fake = await startFakeProvider({ answer: { body: JSON.stringify(converseReply), headers: { "content-type": "application/json" } } });
  house = await openHouse({
    providers: {
      aws: {
        type: "bedrock",
        base_url: fake.url,
        region: "eu-central-1",
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: "wJalrXUtnFEMI-EXAMPLEKEY",
      },
    },
  });
  const reply = await house
    .openai()
    .chat.completions.create({ model: "aws/eu.anthropic.claude-x:0", messages: [{ role: "user", content: "Hi" }] });
  expect(reply.choices[0]?.message.content).toBe("Hello from Bedrock");
  expect(reply.usage?.total_tokens).toBe(11);
  const request = await fake.request(0);
  expect(request.path).toBe("/model/eu.anthropic.claude-x%3A0/converse");
  expect(request.headers["authorization"]).toMatch(
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/bedrock\/aws4_request, SignedHeaders=/,
  );
  expect(request.json()).toMatchObject({ messages: [{ role: "user", content: [{ text: "Hi" }] }] });
});

test("Azure's deployments are called by path and version, verbatim, with the key in its own header", async () => {
  const body = {
    id: "c1",
    object: "chat.completion",
    created: 1,
    model: "gpt",
    choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
  };
  fake = await startFakeProvider({ answer: { body: JSON.stringify(body), headers: { "content-type": "application/json" } } });
  house = await openHouse({
    providers: { az: { type: "azure", base_url: fake.url, api_key: "azure-key-1", api_version: "2025-04-01-preview" } },
  });
  const reply = await house.openai().chat.completions.create({ model: "az/my-deployment", messages: [{ role: "user", content: "Hi" }] });
  expect(reply.choices[0]?.message.content).toBe("Hi");
  expect((await fake.request(0)).path).toBe("/openai/deployments/my-deployment/chat/completions?api-version=2025-04-01-preview");
  expect((await fake.request(0)).headers["api-key"]).toBe("azure-key-1");
});

test("Claude on Vertex gets its version in the body and its model in the path", async () => {
  const message = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude",
    content: [{ type: "text", text: "Hi" }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  };
  fake = await startFakeProvider({ answer: { body: JSON.stringify(message), headers: { "content-type": "application/json" } } });
  house = await openHouse({
    providers: { vx: { type: "vertex-anthropic", base_url: `${fake.url}/v1/projects/p/locations/global`, api_key: "none" } },
  });
  const reply = await house
    .anthropic()
    .messages.create({ model: "vx/claude-x", max_tokens: 10, messages: [{ role: "user", content: "Hi" }] })
    .catch((error: unknown) => error);
  // Without an account there is no token: the refusal names the provider's credentials, not the caller's.
  expect(String(reply)).toContain("Google");
  expect(fake.requests).toHaveLength(0);
});
