import { describe, expect, test } from "vitest";
import type { Config } from "./config.ts";
import { checkConfig, formatProblem, formatProblems, isConfigError, parseConfig } from "./parse.ts";
import type { CheckOptions, Problem } from "./parse.ts";

const env = { SECRET: "sk-live-0123456789abcdef", TWO: "2", YES: "true", EMPTY: "", WORD: "openai" };
const providerTypes = [
  "openai",
  "anthropic",
  "ollama",
  { name: "openai-compatible", needsBaseUrl: true },
  { name: "narrow", formats: ["openai/chat-completions", "openai/responses"] },
];

function read(text: string, options: Omit<CheckOptions, "env"> = {}): Config {
  return parseConfig(text, { env, providerTypes, ...options }).config;
}

function problems(text: string, options: Omit<CheckOptions, "env"> = {}): readonly Problem[] {
  try {
    parseConfig(text, { env, providerTypes, ...options });
  } catch (thrown) {
    if (isConfigError(thrown)) return thrown.problems;
    throw thrown;
  }
  return [];
}

/** As people see them, without a file name. */
function lines(text: string, options: Omit<CheckOptions, "env"> = {}): string[] {
  return problems(text, options).map((problem) => formatProblem(problem));
}

describe("an empty configuration", () => {
  test("has every default", () => {
    for (const text of ["", "# nothing\n", "{}", "---\n", "providers:\nmodels:\nkeys:\nlog:\n", "\uFEFF"]) {
      expect(read(text)).toEqual({
        listen: { host: "127.0.0.1", port: 4000 },
        adminListen: "same",
        adminKey: undefined,
        database: undefined,
        providers: new Map(),
        models: new Map(),
        keys: [],
        prices: new Map(),
        log: { level: "info", format: "auto" },
        limits: { bodyBytes: 33_554_432 },
      });
    }
  });
});

