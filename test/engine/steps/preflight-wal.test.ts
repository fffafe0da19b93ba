import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFiles } from "../../../src/adapters/system/files.ts";
import type { WalInventory } from "../../../src/domain/coverage.ts";
import { rangesOf } from "../../../src/domain/inventory.ts";
import { lsn } from "../../../src/domain/lsn.ts";
import type { RecoveryInputs } from "../../../src/domain/plan.ts";
import { segmentName, type SegmentNumber } from "../../../src/domain/segment.ts";
import type { PreflightContext } from "../../../src/engine/steps/preflight/ask.ts";
import { wal } from "../../../src/engine/steps/preflight/wal.ts";
import { temporaryDirectory } from "../../support/server.ts";

const size = 0x10_0000;
const systemIdentifier = "7000000000000000001";

/** The first page of a segment, as far as anybody looks at it. */
function segment(timeline: number, number: number): Uint8Array {
  const bytes = new Uint8Array(8192);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xd110, true);
  view.setUint16(2, 2, true);
  view.setUint32(4, timeline, true);
  view.setBigUint64(8, BigInt(number * size), true);
  view.setBigUint64(24, BigInt(systemIdentifier), true);
  view.setUint32(32, size, true);
  view.setUint32(36, 8192, true);
  return bytes;
}

/** Timeline 1 is archived up to segment 4; timeline 2, which left it in there, only lies in the old server's pg_wal. */
test("a timeline that was never archived counts with the history in the old server's pg_wal", async () => {
  await using directory = await temporaryDirectory();
  const pgWal = join(directory.path, "pg_wal");
  await mkdir(pgWal);
  for (const number of [4, 5, 6])
    await writeFile(join(pgWal, segmentName(2, BigInt(number) as SegmentNumber, size)), segment(2, number));
  const archived: WalInventory = {
    systemIdentifier,
    segmentSize: size,
    ranges: rangesOf([2n, 3n, 4n].map((number) => ({ timeline: 1, number: number as SegmentNumber }))),
    histories: [],
    others: [],
  };
  const point = { id: "P", startLsn: lsn(0x20_0028n), stopLsn: lsn(0x20_0100n), walIncluded: false };
  const repository = {
    async *points() {
      yield point;
    },
    openBackup: async () => ({ point }),
    wal: () => ({ inventory: async () => archived }),
  };
  const inputs = {
    method: "rewind-in-place",
    cluster: "shop",
    repository: "main",
    point: "P",
    systemIdentifier,
    segmentSize: size,
    dataDirectory: directory.path,
    savedWal: null,
    target: { timeline: 2, stopAt: "0/680000" },
    replayFrom: "0/200028",
    replayUntil: "0/680000",
  } as unknown as RecoveryInputs;
  const ctx = { directory: directory.path, world: { files: createFiles(), repository: async () => repository } };
  const ask = () => wal.ask({ inputs, ctx } as unknown as PreflightContext);
  expect((await ask())[0]).toMatchObject({ result: "fail", evidence: expect.stringContaining("are missing") });
  await writeFile(join(pgWal, "00000002.history"), "1\t0/480000\tno recovery target specified\n");
  expect((await ask())[0]).toMatchObject({ result: "pass" });
});

/** A tier of the store that nothing can be read from is no hole, and no WAL that could be replayed either. */
test("segments in an archive tier do not count, unless another repository has them where they can be read", async () => {
  await using directory = await temporaryDirectory();
  const rangesAt = (...numbers: bigint[]) =>
    rangesOf(numbers.map((number) => ({ timeline: 1, number: number as SegmentNumber })));
  const stored = { systemIdentifier, segmentSize: size, ranges: rangesAt(2n, 3n, 4n), histories: [], others: [] };
  const inventories: { [repository: string]: WalInventory } = {
    main: { ...stored, cold: rangesAt(3n) },
    offsite: { ...stored, ranges: rangesAt(2n, 4n) },
  };
  const point = { id: "P", startLsn: lsn(0x20_0028n), stopLsn: lsn(0x20_0100n), walIncluded: false };
  const repository = async (name: string) => ({
    async *points() {
      yield point;
    },
    openBackup: async () => ({ point }),
    wal: () => ({ inventory: async () => inventories[name] }),
  });
  const inputs = {
    method: "restore-to-scratch",
    cluster: "shop",
    repository: "main",
    point: "P",
    systemIdentifier,
    segmentSize: size,
    dataDirectory: directory.path,
    savedWal: null,
    site: { repositories: ["main", "offsite"] },
    target: { timeline: 1, stopAt: "0/480000" },
    replayFrom: "0/200028",
    replayUntil: "0/480000",
  } as unknown as RecoveryInputs;
  const ctx = { directory: directory.path, world: { files: createFiles(), repository } };
  const ask = () => wal.ask({ inputs, ctx } as unknown as PreflightContext);
  const name = segmentName(1, 3n as SegmentNumber, size);
  expect((await ask())[0]).toMatchObject({
    result: "fail",
    evidence: `segments ${name} to ${name} lie in an archive tier and cannot be read`,
  });
  inventories["offsite"] = { ...stored, ranges: rangesAt(3n) };
  expect((await ask())[0]).toMatchObject({ result: "pass" });
});
