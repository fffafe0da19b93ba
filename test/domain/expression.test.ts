import fc from "fast-check";
import { expect, test } from "vitest";
import { holds, namesIn, parseExpression } from "../../src/domain/expression.ts";

const facts = {
  method: "rewind-in-place",
  port: 5433,
  ready: true,
  nothing: null,
  empty: "",
  target: { kind: "xid", lost: 3 },
};

test.each([
  ["method == 'rewind-in-place'", true],
  ['method != "rewind-in-place"', false],
  ["port > 5432 && ready", true],
  ["port <= 5432 || target.kind == 'xid'", true],
  ["!ready", false],
  ["!(ready && nothing)", true],
  ["ready || nothing && empty", true],
  ["(ready || nothing) && empty", false],
  ["nothing == null", true],
  ["unknown == null", true],
  ["unknown", false],
  ["unknown > 3", false],
  ["target.lost >= 3", true],
  ["target.lost == -3", false],
  ["target.kind.length", false],
  ["constructor", false],
  ["target.__proto__ != null", false],
  ["1.5 < 2", true],
])("%s is %s", (text, expected) => {
  expect(holds(parseExpression(text), facts)).toBe(expected);
});

test.each([
  "",
  "a ==",
  "== a",
  "a b",
  "(a",
  "a)",
  "a = b",
  "a && ",
  "process.exit()",
  "a + b",
  "`x`",
  "a == b == c",
  "'open",
])("%j is refused", (text) => {
  expect(() => parseExpression(text)).toThrow(expect.objectContaining({ code: "config" }));
});

test("unlike things are not put in order", () => {
  expect(() => holds(parseExpression("method < 3"), facts)).toThrow("cannot put");
});

test("the names of an expression are known without running it", () => {
  expect(namesIn(parseExpression("a.b == 1 && (c || !a.b)"))).toEqual(["a.b", "c"]);
});

test("no text makes the parser do anything but answer or refuse", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc
          .array(fc.constantFrom("a", "b.c", "&&", "||", "!", "(", ")", "==", "<", "1", "'x'", " "))
          .map((parts) => parts.join("")),
      ),
      (text) => {
        try {
          expect(typeof holds(parseExpression(text), { a: 1, b: { c: 2 } })).toBe("boolean");
        } catch (error) {
          expect(error).toMatchObject({ code: "config" });
        }
      },
    ),
  );
});