describe("providers", () => {
  test("an empty entry takes everything from the catalogue", () => {
    const provider = read("providers:\n  openai:\n  anthropic: {}\n").providers.get("openai");
    expect(provider).toMatchObject({ name: "openai", type: "openai", baseUrl: undefined, apiKeys: undefined, formats: undefined });
    expect(provider?.timeout).toEqual({ connectMs: 5000, firstByteMs: 120_000, wholeMs: 600_000, idleMs: 60_000, totalMs: 1_800_000 });
  });

  test("keys: one, several, none, and unsaid are four things", () => {
    const { providers } = read(`providers:
  one: { type: openai, api_key: "\${SECRET}" }
  many: { type: openai, api_keys: [aaaaaaaa, bbbbbbbb] }
  no: { type: openai, api_key: none }
  unsaid: { type: openai }
`);
    expect(providers.get("one")?.apiKeys?.map((key) => key.reveal())).toEqual([env.SECRET]);
    expect(providers.get("many")?.apiKeys?.map((key) => key.reveal())).toEqual(["aaaaaaaa", "bbbbbbbb"]);
    expect(providers.get("no")?.apiKeys).toEqual([]);
    expect(providers.get("unsaid")?.apiKeys).toBeUndefined();
    expect(lines("providers:\n  openai: { api_key: a, api_keys: [b] }")).toEqual([
      "2:25 providers.openai.api_keys: api_key and api_keys exclude each other",
    ]);
    expect(lines("providers:\n  openai: { api_keys: [same-key, same-key] }")).toEqual([
      "2:34 providers.openai.api_keys[1]: the same key as api_keys[0]",
    ]);
    expect(lines('providers:\n  openai: { api_key: "" }')).toHaveLength(1);
  });

  test("a base URL keeps its path and loses its last slash", () => {
    expect(read("providers: { openai: { base_url: 'https://eu.example/x/v1/' } }").providers.get("openai")?.baseUrl).toBe(
      "https://eu.example/x/v1",
    );
    expect(lines("providers: { openai: { base_url: 'ftp://x' } }")[0]).toContain("expected an http:// or https:// address");
    expect(lines("providers: { openai: { base_url: 'example.com/v1' } }")).toHaveLength(1);
    expect(lines("providers: { openai: { base_url: 'https://x/v1?a=b' } }")[0]).toContain("without ? or #");
    const withPassword = lines("providers: { openai: { base_url: 'https://user:hunter22@example.com' } }");
    expect(withPassword).toHaveLength(1);
    expect(withPassword[0]).not.toContain("hunter22");
  });

  test("a type without an address of its own needs one", () => {
    expect(lines("providers:\n  vllm:\n    type: openai-compatible")).toEqual([
      '2:3 providers.vllm.base_url: required for the type "openai-compatible", and missing',
    ]);
  });

  test("an unknown type is refused with the nearest one", () => {
    expect(lines("providers:\n  x: { type: opnai }")).toEqual([
      '2:14 providers.x.type: no provider type is called "opnai", did you mean "openai"?',
    ]);
    expect(lines("providers:\n  antropic:")).toEqual([
      '2:3 providers.antropic: no provider type is called "antropic", so `type` must say what it is, did you mean "anthropic"?',
    ]);
    expect(lines("providers:\n  zebra:")[0]).toContain("; known: openai, anthropic, ollama, openai-compatible, narrow");
    expect(lines("providers:\n  constructor:")).toHaveLength(1);
  });

  test("formats are completed to their full names where the type's are known", () => {
    expect(read("providers: { narrow: { formats: [responses, chat] } }").providers.get("narrow")?.formats).toEqual([
      "openai/responses",
      "openai/chat-completions",
    ]);
    expect(read("providers: { openai: { formats: [responses] } }").providers.get("openai")?.formats).toEqual(["responses"]);
    expect(lines("providers: { narrow: { formats: [respones] } }")).toEqual([
      '1:34 providers.narrow.formats[0]: this type does not speak "respones", did you mean "responses"?',
    ]);
  });

  test("headers are lower-case secrets, and none that frame the request", () => {
    const headers = read("providers: { openai: { headers: { X-Team: search } } }").providers.get("openai")?.headers;
    expect(headers?.get("x-team")?.reveal()).toBe("search");
    expect(JSON.stringify([...(headers ?? [])])).not.toContain("search");
    expect(lines("providers: { openai: { headers: { Host: x } } }")).toEqual([
      "1:35 providers.openai.headers.Host: the gateway sets this header itself",
    ]);
    expect(lines('providers: { openai: { headers: { x: "a\\nb" } } }')).toHaveLength(1);
    expect(lines("providers: { openai: { headers: { a: x, A: x } } }")).toHaveLength(1);
  });

  test("facts and prices about models", () => {
    const provider = read(
      "providers: { openai: { models: { m-1: { context_window: 128k, tools: true, reasoning: false, price: { input: 0.1, cache_read: 0.025 } } } } }",
    ).providers.get("openai");
    expect(provider?.models.get("m-1")).toEqual({
      capabilities: { contextWindow: 128_000, tools: true, reasoning: false },
      price: { input: 0.1, cacheRead: 0.025 },
    });
    expect(lines("prices: { openai/x: { input: 0.0000001 } }", { discovered: ["openai"] })[0]).toContain("at most six decimals");
    expect(lines("prices: { openai/x: { input: -1 } }", { discovered: ["openai"] })).toHaveLength(1);
  });
});

