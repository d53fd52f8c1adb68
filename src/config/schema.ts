/** The configuration file as people write it: which keys there are, what they take, and the words that teach it in an editor. */

import { z } from "zod";
import { countPattern, durationPattern, sizePattern } from "./units.ts";

const providerName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;
const aliasName = /^[A-Za-z0-9_@][A-Za-z0-9_@.:/+-]{0,199}$/;
/** Ends up in paths and headers: no spaces, nothing that ends a path (`?`, `#`), hides (`%`) or climbs (`..`, `\`). */
const modelReference = /^(?!.*\/\/)(?!(?:.*\/)?\.\.?(?:\/|$))[!"$&-:<=>@-[\]-~]{1,300}$/;
const visibleText = /^[!-~](?:[ -~]*[!-~])?$/;

/** A string that must look a certain way; the same words whether it is no string or the wrong one. */
function patterned(pattern: RegExp, expected: string) {
  return z.string({ error: expected }).regex(pattern, { error: expected });
}

/** A credential: visible text, so that a stray line end or space is found here and not in a provider's 401. */
function secret() {
  return patterned(visibleText, "expected text without spaces at its ends, control characters or line breaks, and not empty");
}

function duration(description: string, example: string) {
  return patterned(
    durationPattern,
    'expected a duration with its unit, such as "10s", "500ms", "5m" or "1h"; a bare number says no unit',
  ).meta({ description, examples: [example] });
}

function size(description: string, example: string) {
  return patterned(sizePattern, 'expected a size with its unit, such as "32MiB" or "1MB"; a bare number says no unit').meta({
    description,
    examples: [example],
  });
}

const countWords = 'expected a whole number, which may end in k or M, such as 60, "100k" or "2M"';
function count(description: string, example: number | string) {
  const number = z.int({ error: countWords }).min(0, { error: countWords });
  return z.union([number, patterned(countPattern, countWords)], { error: countWords }).meta({ description, examples: [example] });
}

function price(description: string) {
  const words = "expected US dollars per million tokens: a number, 0 or more, with at most six decimals";
  return z
    .number({ error: words })
    .min(0, { error: words })
    .max(1_000_000, { error: words })
    .refine((value) => Number(value.toFixed(6)) === value, { error: words })
    .optional()
    .describe(description);
}

const reference = patterned(modelReference, 'expected "provider/model" or the name of an alias, without spaces or any of \\ ? # % ; // ..');

const prices = z
  .strictObject({
    input: price("Fresh input tokens."),
    output: price("Output tokens, reasoning included unless it has a price of its own."),
    cache_read: price("Input tokens read from the provider's prompt cache."),
    cache_write: price("Input tokens written to the provider's prompt cache."),
    cache_write_long: price("Input tokens written to the prompt cache for an hour or longer."),
    reasoning: price("Reasoning tokens, where they cost other than output."),
    audio_input: price("Audio input tokens."),
    audio_output: price("Audio output tokens."),
    image_input: price("Image input tokens."),
    image_output: price("Image output tokens."),
  })
  .meta({
    title: "Price",
    description: "US dollars per million tokens. A price that is left out is taken from the price book.",
    examples: [{ input: 3, output: 15, cache_read: 0.3 }],
  });

const timeout = z
  .strictObject({
    connect: duration("Until the connection stands, TLS included. Default 5s.", "5s").optional(),
    first_byte: duration(
      "Until the first event of the reply. Reasoning models may be silent for long. Holds for replies that are not streamed too, unless `whole` says otherwise. Default 120s (streamed) and 10m (not streamed).",
      "10s",
    ).optional(),
    whole: duration(
      "Replies that are not streamed: until all of it is there. Default: `first_byte` where that is given, else 10m.",
      "10m",
    ).optional(),
    idle: duration("Streamed replies: the longest silence between two events. Default 60s.", "30s").optional(),
    total: duration("The whole call, over all attempts. Default 30m.", "5m").optional(),
  })
  .meta({
    title: "Timeouts",
    description:
      "How long to wait, each field by itself. What a target does not say comes from its alias, then from its provider, then from the default.",
    examples: [{ first_byte: "10s", idle: "30s", total: "5m" }],
  });

const triggerWords = 'expected a status from 400 to 599, or one of "4xx", "5xx", "timeout", "network"';
const retry = z
  .strictObject({
    attempts: z
      .int({ error: "expected a whole number from 1 to 10; 1 means no retry" })
      .min(1, { error: "expected a whole number from 1 to 10; 1 means no retry" })
      .max(10, { error: "expected a whole number from 1 to 10; 1 means no retry" })
      .optional()
      .meta({ description: "All tries at one target: 1 means no retry. Default 2.", examples: [2] }),
    on: z
      .array(
        z.union(
          [
            z.int({ error: triggerWords }).min(400, { error: triggerWords }).max(599, { error: triggerWords }),
            patterned(/^(?:[45]\d\d|[45]xx|timeout|network)$/, triggerWords),
          ],
          { error: triggerWords },
        ),
      )
      .optional()
      .meta({
        description:
          "What another try may help against: statuses, classes of them, `timeout` (no answer in time) and `network` (no connection). Default [429, 5xx, timeout, network].",
        examples: [[429, "5xx", "timeout", "network"]],
      }),
  })
  .meta({ title: "Retry", description: "When a failed try is repeated, as long as nothing has reached the client." });

const facts = z
  .strictObject({
    context_window: count("Tokens that input and output may hold together.", "200k").optional(),
    max_output_tokens: count("The most tokens one reply may have.", "64k").optional(),
    input: z
      .array(z.enum(["image", "pdf", "audio", "video"]))
      .optional()
      .describe("Media accepted besides text."),
    output: z
      .array(z.enum(["image", "audio"]))
      .optional()
      .describe("Media produced besides text."),
    tools: z.boolean().optional().describe("Whether the model calls tools."),
    reasoning: z
      .union([z.literal(false), z.array(z.enum(["effort", "budget", "adaptive"])).min(1, { error: "expected at least one" })], {
        error: 'expected false, or a list of "effort", "budget", "adaptive"',
      })
      .optional()
      .describe("false: the model does not reason. A list: the ways to ask for it that the model accepts, best first."),
    efforts: z.array(z.string()).optional().describe("Effort words that the model accepts, when not all."),
    reasoning_optional: z.boolean().optional().describe("false: reasoning cannot be switched off."),
    sampling: z.boolean().optional().describe("false: the model refuses temperature, top_p and top_k."),
    structured_output: z.enum(["schema", "object", "none"]).optional().describe("What the model can hold its output to."),
    price: prices.optional(),
  })
  .meta({ title: "Model facts", description: "What this model can do and what it costs, where the catalogue does not know or is wrong." });

const formatWords = 'expected the name of a format, such as "responses" or "openai/chat-completions"';
const provider = z
  .strictObject({
    type: patterned(providerName, "expected the name of a provider type")
      .optional()
      .describe(
        "The row of the provider catalogue: which formats the vendor speaks, and how. Default: this provider's name. `openai-compatible` is any server that speaks OpenAI's chat completions, and needs a base_url.",
      ),
    base_url: z
      .string({ error: "expected an http:// or https:// address" })
      .optional()
      .meta({ description: "What the vendor's own SDK takes as base URL; a path in it is kept.", examples: ["http://127.0.0.1:8000/v1"] }),
    api_key: secret()
      .optional()
      .meta({
        description:
          "The credential; `none` sends none. Default: the type's usual environment variable. Better as ${NAME} than in this file.",
        examples: ["${OPENAI_API_KEY}", "none"],
      }),
    api_keys: z
      .array(secret(), { error: "expected a list of keys; a single one is api_key" })
      .min(1, { error: "expected at least one key" })
      .optional()
      .meta({
        description: "Several credentials, balanced, and cooled down one by one when the provider refuses them.",
        examples: [["${KEY_A}", "${KEY_B}"]],
      }),
    headers: z
      .record(
        patterned(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, "expected the name of an HTTP header"),
        patterned(/^(?:[!-~](?:[ -~]*[!-~])?)?$/, "expected a header value: visible ASCII on one line"),
      )
      .optional()
      .meta({ description: "Sent with every call to this provider.", examples: [{ "x-team": "search" }] }),
    formats: z
      .array(patterned(/^[a-z0-9][a-z0-9./-]{0,63}$/, formatWords))
      .min(1, { error: "expected at least one format" })
      .optional()
      .meta({ description: "Of the formats that the type speaks only these, best first.", examples: [["responses"]] }),
    region: patterned(/^[a-z0-9-]{1,40}$/, "expected the name of a region")
      .optional()
      .meta({ description: "The cloud region.", examples: ["eu-central-1"] }),
    access_key_id: secret().optional().describe("AWS credentials: the id."),
    secret_access_key: secret().optional().describe("AWS credentials: the secret."),
    session_token: secret().optional().describe("AWS credentials: the token of a temporary session."),
    profile: patterned(visibleText, "expected the name of a profile")
      .optional()
      .describe("The profile in the AWS configuration to take credentials from."),
    project: patterned(visibleText, "expected the name of a project").optional().describe("The Google Cloud project."),
    location: patterned(/^[a-z0-9-]{1,40}$/, "expected the name of a location")
      .optional()
      .meta({ description: "The Google Cloud location.", examples: ["europe-west4", "global"] }),
    credentials: secret().optional().describe("Google: the JSON of a service account, or the path of the file that holds it."),
    resource: patterned(/^[A-Za-z0-9-]{1,63}$/, "expected the name of a resource")
      .optional()
      .describe("The Azure resource: the first part of its host name."),
    api_version: patterned(/^[A-Za-z0-9.-]{1,40}$/, "expected the date of an API version")
      .optional()
      .meta({
        description: "Azure: calls deployments by path with this api-version, in place of the v1 API.",
        examples: ["2025-04-01-preview"],
      }),
    tenant_id: patterned(visibleText, "expected the id of a tenant").optional().describe("Microsoft Entra: the tenant."),
    client_id: patterned(visibleText, "expected the id of a client").optional().describe("Microsoft Entra or OAuth: the client."),
    client_secret: secret().optional().describe("Microsoft Entra or OAuth: the client's secret."),
    token_url: patterned(/^https?:\/\/\S+$/, "expected an https: address")
      .optional()
      .describe("OAuth client credentials: where tokens come from."),
    scope: patterned(visibleText, "expected a scope").optional().describe("OAuth client credentials: what the token is for."),
    audience: patterned(visibleText, "expected an audience").optional().describe("OAuth client credentials: whom the token is for."),
    models: z
      .record(patterned(modelReference, "expected the provider's name for a model"), facts)
      .optional()
      .describe("Facts about single models, by the provider's own name for them."),
    timeout: timeout.optional(),
  })
  .meta({ title: "Provider", description: "Where calls go. An empty entry takes everything from the catalogue and the environment." });

const target = z
  .strictObject({
    model: reference.meta({ description: '"provider/model", or another alias.', examples: ["openai/gpt-6-astra"] }),
    weight: z
      .number({ error: "expected a number above 0" })
      .gt(0, { error: "expected a number above 0" })
      .max(1_000_000, { error: "expected at most 1000000" })
      .optional()
      .meta({ description: "Share of the calls, relative to the other targets. Default 1.", examples: [2] }),
    set: z
      .record(z.string(), z.json({ error: "expected plain data" }))
      .optional()
      .meta({ description: "Fields of the request that this target gets, over what the client sent.", examples: [{ temperature: 0.2 }] }),
    timeout: timeout.optional(),
  })
  .meta({ title: "Target" });

const routes = ["fallback", "weighted", "fastest", "cheapest", "least-busy", "sticky", "conditional", "semantic"] as const;

const route = z
  .strictObject({
    route: z
      .enum(routes)
      .optional()
      .describe("How a target is chosen. `fallback`: the first, and the next one when it fails. Default fallback."),
    targets: z
      .array(z.union([reference, target], { error: 'expected "provider/model", the name of an alias, or a mapping with `model`' }), {
        error: "expected a list of targets",
      })
      .min(1, { error: "expected at least one target" })
      .meta({ description: "Where calls may go, in this order.", examples: [["anthropic/claude-opus-5-5", "openai/gpt-6-astra"]] }),
    retry: retry.optional(),
    timeout: timeout.optional(),
    cache: z
      .strictObject({
        mode: z.enum(["exact", "semantic"]).optional().describe("`exact`: the same request. `semantic`: one that means the same."),
        ttl: duration("How long an answer may be used again.", "1h").optional(),
      })
      .optional()
      .meta({ title: "Cache", description: "Answers from an earlier call." }),
    guardrails: z
      .array(patterned(/^[a-z0-9][a-z0-9-]*$/, "expected the name of a guardrail"))
      .optional()
      .meta({ description: "Checks on what goes in and comes out.", examples: [["pii-redact", "no-secrets"]] }),
  })
  .meta({ title: "Route", description: "Several targets behind one name." });

const key = z
  .strictObject({
    name: patterned(/^[^\s\p{C}](?:[^\p{C}]{0,98}[^\s\p{C}])?$/u, "expected a name of up to 100 characters").describe(
      "Who this key is for; stands in logs and reports, so it must be unique.",
    ),
    key: secret()
      .min(8, { error: "expected at least 8 characters" })
      .meta({ description: "What the client sends. At least 8 characters; better as ${NAME} than in this file.", examples: ["${CI_KEY}"] }),
    models: z
      .array(patterned(/^(?:\*|[!-~]{1,300})$/, 'expected an alias, "provider/model", "provider/*" or "*"'))
      .min(1, { error: "expected at least one model; leave it out to allow all" })
      .optional()
      .meta({ description: "Aliases, provider/model, provider/* or *. Default: all.", examples: [["fast", "anthropic/*"]] }),
    budget: z
      .strictObject({
        usd: z.number({ error: "expected US dollars" }).min(0, { error: "expected 0 or more" }).describe("US dollars."),
        per: z.enum(["hour", "day", "week", "month", "total"]).describe("The period after which it starts anew."),
      })
      .optional()
      .meta({ title: "Budget", description: "The most that this key may spend.", examples: [{ usd: 5, per: "day" }] }),
    limits: z
      .strictObject({
        rpm: count("Requests a minute.", 60).optional(),
        rpd: count("Requests a day.", "10k").optional(),
        tpm: count("Tokens a minute.", "100k").optional(),
        tpd: count("Tokens a day.", "5M").optional(),
        concurrent: count("Calls at the same time.", 10).optional(),
      })
      .optional()
      .meta({ title: "Rate limits", description: "How much this key may ask for.", examples: [{ rpm: 60, tpm: "100k" }] }),
    expires: patterned(
      /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/,
      'expected a day such as "2027-01-31" (its beginning, UTC) or a moment such as "2027-01-31T12:00:00Z"',
    )
      .optional()
      .meta({ description: "From when on the key is refused.", examples: ["2027-01-31"] }),
  })
  .meta({ title: "Key" });

const listenWords = 'expected "host:port", such as "127.0.0.1:4000" or "[::1]:4000"; ":4000" is every address, 4000 alone is loopback';
const listen = z.union(
  [z.int({ error: listenWords }).min(0, { error: listenWords }).max(65_535, { error: listenWords }), z.string({ error: listenWords })],
  { error: listenWords },
);

export const configSchema = z
  .strictObject({
    listen: listen
      .optional()
      .meta({
        description: "Where clients connect: host:port. HEADGATE_LISTEN wins. Default 127.0.0.1:4000.",
        examples: ["127.0.0.1:4000"],
      }),
    admin_key: secret()
      .min(8, { error: "expected at least 8 characters" })
      .optional()
      .meta({
        description: "Opens the admin API. Required when listening on anything but loopback. HEADGATE_ADMIN_KEY wins.",
        examples: ["${HEADGATE_ADMIN_KEY}"],
      }),
    admin_listen: listen
      .optional()
      .meta({
        description:
          'Where the admin API and the dashboard listen; "same": at `listen`. Default: the same on loopback, else 127.0.0.1 at the next port.',
        examples: ["127.0.0.1:4001", "same"],
      }),
    database: z
      .string({ error: 'expected "sqlite:FILE" or "postgres://…"' })
      .optional()
      .meta({ description: "Where keys, spending and the log are kept. HEADGATE_DATABASE wins.", examples: ["sqlite:./headgate.db"] }),
    redis: z
      .string({ error: 'expected "redis://…"' })
      .optional()
      .meta({ description: "Shared state of several machines.", examples: ["redis://127.0.0.1:6379"] }),
    providers: z
      .record(
        patterned(providerName, "a provider's name has letters, digits, dots, dashes and underscores, no slash, and at most 64 characters"),
        provider,
      )
      .optional()
      .meta({
        description: "The vendors and servers that calls go to. The name is yours.",
        examples: [{ openai: { api_key: "${OPENAI_API_KEY}" } }],
      }),
    models: z
      .record(
        patterned(aliasName, "a model's name has letters, digits and . _ - : / @ +, and at most 200 characters"),
        z.union([reference, route], { error: 'expected "provider/model", the name of another alias, or a mapping with `targets`' }),
      )
      .optional()
      .meta({ description: "What clients ask for. provider/model always works too.", examples: [{ fast: "openai/gpt-5.4-mini" }] }),
    keys: z
      .array(key, { error: "expected a list of keys, each with `name` and `key`" })
      .optional()
      .describe("Client keys. With none the gateway is open, and then it listens on loopback only."),
    prices: z
      .record(patterned(/^[^/\s]+\/[!-~]+$/, 'expected "provider/model" as the name of a price'), prices)
      .optional()
      .meta({
        description: "Prices that win over the price book, by provider/model.",
        examples: [{ "openai/gpt-5.4-mini": { input: 0.25, output: 2 } }],
      }),
    log: z
      .strictObject({
        level: z
          .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
          .optional()
          .describe("The least important kind of line that is written. Default info."),
        format: z.enum(["auto", "json", "pretty"]).optional().describe("`auto`: for people on a terminal, JSON elsewhere. Default auto."),
      })
      .optional()
      .meta({ title: "Log", description: "What the gateway says while it runs." }),
    limits: z
      .strictObject({
        body: size("The largest JSON body that a client may send. Default 32MiB.", "32MiB").optional(),
      })
      .optional()
      .meta({ title: "Limits", description: "What one request may take." }),
  })
  .meta({ title: "Headgate configuration", description: "headgate.yaml: everything is optional." });

/** The file's content after validation, still in its own words. */
export type ConfigFile = z.infer<typeof configSchema>;
export type ProviderFile = z.infer<typeof provider>;
export type TargetFile = z.infer<typeof target>;
export type TimeoutFile = z.infer<typeof timeout>;
export type RetryFile = z.infer<typeof retry>;
export type PriceFile = z.infer<typeof prices>;
export type FactsFile = z.infer<typeof facts>;
export type KeyFile = z.infer<typeof key>;
