/** A whole reply of Gemini's as events: it is read as a stream of one frame. */

import type { ChatEvent } from "../../../canonical/chat.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { GenerateContentDecoder } from "./decode-events.ts";

/** Also a list of frames: what `streamGenerateContent` answers to those who do not ask for events. */
export function decodeReply(body: JsonObject | Json[]): ChatEvent[] {
  const decoder = new GenerateContentDecoder(!Array.isArray(body));
  const events = [...decoder.read(body), ...decoder.end()];
  for (const event of events) if (event.type === "error") throw event.error;
  return events;
}
