/** What stands behind a door that is not chat's: how its requests are read. How they are answered is the operation of each call. */

import type { JsonObject } from "../canonical/json.ts";
import type { BodyLimits } from "../doors/read-body.ts";
import type { Dialect } from "../formats/operation.ts";
import type { House, Operation } from "../stages/call.ts";

export interface OperationDoor {
  /** The client's format, on the record. */
  format: string;
  client: Dialect;
  /** Absent: POST alone. */
  methods?: readonly string[];
  /** Reads and checks the request, as far as it can be checked without knowing who will answer it. */
  read(request: Request, site: Site): Promise<Asked>;
}

/** What surrounds a request at its door. */
export interface Site {
  house: House;
  limits: BodyLimits;
  /** What the path says behind the door's own part: a model's name, or the rest of a path. */
  rest: string;
  /** With its `?`, or empty. */
  search: string;
}

/** A request that has been read. */
export interface Asked {
  model: string;
  stream: boolean;
  /** Where the body is JSON: for the caller's wishes toward the gateway. */
  body: JsonObject;
  /** Of this one call: it knows what was asked. */
  operation: Operation;
}
