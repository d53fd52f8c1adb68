import { expect, test } from "vitest";
import { literalSecrets, readWritten } from "./key-sources.ts";
import { testWorld } from "./testing/world.ts";

test("credentials that stand in the file as they are, by their places", async () => {
  const world = testWorld();
  const path = world.file(
    "headgate.yaml",
    `admin_key: literal-admin-key
database: postgres://user:password@host/db
providers:
  a: { api_key: "\${A}" }
  b: { api_key: none }
  c: { api_keys: ["\${C}", literal-key-2] }
keys: [{ name: x, key: "\${X:-default}" }, { name: y, key: literal-key-3 }]
`,
  );
  expect(literalSecrets(await readWritten(path))).toEqual(["admin_key", "keys[1].key", "providers.c.api_keys[1]", "database"]);
  expect(await readWritten(`${path}.none`)).toBeUndefined();
  world.remove();
});
