/** A thread with its own connection to the SQLite file: it does what would hold up the calls, checkpoints and sums over many rows. */

import { Worker } from "node:worker_threads";
import type { Row } from "./sqlite-rows.ts";
import type { Question } from "./sqlite-usage.ts";

/**
 * Plain JavaScript in a string, so that there is no second file: `bun build --compile` would have to be told of it,
 * and Node does not strip types inside `node_modules`. A string starts in all of them.
 * `query_only` still allows checkpoints: https://sqlite.org/pragma.html#pragma_query_only
 */
const script = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { DatabaseSync } = require("node:sqlite");
  const database = new DatabaseSync(workerData);
  database.exec("PRAGMA busy_timeout = 5000; PRAGMA synchronous = NORMAL; PRAGMA query_only = ON");
  const checkpoint = database.prepare("PRAGMA wal_checkpoint(PASSIVE)");
  parentPort.on("message", ({ id, sql, values }) => {
    if (sql === "close") {
      database.close();
      parentPort.close();
      return;
    }
    try {
      const rows = sql === "checkpoint" ? checkpoint.all() : database.prepare(sql).all(...values);
      // Rows of node:sqlite have no prototype, which the copy between threads does not mind.
      parentPort.postMessage({ id, rows });
    } catch (error) {
      parentPort.postMessage({ id, error: { message: error.message, errcode: error.errcode } });
    }
  });
`;

interface Answer {
  id: number;
  rows?: Row[];
  error?: { message: string; errcode: number | undefined };
}

type Waiting = (answer: Answer | undefined) => void;

/** The thread costs 15 MB and 35 ms at its start, so it is started on first need and ended when there was none for this long. */
const restAfterMs = 60_000;
/** It may be in the middle of a long sum; a shutdown does not wait for that. */
const closeWithinMs = 2_000;

export class SideThread {
  readonly #path: string;
  readonly #onBroken: () => void;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;
  #rest: NodeJS.Timeout | undefined;
  #broken = false;

  /** `onBroken` is called once, when there can be no thread: from then on every answer is undefined. */
  constructor(path: string, onBroken: () => void) {
    this.#path = path;
    this.#onBroken = onBroken;
  }

  /** The rows, or undefined when there is no thread to ask. Rejects with SQLite's own error. */
  async ask({ sql, values }: Pick<Question, "sql" | "values">): Promise<Row[] | undefined> {
    const worker = this.#running();
    if (!worker) return undefined;
    const answer = await this.#post(worker, sql, values, true);
    if (answer?.error) throw Object.assign(new Error(answer.error.message), { errcode: answer.error.errcode });
    return answer?.rows;
  }

  /** Copies the write-ahead log into the database, as far as readers and the writer allow. Resolves when it is done; never rejects. */
  async checkpoint(): Promise<void> {
    const worker = this.#running();
    if (worker) await this.#post(worker, "checkpoint", [], false);
  }

  /** Ends the thread after what it is doing. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    this.#worker = undefined;
    clearTimeout(this.#rest);
    const abandoned = [...this.#waiting.keys()];
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const deadline = setTimeout(resolve, closeWithinMs);
    worker.once("exit", resolve);
    send(worker, { sql: "close" });
    await ended;
    clearTimeout(deadline);
    worker.unref();
    for (const id of abandoned) this.#settle(id, undefined);
  }

  #post(worker: Worker, sql: string, values: Question["values"], awaited: boolean): Promise<Answer | undefined> {
    const id = ++this.#lastId;
    clearTimeout(this.#rest);
    // The thread alone does not keep the process alive; a question that someone waits for does.
    if (awaited) worker.ref();
    send(worker, { id, sql, values });
    return new Promise((resolve) => {
      this.#waiting.set(id, (answer) => {
        resolve(answer);
        if (this.#waiting.size > 0 || worker !== this.#worker) return;
        worker.unref();
        this.#rest = setTimeout(() => void this.close(), restAfterMs).unref();
      });
    });
  }

  #running(): Worker | undefined {
    if (this.#broken) return undefined;
    if (this.#worker) return this.#worker;
    try {
      const worker = new Worker(script, { eval: true, workerData: this.#path });
      worker.unref();
      worker.on("message", (answer: Answer) => this.#settle(answer.id, answer));
      worker.on("error", () => this.#lose(worker));
      worker.on("exit", () => this.#lose(worker));
      this.#worker = worker;
      return worker;
    } catch {
      this.#lose(undefined);
      return undefined;
    }
  }

  #settle(id: number, answer: Answer | undefined): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.(answer);
  }

  /** A thread that ended unasked is not started again: whatever ended it would end it again. */
  #lose(worker: Worker | undefined): void {
    if (worker !== this.#worker || this.#broken) return;
    this.#worker = undefined;
    this.#broken = true;
    for (const id of this.#waiting.keys()) this.#settle(id, undefined);
    clearTimeout(this.#rest);
    this.#onBroken();
  }
}

function send(worker: Worker, message: { id?: number; sql: string; values?: Question["values"] }): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window: there is no origin
  worker.postMessage(message);
}
