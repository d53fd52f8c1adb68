import { describe, expect, test } from "vitest";
import { Renewable, signerOf } from "./renewable.ts";
import type { Lease } from "./renewable.ts";

/** A source whose answers the test gives one by one, and a clock that it moves. */
function world(random = 0) {
  const state = { now: 0, asked: 0, answers: [] as (Lease<string> | Error)[] };
  const open: (() => void)[] = [];
  const source = new Renewable<string>(
    () => {
      state.asked += 1;
      const answer = state.answers.shift() ?? new Error("nothing to give");
      return new Promise((resolve, reject) => {
        open.push(() => (answer instanceof Error ? reject(answer) : resolve(answer)));
      });
    },
    { now: () => state.now, random: () => random },
  );
  const settle = async (): Promise<void> => {
    for (const one of open.splice(0)) one();
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  const get = async (): Promise<string> => {
    const value = Promise.resolve(source.get());
    value.catch(() => {});
    await settle();
    return value;
  };
  return { state, source, settle, get };
}

const request = { method: "POST", url: "https://vendor.example/", headers: {}, body: "" };
const HOUR = 3_600_000;
const MINUTE = 60_000;

describe("something that expires", () => {
  test("is asked for once by any number of callers, and then at hand at once", async () => {
    const { state, source, settle } = world();
    state.answers = [{ value: "a", expiresAt: HOUR }];
    const waiting = [source.get(), source.get(), source.get()].map(async (one) => one);
    await settle();
    expect(await Promise.all(waiting)).toEqual(["a", "a", "a"]);
    expect(source.get()).toBe("a");
    expect(state.asked).toBe(1);
  });

  test("is renewed five minutes ahead, behind the callers' backs", async () => {
    const { state, source, settle, get } = world();
    state.answers = [
      { value: "a", expiresAt: HOUR },
      { value: "b", expiresAt: 2 * HOUR },
    ];
    await get();
    state.now = HOUR - 5 * MINUTE - 1;
    expect(source.get()).toBe("a");
    expect(state.asked).toBe(1);
    state.now += 1;
    expect([source.get(), source.get()]).toEqual(["a", "a"]);
    expect(state.asked).toBe(2);
    await settle();
    expect(source.get()).toBe("b");
  });

  test("with a short life at four fifths of it", async () => {
    const { state, source, get } = world();
    state.answers = [{ value: "a", expiresAt: MINUTE }];
    await get();
    state.now = 0.8 * MINUTE - 1;
    void source.get();
    expect(state.asked).toBe(1);
    state.now += 1;
    void source.get();
    expect(state.asked).toBe(2);
  });

  test("not by all machines in the same second", async () => {
    const { state, source, get } = world(0.5);
    state.answers = [{ value: "a", expiresAt: HOUR }];
    await get();
    // A tenth of the five minutes earlier.
    state.now = HOUR - 5.5 * MINUTE - 1;
    void source.get();
    expect(state.asked).toBe(1);
    state.now += 1;
    void source.get();
    expect(state.asked).toBe(2);
  });

  test("is kept while it is valid when its renewal fails, and asked for again later", async () => {
    const { state, source, settle, get } = world();
    state.answers = [{ value: "a", expiresAt: HOUR }, new Error("down"), { value: "b", expiresAt: 2 * HOUR }];
    await get();
    state.now = HOUR - 4 * MINUTE;
    expect(source.get()).toBe("a");
    await settle();
    expect(source.get()).toBe("a");
    expect(state.asked).toBe(2);
    state.now += 15_000;
    expect(source.get()).toBe("a");
    await settle();
    expect(source.get()).toBe("b");
  });

  test("is not shown in the last seconds of its life: the other side's clock may be ahead", async () => {
    const { state, get } = world();
    state.answers = [
      { value: "a", expiresAt: HOUR },
      { value: "b", expiresAt: 2 * HOUR },
    ];
    await get();
    state.now = HOUR - 10_000;
    expect(await get()).toBe("b");
  });

  test("fails when there is nothing left, for all who wait, and is not asked for by every caller", async () => {
    const { state, source, settle, get } = world();
    state.answers = [new Error("down"), { value: "a", expiresAt: HOUR }];
    const waiting = [source.get(), source.get()].map((one) => Promise.resolve(one).catch((error: Error) => error.message));
    await settle();
    expect(await Promise.all(waiting)).toEqual(["down", "down"]);
    await expect(get()).rejects.toThrow("down");
    expect(state.asked).toBe(1);
    state.now += 1000;
    expect(await get()).toBe("a");
  });

  test("a failure behind the callers' backs does not keep them waiting once there is nothing left", async () => {
    const { state, source, settle, get } = world();
    state.answers = [{ value: "a", expiresAt: HOUR }, new Error("down"), { value: "b", expiresAt: 2 * HOUR }];
    await get();
    state.now = HOUR - 11_000;
    expect(source.get()).toBe("a");
    await settle();
    state.now = HOUR - 9000;
    expect(await get()).toBe("b");
  });

  test("without an end it is never asked for again", async () => {
    const { state, source, get } = world();
    state.answers = [{ value: "a" }];
    await get();
    state.now = 1e15;
    expect(source.get()).toBe("a");
  });
});

describe("a value that was refused", () => {
  test("is not shown again when there is a newer one", async () => {
    const { state, source, get } = world();
    state.answers = [
      { value: "a", expiresAt: HOUR },
      { value: "b", expiresAt: HOUR },
    ];
    await get();
    state.now = MINUTE;
    source.invalidate();
    expect(await get()).toBe("b");
    expect(state.asked).toBe(2);
  });

  test("is shown again when there is none to be had", async () => {
    const { state, source, get } = world();
    state.answers = [{ value: "a", expiresAt: HOUR }, new Error("down")];
    await get();
    state.now = MINUTE;
    source.invalidate();
    expect(await get()).toBe("a");
    expect(source.get()).toBe("a");
  });

  test("was refused for another reason when it is only just here: a storm of refusals asks once", async () => {
    const { state, source, get } = world();
    state.answers = [{ value: "a", expiresAt: HOUR }];
    await get();
    state.now = 4999;
    source.invalidate();
    expect(source.get()).toBe("a");
    expect(state.asked).toBe(1);
  });

  test("a signer hands the refusal on", async () => {
    const { state, source, settle } = world();
    state.answers = [
      { value: "a", expiresAt: HOUR },
      { value: "b", expiresAt: HOUR },
    ];
    const signer = signerOf(source, (value) => ({ authorization: value }));
    const first = signer(request);
    await settle();
    expect(await first).toEqual({ authorization: "a" });
    state.now = MINUTE;
    signer.invalidate();
    const second = signer(request);
    await settle();
    expect(await second).toEqual({ authorization: "b" });
  });
});