describe("models", () => {
  const base = "providers: { openai: , anthropic: }\n";

  test("a string is one target", () => {
    const model = read(`${base}models: { fast: openai/ft/gpt:1 }`).models.get("fast");
    expect(model).toMatchObject({
      name: "fast",
      route: "fallback",
      retry: { attempts: 2, on: [429, "5xx", "timeout", "network"] },
      timeout: { totalMs: 1_800_000 },
    });
    expect(model?.targets).toEqual([expect.objectContaining({ kind: "model", provider: "openai", model: "ft/gpt:1", weight: 1, set: {} })]);
  });

  test("timeouts come from the target, else the alias, else the provider, else the default", () => {
    const model = read(`providers:
  openai: { timeout: { first_byte: 1s, idle: 2s, whole: 3s } }
models:
  m: { targets: [{ model: openai/x, timeout: { first_byte: 7ms } }], timeout: { idle: 8ms, total: 9s } }
`).models.get("m");
    expect(model?.targets[0]).toMatchObject({ timeout: { connectMs: 5000, firstByteMs: 7, idleMs: 8, wholeMs: 7, totalMs: 9000 } });
    expect(model?.timeout).toMatchObject({ idleMs: 8, totalMs: 9000, firstByteMs: 120_000 });
  });

  test("triggers of a retry are numbers and words", () => {
    const retry = read(`${base}models: { m: { targets: [openai/x], retry: { attempts: 1, on: [429, "503", 5xx, network] } } }`).models.get(
      "m",
    )?.retry;
    expect(retry).toEqual({ attempts: 1, on: [429, 503, "5xx", "network"] });
    expect(read(`${base}models: { m: { targets: [openai/x], retry: { on: } } }`).models.get("m")?.retry.on).toEqual([]);
    expect(lines(`${base}models: { m: { targets: [openai/x], retry: { attempts: 0, on: [200, 5x] } } }`)).toHaveLength(3);
  });

  test("aliases may name aliases, and discovered providers", () => {
    const model = read("models: { a: found/x, b: { targets: [a] } }", { discovered: ["found"] }).models;
    expect(model.get("b")?.targets).toEqual([{ kind: "alias", alias: "a", weight: 1, set: {} }]);
    expect(model.get("a")?.targets[0]).toMatchObject({ kind: "model", provider: "found", model: "x" });
  });

  test("an alias may stand in front of the model that it leads to", () => {
    const { config, warnings } = parseConfig(`${base}models: { openai/x: { targets: [openai/x, anthropic/y] } }`, { env });
    expect(config.models.get("openai/x")?.targets[0]).toMatchObject({ kind: "model", provider: "openai", model: "x" });
    expect(warnings).toHaveLength(1);
  });

  test("a name that leads nowhere is refused with the nearest one", () => {
    expect(lines(`${base}models:\n  fast: opnai/gpt-5`)).toEqual([
      '3:9 models.fast: no provider is called "opnai", did you mean "openai/gpt-5"?',
    ]);
    expect(lines(`${base}models:\n  fast: openai/x\n  smart: fats`)).toEqual([
      '4:10 models.smart: "fats" is neither "provider/model" nor an alias under models, did you mean "fast"?',
    ]);
    expect(lines(`${base}models:\n  smart: zebra/x`)).toEqual([
      '3:10 models.smart: no provider is called "zebra"; known: openai, anthropic',
    ]);
    expect(lines("models: { a: openai/x }")).toEqual(['1:14 models.a: no provider is called "openai"; none is configured']);
    expect(lines(`${base}models: { a: openai/ }`)[0]).toContain("names no model");
    expect(lines(`${base}models: { a: "openai/*" }`)[0]).toContain("without *");
    expect(lines(`${base}models: { a: openai/../x, b: openai/x?y, c: "openai/x y" }`)).toHaveLength(3);
  });

  test("cycles are shown once, whole", () => {
    expect(lines("models:\n  a: b\n  b: { targets: [c] }\n  c: a\n  d: a")).toEqual(["4:6 models.c: leads back to itself: a → b → c → a"]);
    expect(lines("models:\n  a: a")).toEqual(["2:6 models.a: leads back to itself: a → a"]);
  });

  test("a long chain of aliases is no cycle and no stack overflow", () => {
    const chain = Array.from({ length: 20_000 }, (_, index) => `  m${index}: m${index + 1}`).join("\n");
    expect(read(`${base}models:\n${chain}\n  m20000: openai/x`).models.size).toBe(20_001);
  });

  test("fields that a target sets are plain data, and never the model", () => {
    const target = read(
      `${base}models: { m: { targets: [{ model: openai/x, set: { temperature: 0.2, stop: [a, null], o: { constructor: 1 } } }] } }`,
    ).models.get("m")?.targets[0];
    expect(JSON.stringify(target?.set)).toBe('{"temperature":0.2,"stop":["a",null],"o":{"constructor":1}}');
    expect(lines(`${base}models: { m: { targets: [{ model: openai/x, set: { model: y } }] } }`)).toHaveLength(1);
  });

  test("a weight under fallback is a warning", () => {
    const { warnings } = parseConfig(`${base}models:\n  m:\n    targets:\n      - { model: openai/x, weight: 2 }`, { env });
    expect(warnings.map((warning) => formatProblem(warning, "f"))).toEqual([
      "f:5:28 models.m.targets[0].weight: means nothing with route: fallback, which goes by the order of the targets",
    ]);
  });
});

