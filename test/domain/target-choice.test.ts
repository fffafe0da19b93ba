import { describe, expect, test } from "vitest";
import { instant } from "../../src/domain/instant.ts";
import { targetFrom, type SaidTarget } from "../../src/domain/target-choice.ts";

const read = (said: SaidTarget) => targetFrom(said, instant(0n));

describe("a target that was said", () => {
  test("is read in every spelling", () => {
    expect(read({ xid: "731" })).toEqual({ target: { kind: "xid", xid: 731 }, inclusive: true, timeline: null });
    expect(read({ beforeXid: "731" })).toEqual({ target: { kind: "xid", xid: 731 }, inclusive: false, timeline: null });
    expect(read({ xid: "731", exclusive: true, timeline: "2" })).toEqual({
      target: { kind: "xid", xid: 731 },
      inclusive: false,
      timeline: 2,
    });
    expect(read({ type: "xid", value: "731", exclusive: true })).toEqual(read({ beforeXid: "731" }));
    expect(read({ type: "default" })).toEqual(read({ latest: true }));
    expect(read({ type: "immediate" })).toEqual(read({ immediate: true }));
    expect(read({ type: "lsn", value: "0/9E000028" })).toEqual(read({ lsn: "0/9e000028" }));
    expect(read({ name: "pre-deploy", timeline: "latest" })).toEqual({
      target: { kind: "name", name: "pre-deploy" },
      inclusive: true,
      timeline: null,
    });
    expect(read({ latest: true, timeline: "0x1A" })).toMatchObject({ timeline: 26 });
  });

  test("with its epoch means the same transaction", () => {
    expect(read({ xid: String((5n << 32n) | 731n) })).toMatchObject({ target: { xid: 731 } });
  });

  test("is null when none was said", () => {
    expect(read({})).toBeNull();
    expect(read({ immediate: false })).toBeNull();
  });

  test.each<[string, SaidTarget]>([
    ["two targets", { xid: "7", time: "2026-11-20Z" }],
    ["two targets", { latest: true, immediate: true }],
    ["without a target", { exclusive: true }],
    ["does not fit", { latest: true, exclusive: true }],
    ["not a transaction id", { xid: "abc" }],
    ["not a transaction id", { xid: "2" }],
    ["not a position", { lsn: "9E000028" }],
    ["not a timeline", { latest: true, timeline: "current" }],
    ["empty or longer", { name: "x".repeat(64) }],
    ["not known", { type: "preserve" }],
    ["without a target", { type: "time" }],
    ["without its type", { value: "731" }],
    ["two targets", { type: "xid", value: "731", name: "x" }],
    ["in which zone", { time: "2026-11-20 10:00" }],
  ])("is refused, %s", (problem, said) => {
    expect(read(said)).toMatchObject({ problem: expect.stringContaining(problem), hint: expect.stringMatching(/\.$/) });
  });
});
