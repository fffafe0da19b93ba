import { expect, test } from "vitest";
import { kindOfTrouble, TroubleReader } from "../../src/domain/restore-trouble.ts";

const said = `pg_restore: while PROCESSING TOC:
pg_restore: from TOC entry 6; 2615 2200 SCHEMA public postgres
pg_restore: error: could not execute query: ERROR:  schema "public" already exists
Command was: CREATE SCHEMA public;
pg_restore: from TOC entry 215; 1259 16390 TABLE orders clerk
pg_restore: error: could not execute query: ERROR:  role "clerk" does not exist
Command was: ALTER TABLE sales.orders OWNER TO clerk;
pg_restore: from TOC entry 3338; 0 16390 TABLE DATA orders clerk
pg_restore: error: COPY failed for table "orders": ERROR:  invalid byte sequence for encoding "UTF8": 0xff
pg_restore: warning: errors ignored on restore: 3`;

test("errors are read with the object they are about, and sorted by what they cost", () => {
  const reader = new TroubleReader();
  for (const line of said.split("\n")) reader.line(line);
  expect(reader.count).toBe(3);
  expect(reader.found.map((trouble) => [trouble.object, kindOfTrouble(trouble)])).toEqual([
    ["SCHEMA public postgres", "harmless"],
    ["TABLE orders clerk", "rights"],
    ["TABLE DATA orders clerk", "failed"],
  ]);
  expect(reader.last).toContain("errors ignored on restore: 3");
});

test("no more than asked for are kept, and all are counted", () => {
  const reader = new TroubleReader(2);
  for (let n = 0; n < 5; n++) reader.line(`pg_restore: error: could not execute query: ERROR:  number ${n}`);
  expect([reader.found.length, reader.count]).toEqual([2, 5]);
});
