/** Writes what `aws-event-stream.ts` reads: for tests, and for whoever plays the vendor. */

const encoder = new TextEncoder();

export type HeaderValue = string | boolean | bigint | Uint8Array;

/** One message: headers of any type, and a payload. */
export function encodeMessage(headers: Readonly<Record<string, HeaderValue>>, payload: string | Uint8Array): Uint8Array {
  const head = Object.entries(headers).map(([name, value]) => [bytesOf(name, 1), encodeValue(value)] as const);
  const flat = concat(head.flat());
  const body = typeof payload === "string" ? encoder.encode(payload) : payload;
  const message = new Uint8Array(flat.byteLength + body.byteLength + 16);
  const view = new DataView(message.buffer);
  view.setUint32(0, message.byteLength);
  view.setUint32(4, flat.byteLength);
  view.setUint32(8, checksum(message.subarray(0, 8)));
  message.set(flat, 12);
  message.set(body, 12 + flat.byteLength);
  view.setUint32(message.byteLength - 4, checksum(message.subarray(0, -4)));
  return message;
}

/** An event as Bedrock sends it. */
export function encodeEvent(event: string, payload: string): Uint8Array {
  return encodeMessage({ ":event-type": event, ":content-type": "application/json", ":message-type": "event" }, payload);
}

export function encodeException(type: string, payload: string): Uint8Array {
  return encodeMessage({ ":exception-type": type, ":content-type": "application/json", ":message-type": "exception" }, payload);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

function encodeValue(value: HeaderValue): Uint8Array {
  if (typeof value === "boolean") return Uint8Array.of(value ? 0 : 1);
  if (typeof value === "string") return concat([Uint8Array.of(7), bytesOf(value, 2)]);
  if (value instanceof Uint8Array) return concat([Uint8Array.of(6, value.byteLength >> 8, value.byteLength & 255), value]);
  const long = new Uint8Array(9);
  long[0] = 5;
  new DataView(long.buffer).setBigInt64(1, value);
  return long;
}

/** Text behind its length in one or two bytes. */
function bytesOf(text: string, width: 1 | 2): Uint8Array {
  const bytes = encoder.encode(text);
  const length = width === 1 ? Uint8Array.of(bytes.byteLength) : Uint8Array.of(bytes.byteLength >> 8, bytes.byteLength & 255);
  return concat([length, bytes]);
}

/** CRC-32 bit by bit: on purpose not the table that the reader uses. */
export function checksum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