describe("keys", () => {
  const base = "providers: { openai: }\nmodels: { fast: openai/x }\n";

  test("are secrets with a name", () => {
    const keys = read(
      `${base}keys: [{ name: ci, key: "\${SECRET}", models: [fast, openai/y, "openai/*"], expires: 2027-01-31 }, { name: all, key: another-key }]`,
    ).keys;
    expect(keys[0]?.key.reveal()).toBe(env.SECRET);
    expect(keys[0]).toMatchObject({ name: "ci", models: ["fast", "openai/y", "openai/*"], expiresMs: Date.UTC(2027, 0, 31) });
    expect(keys[1]).toMatchObject({ models: undefined, expiresMs: undefined });
    expect(JSON.stringify(keys)).not.toContain("sk-live");
  });

  test("have at least 8 characters, and names and values of their own", () => {
    expect(
      lines(`keys:
  - { name: a, key: short-7 }
  - { name: b, key: the-same-key }
  - { name: b, key: the-same-key }
  - { name: c, key: the-admin-key }
admin_key: the-admin-key`),
    ).toEqual([
      "2:21 keys[0].key: expected at least 8 characters",
      "4:13 keys[2].name: the same name as keys[1]",
      "4:21 keys[2].key: the same key as keys[1]",
      "5:21 keys[3].key: the same as admin_key: a client key must not open the admin API",
    ]);
  });

  test("name models that exist", () => {
    expect(lines(`${base}keys:\n  - { name: a, key: aaaaaaaa, models: [fsat, "*", "open*", "opnai/*", openai/gpt-*] }`)).toEqual([
      '4:40 keys[0].models[0]: "fsat" is neither "provider/model" nor an alias under models, did you mean "fast"?',
      '4:51 keys[0].models[2]: a * stands for all models only alone or as in "provider/*"',
      '4:60 keys[0].models[3]: no provider is called "opnai", did you mean "openai/*"?',
      '4:71 keys[0].models[4]: a * stands for all models only alone or as in "provider/*"',
    ]);
  });

  test("end on a day that exists", () => {
    expect(lines("keys: [{ name: a, key: aaaaaaaa, expires: 2027-02-30 }]")).toEqual([
      '1:43 keys[0].expires: no such day or time: "2027-02-30"',
    ]);
    expect(lines("keys: [{ name: a, key: aaaaaaaa, expires: tomorrow }]")).toHaveLength(1);
  });
});

