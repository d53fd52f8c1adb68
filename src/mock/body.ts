/** Response bodies that are made while they are read: nothing is ahead of its reader, and an abort ends it at once. */

/** One thing that happens in a body. `silence`: nothing more comes until the reader leaves. `break`: the connection is lost. */
export type Body = { kind: "text"; afterMs: number; text: string } | { kind: "silence" } | { kind: "break"; error: Error };

type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/** Bodies without pauses give the event loop a turn after so many pieces: a reader of a million of them would have it to itself. */
const piecesATurn = 256;

export function bodyStream(parts: Iterator<Body>, sleep: Sleep, signal: AbortSignal): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const leaving = new AbortController();
  const leave = () => leaving.abort(signal.reason);
  let pieces = 0;

  async function nextText(): Promise<string | undefined> {
    for (;;) {
      const { value: part, done } = parts.next();
      if (done) return undefined;
      switch (part.kind) {
        case "silence":
          return await new Promise((_, reject) =>
            leaving.signal.addEventListener("abort", () => reject(leaving.signal.reason), { once: true }),
          );
        case "break":
          throw part.error;
        case "text":
          if (part.afterMs > 0) await sleep(part.afterMs, leaving.signal);
          if (part.text !== "") return part.text;
      }
    }
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (signal.aborted) throw signal.reason;
        signal.addEventListener("abort", leave, { once: true });
        leaving.signal.addEventListener("abort", () => controller.error(leaving.signal.reason), { once: true });
      },
      async pull(controller) {
        try {
          pieces += 1;
          if (pieces % piecesATurn === 0) await pause(0, leaving.signal);
          const text = await nextText();
          if (leaving.signal.aborted) return;
          if (text !== undefined) return controller.enqueue(encoder.encode(text));
          signal.removeEventListener("abort", leave);
          controller.close();
        } catch (thrown) {
          signal.removeEventListener("abort", leave);
          controller.error(thrown);
        }
      },
      cancel(reason) {
        signal.removeEventListener("abort", leave);
        leaving.abort(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** Resolves after so many milliseconds, or rejects with the signal's reason. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}
