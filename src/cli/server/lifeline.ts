/** Ends this process when the one that started it has died, however it died: a launcher killed by SIGKILL forwards nothing. */

import { Socket } from "node:net";

/** Names the file descriptor of a pipe whose other end the launcher holds, and never writes to. */
export const LIFELINE = "HEADGATE_LIFELINE";

export function holdLifeline(env: Readonly<Record<string, string | undefined>>, letGo: () => void): void {
  const descriptor = Number(env[LIFELINE]);
  if (!Number.isInteger(descriptor) || descriptor < 3) return;
  try {
    const line = new Socket({ fd: descriptor, readable: true, writable: false });
    line.on("error", letGo);
    line.on("close", letGo);
    line.on("end", letGo);
    line.resume();
    line.unref();
  } catch {
    // Not a pipe: somebody set the variable by hand, and nobody holds the other end.
  }
}