describe("what is wrong", () => {
  test("is told all at once, in the order of the file", () => {
    expect(
      lines(`listen: nowhere
lisen: 1
providers:
  openai: { api_kye: sk-live-0123456789abcdef }
models:
  smart:
    routes: fallback
    targets: [anthropic/x]
    timeout: { first_byte: 10, idle: 10 sec }
    retry: { attempts: two }
log: { level: verbose, format: 1 }
limits: { body: 32MB }
keys: a
`),
    ).toEqual([
      '1:9 listen: expected "host:port", such as "127.0.0.1:4000" or "[::1]:4000"; ":4000" is every address, 4000 alone is loopback; found "nowhere"',
      '2:1 lisen: unknown key, did you mean "listen"?',
      '4:13 providers.openai.api_kye: unknown key, did you mean "api_key"?',
      '7:5 models.smart.routes: unknown key, did you mean "route"?',
      '8:15 models.smart.targets[0]: no provider is called "anthropic"; known: openai',
      '9:28 models.smart.timeout.first_byte: expected a duration with its unit, such as "10s", "500ms", "5m" or "1h"; a bare number says no unit; found 10',
      '9:38 models.smart.timeout.idle: expected a duration with its unit, such as "10s", "500ms", "5m" or "1h"; a bare number says no unit; found "10 sec"',
      '10:24 models.smart.retry.attempts: expected a whole number from 1 to 10; 1 means no retry; found "two"',
      '11:15 log.level: expected "trace", "debug", "info", "warn", "error", "fatal" or "silent"; found "verbose"',
      '11:32 log.format: expected "auto", "json" or "pretty"; found 1',
      "13:7 keys: expected a list of keys, each with `name` and `key`",
    ]);
  });

  test("says what was expected and what was found", () => {
    expect(lines("log: []")).toEqual(["1:6 log: expected a mapping; found a list"]);
    expect(lines("models: text")).toEqual(['1:9 models: expected a mapping; found "text"']);
    expect(lines("providers: { openai: maybe-a-key }")).toEqual(["1:22 providers.openai: expected a mapping"]);
    expect(lines("keys: [{ name: 5, key: 123456789 }]")).toEqual([
      "1:16 keys[0].name: expected a name of up to 100 characters; found 5: put it in quotes",
      "1:24 keys[0].key: expected text without spaces at its ends, control characters or line breaks, and not empty; found a number: put it in quotes",
    ]);
    expect(lines("keys: [{ name: a }]")[0]).toContain("1:8 keys[0].key: required, and missing");
    expect(lines("models: { a: }")[0]).toContain("found nothing");
    expect(lines("models: { a: { targets: [] } }")).toEqual(["1:25 models.a.targets: expected at least one target; found a list"]);
    expect(lines("models: { a: [x] }")[0]).toContain("found a list");
    expect(lines("models: { a: {} }")).toEqual(["1:11 models.a.targets: required, and missing: expected a list of targets"]);
    expect(lines("[]")).toEqual(["1:1 expected a mapping, such as `providers: …`"]);
    expect(lines("just text")).toHaveLength(1);
  });

  test("carries the file's name as compilers do", () => {
    try {
      parseConfig("\nmodels:\n  smart:\n    routes: x\n    targets: [a]\n  a: o/x\nproviders: { o: }", { env, fileName: "headgate.yaml" });
      expect.unreachable();
    } catch (thrown) {
      if (!isConfigError(thrown)) throw thrown;
      expect(formatProblems(thrown)).toBe('headgate.yaml:4:5 models.smart.routes: unknown key, did you mean "route"?');
      expect(thrown.message).toBe(formatProblems(thrown));
    }
  });

  test("lists the keys when none is near", () => {
    expect(lines("log: { zebra: 1 }")).toEqual(["1:8 log.zebra: unknown key; known: level, format"]);
  });

  test("is bounded", () => {
    const many = Array.from({ length: 500 }, (_, index) => `wrong${index}: 1`).join("\n");
    const found = problems(many);
    expect(found).toHaveLength(101);
    expect(found.at(-1)?.message).toBe("and 400 more problems");
  });

  test("names in paths are quoted where they need to be", () => {
    expect(lines('models: { "a.b": { targets: [x], y: 1 } }').map((line) => line.split(": ")[0])).toEqual([
      '1:30 models["a.b"].targets[0]',
      '1:34 models["a.b"].y',
    ]);
  });
});

describe("names of the language", () => {
  test("are names like any other", () => {
    const config = read(
      "providers: { constructor: { type: openai }, toString: { type: openai } }\nmodels: { constructor: constructor/x, hasOwnProperty: constructor, valueOf: toString/valueOf }",
    );
    expect(config.models.get("constructor")?.targets[0]).toMatchObject({ provider: "constructor", model: "x" });
    expect(config.models.get("hasOwnProperty")?.targets[0]).toMatchObject({ kind: "alias", alias: "constructor" });
    expect(config.models.get("toString")).toBeUndefined();
    expect(lines("models: { a: toString/x, b: constructor, c: valueOf }")).toHaveLength(3);
    expect(lines("constructor: 1\ntoString: 2")).toHaveLength(2);
    expect(lines("log: { constructor: 1 }")).toHaveLength(1);
  });

  test("except __proto__, which is refused everywhere", () => {
    expect(lines("__proto__: { listen: 1 }")).toEqual(["1:1 __proto__: cannot be used as a name"]);
    expect(lines("models: { __proto__: openai/x }")).toEqual(["1:11 models.__proto__: cannot be used as a name"]);
    expect(lines("providers: { openai: { models: { __proto__: {} } } }")).toHaveLength(1);
    expect(() => checkConfig(JSON.parse('{"models":{"__proto__":"mock/x"}}'))).toThrow("models.__proto__: cannot be used as a name");
    expect(({} as { listen?: unknown }).listen).toBeUndefined();
  });
});

