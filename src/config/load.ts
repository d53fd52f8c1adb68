/** Finds the configuration file, reads it, and lets the environment have the last word. */

import { createHash } from "node:crypto";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { checkConfig, ConfigError, parseConfig } from "./parse.ts";
import type { Checked, CheckOptions, Override } from "./parse.ts";
import type { Environment } from "./expand.ts";

export interface LoadOptions extends Omit<CheckOptions, "env" | "overrides"> {
  /** From the command line: `--config FILE`. Wins over HEADGATE_CONFIG. */
  path?: string | undefined;
  /** Default: the environment of this process. */
  env?: Environment | undefined;
  /** Where `headgate.yaml` is looked for. Default: the working directory. */
  directory?: string | undefined;
}

export interface Loaded extends Checked {
  /** The file that was read; undefined: there is none, and the gateway goes by what it discovers. */
  source: string | undefined;
  /** Tells one content of the file from another; for `watchConfig`. */
  fingerprint: string | undefined;
}

/** The first one found counts. */
const usualNames = ["headgate.yaml", "headgate.yml", "headgate.json"];

/** No configuration is larger; a mistyped path may lead to a file that is. */
const mostBytes = 1024 ** 2;

/** Throws a ConfigError when a file was named and cannot be read, or when what it says cannot be used. */
export async function loadConfig(options: LoadOptions = {}): Promise<Loaded> {
  const env = options.env ?? process.env;
  const source = await findConfig(options);
  if (source !== undefined) return loadFile(source, options);
  return { ...checkConfig({}, { ...options, env, overrides: overridesIn(env) }), source, fingerprint: undefined };
}

/** The file that `loadConfig` would read. */
export async function findConfig(options: LoadOptions = {}): Promise<string | undefined> {
  const env = options.env ?? process.env;
  const named = options.path ?? (env["HEADGATE_CONFIG"] || undefined);
  if (named !== undefined) return named;
  for (const name of usualNames) {
    const path = options.directory === undefined ? name : join(options.directory, name);
    if (await exists(path)) return path;
  }
  return undefined;
}

/** Reads this very file. */
async function loadFile(path: string, options: LoadOptions = {}): Promise<Loaded> {
  return parseFile(await readConfigText(path), path, options);
}

export function parseFile(text: string, path: string, options: LoadOptions = {}): Loaded {
  const env = options.env ?? process.env;
  const checked = parseConfig(text, { ...options, env, overrides: overridesIn(env), fileName: path });
  return { ...checked, source: path, fingerprint: fingerprintOf(text) };
}

export function fingerprintOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

function overridesIn(env: Environment): Override[] {
  const variables = { HEADGATE_LISTEN: "listen", HEADGATE_ADMIN_KEY: "admin_key", HEADGATE_DATABASE: "database" } as const;
  return Object.entries(variables).flatMap(([label, key]) => {
    const value = env[label];
    return value === undefined || value === "" ? [] : [{ key, value, label }];
  });
}

/** Throws a ConfigError that says why the file cannot be read; its `cause` is the system's own error. */
export async function readConfigText(path: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readBounded(path);
  } catch (cause) {
    throw unreadable(path, whyUnreadable(cause), cause);
  }
  if (bytes.length > mostBytes) throw unreadable(path, "larger than 1 MiB: this is no configuration file");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw unreadable(path, "not text in UTF-8", cause);
  }
}

/** Through a handle and not by its size, since a pipe (`--config <(…)`) has none. */
async function readBounded(path: string): Promise<Uint8Array> {
  const file = await open(path, "r");
  try {
    const chunks: Uint8Array[] = [];
    let length = 0;
    while (length <= mostBytes) {
      const { bytesRead, buffer } = await file.read(new Uint8Array(64 * 1024), 0, 64 * 1024, null);
      if (bytesRead === 0) break;
      chunks.push(buffer.subarray(0, bytesRead));
      length += bytesRead;
    }
    return Buffer.concat(chunks);
  } finally {
    await file.close();
  }
}

function unreadable(path: string, message: string, cause?: unknown): ConfigError {
  const error = new ConfigError([{ path: "", message }], path);
  if (cause !== undefined) error.cause = cause;
  return error;
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EISDIR: "this is a directory",
  EACCES: "this process may not read it",
  EPERM: "this process may not read it",
  ELOOP: "its symbolic links lead in a circle",
};

function whyUnreadable(cause: unknown): string {
  const code = errorCode(cause);
  return reasons[code] ?? `cannot be read${code === "" ? "" : ` (${code})`}`;
}

/** `ENOENT` and its like; empty for anything else. */
export function errorCode(thrown: unknown): string {
  const code = typeof thrown === "object" && thrown !== null && "code" in thrown ? thrown.code : undefined;
  return typeof code === "string" ? code : "";
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (thrown) {
    // A file that is there and may not be looked at is reported when it is read, not passed over.
    return errorCode(thrown) !== "ENOENT";
  }
}
