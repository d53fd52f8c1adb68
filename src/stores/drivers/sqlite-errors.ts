/** SQLite's failures, told apart: is it the database's fault, so that another try may help, or this record's? */

import { GatewayError, isGatewayError } from "../../canonical/errors.ts";

/** Result codes (https://sqlite.org/rescode.html) that say nothing about what was written, with what the reader can do. */
const advice: Record<number, string> = {
  5: "Another process holds the write lock: close other programs that have it open",
  6: "Another connection holds a lock: close other programs that have it open",
  7: "There is not enough memory",
  8: "The file is read-only: check its owner and permissions, and those of its folder",
  9: "The operation was interrupted",
  10: "The disk gave an error: check the disk and its free space",
  11: "The file is damaged: move it away (with its -wal and -shm files) to start anew, or restore a backup",
  13: "The disk is full: free some space",
  14: "The file cannot be opened: check that its folder exists and may be written",
  15: "Another process holds a lock: close other programs that have it open",
  23: "Access was refused: check the permissions of the file and its folder",
  26: "The file is not a SQLite database: point `database` to another path, or move the file away",
};

/** The primary result code: the low byte of the extended one. 0 when the error is not SQLite's. */
function resultCode(error: unknown): number {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === "number" ? code & 0xff : 0;
}

/** True when another process or connection held the lock for too long: another try may well succeed. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(isGatewayError(error) ? error.cause : error);
  return code === 5 || code === 6;
}

/** `storage_unavailable` when the database is at fault; `internal` when it refused this very record; a GatewayError stays what it is. */
export function storageError(what: string, path: string, error: unknown): GatewayError {
  if (isGatewayError(error)) return error;
  const known = advice[resultCode(error)];
  const words = error instanceof Error ? error.message : String(error);
  if (known)
    return new GatewayError("storage_unavailable", `Could not ${what} in the database ${path}: ${words}. ${known}.`, { cause: error });
  return new GatewayError("internal", `The database ${path} refused to ${what}: ${words}.`, { cause: error });
}
