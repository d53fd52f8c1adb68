import { request as httpRequest } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import type { FakeProvider, FakeProviderOptions } from "./fake-provider.ts";
import { startFakeProvider } from "./fake-provider.ts";
import { byteByByte, cutAt, openaiStream } from "./frames.ts";

let provider: FakeProvider;
afterEach(() => provider.close());

async function start(options?: FakeProviderOptions): Promise<FakeProvider> {
  provider = await startFakeProvider(options);
  return provider;
}

async function outcome(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => "answered",
    () => "failed",
  );
}

describe("what it was asked", () => {
  test("records method, path, headers and body", async () => {
    await start({ answer: { body: { ok: true } } });
    const response = await fetch(`${provider.url}/v1/x?y=1`, { method: "POST", headers: { "X-Custom": "a" }, body: '{"model":"é"}' });
    expect(await response.json()).toEqual({ ok: true });
    expect(provider.requests).toHaveLength(1);
    const [request] = provider.requests;
    expect(request).toMatchObject({ method: "POST", path: "/v1/x?y=1", body: '{"model":"é"}' });
    expect(request?.headers["x-custom"]).toBe("a");
    expect(request?.json()).toEqual({ model: "é" });
    expect(request?.aborted).toBe(false);
  });

  test("reads a body that comes in chunks", async () => {
    await start({ answer: { body: "{}" } });
    await new Promise<void>((resolve) => {
      const sending = httpRequest(`${provider.url}/`, { method: "POST" }, (response) => void response.resume().on("end", () => resolve()));
      sending.write("abc");
      sending.write("é");
      sending.end();
    });
    expect(provider.requests[0]?.body).toBe("abcé");
  });

  test("sees several requests on one connection", async () => {
    await start({ answer: { body: "{}" } });
    for (let index = 0; index < 3; index++) await (await fetch(provider.url, { method: "POST", body: String(index) })).text();
    expect(provider.requests.map((request) => request.body)).toEqual(["0", "1", "2"]);
    // undici opens a second one when it asks again before it has put the first back.
    expect(provider.connections).toBeLessThan(3);
  });

  test("sees that the caller left in the middle of an answer", async () => {
    await start({ answer: { chunks: ["data: 1\n\n"], ending: "hang" } });
    const leaving = new AbortController();
    const response = await fetch(provider.url, { signal: leaving.signal });
    await response.body?.getReader().read();
    const request = await provider.request(0);
    expect(request.aborted).toBe(false);
    leaving.abort();
    await request.closed;
    expect(request.aborted).toBe(true);
  });
});

describe("what it answers", () => {
  test("a script for each request, then the standing answer", async () => {
    await start({ answer: { status: 418 } });
    provider.script({ status: 429, headers: { "retry-after": "1" } }, (request) => ({ body: { path: request.path } }));
    const first = await fetch(provider.url);
    expect([first.status, first.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await (await fetch(`${provider.url}/two`)).json()).toEqual({ path: "/two" });
    expect((await fetch(provider.url)).status).toBe(418);
  });

  test("500 when nothing was scripted", async () => {
    await start();
    expect((await fetch(provider.url)).status).toBe(500);
  });

  test("exactly the bytes given, cut within a letter and between CR and LF", async () => {
    await start();
    const text = "data: é\r\n\r\n";
    provider.script({ chunks: cutAt(text, 7, 9), paceMs: 5 }, { chunks: byteByByte(text) });
    for (let round = 0; round < 2; round++) expect(await (await fetch(provider.url)).text()).toBe(text);
  });

  test("a slow drip", async () => {
    await start({ answer: { body: "x".repeat(50), drip: { bytes: 10, everyMs: 10 } } });
    const began = performance.now();
    expect(await (await fetch(provider.url)).text()).toBe("x".repeat(50));
    expect(performance.now() - began).toBeGreaterThan(40);
  });

  test("204, a redirect and huge headers", async () => {
    await start();
    provider.script(
      { status: 204 },
      { status: 307, headers: { location: "http://elsewhere.invalid/" } },
      { headers: { "x-big": "y".repeat(10_000) }, body: "{}" },
    );
    expect((await fetch(provider.url)).status).toBe(204);
    const moved = await fetch(provider.url, { redirect: "manual" });
    expect([moved.status, moved.headers.get("location")]).toEqual([307, "http://elsewhere.invalid/"]);
    expect((await fetch(provider.url)).headers.get("x-big")).toHaveLength(10_000);
  });

  test("bytes that are not HTTP", async () => {
    await start({ answer: { raw: "SSH-2.0-OpenSSH_9.0\r\n" } });
    expect(await outcome(fetch(provider.url))).toBe("failed");
  });
});

describe("how it fails", () => {
  test("a reset before the answer", async () => {
    await start({ answer: { refuse: true } });
    expect(await outcome(fetch(provider.url))).toBe("failed");
  });

  test.each(["reset", "close"] as const)("a %s in the middle of a streamed body", async (ending) => {
    await start({ answer: { chunks: [openaiStream([{ a: 1 }], { done: false })], ending } });
    const response = await fetch(provider.url);
    expect(response.status).toBe(200);
    expect(await outcome(response.text())).toBe("failed");
  });

  test("a clean close without the format's ending is not seen by HTTP", async () => {
    await start({ answer: { chunks: ["data: 1\n\n"], framing: "close" } });
    expect(await (await fetch(provider.url)).text()).toBe("data: 1\n\n");
  });

  test("a content-length that promises more than comes", async () => {
    await start({ answer: { body: "{}", claimedLength: 10, ending: "close" } });
    expect(await outcome(fetch(provider.url).then((response) => response.text()))).toBe("failed");
  });

  test("silence before the headers, and after some of the body", async () => {
    await start();
    provider.script({ silent: true }, { chunks: ["data: 1\n\n"], ending: "hang" });
    expect(await outcome(fetch(provider.url, { signal: AbortSignal.timeout(50) }))).toBe("failed");
    const leaving = new AbortController();
    const response = await fetch(provider.url, { signal: leaving.signal });
    const reading = outcome(response.text());
    setTimeout(() => leaving.abort(), 20);
    expect(await reading).toBe("failed");
  });
});