describe("variables", () => {
  test("that are missing are named with their place", () => {
    expect(lines('providers:\n  openai: { api_key: "a ${SECRT}" }')).toEqual([
      '2:25 providers.openai.api_key: the environment variable SECRT is not set; ${SECRT:-…} would give it a default, did you mean "SECRET"?',
    ]);
    expect(lines("admin_key: ${A1}${A2}")).toEqual(["1:12 admin_key: the environment variables A1, A2 are not set"]);
    expect(lines("admin_key: ${}")).toHaveLength(1);
    expect(lines("redis: ${NONE}")).toHaveLength(1);
  });

  test("stand for numbers and yes or no where those are expected", () => {
    const { config } = parseConfig(
      'providers: { openai: { models: { m: { tools: "${YES}" } } } }\nmodels: { a: { targets: [{ model: openai/x, weight: "${TWO}" }], retry: { attempts: "${TWO}" } } }',
      { env },
    );
    expect(config.models.get("a")).toMatchObject({ retry: { attempts: 2 }, targets: [{ weight: 2 }] });
    expect(config.providers.get("openai")?.models.get("m")?.capabilities.tools).toBe(true);
  });

  test("are text where text is expected, even when they look like numbers", () => {
    expect(parseConfig('keys: [{ name: a, key: "${DIGITS}" }]', { env: { DIGITS: "1234567890" } }).config.keys[0]?.key.reveal()).toBe(
      "1234567890",
    );
  });

  test("are quoted as they were written, never as what they hold", () => {
    const [line] = lines('models: { a: "${SECRET}/x" }\nproviders: { openai: }');
    expect(line).toContain("${SECRET}/x");
    expect(line).not.toContain("sk-live");
    expect(lines('log: { level: "${SECRET}" }')[0]).not.toContain("sk-live");
    expect(lines('listen: "${SECRET}"')[0]).not.toContain("sk-live");
    expect(lines('providers: { x: { type: "${SECRET}" } }')[0]).not.toContain("sk-live");
    expect(lines('keys: [{ name: "${EMPTY}", key: "${EMPTY}" }]')[0]).toContain('"${EMPTY}", which is empty');
  });
});

