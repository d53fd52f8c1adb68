import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { createServer as createTlsServer } from "node:tls";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { startFakeProvider } from "../../testkit/fake-provider.ts";
import type { FakeProvider, FakeProviderOptions } from "../../testkit/fake-provider.ts";
import { createBunFetch, namesProxy } from "./bun-fetch.ts";
import type { BunFetch, BunFetchOptions, FetchInit } from "./bun-fetch.ts";

const underBun = "Bun" in globalThis;
if (!underBun) console.warn("SKIPPED: runtimes/bun-fetch runs on Bun's sockets; run these tests with `bun test`.");

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function client(options: BunFetchOptions = {}): BunFetch {
  const made = createBunFetch({ env: {}, ...options });
  closing.push(() => made.close());
  return made;
}

async function provider(options?: FakeProviderOptions): Promise<FakeProvider> {
  const made = await startFakeProvider(options);
  closing.push(() => made.close());
  return made;
}

interface Raw {
  url: string;
  port: number;
  sockets: Socket[];
  /** Milliseconds of `performance.now()` at which each was closed. */
  closed: (number | undefined)[];
  /** All that came, by connection. */
  got: string[];
}

/** A server that is told of every connection and every piece. */
async function raw(onData: (socket: Socket, text: string, index: number) => void, make: (listener: (socket: Socket) => void) => Server = (listener) => createServer(listener), host = "127.0.0.1"): Promise<Raw> {
  const made: Raw = { url: "", port: 0, sockets: [], closed: [], got: [] };
  const server = make((socket) => {
    const index = made.sockets.push(socket) - 1;
    made.got[index] = "";
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("close", () => (made.closed[index] = performance.now()));
    socket.on("data", (bytes: Buffer) => {
      made.got[index] += bytes.toString("latin1");
      onData(socket, made.got[index] as string, index);
    });
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  made.port = (server.address() as AddressInfo).port;
  made.url = `http://${host.includes(":") ? `[${host}]` : host}:${made.port}`;
  closing.push(async () => {
    for (const socket of made.sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return made;
}

/** Answers each complete request (without a body) with these bytes. */
function answering(...answers: string[]): (socket: Socket, text: string) => void {
  let next = 0;
  const seen = new Map<Socket, number>();
  return (socket, text) => {
    const requests = text.split("\r\n\r\n").length - 1;
    const before = seen.get(socket) ?? 0;
    seen.set(socket, requests);
    if (requests > before) socket.write(answers[Math.min(next++, answers.length - 1)] as string, "latin1");
  };
}

function get(extra: Partial<FetchInit> = {}): FetchInit {
  return { method: "GET", headers: {}, signal: new AbortController().signal, redirect: "manual", ...extra };
}

function post(body: string | Uint8Array<ArrayBuffer>, extra: Partial<FetchInit> = {}): FetchInit {
  return get({ method: "POST", headers: { "content-type": "application/json" }, body, ...extra });
}

async function failure(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  return await promise.then(
    () => {
      throw new Error("It succeeded.");
    },
    (cause: unknown) => cause as Error & { code?: string },
  );
}

async function until(condition: () => boolean, withinMs = 2000): Promise<number> {
  const began = performance.now();
  while (!condition()) {
    if (performance.now() - began > withinMs) throw new Error(`Not within ${withinMs} ms.`);
    await wait(2);
  }
  return performance.now() - began;
}

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

describe.skipIf(!underBun)("an ordinary call", () => {
  test("carries method, path, headers and body, and brings back the answer", async () => {
    const server = await provider({ answer: { status: 201, headers: [["X-Request-Id", "r1"], ["X-Twice", "a"], ["x-twice", "b"]], body: { hello: "wörld" } } });
    const response = await client()(`${server.url}/v1/x?y=1#part`, post('{"a":"é😀"}', { headers: { "X-Custom": "ü", authorization: "Bearer k" } }));
    expect(response.status).toBe(201);
    expect(response.ok).toBe(true);
    expect(response.headers.get("X-Request-ID")).toBe("r1");
    expect(response.headers.get("x-twice")).toBe("a, b");
    expect(response.headers.get("x-none")).toBeNull();
    expect(response.headers.has("Content-Type")).toBe(true);
    const names: string[] = [];
    response.headers.forEach((_, name) => names.push(name));
    expect(names).toEqual(["x-request-id", "x-twice", "content-type", "content-length"]);
    expect(new Headers(response.headers).get("x-twice")).toBe("a, b");
    expect(response.bodyUsed).toBe(false);
    expect(await response.json()).toEqual({ hello: "wörld" });
    expect(response.bodyUsed).toBe(true);
    await expect(response.text()).rejects.toThrow(TypeError);
    expect(server.requests[0]).toMatchObject({ method: "POST", path: "/v1/x?y=1", body: '{"a":"é😀"}' });
    expect(server.requests[0]?.headers).toMatchObject({ host: `127.0.0.1:${server.port}`, authorization: "Bearer k", "accept-encoding": "identity", "content-length": "14", connection: "keep-alive" });
  });

  test("goes over one connection again and again, the newest first", async () => {
    const server = await provider({ answer: { body: "ok" } });
    const fetch = client();
    for (let index = 0; index < 20; index++) expect(await (await fetch(server.url, post("{}"))).text()).toBe("ok");
    expect(server.connections).toBe(1);
    await Promise.all(Array.from({ length: 5 }, async () => await (await fetch(server.url, post("{}"))).text()));
    expect(server.connections).toBe(5);
    await Promise.all(Array.from({ length: 5 }, async () => await (await fetch(server.url, post("{}"))).text()));
    expect(server.connections).toBe(5);
  });

  test("200 at once, each gets its own answer", async () => {
    const server = await provider({ answer: (request) => ({ body: request.body, afterMs: Math.random() * 20 }) });
    const fetch = client();
    for (let round = 0; round < 3; round++) {
      const texts = await Promise.all(Array.from({ length: 200 }, async (_, index) => await (await fetch(`${server.url}/${index}`, post(`${round}-${index}`))).text()));
      expect(texts).toEqual(Array.from({ length: 200 }, (_, index) => `${round}-${index}`));
    }
    expect(server.connections).toBeLessThanOrEqual(200);
  });

  test("10 MB both ways, of characters of several bytes", async () => {
    const server = await provider({ answer: (request) => ({ body: request.body }) });
    const body = "aé€😀".repeat(1_000_000);
    expect((await (await client()(server.url, post(body))).text()) === body).toBe(true);
    expect(server.requests[0]?.headers["content-length"]).toBe("10000000");
    const ascii = "a".repeat(10_000_000);
    expect((await (await client()(server.url, post(ascii))).text()) === ascii).toBe(true);
    const bytes = new Uint8Array(new TextEncoder().encode(body));
    expect((await (await client()(server.url, post(bytes))).arrayBuffer()).byteLength).toBe(10_000_000);
  }, 30_000);

  test("reaches localhost and IPv6", async () => {
    const four = await raw(answering(OK));
    expect(await (await client()(`http://localhost:${four.port}/`, get())).text()).toBe("ok");
    let six: Raw;
    try {
      six = await raw(answering(OK), undefined, "::1");
    } catch {
      return console.warn("SKIPPED: no IPv6 here.");
    }
    expect(await (await client()(`${six.url}/`, get())).text()).toBe("ok");
    expect(six.got[0]).toContain(`host: [::1]:${six.port}\r\n`);
    expect(await (await client()(`http://localhost:${six.port}/`, get())).text()).toBe("ok");
  });

  test("HEAD, 204 and 304 have no body, and the connection stays usable", async () => {
    const server = await raw(answering("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    const fetch = client();
    for (const method of ["HEAD", "GET", "GET", "GET"]) expect(await (await fetch(server.url, get({ method }))).text()).toBe("");
    expect(server.sockets).toHaveLength(1);
  });

  test("a redirect is handed back, not followed; 1xx answers are passed over", async () => {
    const server = await raw(answering("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"));
    const response = await client()(server.url, get());
    expect([response.status, response.ok, response.statusText]).toEqual([302, false, "Found"]);
  });
});

describe.skipIf(!underBun)("framing", () => {
  const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx: y\r\n\r\n5;a=\"b\"\r\nhello\r\n1\r\n \r\n0a\r\nwör ld123\r\n0\r\ntrailer: x\r\n\r\n";
  const expected = "hello wör ld123";
  const wire = Buffer.from(chunked, "utf8");

  test("a chunked answer cut anywhere, over one connection", async () => {
    let cut = 0;
    const server = await raw((socket) => {
      socket.write(wire.subarray(0, cut));
      setTimeout(() => socket.write(wire.subarray(cut)), 1);
    });
    const fetch = client();
    for (cut = 1; cut < wire.length; cut++) expect(await (await fetch(server.url, get())).text()).toBe(expected);
    expect(server.sockets).toHaveLength(1);
  }, 20_000);

  test("byte by byte", async () => {
    for (const bytes of [wire, Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\nhello wör ld123"), Buffer.from("HTTP/1.0 200\r\n\r\nhello wör ld123")]) {
      const server = await raw((socket) => {
        void (async () => {
          for (const byte of bytes) {
            socket.write(Buffer.from([byte]));
            await new Promise((resolve) => setImmediate(resolve));
          }
          socket.end();
        })();
      });
      expect(await (await client()(server.url, get())).text()).toBe(expected);
    }
  });

  test("many chunks in one read come out as one piece", async () => {
    const server = await raw(answering(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${"3\r\nabc\r\n".repeat(100)}0\r\n\r\n`));
    const response = await client()(server.url, get());
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    expect(Buffer.from((await reader.read()).value as Uint8Array).toString()).toBe("abc".repeat(100));
    expect(await reader.read()).toEqual({ value: undefined, done: true });
  });

  test("without a length the body goes to the close, and the connection is not used again", async () => {
    const server = await provider({ answer: { body: "abc", framing: "close" } });
    const fetch = client();
    expect(await (await fetch(server.url, get())).text()).toBe("abc");
    expect(await (await fetch(server.url, get())).text()).toBe("abc");
    expect(server.connections).toBe(2);
  });

  test("a body that arrives compressed is unpacked, and one that is cut is an error", async () => {
    const packed = gzipSync(Buffer.from("hello ".repeat(100)));
    const server = await provider({ answer: { headers: { "content-encoding": "gzip" }, body: packed } });
    expect(await (await client()(server.url, get())).text()).toBe("hello ".repeat(100));
    const streamed = await client()(server.url, get());
    let text = "";
    for await (const piece of streamed.body as unknown as AsyncIterable<Uint8Array>) text += Buffer.from(piece).toString();
    expect(text).toBe("hello ".repeat(100));
    server.always({ headers: { "content-encoding": "gzip" }, body: packed.subarray(0, 20) });
    await failure((await client()(server.url, get())).text());
    server.always({ headers: { "content-encoding": "br" }, body: "x" });
    expect((await failure(client()(server.url, get()))).code).toBe("EPROTO");
  });

  test("a byte order mark goes, broken UTF-8 is replaced, as with fetch", async () => {
    const body = Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0xff, 0x62]);
    const server = await provider({ answer: { body } });
    expect(await (await client()(server.url, get())).text()).toBe("a\uFFFDb");
  });
});

describe.skipIf(!underBun)("bad answers are refused and the connection closed", () => {
  const header = (lines: string) => `HTTP/1.1 200 OK\r\n${lines}\r\n\r\n`;
  const bad: Record<string, string> = {
    "HTTP/2": "HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/0.9": "hello",
    "an HTTP/2 preface": "\0\0\x12\x04\0\0\0\0\0",
    "lower-case http": "http/1.1 200 OK\r\n\r\n",
    "status 000": "HTTP/1.1 000 No\r\n\r\n",
    "status 600": "HTTP/1.1 600 No\r\n\r\n",
    "status 20": "HTTP/1.1 20 No\r\n\r\n",
    "status 2000": "HTTP/1.1 2000 No\r\n\r\n",
    "status 20A": "HTTP/1.1 20A No\r\n\r\n",
    "a protocol change": "HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n",
    "a flood of 1xx": "HTTP/1.1 103 Early\r\n\r\n".repeat(11) + OK,
    "a folded header": header("a: b\r\n c: d\r\ncontent-length: 0"),
    "no colon": header("abc"),
    "an empty name": header(": x"),
    "a space before the colon": header("content-length : 2"),
    "a bare LF": header("a: b\ncontent-length: 2"),
    "a bare CR": header("a: b\rc"),
    "a NUL": header("a: b\0c"),
    "a NUL in the status": "HTTP/1.1 200 O\0K\r\ncontent-length: 0\r\n\r\n",
    "two lengths": header("content-length: 2\r\ncontent-length: 3"),
    "twice the same length": header("content-length: 2\r\ncontent-length: 2"),
    "a list of lengths": header("content-length: 2, 2"),
    "a length with a plus": header("content-length: +2"),
    "a negative length": header("content-length: -2"),
    "a length in hex": header("content-length: 0x2"),
    "an empty length": header("content-length:"),
    "a length of 20 digits": header("content-length: 99999999999999999999"),
    "length and chunked": header("content-length: 2\r\ntransfer-encoding: chunked"),
    "chunked and length": header("transfer-encoding: chunked\r\ncontent-length: 2"),
    "gzip, chunked": header("transfer-encoding: gzip, chunked"),
    "identity transfer": header("transfer-encoding: identity"),
    "chunked twice": header("transfer-encoding: chunked\r\ntransfer-encoding: chunked"),
    "chunked in HTTP/1.0": "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    "201 headers": header(Array.from({ length: 201 }, (_, index) => `a${index}: b`).join("\r\n")),
    "65 KiB of headers": header(`a: ${"b".repeat(65 * 1024)}`),
    "65 KiB of headers without end": `HTTP/1.1 200 OK\r\na: ${"b".repeat(65 * 1024)}`,
  };
  for (const [name, bytes] of Object.entries(bad)) {
    test(name, async () => {
      const server = await raw(answering(bytes));
      expect((await failure(client()(server.url, get()))).code).toBe("EPROTO");
      await until(() => server.closed[0] !== undefined, 200);
    });
  }

  const badChunks: Record<string, string> = {
    "no size": "\r\nabc\r\n0\r\n\r\n",
    "a negative size": "-1\r\n",
    "a size with a plus": "+3\r\nabc\r\n0\r\n\r\n",
    "0x": "0x3\r\nabc\r\n0\r\n\r\n",
    "a space before": " 3\r\nabc\r\n0\r\n\r\n",
    "a space behind": "3 \r\nabc\r\n0\r\n\r\n",
    "a huge size": "fffffffff\r\n",
    "a bare LF behind the size": "3\nabc\r\n0\r\n\r\n",
    "a bare CR behind the size": "3\rabc\r\n0\r\n\r\n",
    "a longer chunk than said": "3\r\nabcd\r\n0\r\n\r\n",
    "a bare LF behind the chunk": "3\r\nabc\n0\r\n\r\n",
    "a bare LF in an extension": "3;a\nb\r\nabc\r\n0\r\n\r\n",
    "a long extension": `3;${"a".repeat(300)}\r\nabc\r\n0\r\n\r\n`,
    "a long trailer": `0\r\n${"a: b\r\n".repeat(2000)}\r\n`,
    "a bare LF in the trailer": "0\r\na: b\nc: d\r\n\r\n",
  };
  for (const [name, bytes] of Object.entries(badChunks)) {
    test(`chunks: ${name}`, async () => {
      const server = await raw(answering(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${bytes}`));
      const response = await client()(server.url, get());
      expect((await failure(response.text())).code).toBe("EPROTO");
      await until(() => server.closed[0] !== undefined, 200);
    });
  }

  test("an answer that is cut is an error, however it was framed", async () => {
    for (const ending of ["close", "reset"] as const) {
      for (const framing of ["length", "chunked"] as const) {
        const server = await provider({ answer: { chunks: ["abc", "def"], framing, ending, ...(framing === "length" ? { claimedLength: 10 } : {}) } });
        const response = await client()(server.url, get());
        expect((await failure(response.text())).code).toBe("ECONNRESET");
      }
    }
    const server = await provider({ answer: { chunks: ["abc", { bytes: "def", afterMs: 20 }], framing: "close", ending: "reset" } });
    expect((await failure((await client()(server.url, get())).text())).code).toBe("ECONNRESET");
    const half = await raw((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-le"));
    expect((await failure(client()(half.url, get()))).code).toBe("ECONNRESET");
    const nothing = await raw((socket) => socket.end());
    expect((await failure(client()(nothing.url, get()))).code).toBe("ECONNRESET");
    expect(nothing.sockets).toHaveLength(1);
  });
});

describe.skipIf(!underBun)("connections that are kept", () => {
  test("one that says more than it was asked is closed (poisoned keep-alive)", async () => {
    const poison = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison";
    const together = await raw(answering(OK + poison));
    const fetch = client();
    for (let index = 0; index < 3; index++) expect(await (await fetch(together.url, get())).text()).toBe("ok");
    expect(together.sockets).toHaveLength(3);

    const later = await raw((socket) => {
      socket.write(OK);
      setTimeout(() => socket.write(poison), 20);
    });
    expect(await (await fetch(later.url, get())).text()).toBe("ok");
    await until(() => later.closed[0] !== undefined, 200);
    expect(await (await fetch(later.url, get())).text()).toBe("ok");
    expect(later.sockets).toHaveLength(2);
  });

  test("`connection: close`, HTTP/1.0 and a short `keep-alive: timeout` are believed", async () => {
    for (const head of ["HTTP/1.1 200 OK\r\nConnection: Close", "HTTP/1.1 200 OK\r\nconnection: x, close", "HTTP/1.0 200 OK", "HTTP/1.1 200 OK\r\nkeep-alive: timeout=1"]) {
      const server = await raw(answering(`${head}\r\ncontent-length: 2\r\n\r\nok`));
      const fetch = client();
      await (await fetch(server.url, get())).text();
      await until(() => server.closed[0] !== undefined, 200);
      await (await fetch(server.url, get())).text();
      expect(server.sockets).toHaveLength(2);
    }
  });

  test("one that the server closes while idle is forgotten", async () => {
    const server = await raw((socket) => void socket.write(OK));
    const fetch = client();
    await (await fetch(server.url, get())).text();
    server.sockets[0]?.end();
    await until(() => server.closed[0] !== undefined);
    await (await fetch(server.url, get())).text();
    expect(server.sockets).toHaveLength(2);
  });

  test("one that is closed as the request crosses: sent once more, on a new one", async () => {
    for (const how of ["end", "resetAndDestroy"] as const) {
      const server = await raw((socket, text, index) => {
        const requests = text.split("\r\n\r\n").length - 1;
        if (index < 3 && requests === 2) socket[how]();
        else socket.write(OK);
      });
      const fetch = client();
      const first = await Promise.all([fetch(server.url, get()), fetch(server.url, get()), fetch(server.url, get())]);
      for (const response of first) await response.text();
      expect(server.sockets).toHaveLength(3);
      expect(await (await fetch(server.url, get())).text()).toBe("ok");
      expect(server.sockets).toHaveLength(4);
    }
  });

  test("sent once more at most, and never after a byte of answer, nor when the server has worked for a while", async () => {
    const dying = await raw((socket, text, index) => {
      if (index === 0 && text.split("\r\n\r\n").length === 2) socket.write(OK);
      else socket.end();
    });
    const fetch = client();
    await (await fetch(dying.url, get())).text();
    expect((await failure(fetch(dying.url, get()))).code).toBe("ECONNRESET");
    expect(dying.sockets).toHaveLength(2);

    const begun = await raw((socket, text) => {
      if (text.split("\r\n\r\n").length === 2) socket.write(OK);
      else socket.end("H");
    });
    await (await fetch(begun.url, get())).text();
    await failure(fetch(begun.url, get()));
    expect(begun.sockets).toHaveLength(1);

    const slow = await raw((socket, text) => {
      if (text.split("\r\n\r\n").length === 2) socket.write(OK);
      else setTimeout(() => socket.end(), 1100);
    });
    await (await fetch(slow.url, get())).text();
    await failure(fetch(slow.url, get()));
    expect(slow.sockets).toHaveLength(1);
  });

  test("idle ones are dropped after their time, above the limit, and on close()", async () => {
    const server = await provider({ answer: { body: "ok", afterMs: 10 } });
    const fetch = client({ idleMs: 100, maxIdle: 2 });
    const four = async () => await Promise.all(Array.from({ length: 4 }, async () => await (await fetch(server.url, get())).text()));
    await four();
    await four();
    expect(server.connections).toBe(6);
    const last = server.requests.at(-1);
    await until(() => server.requests.every((request) => request.closedAt !== undefined), 500);
    expect(last?.closedAt).toBeDefined();
    const kept = client();
    await (await kept(server.url, get())).text();
    kept.close();
    await until(() => server.requests.at(-1)?.closedAt !== undefined, 200);
  });

  test("an answer before the end of the request is taken, and the connection not used again", async () => {
    const server = await raw((socket, text) => {
      if (text.length < 100_000) socket.pause();
      socket.write("HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno");
    });
    const fetch = client();
    const response = await fetch(server.url, post("a".repeat(20_000_000)));
    expect([response.status, await response.text()]).toEqual([413, "no"]);
    await wait(20);
    expect((await fetch(server.url, get())).status).toBe(413);
    expect(server.sockets).toHaveLength(2);
  });
});

describe.skipIf(!underBun)("aborts", () => {
  const reason = new Error("enough");

  test("before, while connecting, before headers, in the body: rejects with the reason, closes within 100 ms", async () => {
    const server = await provider();
    const fetch = client();
    const aborted = AbortSignal.abort(reason);
    expect(await failure(fetch(server.url, get({ signal: aborted })))).toBe(reason);
    expect(server.connections).toBe(0);

    const connecting = new AbortController();
    const early = failure(fetch(server.url, get({ signal: connecting.signal })));
    connecting.abort(reason);
    expect(await early).toBe(reason);

    server.always({ silent: true });
    const waiting = new AbortController();
    const silent = failure(fetch(server.url, get({ signal: waiting.signal })));
    const request = await server.request(0);
    let at = performance.now();
    waiting.abort(reason);
    expect(await silent).toBe(reason);
    await request.closed;
    expect((request.closedAt as number) - at).toBeLessThan(100);

    for (const how of ["text", "reader"] as const) {
      server.always({ chunks: ["abc"], ending: "hang" });
      const reading = new AbortController();
      const index = server.requests.length;
      const response = await fetch(server.url, get({ signal: reading.signal }));
      const reader = how === "reader" ? (response.body as ReadableStream<Uint8Array>).getReader() : undefined;
      if (reader) expect((await reader.read()).value).toHaveLength(3);
      const broken = failure(reader ? reader.read() : response.text());
      await wait(20);
      at = performance.now();
      reading.abort(reason);
      expect(await broken).toBe(reason);
      const asked = await server.request(index);
      await asked.closed;
      expect((asked.closedAt as number) - at).toBeLessThan(100);
    }
  });

  test("after the end it changes nothing, and the connection is used again", async () => {
    const server = await provider({ answer: { body: "ok" } });
    const fetch = client();
    const controller = new AbortController();
    const response = await fetch(server.url, get({ signal: controller.signal }));
    expect(await response.text()).toBe("ok");
    controller.abort(reason);
    await (await fetch(server.url, get())).text();
    expect(server.connections).toBe(1);
  });

  test("listeners do not stay behind", async () => {
    const server = await provider({ answer: { body: "ok" } });
    const fetch = client();
    let listening = 0;
    const { signal } = new AbortController();
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    Object.assign(signal, {
      addEventListener: (...parts: Parameters<typeof add>) => (listening++, add(...parts)),
      removeEventListener: (...parts: Parameters<typeof remove>) => (listening--, remove(...parts)),
    });
    for (let index = 0; index < 5; index++) await (await fetch(server.url, get({ signal }))).text();
    server.always({ refuse: true });
    await failure(fetch(server.url, get({ signal })));
    server.always({ raw: "nonsense!" });
    await failure(fetch(server.url, get({ signal })));
    await failure(fetch("http://127.0.0.1:1/", get({ signal })));
    server.always({ chunks: ["abc"], ending: "hang" });
    await (await fetch(server.url, get({ signal }))).body?.cancel();
    expect(listening).toBe(0);
  });

  test("cancel() of the body closes the connection", async () => {
    const server = await provider({ answer: { chunks: ["abc"], ending: "hang" } });
    const fetch = client();
    const whole = await fetch(server.url, get());
    await whole.body?.cancel();
    await server.requests[0]?.closed;
    const reader = ((await fetch(server.url, get())).body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    const pending = reader.read();
    await reader.cancel();
    expect(await pending).toEqual({ value: undefined, done: true });
    expect(await reader.read()).toEqual({ value: undefined, done: true });
    await server.requests[1]?.closed;
  });
});

describe.skipIf(!underBun)("streams", () => {
  test("a chunk is there as soon as it has come", async () => {
    const server = await provider({ answer: { chunks: ["one", { bytes: "two", afterMs: 100 }] } });
    const response = await client()(server.url, get());
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const began = performance.now();
    expect(Buffer.from((await reader.read()).value as Uint8Array).toString()).toBe("one");
    expect(performance.now() - began).toBeLessThan(60);
    expect(Buffer.from((await reader.read()).value as Uint8Array).toString()).toBe("two");
    expect((await reader.read()).done).toBe(true);
  });

  test("what is not read is not taken in: the sender stalls, and nothing is lost", async () => {
    const total = 64 * 1024 * 1024;
    for (const framing of ["length", "chunked"] as const) {
      let sent = 0;
      const piece = Buffer.alloc(64 * 1024, "x");
      const server = await raw((socket) => {
        socket.write(framing === "length" ? `HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n` : "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        const fill = () => {
          while (sent < total) {
            sent += piece.length;
            const room = framing === "length" ? socket.write(piece) : socket.write(Buffer.concat([Buffer.from("10000\r\n"), piece, Buffer.from("\r\n")]));
            if (!room) return void socket.once("drain", fill);
          }
          if (framing === "chunked") socket.write("0\r\n\r\n");
        };
        fill();
      });
      const fetch = client();
      const response = await fetch(server.url, get());
      await wait(300);
      // 256 KiB here, the rest in the kernel's buffers of both sides.
      expect(sent).toBeLessThan(16 * 1024 * 1024);
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      let got = 0;
      for (let part = await reader.read(); !part.done; part = await reader.read()) got += part.value.length;
      expect(got).toBe(total);
      // And once more by text(), which lifts the limit.
      sent = 0;
      const again = await fetch(server.url, get());
      await wait(100);
      expect((await again.text()).length).toBe(total);
      expect(server.sockets).toHaveLength(1);
    }
  }, 30_000);

  test("the body is a true stream to whoever needs one", async () => {
    const server = await provider({ answer: { chunks: ["abc", { bytes: "def", afterMs: 5 }] } });
    const fetch = client();
    expect(await new Response((await fetch(server.url, get())).body).text()).toBe("abcdef");
    const upper = new TransformStream<string, string>({ transform: (text, controller) => controller.enqueue(text.toUpperCase()) });
    const body = (await fetch(server.url, get())).body as ReadableStream<Uint8Array<ArrayBuffer>>;
    let text = "";
    for await (const part of body.pipeThrough(new TextDecoderStream()).pipeThrough(upper) as unknown as AsyncIterable<string>) text += part;
    expect(text).toBe("ABCDEF");
    const locked = (await fetch(server.url, get())).body as ReadableStream<Uint8Array<ArrayBuffer>>;
    const reader = locked.getReader();
    expect(locked.locked).toBe(true);
    expect(() => locked.getReader()).toThrow(TypeError);
    await reader.cancel();
  });
});

describe.skipIf(!underBun)("connecting", () => {
  test("a refusal and an unknown name have their codes", async () => {
    expect((await failure(client()("http://127.0.0.1:1/", get()))).code).toBe("ECONNREFUSED");
    expect((await failure(client()("http://nowhere.invalid/", get()))).code).toMatch(/ENOTFOUND|EAI_AGAIN|ETIMEDOUT/);
  });

  test("a server that does not answer the handshake is given up", async () => {
    const server = await raw(() => {});
    const error = await failure(client({ connectMs: 100 })(server.url.replace("http", "https"), get()));
    expect(error.code).toBe("ETIMEDOUT");
    await until(() => server.closed[0] !== undefined, 200);
  });

  test("a header or method that would break the request is refused, and the key is not in the message", async () => {
    const server = await provider({ answer: { body: "ok" } });
    const fetch = client();
    for (const headers of [{ "x-a": "b\r\nx: y" }, { "x-a": "b\n" }, { "x-a": "k\0" }, { "x a": "b" }, { "x-a\r\nb": "c" }, { "": "c" }, { "x-a": "€" }, { "transfer-encoding": "chunked" }] as Record<string, string>[]) {
      const error = await failure(fetch(server.url, get({ headers })));
      expect(error).toBeInstanceOf(TypeError);
    }
    await expect(fetch(server.url, get({ method: "GET / HTTP/1.1\r\nx: y\r\n\r\n" }))).rejects.toThrow(TypeError);
    expect(server.connections).toBe(0);
    expect((await failure(fetch(server.url, get({ headers: { authorization: "sk-secret\n" } })))).message).not.toContain("sk-secret");
    await (await fetch(server.url, post("abc", { headers: { "Content-Length": "99", Connection: "close", Host: "other.example" } }))).text();
    expect(server.requests[0]?.headers).toMatchObject({ host: "other.example", "content-length": "3", connection: "keep-alive" });
  });

  test("what it does not take goes to the runtime's fetch", async () => {
    const taken: string[] = [];
    const fallback = async (url: string) => (taken.push(url), new Response("else"));
    const fetch = client({ fallback });
    for (const url of ["data:,x", "http://user:pass@127.0.0.1:1/", "not an address"]) expect(await (await fetch(url, get())).text()).toBe("else");
    expect(taken).toHaveLength(3);
    for (const name of ["HTTP_PROXY", "https_proxy", "ALL_PROXY"]) {
      expect(namesProxy({ [name]: "http://proxy:3128" })).toBe(true);
      expect(await (await client({ fallback, env: { [name]: "http://proxy:3128" } })("http://127.0.0.1:1/", get())).text()).toBe("else");
    }
    expect(namesProxy({ HTTP_PROXY: "", NO_PROXY: "x" })).toBe(false);
  });

  test("an idle connection does not keep the process alive", async () => {
    const server = await provider({ answer: { body: "ok" } });
    const script = `import { createBunFetch } from ${JSON.stringify(join(import.meta.dirname, "bun-fetch.ts"))};
      const response = await createBunFetch({ env: {} })("${server.url}", { method: "GET", headers: {}, signal: new AbortController().signal, redirect: "manual" });
      console.log(await response.text());`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
    const timer = setTimeout(() => child.kill(), 4000);
    expect(await child.exited).toBe(0);
    clearTimeout(timer);
    expect(await new Response(child.stdout).text()).toBe("ok\n");
  });
});

// ── TLS ──────────────────────────────────────────────────────────────────────────────────────────────────────

interface Certificate {
  key: string;
  cert: string;
}

let directory: string | undefined;
function certificate(name: string, names: string, days = "2"): Certificate {
  const at = (file: string) => join(directory as string, `${name}.${file}`);
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", at("key"), "-out", at("cert"), "-days", days, "-subj", `/CN=${name}`, "-addext", `subjectAltName=${names}`], { stdio: "ignore" });
  return { key: readFileSync(at("key"), "utf8"), cert: readFileSync(at("cert"), "utf8") };
}

/** `openssl req` cannot date back, `openssl ca` can. */
function expired(): Certificate {
  const at = (file: string) => join(directory as string, file);
  writeFileSync(at("config"), `[ca]\ndefault_ca=own\n[own]\ndatabase=${at("index")}\nnew_certs_dir=${directory}\nserial=${at("serial")}\ndefault_md=sha256\npolicy=names\nx509_extensions=more\n[names]\ncommonName=supplied\n[more]\nsubjectAltName=DNS:localhost\nbasicConstraints=CA:TRUE\n`);
  writeFileSync(at("index"), "");
  writeFileSync(at("serial"), "01\n");
  execFileSync("openssl", ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", at("old.key"), "-out", at("old.request"), "-subj", "/CN=old"], { stdio: "ignore" });
  execFileSync("openssl", ["ca", "-batch", "-selfsign", "-notext", "-config", at("config"), "-keyfile", at("old.key"), "-in", at("old.request"), "-out", at("old.cert"), "-startdate", "20200101000000Z", "-enddate", "20200201000000Z"], { stdio: "ignore" });
  return { key: readFileSync(at("old.key"), "utf8"), cert: readFileSync(at("old.cert"), "utf8") };
}

let certificates: { good: Certificate; other: Certificate; old: Certificate } | undefined;
if (underBun) {
  try {
    directory = mkdtempSync(join(tmpdir(), "headgate-tls-"));
    certificates = { good: certificate("good", "DNS:localhost,IP:127.0.0.1"), other: certificate("other", "DNS:other.example,IP:127.0.0.9"), old: expired() };
  } catch {
    console.warn("SKIPPED: TLS needs the openssl command to make its certificates.");
  } finally {
    if (directory) rmSync(directory, { recursive: true, force: true });
  }
}

describe.skipIf(!certificates)("TLS", () => {
  const none = { key: "", cert: "" };
  const { good, other, old } = certificates ?? { good: none, other: none, old: none };
  const secure = async (of: Certificate, options: object = {}) => {
    const server = await raw(answering(OK), (listener) => createTlsServer({ ...of, ...options }, listener));
    return { server, byName: `https://localhost:${server.port}/`, byAddress: `https://127.0.0.1:${server.port}/` };
  };
  const withKey = () => get({ headers: { authorization: "Bearer sk-secret" } });

  test("a certificate that nobody vouches for is refused, and the key is never sent", async () => {
    const { server, byName, byAddress } = await secure(good);
    for (const url of [byName, byAddress]) expect((await failure(client()(url, withKey()))).code).toBe("DEPTH_ZERO_SELF_SIGNED_CERT");
    await wait(50);
    expect(server.got.join("")).toBe("");
  });

  test("with its authority it is taken, by name and by address, and the connection is used again", async () => {
    const { server, byName, byAddress } = await secure(good, { ALPNProtocols: ["h2", "http/1.1"] });
    const fetch = client({ ca: good.cert });
    for (let index = 0; index < 3; index++) expect(await (await fetch(byName, withKey())).text()).toBe("ok");
    expect(server.sockets).toHaveLength(1);
    expect((server.sockets[0] as unknown as { alpnProtocol: string }).alpnProtocol).toBe("http/1.1");
    expect(await (await fetch(byAddress, withKey())).text()).toBe("ok");
  });

  test("the certificate of another host is refused, by name and by address", async () => {
    const { server, byName, byAddress } = await secure(other);
    for (const url of [byName, byAddress]) expect((await failure(client({ ca: other.cert })(url, withKey()))).code).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    await wait(50);
    expect(server.got.join("")).toBe("");
  });

  test("an expired certificate is refused", async () => {
    const { server, byName } = await secure(old);
    expect((await failure(client({ ca: old.cert })(byName, withKey()))).code).toBe("CERT_HAS_EXPIRED");
    await wait(50);
    expect(server.got.join("")).toBe("");
  });

  test("a server that speaks no TLS is an error", async () => {
    const plain = await raw((socket) => socket.end("HTTP/1.1 400 Bad\r\n\r\n"));
    await failure(client()(plain.url.replace("http", "https"), withKey()));
    expect(plain.got.join("")).not.toContain("sk-secret");
  });

  test("10 MB both ways, slowly read", async () => {
    const big = "é".repeat(5_000_000);
    const server = await raw(
      (socket, text) => {
        if (text.length >= 10_000_000) socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n${big}`);
      },
      (listener) => createTlsServer(good, listener),
    );
    const response = await client({ ca: good.cert })(`https://localhost:${server.port}/`, post(big));
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await wait(300);
    let got = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) got += part.value.length;
    expect(got).toBe(10_000_000);
    expect(Buffer.from(server.got[0] as string, "latin1").toString("utf8").endsWith(big)).toBe(true);
  }, 30_000);

  test("an abort in the middle closes", async () => {
    const server = await raw(
      (socket) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc"),
      (listener) => createTlsServer(good, listener),
    );
    const controller = new AbortController();
    const response = await client({ ca: good.cert })(`https://localhost:${server.port}/`, get({ signal: controller.signal }));
    const reading = failure(response.text());
    controller.abort(new Error("enough"));
    expect((await reading).message).toBe("enough");
    await until(() => server.closed[0] !== undefined, 200);
  });
});
