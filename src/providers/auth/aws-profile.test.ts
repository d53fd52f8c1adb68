import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readProfiles } from "./aws-profile.ts";

describe("the files in ~/.aws", () => {
  test("both are read, the credentials win", () => {
    const credentials =
      "[default]\naws_access_key_id = A1\naws_secret_access_key=S1\n\n[work]\nAWS_ACCESS_KEY_ID=A2 # mine\naws_secret_access_key = s=2#not a comment\n";
    const config =
      '; all\n[default]\r\nregion = eu-west-1\r\naws_access_key_id = ignored\r\n[profile work]\r\nregion=us-east-1\r\ns3 =\r\n  max_queue_size = 1\r\n[profile "with space"]\nrole_arn = arn:aws:iam::1:role/r\n[sso-session x]\nsso_region = y\n[work]\nregion = of no profile\n';
    const profiles = readProfiles(credentials, config);
    expect(Object.fromEntries(profiles)).toEqual({
      default: { region: "eu-west-1", aws_access_key_id: "A1", aws_secret_access_key: "S1" },
      work: { region: "us-east-1", s3: "", aws_access_key_id: "A2", aws_secret_access_key: "s=2#not a comment" },
      "with space": { role_arn: "arn:aws:iam::1:role/r" },
    });
  });

  test("anything is read without harm", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("[", "]", "=", "\n", " ", "a", "#", "_") }),
        (text) => readProfiles(text, text) instanceof Map,
      ),
    );
    expect(readProfiles("[__proto__]\naws_access_key_id = x", "").get("__proto__")).toEqual({ aws_access_key_id: "x" });
    expect(({} as Record<string, unknown>).aws_access_key_id).toBeUndefined();
  });
});
