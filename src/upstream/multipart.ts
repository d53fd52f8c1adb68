/** Forms with files (`multipart/form-data`): where their fields stand, and edits that leave every other byte as it was. */

import { GatewayError, invalidField } from "../canonical/errors.ts";

export interface FormPart {
  name: string;
  /** A file has one. */
  filename: string | undefined;
  /** Where its content stands in the bytes. */
  start: number;
  end: number;
}

export interface Form {
  bytes: Uint8Array<ArrayBuffer>;
  parts: readonly FormPart[];
}

const MAX_PARTS = 1000;
const MAX_HEADER_BYTES = 16 << 10;
const CR = 13;
const utf8 = new TextDecoder();
const encoder = new TextEncoder();

/** Throws `invalid_request` for what is no well-formed form: what we would read in one way and a provider in another must not pass. */
export function readForm(bytes: Uint8Array<ArrayBuffer>, contentType: string): Form {
  const boundary = boundaryOf(contentType);
  if (boundary === undefined) throw invalidField("content-type", "multipart/form-data needs a boundary.");
  const opening = encoder.encode(`--${boundary}`);
  const delimiter = encoder.encode(`\r\n--${boundary}`);
  if (!standsAt(bytes, opening, 0)) throw broken("it does not begin with its boundary");
  const parts: FormPart[] = [];
  let at = opening.length;
  for (;;) {
    if (bytes[at] === 45 && bytes[at + 1] === 45) return { bytes, parts };
    if (bytes[at] !== CR || bytes[at + 1] !== 10) throw broken("a boundary is not followed by a new line");
    const head = at + 2;
    const headEnd = find(bytes, blankLine, at, Math.min(bytes.length, head + MAX_HEADER_BYTES));
    if (headEnd < 0) throw broken("a part has no content");
    const start = headEnd + blankLine.length;
    // The blank line's own end may begin the next boundary: an empty part.
    const end = find(bytes, delimiter, start - 2, bytes.length);
    if (end < 0) throw broken("it ends without its boundary");
    parts.push({ ...dispositionOf(utf8.decode(bytes.subarray(head, headEnd))), start, end: Math.max(start, end) });
    if (parts.length > MAX_PARTS) throw broken(`it has more than ${MAX_PARTS} parts`);
    at = end + delimiter.length;
  }
}

/** The fields that are no files, as text. Throws when a name comes twice among those in `single`. */
export function formFields(form: Form, single: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const { name, filename, start, end } of form.parts) {
    const known = single.includes(name);
    // One reader takes the first of two and another the last: the model that was checked would not be the model that answers.
    if (known && name in fields) throw invalidField(name, "comes twice.");
    if (filename !== undefined) {
      if (known) throw invalidField(name, "must be a text and not a file.");
      continue;
    }
    fields[name] = end - start > 1 << 20 ? "" : utf8.decode(form.bytes.subarray(start, end));
  }
  return fields;
}

/** The same form with another content in a part that is a field. */
export function editForm(form: Form, name: string, value: string): Uint8Array<ArrayBuffer> {
  const part = form.parts.find((one) => one.name === name);
  if (!part) return form.bytes;
  const text = encoder.encode(value);
  const { bytes } = form;
  const edited = new Uint8Array(bytes.length - (part.end - part.start) + text.length);
  edited.set(bytes.subarray(0, part.start));
  edited.set(text, part.start);
  edited.set(bytes.subarray(part.end), part.start + text.length);
  return edited;
}

const blankLine = encoder.encode("\r\n\r\n");

function boundaryOf(contentType: string): string | undefined {
  const match = /;\s*boundary=(?:"([^"\r\n]{1,200})"|([^\s;"]{1,200}))/i.exec(contentType);
  return match?.[1] ?? match?.[2];
}

function dispositionOf(head: string): { name: string; filename: string | undefined } {
  const lines = head.split("\r\n").filter((line) => /^content-disposition[ \t]*:/i.test(line));
  const [line] = lines;
  if (line === undefined || lines.length > 1) throw broken("a part needs one content-disposition");
  // `name*` and escapes are read differently by every library.
  const names = [...line.matchAll(/;\s*(name|filename)(\*?)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/gi)];
  const of = (wanted: string): string | undefined => {
    const found = names.filter((match) => match[1]?.toLowerCase() === wanted);
    if (wanted === "name" && (found.length !== 1 || found[0]?.[2] === "*")) throw broken("a part needs one name");
    return found[0] && (found[0][3] ?? found[0][4] ?? "");
  };
  return { name: of("name") as string, filename: of("filename") };
}

function find(bytes: Uint8Array, sought: Uint8Array, from: number, to: number): number {
  for (let at = bytes.indexOf(CR, from); at >= 0 && at + sought.length <= to; at = bytes.indexOf(CR, at + 1))
    if (standsAt(bytes, sought, at)) return at;
  return -1;
}

function standsAt(bytes: Uint8Array, sought: Uint8Array, at: number): boolean {
  for (let index = 0; index < sought.length; index++) if (bytes[at + index] !== sought[index]) return false;
  return true;
}

function broken(why: string): GatewayError {
  return new GatewayError("invalid_request", `The form cannot be read: ${why}.`);
}
