/** Requests that are wrong as HTTP, before anybody looks at their JSON: each is refused, the provider hears nothing, and the next caller is served. */

import { connect } from "node:net";
import type { Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startFakeProvider } from "../../testkit/fake-provider.ts";
import type { FakeProvider } from "../../testkit/fake-provider.ts";
import { bothFormats, openHouse } from "./house.ts";
import type { House } from "./house.ts";
import { post, sendRaw } from "./raw-client.ts";
import type { RawOptions } from "./raw-client.ts";
import { completion } from "./replies.ts";

const door = "/v1/chat/completions";
const body = JSON.stringify({ model: "oai/m", messages: [{ role: "user", content: "Hello" }] });
const chunk = `${body.length.toString(16)}\r\n${body}\r\n`;
const hidden = "0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: gateway\r\n\r\n";

let fake: FakeProvider;
let house: House;
let guarded: House;

beforeAll(async () => {
  fake = await startFakeProvider({ answer: { body: completion("Hello.") } });
  house = await openHouse(bothFormats(fake));
  guarded = await openHouse({ ...bothFormats(fake), keys: [{ name: "ci", key: "client-secret-1" }] });
});
afterAll(async () => {
  await Promise.all([house.close(), guarded.close()]);
  await fake.close();
});

/** What is sent, and which statuses are a refusal of it. */
type Row = readonly [name: string, bytes: readonly (string | Uint8Array | number)[], statuses: readonly number[], options?: RawOptions];

