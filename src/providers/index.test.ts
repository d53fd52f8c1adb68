import { describe, expect, test } from "vitest";
import { catalogue } from "./catalogue.ts";
import { canonicalProviderName, discover, findProvider, nearestProviderName, providerNames } from "./index.ts";

describe("findProvider", () => {
  test("finds a row by its name, an alias, in whatever case", () => {
    expect(findProvider("groq")).toBe(catalogue.groq);
    expect(findProvider("together")).toBe(catalogue.togetherai);
    expect(findProvider("DashScope")).toBe(catalogue.alibaba);
    expect(canonicalProviderName("grok")).toBe("xai");
  });

  test.each(["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "", "no-such-vendor"])("knows no %s", (name) => {
    expect(findProvider(name)).toBeUndefined();
    expect(canonicalProviderName(name)).toBeUndefined();
  });

  test("every name and alias finds its row", () => {
    for (const name of providerNames()) {
      const row = findProvider(name);
      expect(row).toBeDefined();
      for (const alias of row?.aliases ?? []) expect(findProvider(alias)).toBe(row);
    }
  });
});

describe("nearestProviderName", () => {
  test("guesses slips of the finger", () => {
    expect(nearestProviderName("antropic")).toBe("anthropic");
    expect(nearestProviderName("openia")).toBe("openai");
    expect(nearestProviderName("fireworsk")).toBe("fireworks");
  });

  test("does not guess wildly", () => {
    expect(nearestProviderName("the-moon-is-made-of-cheese")).toBeUndefined();
  });
});

describe("discover", () => {
  const found = (env: Record<string, string | undefined>) => discover(env).map((one) => `${one.name} ${one.keyEnv}`);

  test("nothing in the environment, nothing found", () => {
    expect(found({})).toEqual([]);
    expect(found({ PATH: "/bin", OPENAI_API_KEY: "" })).toEqual([]);
  });

  test("finds providers in the order of the catalogue", () => {
    expect(found({ GROQ_API_KEY: "g", ANTHROPIC_API_KEY: "a", OPENAI_API_KEY: "o" })).toEqual([
      "openai OPENAI_API_KEY",
      "anthropic ANTHROPIC_API_KEY",
      "groq GROQ_API_KEY",
    ]);
  });

  test("the first variable that is set names the key", () => {
    expect(found({ TOGETHERAI_API_KEY: "b" })).toEqual(["togetherai TOGETHERAI_API_KEY"]);
    expect(found({ TOGETHERAI_API_KEY: "b", TOGETHER_API_KEY: "a" })).toEqual(["togetherai TOGETHER_API_KEY"]);
  });

  test("a variable that several rows read turns on one of them", () => {
    expect(found({ MOONSHOT_API_KEY: "m" })).toEqual(["moonshotai MOONSHOT_API_KEY"]);
    expect(found({ DASHSCOPE_API_KEY: "d" })).toEqual(["alibaba DASHSCOPE_API_KEY"]);
    expect(found({ ARK_API_KEY: "d" })).toEqual(["volcengine ARK_API_KEY"]);
  });

  test("an address with a gap is not found until the gap is filled", () => {
    expect(found({ CLOUDFLARE_API_TOKEN: "c" })).toEqual([]);
    expect(found({ CLOUDFLARE_API_TOKEN: "c", CLOUDFLARE_ACCOUNT_ID: "x" })).toEqual(["cloudflare-workers-ai CLOUDFLARE_API_TOKEN"]);
  });

  test("servers on this machine are not guessed at", () => {
    expect(found({ LITELLM_API_KEY: "x" })).toEqual([]);
  });

  test("no variable turns on two providers", () => {
    const everything = new Set(Object.values(catalogue).flatMap((row): readonly string[] => row.env));
    for (const variable of everything) expect(discover({ [variable]: "x" }).length).toBeLessThan(2);
  });
});
