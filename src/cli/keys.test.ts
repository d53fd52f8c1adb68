import { createHash } from "node:crypto";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openStore } from "../stores/open.ts";
import type { StoredKey } from "../stores/ports.ts";
import { noon, testWorld } from "./testing/world.ts";
import type { TestWorld } from "./testing/world.ts";

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

async function stored(): Promise<StoredKey[]> {
  const store = await openStore(`sqlite:${join(world.directory, "headgate.db")}`);
  const keys = await store.listKeys();
  await store.close();
  return keys;
}

describe("headgate keys new", () => {
  test("prints the key alone on stdout, and keeps only its hash", async () => {
    const { exitCode, out, err } = await world.headgate("keys", "new", "ci", "--models", "fast, mock/*", "--expires", "30d");
    expect(exitCode).toBe(0);
    const key = out.trimEnd();
    expect(key).toMatch(/^hg-[0-9A-Za-z]{32}$/);
    expect(err).not.toContain(key);
    const [kept] = await stored();
    expect(kept).toMatchObject({
      name: "ci",
      hash: createHash("sha256").update(key).digest("hex"),
      prefix: key.slice(0, 7),
      models: ["fast", "mock/*"],
      createdAt: noon,
      expiresAt: noon + 30 * 86_400_000,
      disabledAt: null,
    });
    expect(JSON.stringify(kept)).not.toContain(key);
  });

  test("warns that a server that runs already is open, as long as nothing else guards it", async () => {
    expect((await world.headgate("keys", "new", "first")).err).toContain("does not ask for it; from its next start on");
    expect((await world.headgate("keys", "new", "second")).err).not.toContain("warning");
    const guarded = testWorld({ HEADGATE_ADMIN_KEY: "an-admin-key-of-some-length" });
    expect((await guarded.headgate("keys", "new", "first")).err).not.toContain("warning");
    guarded.remove();
  });

  test("warns of models that the configuration does not have", async () => {
    world.file("headgate.yaml", "providers: { mock: }\nmodels: { fast: mock/echo }\nkeys: [{ name: x, key: hg-some-static-key }]\n");
    const { exitCode, err } = await world.headgate("keys", "new", "ci", "--models", "fsat,mock/echo,*");
    expect(exitCode).toBe(0);
    expect(err).toContain('the configuration has no model "fsat", did you mean "fast"?');
    expect(err).not.toContain('"mock/echo"');
  });

  test("a name can be given once, until its key is disabled", async () => {
    await world.headgate("keys", "new", "ci");
    const again = await world.headgate("keys", "new", "ci");
    expect(again.exitCode).toBe(1);
    expect(again.err).toContain("name: is taken by another key");
    expect(again.out).toBe("");
    await world.headgate("keys", "disable", "ci");
    expect((await world.headgate("keys", "new", "ci")).exitCode).toBe(0);
  });

  test.each([
    ["new", ""],
    ["new", "-x"],
    ["new", "ci", "--expires", "soon"],
    ["new", "ci", "--expires", "2020-01-01"],
    ["new", "ci", "--models", ","],
    ["new", "ci", "--models", "a*b"],
  ])("keys %s %s %s %s is a mistake of usage", async (...words) => {
    expect((await world.headgate("keys", ...words.filter((word) => word !== undefined))).exitCode).toBe(2);
  });

  test("a database in memory is refused: the server would never see the key", async () => {
    const volatile = testWorld({ HEADGATE_DATABASE: "memory:" });
    const { exitCode, err } = await volatile.headgate("keys", "new", "ci");
    volatile.remove();
    expect(exitCode).toBe(1);
    expect(err).toContain("lives in the memory of the server");
  });
});

describe("headgate keys list", () => {
  test("has those of the database and of the configuration, and shows no key", async () => {
    world.file("headgate.yaml", "providers: { mock: }\nkeys: [{ name: static, key: hg-some-static-key, models: [mock/echo] }]\n");
    const key = (await world.headgate("keys", "new", "ci", "--expires", "2027-01-31")).out.trim();
    await world.headgate("keys", "new", "gone");
    await world.headgate("keys", "disable", "gone");
    const { out, err } = await world.headgate("keys", "list");
    expect(out).toMatch(/static +in \S*headgate\.yaml +mock\/echo +never +active/);
    expect(out).toMatch(/ci +key_\w+ +hg-\w{4}… +all .* active/);
    expect(out).toMatch(/gone .* disabled 2026-/);
    expect(out + err).not.toContain(key);
    const listed = JSON.parse((await world.headgate("keys", "list", "--json")).out) as { name: string; expires_at: string | null }[];
    expect(Object.fromEntries(listed.map((one) => [one.name, one.expires_at]))).toEqual({
      static: null,
      ci: "2027-01-31T00:00:00.000Z",
      gone: null,
    });
  });

  test("without keys says how to make one", async () => {
    expect((await world.headgate("keys", "list")).out).toContain("headgate keys new NAME");
  });
});

describe("headgate keys disable", () => {
  test("takes an id or a name, twice as well as once", async () => {
    await world.headgate("keys", "new", "ci");
    const [key] = await stored();
    expect((await world.headgate("keys", "disable", key?.id ?? "")).exitCode).toBe(0);
    const again = await world.headgate("keys", "disable", "ci");
    expect(again.exitCode).toBe(0);
    expect(again.out).toContain("(it was already)");
    expect((await stored())[0]?.disabledAt).toBe(noon);
  });

  test("a key of the configuration is removed there", async () => {
    world.file("headgate.yaml", "providers: { mock: }\nkeys: [{ name: static, key: hg-some-static-key }]\n");
    const { exitCode, err } = await world.headgate("keys", "disable", "static");
    expect(exitCode).toBe(1);
    expect(err).toContain("Remove it there");
  });

  test("an unknown key is said to be unknown", async () => {
    expect((await world.headgate("keys", "disable", "nobody")).err).toContain('There is no key "nobody"');
  });
});
