import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { scene } from "./testing/server.ts";

test("the demo shows five calls and what they came to, leaves nothing behind, and ends by itself", async () => {
  const here = scene();
  const { exitCode, out, err } = await here.headgate("demo");
  expect(err).toBe("");
  expect(exitCode).toBe(0);
  expect(out).toContain('→ "Hello from an OpenAI client."');
  expect(out).toContain('→ "Hello from an Anthropic client."');
  expect(out).toMatch(/→ You said: Take your time\. This answer comes from the mock provider/);
  expect(out).toContain("answered by mock/echo after 2 attempts");
  expect(out).toContain('calls get_weather({"city":"Lisbon","unit":"celsius"})');
  expect(out).toMatch(/total +5 +0 /);
  expect(out).not.toContain("\u001b");
  // What Bun keeps at home is its own.
  expect(readdirSync(here.directory).filter((name) => name !== ".bun")).toEqual([]);
  await here.end();
});
