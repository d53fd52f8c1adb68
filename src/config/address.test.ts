import { describe, expect, test } from "vitest";
import { formatListen, isLoopback, parseListen } from "./address.ts";

describe("parseListen", () => {
  test("reads the usual forms", () => {
    expect(parseListen("127.0.0.1:4000")).toEqual({ host: "127.0.0.1", port: 4000 });
    expect(parseListen("localhost:80")).toEqual({ host: "localhost", port: 80 });
    expect(parseListen("[::1]:4000")).toEqual({ host: "::1", port: 4000 });
    expect(parseListen("[::]:4000")).toEqual({ host: "::", port: 4000 });
    expect(parseListen("gateway.example:4000")).toEqual({ host: "gateway.example", port: 4000 });
  });

  test("a port alone is loopback, a colon and a port is every address", () => {
    expect(parseListen("4000")).toEqual({ host: "127.0.0.1", port: 4000 });
    expect(parseListen(":4000")).toEqual({ host: "0.0.0.0", port: 4000 });
    expect(parseListen("0")).toEqual({ host: "127.0.0.1", port: 0 });
  });

  test("refuses everything else", () => {
    for (const text of [
      "",
      "localhost",
      "127.0.0.1",
      "127.0.0.1:",
      "127.0.0.1:65536",
      "127.0.0.1:-1",
      "::1:4000",
      "[::1]",
      "[zz]:1",
      "http://x:1",
      "1.2.3:1",
      "127.1:80",
      "0x7f.1:80",
      "0177.0.0.1:80",
      "256.0.0.1:80",
      "a b:1",
      "-x:1",
      "a:b:1",
      "127.0.0.1:4000\n",
    ]) {
      expect([text, parseListen(text)]).toEqual([text, undefined]);
    }
  });

  test("is undone by formatListen", () => {
    for (const text of ["127.0.0.1:4000", "[::1]:4000", "localhost:1"])
      expect(formatListen(parseListen(text) ?? { host: "", port: 0 })).toBe(text);
  });
});

describe("isLoopback", () => {
  test("knows the addresses of this machine only", () => {
    for (const text of [
      "127.0.0.1:4000",
      "127.0.0.2:1",
      "127.255.255.254:1",
      "localhost:1",
      "LOCALHOST:1",
      "a.localhost:1",
      "[::1]:4000",
      "[0:0:0:0:0:0:0:1]:1",
      "[::ffff:127.0.0.1]:1",
      "4000",
    ]) {
      expect([text, isLoopback(text)]).toEqual([text, true]);
    }
  });

  test("takes everything else for reachable", () => {
    for (const text of [
      "0.0.0.0:4000",
      "[::]:4000",
      ":4000",
      "10.0.0.1:1",
      "128.0.0.1:1",
      "192.168.1.1:1",
      "[fe80::1]:1",
      "[::ffff:10.0.0.1]:1",
      "[::2]:1",
      "localhost.example:1",
      "localhost4:1",
      "example.com:1",
      "nonsense",
      "",
    ]) {
      expect([text, isLoopback(text)]).toEqual([text, false]);
    }
  });
});
