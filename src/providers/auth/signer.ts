/** What a signer is: from a whole request to the headers that prove who sends it. */

/** A request before its credential is added. */
export interface UnsignedRequest {
  method: string;
  url: string;
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** Headers by their lower-case names. */
export type SignedHeaders = Record<string, string>;

/**
 * Answers at once where it can: with what is in its hands most calls need no turn of the event loop. Throws GatewayError `provider_auth`, which
 * never holds a secret.
 *
 * @example
 * const sign = entraToken({ tenantId, clientId, clientSecret });
 * const headers = await sign({ method: "POST", url, headers: {}, body }); // { authorization: "Bearer …" }
 */
export interface Signer {
  (request: UnsignedRequest): SignedHeaders | Promise<SignedHeaders>;
  /** The provider has refused what was shown: show something newer next time, where there is something newer to be had. */
  invalidate?(): void;
}

/** Goes on with a value that may be here already. */
export function andThen<Value, Result>(
  value: Value | Promise<Value>,
  next: (value: Value) => Result | Promise<Result>,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then(next) : next(value);
}
