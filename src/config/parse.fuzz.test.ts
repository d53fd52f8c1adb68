import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkConfig, formatProblem, formatProblems, isConfigError, parseConfig } from "./parse.ts";
import { configSchema } from "./schema.ts";

const env = { SECRET: "hunter22-hunter22", NAME: "openai" };

/** Everything that is said about a configuration: problems, or warnings. Fails on any other error. */
function said(run: () => ReturnType<typeof checkConfig>): string {
  try {
    return run()
      .warnings.map((warning) => formatProblem(warning))
      .join("\n");
  } catch (thrown) {
    if (!isConfigError(thrown)) throw thrown;
    expect(thrown.problems.length).toBeGreaterThan(0);
    return formatProblems(thrown);
  }
}

const knownNames = [
  ...Object.keys(configSchema.shape),
  "type",
  "base_url",
  "api_key",
  "api_keys",
  "headers",
  "formats",
  "route",
  "targets",
  "model",
  "weight",
  "set",
  "retry",
  "attempts",
  "on",
  "timeout",
  "first_byte",
  "name",
  "key",
  "expires",
  "<<",
  "__proto__",
  "constructor",
  "openai",
  "fast",
];
const scalars = [
  "openai/x",
  "fast",
  "a",
  "10s",
  "32MiB",
  "100k",
  "none",
  "same",
  "${NAME}",
  "${NAME}/x",
  "${MISSING}",
  "${",
  "$${",
  "*",
  "openai/*",
  "2027-02-30",
  "429",
  "5xx",
  ":1",
  "https://x/v1",
  "sqlite:x",
  "__proto__",
  "constructor",
];

/** Looks like a configuration, which random text hardly ever does. */
const { value: likely } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 5, withCrossShrink: true }, tie("scalar"), tie("list"), tie("map")),
  scalar: fc.oneof(fc.constantFrom(...scalars), fc.constantFrom(null, true, false, 0, -1, 1.5, 429, 4000, 1e300), fc.string()),
  list: fc.array(tie("value"), { maxLength: 4 }),
  map: fc.dictionary(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...knownNames) }, fc.string({ maxLength: 8 })), tie("value"), {
    maxKeys: 5,
    noNullPrototype: false,
  }),
}));

const yamlPieces = fc.array(
  fc.oneof(
    fc.constantFrom(
      "\n",
      "\n  ",
      "\n    ",
      "- ",
      ": ",
      "{ ",
      " }",
      "[ ",
      " ]",
      ", ",
      "&a ",
      "*a",
      "<<: *a",
      "!x ",
      "|",
      ">-",
      "'",
      '"',
      "# ",
      "---\n",
      "? ",
      "\t",
      "%YAML 1.1\n",
      "\uFEFF",
      "\0",
      "...",
    ),
    fc.constantFrom(...knownNames),
    fc.constantFrom(...scalars),
  ),
  { maxLength: 40 },
);

describe("whatever is written", () => {
  test("text is either a configuration or a ConfigError", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          yamlPieces.map((pieces) => pieces.join("")),
        ),
        (text) => void said(() => parseConfig(text, { env })),
      ),
      { numRuns: 1500 },
    );
  });

  test("so is JSON, and it means the same as the object", () => {
    fc.assert(
      fc.property(likely, (value) => {
        const ofText = said(() => parseConfig(JSON.stringify(value), { env })).replace(/^\d+:\d+ /gm, "");
        const ofObject = said(() => checkConfig(JSON.parse(JSON.stringify(value)), { env }));
        // The order differs: lines for the text, checks for the object.
        expect(ofText.split("\n").toSorted()).toEqual(ofObject.split("\n").toSorted());
      }),
      { numRuns: 1500 },
    );
  });

  test("any object is either a configuration or a ConfigError", () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withNullPrototype: true,
          withSparseArray: true,
          withTypedArray: true,
        }),
        (value) => void said(() => checkConfig(value, { env })),
      ),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...knownNames), likely),
        (value) =>
          void said(() =>
            checkConfig(value, {
              env,
              providerTypes: ["openai", { name: "a", formats: ["b/c-d"], needsBaseUrl: true }],
              discovered: ["x"],
            }),
          ),
      ),
      { numRuns: 1500 },
    );
  });

  test("nothing reaches the prototype of all objects", () => {
    fc.assert(
      fc.property(likely, (value) => {
        said(() => checkConfig(value, { env }));
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
    );
  });
});

