/** The server's log: JSON lines for machines, readable ones for people; on stderr, so that stdout keeps the start-up message. */

import { pino } from "pino";
import type { LogConfig, LogLevel } from "../../config/config.ts";
import type { CallRecord } from "../../stores/ports.ts";
import type { Log } from "../../telemetry/log.ts";
import { exactUsd } from "../money.ts";
import type { Output } from "../world.ts";
import { prettyLine } from "./pretty-line.ts";

export interface ServerLog extends Log {
  setLevel(level: LogLevel): void;
  /** One finished call. */
  call(record: CallRecord): void;
  /** Writes what is still in memory. */
  flush(): void;
}

/** Names under which a credential might ever be logged, at the top and one level down. */
const secretFields = [
  "authorization",
  "proxy-authorization",
  "cookie",
  "x-api-key",
  "api-key",
  "x-goog-api-key",
  "apiKey",
  "api_key",
  "apiKeys",
  "api_keys",
  "adminKey",
  "admin_key",
  "key",
  "secret",
  "token",
  "password",
  "database",
];

/** A reader of the log who does not keep up costs lines, never calls: more than this is not held for them. */
const maxHeldBytes = 4 << 20;

/** Where lines go. */
export interface Sink {
  write(line: string): void;
  flushSync(): void;
}

export function serverLog(config: LogConfig, output: Pick<Output, "isTerminal" | "colours">, sink: Sink = standardError()): ServerLog {
  const pretty = config.format === "pretty" || (config.format === "auto" && output.isTerminal);
  const destination = pretty ? { write: (line: string) => sink.write(prettyLine(line, output.colours)) } : sink;
  const logger = pino(
    {
      level: config.level,
      base: pretty ? null : { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretFields.flatMap((name) => [`["${name}"]`, `*["${name}"]`]), censor: "[redacted]" },
    },
    destination,
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    setLevel(level) {
      logger.level = level;
    },
    call(record) {
      // A person at a terminal wants to see the calls arrive; a collector has them in the database and in the metrics.
      const usual = pretty ? "info" : "debug";
      const level = record.outcome === "error" && record.status >= 500 ? "warn" : usual;
      if (logger.isLevelEnabled(level)) logger[level](callFields(record), "call");
    },
    flush() {
      try {
        sink.flushSync();
      } catch {
        // Nobody reads any more.
      }
    },
  };
}

/** Written when the event loop has time for it. */
function standardError(): Sink {
  const held = pino.destination({ dest: 2, sync: false, minLength: 0, maxLength: maxHeldBytes });
  held.on("error", () => {});
  return { write: (line) => void held.write(line), flushSync: () => held.flushSync() };
}

function callFields(record: CallRecord): object {
  return {
    id: record.id,
    status: record.status,
    model: record.requestedModel,
    target: record.provider === null ? undefined : `${record.provider}/${record.model ?? ""}`,
    ms: record.durationMs,
    attempts: record.attempts.length > 1 ? record.attempts.length : undefined,
    input: record.input ?? undefined,
    output: record.output ?? undefined,
    usd: record.costPico === null ? undefined : exactUsd(BigInt(record.costPico)),
    caller: record.keyName ?? undefined,
    error: record.errorCode ?? undefined,
  };
}
