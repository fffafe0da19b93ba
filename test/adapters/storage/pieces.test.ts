import { randomBytes, randomInt } from "node:crypto";
import { expect, test } from "vitest";
import { pieces } from "../../../src/adapters/storage/pieces.ts";

test("what is cut from chunks of any size is what was put in, in exact buffers, filled again where one fits", () => {
  for (let round = 0; round < 200; round++) {
    const all = randomBytes(randomInt(1, 3_000_000));
    const source = pieces();
    const found: Buffer[] = [];
    const length = randomInt(1, 400_000);
    let into: Uint8Array | undefined;
    const takeOne = (wanted: number): void => {
      const part = source.take(wanted, into);
      expect(part).toHaveLength(wanted);
      found.push(Buffer.from(part));
      into = part;
    };
    for (let at = 0; at < all.length;) {
      const size = Math.min(randomInt(0, 700_000), all.length - at);
      // Large ones are given back once they are copied: each has memory of its own.
      source.add(Uint8Array.from(all.subarray(at, at + size)));
      at += size;
      while (source.length() >= length) takeOne(length);
    }
    takeOne(source.length());
    expect(source.length()).toBe(0);
    expect(Buffer.concat(found).equals(all)).toBe(true);
  }
});

test("nothing is left after clear", () => {
  const source = pieces();
  source.add(new Uint8Array(10));
  source.take(3);
  source.clear();
  expect(source.length()).toBe(0);
  source.add(Uint8Array.of(1, 2));
  expect(source.take(2)).toEqual(Uint8Array.of(1, 2));
});