describe("secrets", () => {
  const secret = fc.stringMatching(/^[a-z0-9]{10,30}[QXZ]{2}$/);
  /** Things that go wrong around a secret; each place is one that is meant for a secret, or one where variables are put in. */
  const settings = (text: string): object[] => [
    { admin_key: text, keys: [{ name: "a", key: text }] },
    { admin_key: [text] },
    { admin_key: { [text.slice(0, 3)]: text } },
    {
      keys: [
        { name: "a", key: text, wrong: 1 },
        { name: "a", key: text },
      ],
    },
    { keys: [{ key: text.slice(0, 7) }, { name: 5, key: `${text}\n` }] },
    { keys: { key: text } },
    { keys: text },
    { keys: [text] },
    { keys: { ci: text } },
    { providers: { openai: text } },
    { providers: { openai: { api_key: text, api_keys: [text, text] } } },
    { providers: { openai: { api_keys: text } } },
    { providers: { openai: { api_kye: text } } },
    { providers: { openai: { headers: { authorization: `Bearer ${text}\n`, Host: text, "x y": text } } } },
    { providers: { openai: { headers: text } } },
    { providers: { openai: { base_url: `https://user:${text}@host` } } },
    { providers: { openai: { base_url: `https://host?key=${text}` } } },
    { providers: { openai: { secret_access_key: text, session_token: text } } },
    { providers: { openai: { secret_access_key: 5, access_key_id: [text] } } },
    { database: `mysql://user:${text}@host`, redis: `redis://:${text}@host` },
    { database: `postgres://user:${text}@host/x` },
  ];

  test("never appear in what is said", () => {
    fc.assert(
      fc.property(secret, (text) => {
        for (const value of settings(text)) {
          expect(said(() => checkConfig(value))).not.toContain(text.slice(0, 10));
          expect(said(() => parseConfig(JSON.stringify(value), { env }))).not.toContain(text.slice(0, 10));
          expect(said(() => parseConfig(JSON.stringify(value, undefined, 1).replaceAll('"', ""), { env }))).not.toContain(
            text.slice(0, 10),
          );
        }
      }),
      { numRuns: 50 },
    );
  });

  test("never appear when they come from the environment, wherever they were put", () => {
    const place = fc.constantFrom<(value: string) => object>(
      (value) => ({ listen: value, admin_listen: value }),
      (value) => ({ log: { level: value, format: value } }),
      (value) => ({ limits: { body: value } }),
      (value) => ({ models: { a: value, b: { targets: [value, { model: value, weight: value }], route: value } } }),
      (value) => ({
        models: {
          a: `${value}/x`,
          b: { targets: [`openai/${value}?`], retry: { on: [value], attempts: value }, timeout: { idle: value } },
        },
      }),
      (value) => ({ providers: { openai: { type: value, base_url: value, formats: [value], region: value } } }),
      (value) => ({ keys: [{ name: `${value}\n`, key: value, models: [value, `${value}/*`], expires: value, budget: { usd: value } }] }),
      (value) => ({ prices: { "openai/x": { input: value } }, database: value }),
    );
    fc.assert(
      fc.property(
        place,
        secret,
        fc.constantFrom("${S}", "${S} ", "${S}${S}", "${S}${MISSING}", "${MISSING:-x}${S}"),
        (put, text, written) => {
          const value = put(written);
          expect(said(() => checkConfig(value, { env: { S: text } }))).not.toContain(text);
          expect(said(() => parseConfig(JSON.stringify(value), { env: { S: text }, providerTypes: ["openai"] }))).not.toContain(text);
        },
      ),
      { numRuns: 300 },
    );
  });
});
