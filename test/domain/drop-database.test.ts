import { expect, test } from "vitest";
import { findDroppedDatabases, halfDropped } from "../../src/domain/drop-database.ts";
import { instant } from "../../src/domain/instant.ts";
import { lsn } from "../../src/domain/lsn.ts";
import type { WalEvent } from "../../src/domain/wal-event.ts";

const place = (at: number) => ({ lsn: lsn(BigInt(at)), endLsn: lsn(BigInt(at + 8)) });
const commit = (at: number, xid: number): WalEvent => ({
  kind: "commit",
  ...place(at),
  xid,
  at: instant(0n),
  prepared: false,
  database: null,
  droppedRelations: 0,
  droppedStatistics: 0,
});
const row = (at: number, action: "inplace" | "delete", xid: number, offset: number): WalEvent => ({
  kind: "shared-row",
  action,
  ...place(at),
  xid,
  relation: 1262,
  block: 0,
  offset,
});
const dropped = (at: number, xid: number): WalEvent => ({
  kind: "database-dropped",
  ...place(at),
  xid,
  database: 16_400,
});

test("a DROP DATABASE begins with the in-place update of the row that it deletes", () => {
  // Vacuum updates other databases' rows in place in between.
  const events = [
    commit(100, 7),
    row(200, "inplace", 0, 5),
    row(210, "inplace", 0, 6),
    row(220, "delete", 8, 5),
    dropped(300, 8),
    commit(400, 8),
    commit(500, 9),
  ];
  const drops = findDroppedDatabases(events);
  expect(drops).toMatchObject([{ database: 16_400, xid: 8, from: 200n }]);
  expect([200, 201, 300, 400, 401].map((stop) => halfDropped(drops, lsn(BigInt(stop))) !== null)).toEqual([
    false,
    true,
    true,
    true,
    false,
  ]);
});

test("without that update it begins with its own record, one for each tablespace", () => {
  expect(findDroppedDatabases([dropped(300, 8), dropped(310, 8), commit(400, 8)])).toMatchObject([{ from: 300n }]);
});

test("one that never committed is none that was dropped", () => {
  expect(
    findDroppedDatabases([row(200, "inplace", 0, 5), row(220, "delete", 8, 5), dropped(300, 8), commit(400, 9)]),
  ).toEqual([]);
});