describe("YAML", () => {
  test("errors are plain, and quote nothing", () => {
    expect(lines("a: 'x")).toEqual(["1:6 a quote, bracket, comma or colon is missing"]);
    expect(lines("providers:\n\topenai:")[0]).toContain("tabs cannot indent YAML");
    expect(lines("admin_key: top: secret")[0]).toBe('1:12 a second ": " on one line: put the value in quotes, or start a new line');
    expect(lines("x: !secret hunter22")).toEqual(["1:4 tags (!name) mean nothing here: remove it"]);
    expect(lines("a: 1\n---\nb: 2")).toHaveLength(1);
  });

  test("a variable without quotes inside brackets has a hint", () => {
    expect(lines("providers: { openai: { api_key: ${SECRET} } }")).toEqual(['1:34 inside { } and [ ] a variable needs quotes: "${NAME}"']);
    expect(lines("keys: [${SECRET}, a]")[0]).toContain("a variable needs quotes");
  });

  test("a name used twice is refused", () => {
    expect(lines("log: { level: info, level: warn }")).toEqual(["1:21 log.level: this name was used before"]);
    expect(lines("providers:\n  openai:\nlisten: 1\nproviders: {}")).toEqual(["4:1 providers: this name was used before"]);
  });

  test("anchors, aliases and merges work", () => {
    const { models } = read(`providers: { openai: , anthropic: }
models:
  a: &base
    targets: &targets [openai/x]
    timeout: &slow { idle: 5s, total: 10s }
  b: { <<: *base, timeout: { <<: *slow, idle: 1s } }
  c: { targets: *targets }
`);
    expect(models.get("b")).toMatchObject({ timeout: { idleMs: 1000, totalMs: 10_000 }, targets: [{ model: "x" }] });
    expect(models.get("c")?.targets).toHaveLength(1);
    expect(lines("log: *nothing")).toEqual(["1:6 log: no anchor (&name) of this name stands above this alias (*name)"]);
    expect(lines("models: &m { a: *m }")[0]).toContain("stands inside what it names");
    expect(lines("log: { <<: 5 }")[0]).toContain("<< takes a mapping");
  });

  test("bombs are defused quickly", () => {
    const begun = performance.now();
    const levels = Array.from(
      { length: 9 },
      (_, level) => `a${level + 1}: &a${level + 1} [${Array.from({ length: 10 }, () => `*a${level}`).join(", ")}]`,
    );
    expect(lines(`a0: &a0 [x]\n${levels.join("\n")}`).some((line) => line.includes("unfolds into more than"))).toBe(true);
    expect(lines("[".repeat(5000)).length).toBeGreaterThan(0);
    expect(lines("models: ".concat("{a: ".repeat(2000), "}".repeat(2000))).length).toBeGreaterThan(0);
    expect(lines(`x: ${"[".repeat(60)}${"]".repeat(60)}`).some((line) => line.includes("nested more than 40 levels"))).toBe(true);
    expect(lines(Array.from({ length: 60_000 }, (_, index) => `a${index}: 1`).join("\n"))).toHaveLength(101);
    expect(lines(" ".repeat(2_000_000))).toEqual(["larger than 1 MiB: this is no configuration file"]);
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  test("JSON is read as well, with lines", () => {
    expect(read('{\n\t"listen": "127.0.0.1:1",\n\t"providers": {"openai": null}\n}').listen.port).toBe(1);
    expect(lines('{\n  "lisen": 4\n}')).toEqual(['2:3 lisen: unknown key, did you mean "listen"?']);
  });

  test("a number as a name keeps its spelling", () => {
    expect([...read("providers: { openai: }\nmodels: { 1.10: openai/x, 5: openai/y, true: openai/z }").models.keys()].toSorted()).toEqual([
      "1.10",
      "5",
      "true",
    ]);
    expect(lines("? [a]\n: 1")).toEqual(["1:3 a name must be plain text"]);
  });
});

describe("what this build cannot do", () => {
  test("is refused by name", () => {
    expect(
      lines(`database: postgres://u:hunter22@db/x
redis: redis://x
providers: { openai: }
models:
  a: { route: weighted, targets: [openai/x], cache: { mode: exact, ttl: 1h }, guardrails: [no-secrets], timeout: { connect: 1s } }
keys:
  - { name: k, key: aaaaaaaa, budget: { usd: 5, per: day }, limits: { rpm: 60, tpm: 100k } }
`),
    ).toEqual([
      "1:1 database: this build does not support PostgreSQL yet",
      "2:1 redis: this build does not support Redis yet",
      "5:8 models.a.route: this build does not support routes other than fallback yet",
      "5:46 models.a.cache: this build does not support caching yet",
      "5:79 models.a.guardrails: this build does not support guardrails yet",
      "5:116 models.a.timeout.connect: this build does not support a timeout for connecting yet",
      "7:31 keys[0].budget: this build does not support budgets yet",
      "7:61 keys[0].limits: this build does not support rate limits on keys yet",
    ]);
  });

  test("has a shape all the same", () => {
    expect(lines("providers: { openai: }\nmodels: { a: { targets: [openai/x], route: wieghted } }")).toEqual([
      '2:44 models.a.route: expected "fallback", "weighted", "fastest", "cheapest", "least-busy", "sticky", "conditional" or "semantic"; found "wieghted", did you mean "weighted"?',
    ]);
    expect(lines("keys: [{ name: k, key: aaaaaaaa, limits: { rmp: 5 } }]")).toHaveLength(2);
  });
});

describe("the rest", () => {
  test("addresses", () => {
    expect(read("listen: 5000").listen).toEqual({ host: "127.0.0.1", port: 5000 });
    expect(read("listen: :5000")).toMatchObject({
      listen: { host: "0.0.0.0", port: 5000 },
      adminListen: { host: "127.0.0.1", port: 5001 },
    });
    expect(read("listen: :5000\nadmin_listen: same").adminListen).toBe("same");
    expect(read("admin_listen: 4001").adminListen).toEqual({ host: "127.0.0.1", port: 4001 });
    expect(read("listen: 4001\nadmin_listen: 127.0.0.1:4001").adminListen).toBe("same");
    expect(lines("listen: 70000")).toHaveLength(1);
    expect(lines("listen: same")).toHaveLength(1);
  });

  test("database", () => {
    for (const url of ["sqlite:./headgate.db", "sqlite::memory:", "sqlite:///var/x.db", "memory:"])
      expect(read(`database: "${url}"`).database?.reveal()).toBe(url);
    for (const url of ["sqlite:", "mysql://u:hunter22@x", "./headgate.db", ""]) {
      expect(lines(`database: "${url}"`)).toEqual(['1:11 database: expected "sqlite:FILE", such as "sqlite:./headgate.db", or "memory:"']);
    }
  });

  test("limits and waits have bounds", () => {
    expect(read("limits: { body: 1MB }").limits.bodyBytes).toBe(1_000_000);
    expect(lines("limits: { body: 1B }")).toHaveLength(1);
    expect(lines("limits: { body: 5GiB }")).toHaveLength(1);
    expect(lines("providers: { openai: { timeout: { idle: 0s } } }")[0]).toContain("expected more than 0");
    expect(lines("providers: { openai: { timeout: { idle: 30d } } }")[0]).toContain("at most 24d");
  });

  test("warnings do not hinder", () => {
    const { warnings } = parseConfig(
      "providers: { openai: { base_url: 'http://example.com/v1', timeout: { idle: 10s, total: 1s } }, near: { type: openai, base_url: 'http://10.0.0.5:8000/v1' } }\nprices: { opena/x: { input: 1 } }",
      { env, providerTypes },
    );
    expect(warnings.map((warning) => formatProblem(warning))).toEqual([
      "1:34 providers.openai.base_url: http:// to another network: prompts, answers and the key travel unencrypted",
      "1:76 providers.openai.timeout.idle: longer than total, so it never comes into force",
      '2:11 prices["opena/x"]: no provider is called so, did you mean "openai/x"?',
    ]);
  });

  test("settings from outside win, and are spoken of by their own names", () => {
    const overrides = [
      { key: "listen", value: "127.0.0.1:9", label: "HEADGATE_LISTEN" },
      { key: "admin_key", value: "from-outside", label: "HEADGATE_ADMIN_KEY" },
    ] as const;
    const config = read("listen: :1\nadmin_key: from-the-file", { overrides });
    expect(config.listen).toEqual({ host: "127.0.0.1", port: 9 });
    expect(config.adminListen).toBe("same");
    expect(config.adminKey?.reveal()).toBe("from-outside");
    expect(lines("listen: :1", { overrides: [{ key: "listen", value: "x", label: "HEADGATE_LISTEN" }] })[0]).toMatch(
      /^HEADGATE_LISTEN: expected "host:port"/,
    );
    expect(lines("", { overrides: [{ key: "admin_key", value: "short", label: "HEADGATE_ADMIN_KEY" }] })).toEqual([
      "HEADGATE_ADMIN_KEY: expected at least 8 characters",
    ]);
  });
});

describe("a plain object", () => {
  test("means what the file means", () => {
    const { config } = checkConfig({
      providers: { mock: {}, other: { type: "mock", api_key: "a-key-of-mine" } },
      models: { fast: "mock/x" },
    });
    expect(config.models.get("fast")?.targets[0]).toMatchObject({ provider: "mock", model: "x" });
    expect(checkConfig({}).config).toEqual(read(""));
    expect(checkConfig(undefined).config).toEqual(read(""));
  });

  test("has problems with paths and no lines", () => {
    expect(() => checkConfig({ models: { fast: "nowhere/x" } })).toThrow(
      'models.fast: no provider is called "nowhere"; none is configured',
    );
    try {
      checkConfig({ lisen: 1 });
      expect.unreachable();
    } catch (thrown) {
      expect(isConfigError(thrown) && thrown.problems).toEqual([{ path: "lisen", message: "unknown key", suggestion: "listen" }]);
    }
  });

  test("has its variables put in only with an environment", () => {
    const value = { keys: [{ name: "a", key: "${SECRET}" }] };
    expect(checkConfig(value).config.keys[0]?.key.reveal()).toBe("${SECRET}");
    expect(checkConfig(value, { env }).config.keys[0]?.key.reveal()).toBe(env.SECRET);
  });

  test("must be plain, and must not contain itself", () => {
    const circle: Record<string, unknown> = {};
    circle["log"] = circle;
    expect(() => checkConfig(circle)).toThrow("contains itself");
    expect(() => checkConfig({ listen: () => 1 })).toThrow("expected plain data");
    expect(() => checkConfig({ keys: [new Date()] })).toThrow("expected plain data");
    expect(() => checkConfig([1])).toThrow("expected a mapping");
    expect(() => checkConfig("text")).toThrow("expected a mapping");
  });

  test("is not changed", () => {
    const value = Object.freeze({ providers: Object.freeze({ mock: null }), models: Object.freeze({ a: "mock/x" }) });
    expect(checkConfig(value).config.providers.size).toBe(1);
  });
});
