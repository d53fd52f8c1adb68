/** Ends this process when the one that started it has died, however it died: a launcher killed by SIGKILL forwards nothing. */

import { createReadStream } from "node:fs";

/** Names the file descriptor of a pipe whose other end the launcher holds, and never writes to. */
export const LIFELINE = "HEADGATE_LIFELINE";

/**
 * Returns what ends this process by hand: while the pipe is read, it does not end by itself, and the read cannot be taken back.
 * Read as a file and not as a socket: of Bun's `net.Socket` on a descriptor, the end is never heard (1.4.5).
 */
export function holdLifeline(env: Readonly<Record<string, string | undefined>>, letGo: () => void): (exitCode: number) => void {
  const descriptor = Number(env[LIFELINE]);
  if (!Number.isInteger(descriptor) || descriptor < 3) return () => {};
  const line = createReadStream("", { fd: descriptor });
  // Not a pipe: somebody set the variable by hand, and nobody holds the other end.
  line.on("error", () => {});
  line.on("end", letGo);
  line.resume();
  return (exitCode) => process.exit(exitCode);
}
