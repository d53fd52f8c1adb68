/** A vendor's whole reply as events. */

import type { ChatEvent } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import { ChatDecoder } from "./decode-events.ts";

export function decodeReply(body: JsonObject, quirks?: ReadonlySet<Quirk>): ChatEvent[] {
  return new ChatDecoder(quirks).whole(body);
}
