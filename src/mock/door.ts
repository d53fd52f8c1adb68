/** Finds the format that a URL speaks, by the path that each codec would call. */

import type { ClientCodec } from "../formats/codec.ts";

export interface Doorway {
  codec: ClientCodec;
  /** Where the format puts it in the path. */
  model: string | undefined;
  /** Where the format says it by the path; undefined: the body says it. */
  stream: boolean | undefined;
}

/** A model name that stands in no real path: what surrounds it is the format's own. */
const anyModel = "-any-model-";

/** The codec whose path the URL ends with, whatever stands before it; the longest one when several match. */
export function findDoor(codecs: readonly ClientCodec[], url: string): Doorway | undefined {
  const path = new URL(url, "http://mock.invalid").pathname;
  let best: { doorway: Doorway; length: number } | undefined;
  for (const codec of codecs) {
    const [plain, streamed] = [false, true].map((stream) => codec.provider.path(anyModel, stream).replace(/\?.*$/s, ""));
    for (const [stream, form] of [
      [false, plain],
      [true, streamed],
    ] as const) {
      if (form === undefined || form.length <= (best?.length ?? 0)) continue;
      const matched = match(path, form);
      if (matched)
        best = { doorway: { codec, model: matched.model, stream: plain === streamed ? undefined : stream }, length: form.length };
    }
  }
  return best?.doorway;
}

/** `form` is `/chat/completions`, or has the model in it, as `/v1beta/models/-any-model-:generateContent`. */
function match(path: string, form: string): { model: string | undefined } | undefined {
  const at = form.indexOf(anyModel);
  if (at < 0) return path.endsWith(form) ? { model: undefined } : undefined;
  const before = form.slice(0, at);
  const after = form.slice(at + anyModel.length);
  const start = path.lastIndexOf(before);
  if (start < 0 || !path.endsWith(after)) return undefined;
  const model = decode(path.slice(start + before.length, path.length - after.length));
  return model === "" ? undefined : { model };
}

/** Empty for what is not properly escaped: such a path names nothing. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
