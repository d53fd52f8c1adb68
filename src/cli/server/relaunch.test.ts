import { expect, test } from "vitest";
import { commandWords, needsRelaunch } from "./relaunch.ts";

test("a process starts itself anew once at most, and only where that helps", () => {
  const onBun = process.versions["bun"] !== undefined;
  expect(needsRelaunch({})).toBe(onBun);
  expect(needsRelaunch({ BUN_CONFIG_MAX_HTTP_REQUESTS: "65535" })).toBe(false);
  expect(needsRelaunch({ HEADGATE_RELAUNCHED: "1" })).toBe(false);
});

test("the words of the command stay the same, for a compiled binary too", () => {
  expect(commandWords(["/usr/bin/bun", "/app/src/main.ts", "serve", "-l", "4000"])).toEqual(["/app/src/main.ts", "serve", "-l", "4000"]);
  expect(commandWords(["bun", "/$bunfs/root/headgate", "serve", "-l", "4000"])).toEqual(["serve", "-l", "4000"]);
  expect(commandWords(["bun", "B:\\~BUN\\root\\headgate.exe", "serve"])).toEqual(["serve"]);
});
