/** `headgate keys`: client keys in the database, made, listed and disabled beside the running server. */

import { createHash } from "node:crypto";
import { nearest } from "../canonical/nearest.ts";
import { randomId } from "../canonical/ids.ts";
import type { Config } from "../config/config.ts";
import type { StoredKey } from "../stores/ports.ts";
import { readConfiguration } from "./configuration.ts";
import { CommandFailure, exitCodes, usageFailure } from "./exit.ts";
import { isGuarded } from "./server/guarded.ts";
import { durationOf, localTime, timeOf } from "./period.ts";
import { openExisting, openOrCreate, withStore } from "./store.ts";
import { table } from "./table.ts";
import type { Cell } from "./table.ts";
import { formatList } from "./text.ts";
import type { World } from "./world.ts";

export interface KeysCommand {
  config?: string | undefined;
  json?: boolean | undefined;
}

export interface NewKeyCommand extends KeysCommand {
  /** Comma-separated. */
  models?: string | undefined;
  expires?: string | undefined;
}

/** How long a running server may go by what it knew before. See `accounts/keys.ts`. */
const PICKED_UP = "2 s";

export async function newKey(name: string, options: NewKeyCommand, world: World): Promise<number> {
  if (!/^[\p{L}\p{N}][\p{L}\p{N} ._@:/+-]{0,99}$/u.test(name))
    throw usageFailure(
      `${JSON.stringify(name.slice(0, 100))} is not a name for a key.`,
      "Names begin with a letter or a digit and have at most 100 letters, digits, spaces and . _ @ : / + -",
    );
  const now = world.now();
  const models = parseModels(options.models);
  const expiresAt = options.expires === undefined ? null : parseExpires(options.expires, now);
  const { config } = await readConfiguration(world, options);
  if (config.keys.some((key) => key.name === name))
    throw new CommandFailure(`The configuration has a key named ${JSON.stringify(name)} already.`, {
      hint: "Choose another name, so that the two can be told apart in the usage.",
    });
  const secret = makeKey();
  const key: StoredKey = {
    id: randomId("key_"),
    name,
    hash: sha256(secret),
    prefix: secret.slice(0, 7),
    models,
    createdAt: now,
    expiresAt,
    disabledAt: null,
  };
  const before = await withStore(await openOrCreate(config, world), async (store) => {
    const keys = await store.listKeys();
    await store.addKey(key);
    return keys.length;
  });
  if (options.json === true) {
    world.out.write(`${JSON.stringify({ ...asObject(key), key: secret }, null, 2)}\n`);
    return exitCodes.ok;
  }
  // The key alone is on stdout, so that `KEY=$(headgate keys new ci)` does what it seems to.
  const { bold, dim, yellow } = world.err.colours;
  const until = expiresAt === null ? "" : ` until ${localTime(expiresAt)}`;
  world.err.write(
    `Key ${bold(name)} ${dim(`(${key.id})`)} for ${models === null ? "all models" : models.join(", ")}${until}. It is shown this once; only its hash is kept.\n`,
  );
  world.out.write(`${secret}\n`);
  world.err.write(`A running server knows it within ${PICKED_UP}. Clients send it as \`authorization: Bearer …\` or \`x-api-key\`.\n`);
  for (const warning of [...unknownModels(models, config), ...openGateway(config, before)])
    world.err.write(`${yellow("warning:")} ${warning}\n`);
  return exitCodes.ok;
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 32 characters of 62: 190 bits. */
const keyLength = 32;

function makeKey(): string {
  let text = "";
  while (text.length < keyLength) {
    for (const byte of crypto.getRandomValues(new Uint8Array(keyLength))) {
      // 248 is the largest multiple of 62 in a byte: what lies above would favour the first characters.
      if (byte < 248 && text.length < keyLength) text += alphabet[byte % 62];
    }
  }
  return `hg-${text}`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

function parseModels(text: string | undefined): string[] | null {
  if (text === undefined) return null;
  const models = text
    .split(",")
    .map((model) => model.trim())
    .filter((model) => model !== "");
  const wrong = models.find((model) => !/^[!-~]{1,256}$/.test(model) || /.\*./.test(model));
  if (wrong !== undefined || models.length === 0)
    throw usageFailure(
      `--models ${text} is not a list of models.`,
      "Write names with commas between them: aliases, provider/model, provider/* or *.",
    );
  return [...new Set(models)];
}

/** `30d`, or a day. */
function parseExpires(text: string, now: number): number {
  const time = /^\d{4}-/.test(text) ? timeOf("--expires", text) : now + durationOf("--expires", text);
  if (time <= now) throw usageFailure(`--expires ${text} has passed already.`);
  return time;
}

/** A model that nobody knows is no error, since the configuration may learn of it later. */
function unknownModels(models: readonly string[] | null, config: Config): string[] {
  const known = [...config.models.keys(), ...config.providers.keys()];
  return (models ?? []).flatMap((model) => {
    const provider = model.slice(0, Math.max(0, model.indexOf("/")));
    if (model === "*" || config.models.has(model) || config.providers.has(provider)) return [];
    const near = nearest(provider === "" ? model : provider, known);
    return [
      `the configuration has no model ${JSON.stringify(model)}${near === undefined ? "" : `, did you mean ${JSON.stringify(near)}?`}`,
    ];
  });
}

/** A server that found no keys when it started does not ask for any until it starts again. */
function openGateway(config: Config, storedKeys: number): string[] {
  return isGuarded(config, storedKeys)
    ? []
    : [
        "this is the first key. A server that runs already is open and does not ask for it; from its next start on, it asks everyone for a key.",
      ];
}

export async function listKeys(options: KeysCommand, world: World): Promise<number> {
  const { config, source } = await readConfiguration(world, options);
  const store = await openExisting(config, world);
  const stored = store ? await withStore(store, (store) => store.listKeys()) : [];
  const now = world.now();
  if (options.json === true) {
    const fixed = config.keys.map((key) => ({
      id: `config:${key.name}`,
      name: key.name,
      prefix: null,
      models: key.models ?? null,
      created_at: null,
      expires_at: isoTime(key.expiresMs),
      disabled_at: null,
    }));
    world.out.write(`${JSON.stringify([...fixed, ...stored.map(asObject)], null, 2)}\n`);
    return exitCodes.ok;
  }
  if (stored.length === 0 && config.keys.length === 0) {
    world.out.write("There are no keys yet.\nMake one with `headgate keys new NAME`.\n");
    return exitCodes.ok;
  }
  const { dim, green, yellow } = world.out.colours;
  const state = (key: Pick<StoredKey, "disabledAt" | "expiresAt">): Cell => {
    if (key.disabledAt !== null) return { text: `disabled ${localTime(key.disabledAt)}`, paint: dim };
    return key.expiresAt !== null && key.expiresAt <= now ? { text: "expired", paint: yellow } : { text: "active", paint: green };
  };
  const rows: Cell[][] = [
    ...config.keys.map((key): Cell[] => [
      key.name,
      { text: `in ${source ?? "the configuration"}`, paint: dim },
      "",
      modelWords(key.models),
      "",
      timeWords(key.expiresMs),
      state({ disabledAt: null, expiresAt: key.expiresMs ?? null }),
    ]),
    ...stored.map((key): Cell[] => [
      key.name,
      key.id,
      `${key.prefix}…`,
      modelWords(key.models),
      localTime(key.createdAt),
      timeWords(key.expiresAt),
      state(key),
    ]),
  ];
  world.out.write(
    table(
      [
        { title: "name" },
        { title: "id" },
        { title: "begins with" },
        { title: "models", shrinks: true },
        { title: "made" },
        { title: "expires" },
        { title: "state" },
      ],
      rows,
      world.out,
    ),
  );
  return exitCodes.ok;
}

function modelWords(models: readonly string[] | null | undefined): string {
  return models ? formatList(models, 4) : "all";
}

function timeWords(ms: number | null | undefined): string {
  return ms === null || ms === undefined ? "never" : localTime(ms);
}

function isoTime(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : new Date(ms).toISOString();
}

function asObject(key: StoredKey): Record<string, unknown> {
  const { id, name, prefix, models } = key;
  return {
    id,
    name,
    prefix,
    models,
    created_at: isoTime(key.createdAt),
    expires_at: isoTime(key.expiresAt),
    disabled_at: isoTime(key.disabledAt),
  };
}

/** `given`: an id, or the name of a key that is in use. */
export async function disableKey(given: string, options: KeysCommand, world: World): Promise<number> {
  const { config, source } = await readConfiguration(world, options);
  if (config.keys.some((key) => key.name === given || `config:${key.name}` === given)) {
    throw new CommandFailure(`The key ${JSON.stringify(given)} stands in ${source ?? "the configuration"}.`, {
      hint: "Remove it there: the running server follows within a second or two.",
    });
  }
  const store = await openExisting(config, world);
  const key = store
    ? await withStore(store, async (store) => {
        const found = findKey(given, await store.listKeys());
        if (found?.disabledAt === null) await store.disableKey(found.id, world.now());
        return found;
      })
    : undefined;
  if (!key)
    throw new CommandFailure(`There is no key ${JSON.stringify(given)} in the database.`, { hint: "`headgate keys list` shows them all." });
  const already = key.disabledAt === null ? "" : " (it was already)";
  if (options.json === true)
    world.out.write(`${JSON.stringify({ ...asObject(key), disabled_at: isoTime(key.disabledAt ?? world.now()) }, null, 2)}\n`);
  else world.out.write(`Key ${key.name} (${key.id}) is disabled${already}. A running server refuses it within ${PICKED_UP}.\n`);
  return exitCodes.ok;
}

function findKey(given: string, keys: readonly StoredKey[]): StoredKey | undefined {
  return (
    keys.find((key) => key.id === given) ??
    keys.find((key) => key.name === given && key.disabledAt === null) ??
    keys.find((key) => key.name === given)
  );
}
