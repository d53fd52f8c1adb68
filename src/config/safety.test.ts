import { describe, expect, test } from "vitest";
import { checkConfig, isConfigError } from "./parse.ts";
import { assertSafeToListen, isOpen } from "./safety.ts";
import type { SafetyOptions } from "./safety.ts";

function refusal(settings: object, options?: SafetyOptions): string[] {
  try {
    assertSafeToListen(checkConfig(settings).config, options);
    return [];
  } catch (thrown) {
    if (isConfigError(thrown)) return thrown.problems.map((problem) => problem.path);
    throw thrown;
  }
}

const keys = [{ name: "a", key: "a-long-key" }];
const admin_key = "an-admin-key";

describe("assertSafeToListen", () => {
  test("allows an open gateway on loopback", () => {
    for (const listen of ["127.0.0.1:4000", "[::1]:4000", "localhost:4000", 4000]) expect(refusal({ listen })).toEqual([]);
    expect(refusal({})).toEqual([]);
  });

  test("refuses it on any other address, and says both things that are missing", () => {
    for (const listen of ["0.0.0.0:4000", ":4000", "[::]:4000", "10.1.2.3:4000", "gateway.example:4000"])
      expect(refusal({ listen })).toEqual(["keys", "admin_key"]);
  });

  test("wants client keys and an admin key there", () => {
    const listen = "0.0.0.0:4000";
    expect(refusal({ listen, keys })).toEqual(["admin_key"]);
    expect(refusal({ listen, admin_key })).toEqual(["keys"]);
    expect(refusal({ listen, keys, admin_key })).toEqual([]);
  });

  test("counts keys in the store", () => {
    expect(refusal({ listen: ":4000", admin_key }, { storedKeys: 1 })).toEqual([]);
    expect(isOpen(checkConfig({}).config)).toBe(true);
    expect(isOpen(checkConfig({}).config, { storedKeys: 2 })).toBe(false);
    expect(isOpen(checkConfig({ keys }).config)).toBe(false);
  });

  test("wants an admin key where only the admin API is reachable", () => {
    expect(refusal({ admin_listen: "0.0.0.0:4001" })).toEqual(["admin_key"]);
    expect(refusal({ admin_listen: "0.0.0.0:4001", admin_key })).toEqual([]);
    expect(refusal({ admin_listen: "127.0.0.1:4001" })).toEqual([]);
  });
});
