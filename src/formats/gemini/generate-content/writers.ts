/** The two ways in which a stream's chunks reach the client: server-sent events, or the elements of one JSON list that grows. */

import type { GatewayError } from "../../../canonical/errors.ts";
import { encodeError } from "./errors.ts";

export interface Writer {
  /** Called when the reply begins; `first` makes an empty chunk, for a writer that needs one. */
  open(first: () => string): string;
  write(chunk: string): string;
  close(): string;
  /** Says that all is well while there is nothing to say. Between events and elements an empty line is nothing to every reader. */
  idle: string;
}

/** Google's Python client takes a comment for the beginning of an error's JSON, and its JavaScript client drops the event behind one. */
const idle = "\n";

export function asEvents(): Writer {
  return { open: () => "", write: (chunk) => `data: ${chunk}\n\n`, close: () => "", idle };
}

/** The list is opened with the reply, so that an error, wherever it comes from later, is an element after another. */
export function asArray(): Writer {
  let begun = false;
  const write = (chunk: string): string => {
    const before = begun ? ",\n" : "[";
    begun = true;
    return before + chunk + "\n";
  };
  return { open: (first) => (begun ? "" : write(first())), write, close: () => "]\n", idle };
}

export function encodeStreamError(error: GatewayError, callId: string): string {
  return `data: ${JSON.stringify(encodeError(error, callId))}\n\n`;
}

/** As the next element of a list that has begun, and the list's end. */
export function encodeArrayError(error: GatewayError, callId: string): string {
  return `,\n${JSON.stringify(encodeError(error, callId))}\n]\n`;
}
