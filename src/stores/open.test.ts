import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openStore } from "./open.ts";
import { callRecord } from "./ports.contract.ts";

describe("openStore", () => {
  test.each(["memory:", "sqlite::memory:", "SQLite::memory:"])("%s opens a store that works", async (url) => {
    const store = await openStore(url);
    await store.append([callRecord("hg_1")]);
    expect(await store.find("hg_1")).toEqual(callRecord("hg_1"));
    await store.close();
  });

  test.each(["sqlite:", "sqlite://"])("%s and a path opens that file", async (scheme) => {
    const folder = mkdtempSync(join(tmpdir(), "headgate-open-"));
    const path = join(folder, "a.db");
    const store = await openStore(scheme + path);
    expect(existsSync(path)).toBe(true);
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("a database of another kind is refused by name, without repeating the password", async () => {
    const refused = openStore("postgres://user:hunter2@db.example/headgate");
    await expect(refused).rejects.toMatchObject({ code: "not_supported", message: expect.stringContaining("postgres:") as string });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining("hunter2") as string });
  });

  test("a path without its scheme is refused with an example", async () => {
    await expect(openStore("./headgate.db")).rejects.toMatchObject({
      code: "not_supported",
      message: expect.stringContaining("sqlite:./") as string,
    });
  });

  test("a scheme without a path is refused", async () => {
    await expect(openStore("sqlite:")).rejects.toMatchObject({ code: "invalid_request", field: "database" });
  });
});
