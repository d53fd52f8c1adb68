/** Watches the configuration file, and hands over each new content once: the configuration, or why it cannot be used. */

import { realpath, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { errorCode, fingerprintOf, parseFile, readConfigText } from "./load.ts";
import type { Loaded, LoadOptions } from "./load.ts";
import { ConfigError, isConfigError } from "./parse.ts";

export type Change = Loaded | { error: ConfigError };

export interface WatchOptions extends LoadOptions {
  /** Of the content that is in use: `Loaded.fingerprint`. Without it the content at the start of watching is taken for it. */
  fingerprint?: string | undefined;
  /** How long the file must be quiet. Default 75 ms. */
  quietMs?: number | undefined;
  /** How often to look without being told. Default 2 s. */
  pollMs?: number | undefined;
}

export interface ConfigWatcher {
  /** Watching has begun: changes from here on are seen. */
  readonly ready: Promise<void>;
  /** After this, `onChange` is not called again. */
  close(): Promise<void>;
}

/** An editor that writes in many small steps is read at the latest after this long. */
const longestQuiet = 10;
/** A file may be missing for a moment while it is replaced. */
const missingMs = 1000;

/**
 * Calls `onChange` for each new content, one call at a time, never for the same content twice in a row. It must not throw.
 * The old configuration stays until the caller replaces it.
 *
 * The directory is watched and not the file, because editors and `kubectl` replace the file, and a watch on it would follow the old one.
 * A look every two seconds covers what no watch sees: network mounts, bind mounts into containers, a link further up the path.
 */
export function watchConfig(path: string, onChange: (change: Change) => void, options: WatchOptions = {}): ConfigWatcher {
  return new Watcher(resolve(path), path, onChange, options);
}

interface Watching {
  close(): Promise<void>;
  add(path: string): unknown;
}

class Watcher implements ConfigWatcher {
  readonly ready: Promise<void>;
  readonly #file: string;
  readonly #shownAs: string;
  readonly #onChange: (change: Change) => void;
  readonly #options: WatchOptions;
  readonly #quietMs: number;
  #watching: Watching | undefined;
  readonly #watched = new Set<string>();
  #targetName: string | undefined;
  #known: string | undefined;
  #looks = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #poll: ReturnType<typeof setInterval> | undefined;
  #firstEventAt: number | undefined;
  #missingSince: number | undefined;
  #reading: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(file: string, shownAs: string, onChange: (change: Change) => void, options: WatchOptions) {
    this.#file = file;
    this.#shownAs = shownAs;
    this.#onChange = onChange;
    this.#options = options;
    this.#quietMs = options.quietMs ?? 75;
    this.#known = options.fingerprint;
    this.ready = this.#start();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#poll);
    await this.ready;
    await this.#reading;
    await this.#watching?.close();
  }

  async #start(): Promise<void> {
    if (this.#known === undefined) this.#known = await readConfigText(this.#file).then(fingerprintOf, () => undefined);
    await this.#watch();
    if (this.#closed) return;
    this.#looks = await this.#look();
    this.#poll = setInterval(() => void this.#lookAgain(), this.#options.pollMs ?? 2000);
    this.#poll.unref?.();
    // What changed between loading and watching.
    this.#soon();
  }

  /** Where no watch can be had (limits of the system, unknown file systems), the regular look is all there is, and it is enough. */
  async #watch(): Promise<void> {
    try {
      const { watch } = await import("chokidar");
      const directory = dirname(this.#file);
      this.#watched.add(directory);
      const watching = watch(directory, { depth: 0, ignoreInitial: true, followSymlinks: false, ignored: (path) => !this.#concerns(path) });
      watching.on("all", () => this.#soon());
      watching.on("error", () => undefined);
      this.#watching = watching;
      const begun = new Promise<void>((begin) => watching.once("ready", () => begin()));
      await Promise.race([begun, new Promise<void>((giveUp) => setTimeout(giveUp, 2000).unref?.())]);
      await this.#watchTarget();
    } catch {
      this.#watching = undefined;
    }
  }

  /** Behind a link, the directory of the file itself is watched too. */
  async #watchTarget(): Promise<void> {
    const target = await realpath(this.#file).catch(() => this.#file);
    const directory = dirname(target);
    if (this.#closed || this.#watched.has(directory) || this.#watching === undefined) return;
    this.#watched.add(directory);
    this.#targetName = basename(target);
    this.#watching.add(directory);
  }

  /** The directory itself, the file, and the `..data` links by which Kubernetes swaps all files of a volume at once. A database beside it changes all the time. */
  #concerns(path: string): boolean {
    const name = basename(path);
    return this.#watched.has(resolve(path)) || name === basename(this.#file) || name === this.#targetName || name.startsWith("..");
  }

  async #lookAgain(): Promise<void> {
    const looks = await this.#look();
    if (looks === this.#looks && this.#missingSince === undefined) return;
    this.#looks = looks;
    this.#soon();
  }

  async #look(): Promise<string> {
    try {
      const { ino, mtimeMs, ctimeMs, size } = await stat(this.#file);
      return [ino, mtimeMs, ctimeMs, size].join(" ");
    } catch (thrown) {
      return errorCode(thrown);
    }
  }

  /** Reads when the file has been quiet for a moment, or when it will not be quiet. */
  #soon(): void {
    if (this.#closed) return;
    const now = performance.now();
    this.#firstEventAt ??= now;
    const waited = now - this.#firstEventAt;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#read(), Math.max(0, Math.min(this.#quietMs, this.#quietMs * longestQuiet - waited)));
    this.#timer.unref?.();
  }

  #read(): void {
    this.#firstEventAt = undefined;
    if (this.#reading !== undefined) {
      this.#again = true;
      return;
    }
    this.#reading = this.#readOnce().finally(() => {
      this.#reading = undefined;
      if (!this.#again) return;
      this.#again = false;
      this.#soon();
    });
  }

  async #readOnce(): Promise<void> {
    await this.#watchTarget();
    let text: string;
    try {
      text = await readConfigText(this.#file);
    } catch (thrown) {
      this.#unreadable(thrown);
      return;
    }
    this.#missingSince = undefined;
    const fingerprint = fingerprintOf(text);
    if (this.#closed || fingerprint === this.#known) return;
    this.#known = fingerprint;
    this.#onChange(this.#parse(text));
  }

  #parse(text: string): Change {
    try {
      return parseFile(text, this.#shownAs, this.#options);
    } catch (thrown) {
      return { error: isConfigError(thrown) ? thrown : new ConfigError([{ path: "", message: "cannot be read" }], this.#shownAs) };
    }
  }

  #unreadable(thrown: unknown): void {
    const cause = isConfigError(thrown) ? thrown.cause : thrown;
    const now = performance.now();
    if (errorCode(cause) === "ENOENT") {
      this.#missingSince ??= now;
      if (now - this.#missingSince < missingMs) {
        this.#again = true;
        return;
      }
    }
    const problems = isConfigError(thrown) ? thrown.problems : [{ path: "", message: "cannot be read" }];
    const seen = `unreadable ${problems.map((problem) => problem.message).join()}`;
    if (this.#closed || this.#known === seen) return;
    this.#known = seen;
    this.#onChange({ error: new ConfigError(problems, this.#shownAs) });
  }
}
