import { expect, test } from "vitest";
import { parseCount, parseDuration, parseExpiry, parseSize } from "./units.ts";

test("durations need a unit", () => {
  expect(parseDuration("10s")).toBe(10_000);
  expect(parseDuration("500ms")).toBe(500);
  expect(parseDuration("5m")).toBe(300_000);
  expect(parseDuration("1.5h")).toBe(5_400_000);
  expect(parseDuration("7d")).toBe(604_800_000);
  for (const text of ["10", "10 s", "10S", "s", "-1s", "1e3s", "10s ", "", "1m30s", "0x1s", ".5s", "1.s", "Infinitys"])
    expect(parseDuration(text)).toBeUndefined();
});

test("sizes know both kinds of prefix", () => {
  expect(parseSize("32MiB")).toBe(33_554_432);
  expect(parseSize("1MB")).toBe(1_000_000);
  expect(parseSize("1.5KiB")).toBe(1536);
  expect(parseSize("100B")).toBe(100);
  for (const text of ["32", "32M", "32mb", "32 MiB", "-1B", ""]) expect(parseSize(text)).toBeUndefined();
});

test("counts may be shortened", () => {
  expect(parseCount("100k")).toBe(100_000);
  expect(parseCount("2M")).toBe(2_000_000);
  expect(parseCount("1.5k")).toBe(1500);
  expect(parseCount("60")).toBe(60);
  for (const text of ["", "k", "1 k", "1K", "-5", "1e5"]) expect(parseCount(text)).toBeUndefined();
});

test("a day is its beginning in UTC, and so is a time without a zone", () => {
  expect(parseExpiry("2027-01-31")).toBe(Date.UTC(2027, 0, 31));
  expect(parseExpiry("2027-01-31T12:00:00Z")).toBe(Date.UTC(2027, 0, 31, 12));
  expect(parseExpiry("2027-01-31T12:00")).toBe(Date.UTC(2027, 0, 31, 12));
  expect(parseExpiry("2027-01-31T12:00+02:00")).toBe(Date.UTC(2027, 0, 31, 10));
  expect(parseExpiry("2027-02-30")).toBeUndefined();
  expect(parseExpiry("2027-13-01")).toBeUndefined();
});
