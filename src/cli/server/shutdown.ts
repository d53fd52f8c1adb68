/** Waits for the end: a signal to stop, and a second one for those who cannot wait. */

export interface Ending {
  /** Resolves with the name of the first signal. */
  asked: Promise<string>;
  /** Resolves at the second. */
  insisted: Promise<string>;
  /** Signals do again what they do by themselves. */
  release(): void;
}

const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

export function listenForEnding(): Ending {
  const first = Promise.withResolvers<string>();
  const second = Promise.withResolvers<string>();
  let seen = 0;
  const heard = (signal: string): void => {
    seen += 1;
    (seen === 1 ? first : second).resolve(signal);
  };
  for (const signal of signals) process.on(signal, heard);
  return {
    asked: first.promise,
    insisted: second.promise,
    release() {
      for (const signal of signals) process.off(signal, heard);
    },
  };
}