const bodyLengths: readonly Row[] = [
  ["a length and chunks", post(door, chunk + hidden, [`Content-Length: ${body.length}`, "Transfer-Encoding: chunked"]), [400]],
  ["chunks and a length, with a request behind", post(door, hidden, ["Transfer-Encoding: chunked", "Content-Length: 5"]), [400]],
  [
    "a length that covers a request behind the last chunk",
    post(door, hidden, [`Content-Length: ${hidden.length}`, "Transfer-Encoding: chunked"]),
    [400],
  ],
  ["two lengths that differ", post(door, body, [`Content-Length: ${body.length}`, "Content-Length: 5"]), [400]],
  ["a list of lengths", post(door, body, [`Content-Length: ${body.length}, ${body.length}`]), [400]],
  ["a length with a plus", post(door, body, [`Content-Length: +${body.length}`]), [400]],
  ["a negative length", post(door, body, ["Content-Length: -1"]), [400]],
  ["a length of twenty digits", post(door, body, ["Content-Length: 99999999999999999999"]), [400, 413]],
  ["a length in hexadecimal", post(door, body, [`Content-Length: 0x${body.length.toString(16)}`]), [400]],
  ["an empty length", post(door, body, ["Content-Length:"]), [400]],
  ["an unknown transfer encoding", post(door, chunk + "0\r\n\r\n", ["Transfer-Encoding: xchunked"]), [400, 501]],
  ["chunked, then identity", post(door, chunk + "0\r\n\r\n", ["Transfer-Encoding: chunked, identity"]), [400, 501]],
  ["gzip, then chunked", post(door, chunk + "0\r\n\r\n", ["Transfer-Encoding: gzip, chunked"]), [400, 415, 501]],
  ["two transfer encodings", post(door, chunk + "0\r\n\r\n", ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"]), [400, 501]],
  ["a space before the colon", post(door, chunk + "0\r\n\r\n", ["Transfer-Encoding : chunked"]), [400]],
  ["a chunk size that is no number", post(door, `zz\r\n${body}\r\n0\r\n\r\n`, ["Transfer-Encoding: chunked"]), [400]],
  ["a negative chunk size", post(door, `-5\r\n${body}\r\n0\r\n\r\n`, ["Transfer-Encoding: chunked"]), [400]],
  ["a chunk size beyond 64 bits", post(door, `fffffffffffffffff\r\n${body}\r\n0\r\n\r\n`, ["Transfer-Encoding: chunked"]), [400, 413]],
  ["a chunk longer than its size", post(door, `5\r\n${body}\r\n0\r\n\r\n`, ["Transfer-Encoding: chunked"]), [400]],
  ["chunks that end in bare line feeds", post(door, `${body.length.toString(16)}\n${body}\n0\n\n`, ["Transfer-Encoding: chunked"]), [400]],
  [
    "a flood of chunk extensions",
    post(door, `${body.length.toString(16)};${"a=b;".repeat(20_000)}\r\n${body}\r\n0\r\n\r\n`, ["Transfer-Encoding: chunked"]),
    [400, 413, 431],
  ],
  ["a body that ends early", post(door, body, [`Content-Length: ${body.length + 10}`]), [0, 400], { fin: true }],
];

const lines: readonly Row[] = [
  ["a folded header", post(door, body, ["X-A: b\r\n c"]), [400]],
  ["a header without a colon", post(door, body, ["nonsense"]), [400]],
  ["a NUL in a header", post(door, body, ["X-A: a\0b"]), [400]],
  ["a bare carriage return in a header", post(door, body, ["X-A: a\rX-B: c"]), [400]],
  ["no Host", [`POST ${door} HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`], [400]],
  ["two Host lines", post(door, body, ["Host: a", "Host: b"]), [400, 421]],
  ["a Host with a path", post(door, body, ["Host: gateway/health/live?"]), [400, 421]],
  ["a Host with a user", post(door, body, ["Host: user:pass@gateway"]), [400, 421]],
  ["a Host with a fragment", post(door, body, ["Host: gateway#"]), [400, 421]],
  ["TRACE", ["TRACE / HTTP/1.1\r\nHost: gateway\r\nX-Api-Key: secret\r\n\r\n"], [400, 405, 501]],
  ["CONNECT", ["CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n"], [0, 400, 405, 501]],
  ["a lower-case method", [`post ${door} HTTP/1.1\r\nHost: gateway\r\nContent-Length: 0\r\n\r\n`], [0, 400, 405]],
  ["the preface of HTTP/2", ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], [0, 400, 505]],
  ["a TLS hello", [new Uint8Array([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0])], [0, 400]],
  ["HTTP/9.9", [`POST ${door} HTTP/9.9\r\nHost: gateway\r\nContent-Length: ${body.length}\r\n\r\n${body}`], [400, 505]],
  ["a relative target", [`POST v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nContent-Length: ${body.length}\r\n\r\n${body}`], [400]],
  [
    "a WebSocket of a version nobody speaks",
    [`GET ${door} HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 7\r\n\r\n`],
    [400, 405, 426],
  ],
  ["a header of 100 kB", post(door, body, [`X-A: ${"a".repeat(100_000)}`]), [431]],
  [
    "three thousand headers",
    post(
      door,
      body,
      Array.from({ length: 3000 }, (_, at) => `X-${at}: a`),
    ),
    [431],
  ],
  ["a path of 100 kB", [`GET /${"a".repeat(100_000)} HTTP/1.1\r\nHost: gateway\r\n\r\n`], [404, 414, 431]],
];

describe.each([
  ["the length of the body", bodyLengths],
  ["the request line and the headers", lines],
])("%s", (_, rows) => {
  for (const [name, bytes, statuses, options] of rows) {
    test(name, async () => {
      const asked = fake.requests.length;
      const answer = await sendRaw(house.port, bytes, { waitMs: 1000, ...options });
      expect(statuses).toContain(answer.status);
      expect(answer.responses).toBeLessThanOrEqual(1);
      expect(answer.body).not.toContain("secret");
      expect(fake.requests.length).toBe(asked);
      await expectService();
    });
  }
});

test("what looks odd but is right is served", async () => {
  const odd: readonly (readonly [string, readonly (string | Uint8Array)[]])[] = [
    ["chunks", post(door, `${chunk}0\r\n\r\n`, ["Transfer-Encoding: chunked"])],
    ["chunks with an extension", post(door, `${body.length.toString(16)};a=b\r\n${body}\r\n0\r\n\r\n`, ["Transfer-Encoding: chunked"])],
    ["a header called __proto__", post(door, body, ["__proto__: polluted"])],
    [
      "a target with its host",
      [
        `POST http://gateway${door} HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      ],
    ],
    ["Expect: 100-continue", post(door, body, ["Expect: 100-continue"])],
    ["an IPv6 Host", post(door, body, ["Host: [::1]:4000"])],
  ];
  for (const [name, bytes] of odd) {
    const answer = await sendRaw(house.port, bytes, { waitMs: 1000 });
    expect([name, answer.status === 100 ? Number(/^HTTP\/1.1 (\d+)/.exec(answer.body)?.[1]) : answer.status]).toEqual([name, 200]);
  }
});

test("a credential in a trailer is none", async () => {
  const asked = fake.requests.length;
  const answer = await sendRaw(
    guarded.port,
    post(door, `${chunk}0\r\nAuthorization: Bearer client-secret-1\r\n\r\n`, ["Transfer-Encoding: chunked", "Trailer: Authorization"]),
  );
  expect([400, 401]).toContain(answer.status);
  expect(fake.requests.length).toBe(asked);
});

test("a stranger's Host does not open a guarded door", async () => {
  for (const host of ["gateway/health/live?", "gateway#", "u@gateway", "/", "http://gateway/health/live?"]) {
    const answer = await sendRaw(guarded.port, post(door, body, [`Host: ${host}`]));
    expect([400, 401, 421]).toContain(answer.status);
  }
});

test("connections that are reset in the middle of their body leave nothing behind", async () => {
  const asked = fake.requests.length;
  const half = post(door, body.slice(0, 20), [`Content-Length: ${body.length}`]);
  await Promise.all(Array.from({ length: 100 }, () => sendRaw(house.port, half, { reset: true, waitMs: 50, lingerMs: 0 })));
  await wait(100);
  expect(fake.requests.length).toBe(asked);
  await expectService();
});

test("two hundred half requests at once do not slow the others down", async () => {
  const sockets: Socket[] = [];
  try {
    for (let at = 0; at < 200; at++) {
      const socket = connect(house.port, "127.0.0.1");
      socket.on("error", () => {});
      sockets.push(socket);
      socket.write(
        at % 2 === 0
          ? "POST /v1/chat/completions HTTP/1.1\r\nHost: gat"
          : `POST ${door} HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"mod`,
      );
    }
    await wait(100);
    const begun = performance.now();
    await expectService();
    expect(performance.now() - begun).toBeLessThan(1000);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

test("a body that drips in is given up, in the client's own words", async () => {
  let skippedMs = 0;
  const clock = { now: () => Date.now(), monotonic: () => performance.now() + skippedMs, sleep: () => Promise.resolve() };
  const slow = await openHouse(bothFormats(fake), { parts: { clock } });
  try {
    for (const [path, headers] of [
      [door, ["Content-Length: 500"]],
      ["/v1/messages", ["Transfer-Encoding: chunked"]],
    ] as const) {
      const drip = post(path, path === door ? '{"model"' : '8\r\n{"model"\r\n', headers);
      const [answer] = await Promise.all([sendRaw(slow.port, drip, { waitMs: 2000 }), wait(200).then(() => (skippedMs += 61_000))]);
      expect([path, answer.status, answer.closed]).toEqual([path, 408, true]);
      expect(JSON.parse(answer.body)).toMatchObject({ error: { message: expect.stringContaining("did not arrive in time") } });
    }
  } finally {
    await slow.close();
  }
});

describe("too large a body", () => {
  test("is refused before it is sent, in the client's own words", async () => {
    for (const path of [door, "/v1/messages"]) {
      const answer = await sendRaw(house.port, post(path, "{", ["Content-Length: 50000000"]));
      expect([path, answer.status, answer.closed]).toEqual([path, 413, true]);
      expect(JSON.parse(answer.body)).toMatchObject({ error: { message: expect.stringContaining("33554432 bytes") } });
    }
  });

  test("is refused where it becomes too large when nothing was said before", async () => {
    const small = await openHouse({ ...bothFormats(fake), limits: { body: "100KiB" } });
    try {
      const piece = `2710\r\n${"a".repeat(10_000)}\r\n`;
      const answer = await sendRaw(small.port, post(door, piece.repeat(11), ["Transfer-Encoding: chunked"]));
      expect(answer.status).toBe(413);
      expect(answer.body).toContain("102400 bytes");
    } finally {
      await small.close();
    }
  });

  test("is not read at all from a stranger", async () => {
    const answer = await sendRaw(guarded.port, post(door, "{", ["Content-Length: 50000000"]));
    expect([401, 413]).toContain(answer.status);
  });
});

test("a door that only reads takes no other method", async () => {
  for (const path of ["/", "/metrics", "/health/live", "/health/ready", "/v1/models"]) {
    const answer = await fetch(house.url + path, { method: "DELETE" });
    expect([path, answer.status]).toEqual([path, 405]);
  }
});

async function expectService(): Promise<void> {
  const answer = await house.post(door, body);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ choices: [{ message: { content: "Hello." } }] });
}
