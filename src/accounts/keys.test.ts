import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { KeyStore, StoredKey } from "../stores/ports.ts";
import { allowsModel, KeyBook, presentedKey } from "./keys.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

function storedKey(key: string, more: Partial<StoredKey> = {}): StoredKey {
  return {
    id: `id-${key}`,
    name: key,
    hash: sha256(key),
    prefix: "",
    models: null,
    createdAt: 0,
    expiresAt: null,
    disabledAt: null,
    ...more,
  };
}

function keyStore(keys: StoredKey[]): KeyStore & { asked: number; down: boolean } {
  return {
    asked: 0,
    down: false,
    async findKey(hash) {
      this.asked += 1;
      await Promise.resolve();
      if (this.down) throw new Error("down");
      return keys.find((key) => key.hash === hash);
    },
    listKeys: () => Promise.resolve(keys),
    addKey: () => Promise.resolve(),
    disableKey: () => Promise.resolve(true),
  };
}

describe("the key book", () => {
  test("knows configured keys without asking anyone", () => {
    const configured = new Map([
      [sha256("secret-one"), { key: { keyId: "config:a", keyName: "a", allows: () => true }, expiresAt: undefined }],
    ]);
    const book = new KeyBook(configured, undefined, sha256, () => 0);
    expect(book.find("secret-one")).toMatchObject({ keyName: "a" });
    expect(book.find("secret-two")).toBeUndefined();
    expect(book.find("")).toBeUndefined();
    expect(book.find("x".repeat(10_000))).toBeUndefined();
  });

  test("works with a hash that takes its time", async () => {
    const configured = Promise.resolve(
      new Map([[sha256("secret-one"), { key: { keyId: "config:a", keyName: "a", allows: () => true }, expiresAt: undefined }]]),
    );
    const book = new KeyBook(
      configured,
      undefined,
      (text) => Promise.resolve(sha256(text)),
      () => 0,
    );
    expect(await book.find("secret-one")).toMatchObject({ keyName: "a" });
    expect(await book.find("other")).toBeUndefined();
  });

  test("asks the store once for many callers, then remembers for two seconds", async () => {
    let now = 0;
    const store = keyStore([storedKey("k")]);
    const book = new KeyBook(new Map(), store, sha256, () => now);
    await Promise.all(Array.from({ length: 50 }, async () => book.find("k")));
    expect(store.asked).toBe(1);
    now = 1999;
    await book.find("k");
    expect(store.asked).toBe(1);
    now = 2001;
    await book.find("k");
    expect(store.asked).toBe(2);
  });

  test("a disabled or expired key is nobody's", async () => {
    let now = 0;
    const book = new KeyBook(
      new Map(),
      keyStore([storedKey("off", { disabledAt: 1 }), storedKey("old", { expiresAt: 100 })]),
      sha256,
      () => now,
    );
    expect(await book.find("off")).toBeUndefined();
    expect(await book.find("old")).toMatchObject({ keyName: "old" });
    now = 100;
    expect(await book.find("old")).toBeUndefined();
  });

  test("a store that is down does not lock out whom it has let in before; strangers get its error, not a refusal", async () => {
    let now = 0;
    const store = keyStore([storedKey("k")]);
    const book = new KeyBook(new Map(), store, sha256, () => now);
    await book.find("k");
    store.down = true;
    now = 60_000;
    expect(await book.find("k")).toMatchObject({ keyName: "k" });
    await expect(book.find("stranger")).rejects.toThrow("down");
  });
});

describe("the presented key", () => {
  const from = (headers: Record<string, string>, search = ""): string | undefined => presentedKey(new Headers(headers), search);

  test("is taken from any of the usual places", () => {
    expect(from({ authorization: "Bearer abc" })).toBe("abc");
    expect(from({ authorization: "bearer  abc " })).toBe("abc");
    expect(from({ "x-api-key": "abc" })).toBe("abc");
    expect(from({ "api-key": "abc" })).toBe("abc");
    expect(from({ "x-goog-api-key": "abc" })).toBe("abc");
    expect(from({}, "?alt=sse&key=abc")).toBe("abc");
    expect(from({})).toBeUndefined();
  });

  test("no other scheme is a key", () => {
    for (const authorization of ["Basic abc", "abc", "Bearer", "Bearer a b", "Token abc"]) expect(from({ authorization })).toBe("");
  });
});

test("model lists: names, families, everything", () => {
  expect(allowsModel(undefined, "any")).toBe(true);
  expect(allowsModel([], "any")).toBe(false);
  expect(allowsModel(["fast"], "fast")).toBe(true);
  expect(allowsModel(["openai/*"], "openai/gpt")).toBe(true);
  expect(allowsModel(["openai/*"], "openai-evil/gpt")).toBe(false);
  expect(allowsModel(["*"], "x")).toBe(true);
});
