import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWalReader } from "../../../../src/adapters/postgres/waldump/wal-reader.ts";
import type { SegmentRange, WalInventory } from "../../../../src/domain/coverage.ts";
import { formatInstant } from "../../../../src/domain/instant.ts";
import { formatLsn } from "../../../../src/domain/lsn.ts";
import { segmentName, segmentNumberOf, type SegmentNumber } from "../../../../src/domain/segment.ts";
import type { SegmentSummary, WalEvent } from "../../../../src/domain/wal-event.ts";
import type { WalSource } from "../../../../src/ports/wal-reader.ts";
import { otherMajor } from "../../../support/major.ts";
import { postgresBin, startServer, type TestServer } from "../../../support/server.ts";

const run = promisify(execFile);
/** Programs of every version that is here: the system's, and what scripts/other-postgres.ts provides. */
const versions = [postgresBin(), otherMajor(17), otherMajor(18)]
  .filter((bin) => bin !== null)
  .map((bin) => ({ bin, major: Number(/(\d+)\/bin$/.exec(bin)?.[1]) }));
let server: TestServer;
let source: WalSource;
let numbers: SegmentNumber[];

/** pg_wal as a source, up to the segment that the server writes to. */
async function walOf(s: TestServer): Promise<WalSource> {
  const directory = join(s.dataDirectory, "pg_wal");
  const current = (await s.sql("SELECT pg_walfile_name(pg_current_wal_insert_lsn())")).trim();
  const segmentSize = Number((await s.sql("SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'")).trim());
  const names = (await readdir(directory)).filter((name) => /^[0-9A-F]{24}$/.test(name) && name <= current).sort();
  const range: SegmentRange = {
    timeline: 1,
    from: segmentNumberOf(names[0] ?? "", segmentSize)!,
    until: segmentNumberOf(current, segmentSize)!,
  };
  const inventory: WalInventory = {
    systemIdentifier: (await s.sql("SELECT system_identifier FROM pg_control_system()")).trim(),
    segmentSize,
    ranges: [range],
    histories: [],
    others: [],
  };
  return { inventory, fetch: (name) => readFile(join(directory, name)).catch(() => null) };
}

/** A server with WAL of every kind, and its pg_wal as the source. */
async function writeWal(bin: string): Promise<void> {
  server = await startServer({
    bin,
    settings: { max_prepared_transactions: "5", wal_keep_size: "1GB" },
    segmentSizeMiB: 1,
  });
  await server.sql("CREATE TABLE t (id int PRIMARY KEY, x text)");
  // Big rows, many small commits, aborted, prepared, subtransactions: records of every length across pages and segments.
  await server.sql("INSERT INTO t SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 20000) i");
  await server.sql(
    "DO $$ BEGIN FOR i IN 1..3000 LOOP UPDATE t SET x = 'u' || i WHERE id = i; COMMIT; END LOOP; END $$",
  );
  await server.sql("BEGIN; DELETE FROM t; ROLLBACK");
  await server
    .sql("BEGIN; INSERT INTO t VALUES (-1, 'p'); PREPARE TRANSACTION 'one'")
    .then(() => server.sql("COMMIT PREPARED 'one'"));
  await server
    .sql("BEGIN; INSERT INTO t VALUES (-2, 'p'); PREPARE TRANSACTION 'two'")
    .then(() => server.sql("ROLLBACK PREPARED 'two'"));
  await server.sql(
    "DO $$ BEGIN FOR i IN 1..500 LOOP BEGIN INSERT INTO t VALUES (-100 - i, 's'); EXCEPTION WHEN others THEN NULL; END; END LOOP; END $$",
  );
  await server.sql("SELECT pg_create_restore_point('before the mess')");
  await server.sql("CREATE TABLE gone AS SELECT * FROM t; TRUNCATE t; DROP TABLE gone");
  await server.sql("CHECKPOINT");
  await server.sql("SELECT pg_switch_wal()");
  await server.sql("INSERT INTO t VALUES (1, 'after the switch')");
  await server.sql("CREATE DATABASE doomed").then(() => server.sql("DROP DATABASE doomed"));
  await server.sql("INSERT INTO t VALUES (2, 'last')");
  source = await walOf(server);
  const [range] = source.inventory.ranges;
  numbers = [];
  for (let n = range!.from; n <= range!.until; n = (n + 1n) as SegmentNumber) numbers.push(n);
}

async function summaries(): Promise<SegmentSummary[]> {
  const reader = createWalReader();
  const found: SegmentSummary[] = [];
  for (const number of numbers) {
    const summary = await reader.summarise(
      source,
      { timeline: 1, number },
      { timeline: 1, number: (number + 1n) as SegmentNumber },
    );
    if (summary !== null) found.push(summary);
  }
  return found;
}

/** What pg_waldump prints, per record: resource manager, xid, lsn, description. It exits 1 at the end of live WAL. */
async function waldump(): Promise<{ rmgr: string; xid: number; lsn: string; text: string }[]> {
  const size = source.inventory.segmentSize;
  const args = [
    "-p",
    join(server.dataDirectory, "pg_wal"),
    segmentName(1, numbers[0]!, size),
    segmentName(1, numbers.at(-1)!, size),
  ];
  const { stdout } = await run(join(server.bin, "pg_waldump"), args, {
    maxBuffer: 1 << 30,
    env: { ...process.env, TZ: "UTC" },
  }).catch((error: { stdout: string }) => error);
  return [...stdout.matchAll(/^rmgr: (\S+)\s+len.*?tx:\s+(\d+), lsn: ([0-9A-F/]+), prev \S+, desc: (.*)$/gm)].map(
    (m) => ({ rmgr: m[1]!, xid: Number(m[2]), lsn: shortLsn(m[3]!), text: m[4]! }),
  );
}

