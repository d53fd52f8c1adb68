/** The ways in which vendors tell the events of a stream apart. A new one is its file and its line here. */

import { AwsEventStreamReader } from "./aws-event-stream.ts";
import { JsonLinesReader } from "./json-lines.ts";
import { SseReader } from "./sse.ts";

/** One event of a stream: its name where the framing has names, and its payload. */
export interface Frame {
  event: string;
  data: string;
}

/** Cuts bytes into frames; keeps what is incomplete. */
export interface FrameReader {
  push(bytes: Uint8Array): Frame[];
  /** The stream is over: what is left may be a last frame. */
  end(): Frame[];
}

const readers = new Map<string, () => FrameReader>([
  ["sse", () => new SseReader()],
  ["json-lines", () => new JsonLinesReader()],
  ["aws-event-stream", () => new AwsEventStreamReader()],
]);

export function frameReader(framing: string): FrameReader {
  const make = readers.get(framing);
  if (!make) throw new Error(`there is no reader for the framing "${framing}"`);
  return make();
}
