import { expect, test } from "vitest";
import { callRecord, storeContract } from "../ports.contract.ts";
import { memoryStore } from "./memory.ts";

storeContract("memory", async () => memoryStore(), { place: { none: "it forgets when the process ends" } });

test("when the limit is reached, the oldest calls go, and only they", async () => {
  const store = memoryStore({ maxCalls: 3 });
  await store.append(["1", "2", "3"].map((id) => callRecord(id)));
  await store.append([callRecord("2"), callRecord("4"), callRecord("5")]);
  expect((await store.recent({ limit: 10 })).map((record) => record.id)).toEqual(["5", "4", "3"]);
});
