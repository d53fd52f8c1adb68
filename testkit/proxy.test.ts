import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FakeProvider } from "./fake-provider.ts";
import { startFakeProvider } from "./fake-provider.ts";
import type { Link, Toxics } from "./proxy.ts";
import { startLink } from "./proxy.ts";

let provider: FakeProvider;
let link: Link;
const body = "0123456789".repeat(100);

beforeEach(async () => {
  provider = await startFakeProvider({ answer: { body } });
});
afterEach(async () => {
  await link.close();
  await provider.close();
});

/** What comes through the link: the body, or none when it failed, and the time. */
async function through(down: Toxics, signal = AbortSignal.timeout(2000)): Promise<{ text?: string; tookMs: number }> {
  link = await startLink({ target: provider, down, seed: 7 });
  const began = performance.now();
  const decoder = new TextDecoder();
  let text = "";
  try {
    const response = await fetch(link.url, { signal, headers: { connection: "close" } });
    for await (const bytes of response.body ?? []) text += decoder.decode(bytes, { stream: true });
    return { text, tookMs: performance.now() - began };
  } catch {
    return { tookMs: performance.now() - began };
  }
}

describe("a link", () => {
  test("without toxics changes nothing", async () => {
    expect((await through({})).text).toBe(body);
    expect(link.connections).toBe(1);
  });

  test("with latency is late and complete", async () => {
    const { text, tookMs } = await through({ latency: { ms: 60, jitterMs: 10 } });
    expect(text).toBe(body);
    expect(tookMs).toBeGreaterThan(45);
  });

  test("with little bandwidth takes its time", async () => {
    const { text, tookMs } = await through({ bandwidth: { bytesPerSecond: 5000 } });
    expect(text).toBe(body);
    expect(tookMs).toBeGreaterThan(150);
  });

  test("with a slicer delivers in pieces", async () => {
    link = await startLink({ target: provider, down: { slicer: { bytes: 100, varyBytes: 20, pauseMs: 10 } }, seed: 7 });
    provider.always({ body, framing: "close" });
    const pieces: Buffer[] = [];
    const socket = connect(link.port, "127.0.0.1").on("data", (bytes) => pieces.push(Buffer.from(bytes)));
    socket.write("GET / HTTP/1.1\r\n\r\n");
    await new Promise((resolve) => socket.on("close", resolve));
    expect(Buffer.concat(pieces).toString()).toContain(body);
    expect(pieces.length).toBeGreaterThan(3);
  });

  test("that resets after so many bytes fails the caller and tells the provider", async () => {
    expect((await through({ resetAfter: { bytes: 300 } })).text).toBeUndefined();
    await (
      await provider.request(0)
    ).closed;
  });

  test("that times out stays silent, then closes", async () => {
    const { text, tookMs } = await through({ timeout: { closeMs: 80 } });
    expect(text).toBeUndefined();
    expect(tookMs).toBeGreaterThan(60);
  });

  test("that times out for ever is ended by the caller", async () => {
    expect((await through({ timeout: {} }, AbortSignal.timeout(60))).text).toBeUndefined();
    await (
      await provider.request(0)
    ).closed;
  });

  test("that closes slowly has delivered everything before", async () => {
    provider.always({ chunks: [body], framing: "close" });
    const { text, tookMs } = await through({ slowClose: { ms: 60 } });
    expect(text).toBe(body);
    expect(tookMs).toBeGreaterThan(50);
  });

  test("can be cut, and made bad while it is in use", async () => {
    link = await startLink({ target: provider });
    expect(await (await fetch(link.url)).text()).toBe(body);
    link.toxics.down = { resetAfter: { bytes: 0 } };
    await expect(fetch(link.url).then((response) => response.text())).rejects.toThrow();
    link.toxics.down = {};
    provider.always({ silent: true });
    const hanging = fetch(link.url);
    await provider.request(provider.requests.length);
    link.cut();
    await expect(hanging).rejects.toThrow();
  });
});
