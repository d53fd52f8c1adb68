/** AWS Signature Version 4. */

import type { Secret } from "../../canonical/secret.ts";
import { subtleHashing, toHex } from "./hashing.ts";
import type { Hashing } from "./hashing.ts";
import { andThen } from "./signer.ts";
import type { SignedHeaders, Signer, UnsignedRequest } from "./signer.ts";

export interface AwsCredentials {
  accessKeyId: string;
  secretAccessKey: Secret;
  sessionToken?: Secret | undefined;
}

export interface SigV4Options {
  credentials: { get(): AwsCredentials | Promise<AwsCredentials>; invalidate(): void };
  region: string;
  /** The name under which the service signs: `bedrock`. */
  service: string;
  now(): number;
  hashing?: Hashing | undefined;
}

const encoder = new TextEncoder();

export function signV4(options: SigV4Options): Signer {
  const { credentials, now } = options;
  const hashing = options.hashing ?? subtleHashing;
  let derived: DerivedKey | undefined;

  const keyFor = ({ secretAccessKey }: AwsCredentials, day: string): Uint8Array | Promise<Uint8Array> => {
    const secret = secretAccessKey.reveal();
    if (derived?.day === day && derived.secret === secret) return derived.key;
    const steps = [options.region, options.service, "aws4_request"];
    const first = hashing.hmac(encoder.encode(`AWS4${secret}`), day);
    const key = steps.reduce<Uint8Array | Promise<Uint8Array>>(
      (before, step) => andThen(before, (bytes) => hashing.hmac(bytes, step)),
      first,
    );
    const made: DerivedKey = { day, secret, key };
    derived = made;
    if (key instanceof Promise) {
      key.then(
        (bytes) => {
          made.key = bytes;
        },
        () => {
          if (derived === made) derived = undefined;
        },
      );
    }
    return key;
  };

  const sign = (request: UnsignedRequest, using: AwsCredentials): SignedHeaders | Promise<SignedHeaders> => {
    const time = new Date(now()).toISOString().replace(/[-:]|\.\d+/g, "");
    const day = time.slice(0, 8);
    const scope = `${day}/${options.region}/${options.service}/aws4_request`;
    return andThen(hashing.sha256(request.body), (payload) => {
      const added: SignedHeaders = { "x-amz-content-sha256": payload, "x-amz-date": time };
      if (using.sessionToken) added["x-amz-security-token"] = using.sessionToken.reveal();
      const { text, names } = canonical(request, added, payload);
      return andThen(hashing.sha256(text), (hash) =>
        andThen(keyFor(using, day), (key) =>
          andThen(hashing.hmac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash}`), (signature) => {
            added.authorization = `AWS4-HMAC-SHA256 Credential=${using.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${toHex(signature)}`;
            return added;
          }),
        ),
      );
    });
  };

  return Object.assign((request: UnsignedRequest) => andThen(credentials.get(), (using) => sign(request, using)), {
    invalidate: () => credentials.invalidate(),
  });
}

/** The key changes with the day and nothing else, so four of the five HMACs are done once a day. */
interface DerivedKey {
  day: string;
  secret: string;
  key: Uint8Array | Promise<Uint8Array>;
}

/**
 * The request as both sides write it down. Signed are the host, the content type and every `x-amz-` header, which is what the vendor demands:
 * what else there is may be changed on the way, and a changed header that was signed is a 403.
 */
function canonical(request: UnsignedRequest, added: SignedHeaders, payload: string): { text: string; names: string } {
  const url = new URL(request.url);
  const headers: [string, string][] = [["host", url.host], ...Object.entries(added)];
  for (const [name, value] of Object.entries(request.headers)) {
    if ((name === "content-type" || name.startsWith("x-amz-")) && added[name] === undefined)
      headers.push([name, value.trim().replace(/\s+/g, " ")]);
  }
  headers.sort(([one], [other]) => (one < other ? -1 : 1));
  const names = headers.map(([name]) => name).join(";");
  const lines = headers.map(([name, value]) => `${name}:${value}\n`).join("");
  return {
    text: `${request.method}\n${canonicalPath(url.pathname)}\n${canonicalQuery(url.search)}\n${lines}\n${names}\n${payload}`,
    names,
  };
}

/** Every service but S3 signs the path as it is on the wire, encoded once more: `%3A` is signed as `%253A`. Empty segments do not count. */
function canonicalPath(path: string): string {
  const encoded = path
    .split("/")
    .filter((segment) => segment !== "")
    .map(encode)
    .join("/");
  return encoded === "" ? "/" : `/${encoded}${path.endsWith("/") ? "/" : ""}`;
}

function canonicalQuery(search: string): string {
  if (search.length <= 1) return "";
  const pairs = search
    .slice(1)
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair): [string, string] => {
      const equals = pair.indexOf("=");
      return equals < 0 ? [encode(decode(pair)), ""] : [encode(decode(pair.slice(0, equals))), encode(decode(pair.slice(equals + 1)))];
    });
  pairs.sort(([name, value], [otherName, otherValue]) => {
    if (name !== otherName) return name < otherName ? -1 : 1;
    return value < otherValue ? -1 : 1;
  });
  return pairs.map(([name, value]) => `${name}=${value}`).join("&");
}

/** All but letters, digits and `-_.~`. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