function shortLsn(text: string): string {
  const [high, low] = text.split("/");
  return `${high}/${(low ?? "").replace(/^0+(?=.)/, "")}`;
}

function isEnd(event: WalEvent): event is Extract<WalEvent, { kind: "commit" | "abort" }> {
  return event.kind === "commit" || event.kind === "abort";
}

describe.each(versions)("the wal scanner on PostgreSQL $major", ({ major, bin }) => {
  beforeAll(() => writeWal(bin), 60_000);

  afterAll(() => server[Symbol.asyncDispose]());

  test("finds the same commits and aborts as pg_waldump: positions, xids, times", async () => {
    const events = (await summaries()).flatMap((s) => s.events);
    const ours = events
      .filter((e) => isEnd(e) && !e.prepared)
      .map(
        (e) =>
          isEnd(e) && [
            formatLsn(e.lsn),
            e.xid,
            e.kind.toUpperCase(),
            formatInstant(e.at).slice(0, 26).replace("T", " "),
          ],
      );
    const theirs = (await waldump())
      .filter((r) => r.rmgr === "Transaction" && /^(COMMIT|ABORT) 2/.test(r.text))
      .map((r) => [r.lsn, r.xid, ...(/^(\w+) ([-\d]+ [\d:.]+)/.exec(r.text) ?? []).slice(1, 3)]);
    expect(theirs.length).toBeGreaterThan(3000);
    expect(ours).toEqual(theirs);
  });

  test("finds prepared transactions by the xid that was prepared", async () => {
    const events = (await summaries()).flatMap((s) => s.events).filter((e) => isEnd(e) && e.prepared);
    const theirs = (await waldump())
      .filter((r) => /^(COMMIT|ABORT)_PREPARED/.test(r.text))
      .map((r) => [r.lsn, Number(/(\d+): /.exec(r.text)?.[1]), r.text.startsWith("COMMIT") ? "commit" : "abort"]);
    expect(theirs).toHaveLength(2);
    const prepared = (await summaries()).flatMap((s) => s.events).filter((e) => e.kind === "prepare");
    const times = (await waldump()).filter((r) => r.text.startsWith("PREPARE"));
    expect(prepared.map((e) => [formatLsn(e.lsn), e.xid])).toEqual(times.map((r) => [r.lsn, r.xid]));
    expect(prepared[0]!.at).toBeLessThanOrEqual(events.find(isEnd)!.at);
    expect(events.find(isEnd)!.at - prepared[0]!.at).toBeLessThan(60_000_000n);
    expect(events.map((e) => isEnd(e) && [formatLsn(e.lsn), e.xid, e.kind])).toEqual(theirs);
  });

  test("knows where each segment's records begin and end", async () => {
    const all = await waldump();
    const found = await summaries();
    expect(formatLsn(found[0]!.firstRecord!)).toBe(all[0]!.lsn);
    expect(formatLsn(found.at(-1)!.lastRecord!)).toBe(all.at(-1)!.lsn);
    expect(found.slice(0, -1).every((s) => s.complete)).toBe(true);
    expect(found.at(-1)).toMatchObject({ complete: false, ended: "end of wal", major });
    for (const [at, s] of found.entries()) if (at > 0) expect(s.previousRecord).toBe(found[at - 1]!.lastRecord);
  });

  test("finds restore points, checkpoints, drops and what begins a DROP DATABASE", async () => {
    const events = (await summaries()).flatMap((s) => s.events);
    const records = await waldump();
    const positions = (kind: WalEvent["kind"]) => events.filter((e) => e.kind === kind).map((e) => formatLsn(e.lsn));
    expect(positions("restore-point")).toEqual(
      records.filter((r) => r.text.startsWith("RESTORE_POINT")).map((r) => r.lsn),
    );
    expect(events.find((e) => e.kind === "restore-point")).toMatchObject({ name: "before the mess" });
    expect(positions("checkpoint")).toEqual(
      records.filter((r) => /^CHECKPOINT_(ONLINE|SHUTDOWN)/.test(r.text)).map((r) => r.lsn),
    );
    expect(positions("database-dropped")).toEqual(
      records.filter((r) => r.rmgr === "Database" && r.text.startsWith("DROP")).map((r) => r.lsn),
    );
    expect(positions("database-created")).toEqual(
      records.filter((r) => r.rmgr === "Database" && r.text.startsWith("CREATE")).map((r) => r.lsn),
    );
    const dropped = events.find((e) => e.kind === "database-dropped");
    const inplace = events.findLast(
      (e) => e.kind === "shared-row" && e.action === "inplace" && e.lsn < (dropped?.lsn ?? 0n),
    );
    const deleted = events.findLast(
      (e) =>
        e.kind === "shared-row" &&
        e.action === "delete" &&
        e.lsn < (dropped?.lsn ?? 0n) &&
        "relation" in e &&
        e.relation === 1262,
    );
    expect(inplace).toMatchObject({
      relation: 1262,
      block: deleted?.kind === "shared-row" ? deleted.block : -1,
      offset: deleted?.kind === "shared-row" ? deleted.offset : -1,
    });
    expect(deleted?.kind === "shared-row" && deleted.xid).toBe(dropped?.kind === "database-dropped" && dropped.xid);
    expect(events.some((e) => isEnd(e) && e.droppedRelations > 0 && e.droppedStatistics > 0)).toBe(true);
    expect(events.some((e) => isEnd(e) && e.droppedRelations > 0 && e.droppedStatistics === 0)).toBe(true);
  });
});
