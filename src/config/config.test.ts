import { expect, test } from "vitest";
import { needsRestart } from "./config.ts";
import { checkConfig } from "./parse.ts";

test("only addresses and the database need a new start", () => {
  const config = (settings: object) => checkConfig(settings).config;
  const before = config({ listen: 4000, database: "sqlite:a.db" });
  expect(
    needsRestart(
      before,
      config({
        listen: "127.0.0.1:4000",
        database: "sqlite:a.db",
        log: { level: "warn" },
        providers: { mock: {} },
        admin_key: "another-key",
      }),
    ),
  ).toEqual([]);
  expect(needsRestart(before, config({ listen: 4001, admin_listen: 4002, database: "sqlite:b.db" }))).toEqual([
    "listen",
    "admin_listen",
    "database",
  ]);
  expect(needsRestart(before, config({ listen: 4000 }))).toEqual(["database"]);
});
