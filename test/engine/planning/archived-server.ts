import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createWalReader } from "../../../src/adapters/postgres/waldump/wal-reader.ts";
import type { WalInventory } from "../../../src/domain/coverage.ts";
import { parseInstant, type Instant } from "../../../src/domain/instant.ts";
import { rangesOf } from "../../../src/domain/inventory.ts";
import { parseLsn, type Lsn } from "../../../src/domain/lsn.ts";
import type { RecoveryPoint } from "../../../src/domain/recovery-point.ts";
import { parseWalFileName, segmentNumberOf } from "../../../src/domain/segment.ts";
import { parseHistory } from "../../../src/domain/timeline.ts";
import type { PlanningWorld } from "../../../src/engine/planning/gather.ts";
import type { Repository, WalArchive } from "../../../src/ports/repository.ts";
import type { TestServer } from "../../support/server.ts";

export const segmentSize = 1024 * 1024;

/** WAL as `archive_command = 'cp %p <directory>/%f'` leaves it. */
export function plainArchive(directory: string, systemIdentifier: string): WalArchive {
  return {
    async inventory(): Promise<WalInventory> {
      const names = (await readdir(directory)).sort();
      const segments = names.flatMap((name) => {
        const file = parseWalFileName(name);
        const number = segmentNumberOf(name, segmentSize);
        return file?.kind === "segment" && number !== null ? [{ timeline: file.timeline, number }] : [];
      });
      const histories = [];
      for (const name of names) {
        const file = parseWalFileName(name);
        const history =
          file?.kind === "history" ? parseHistory(file.timeline, await readFile(join(directory, name), "utf8")) : null;
        if (history !== null) histories.push(history);
      }
      return { systemIdentifier, segmentSize, ranges: rangesOf(segments), histories, others: [] };
    },
    fetch: (name) => readFile(join(directory, name)).catch(() => null),
    store: () => Promise.reject(new Error("not here")),
    has: async (name) => (await readdir(directory)).includes(name),
  };
}

/** A repository of points that were taken as positions only: enough to plan with. */
function positionsRepository(points: readonly RecoveryPoint[], archive: WalArchive): Repository {
  const no = (): Promise<never> => Promise.reject(new Error("not here"));
  return {
    name: "main",
    url: "file:///nowhere",
    format: "native",
    readOnly: true,
    async *systems() {
      for (const id of new Set(points.map((p) => p.systemIdentifier))) yield { cluster: "shop", systemIdentifier: id };
    },
    async *points() {
      yield* points;
    },
    wal: () => archive,
    openBackup: async (point) => ({
      point,
      members: async function* () {},
      manifest: async () => null,
      includes: [],
      include: () => Promise.resolve(null),
      hasManifest: async () => false,
      catalog: async () => ({ control: { floors: { max_connections: 100 } } }),
      wal: async () => null,
      restore: no as never,
      verify: no as never,
    }),
    beginBackup: no,
    recordRun: no,
  };
}

/** Goes through a base backup's beginning and end on a server, copying nothing. */
export async function takePosition(server: TestServer, id: string): Promise<RecoveryPoint> {
  const startedAt = await clock(server);
  // The session that backs up must stay open from start to stop: one psql call.
  const text = await server.sql(
    "SELECT 'start ' || pg_backup_start('x', true); SELECT 'stop ' || lsn || E'\\n' || labelfile FROM pg_backup_stop(false)",
  );
  const stopLsn = parseLsn(/stop (\S+)/.exec(text)?.[1] ?? "") as Lsn;
  const startLsn = parseLsn(/START WAL LOCATION: (\S+)/.exec(text)?.[1] ?? "") as Lsn;
  const timeline = Number(/START TIMELINE: (\d+)/.exec(text)?.[1]);
  return {
    id,
    kind: "base",
    format: "native",
    repository: "main",
    cluster: "shop",
    status: "ok",
    systemIdentifier: await systemOf(server),
    postgresVersion: 150_000,
    timeline,
    startedAt,
    finishedAt: await clock(server),
    startLsn,
    stopLsn,
    segmentSize,
    bytes: 1,
    storedBytes: 1,
    encrypted: false,
    tablespaces: [],
    walIncluded: false,
  };
}

export async function systemOf(server: TestServer): Promise<string> {
  return (await server.sql("SELECT system_identifier FROM pg_control_system()")).trim();
}

/** The server's clock. */
export async function clock(server: TestServer): Promise<Instant> {
  return parseInstant((await server.sql("SET timezone = 'UTC'; SELECT clock_timestamp()")).trim()) as Instant;
}

/** Switches the segment and waits until it is archived. */
export async function archiveAll(server: TestServer): Promise<void> {
  const name = (await server.sql("SELECT pg_walfile_name(pg_switch_wal() - 1)")).trim();
  for (let tries = 0; tries < 200; tries++) {
    if ((await server.sql(`SELECT last_archived_wal >= '${name}' FROM pg_stat_archiver`)).trim() === "t") return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${name} was not archived`);
}

export function worldOf(points: readonly RecoveryPoint[], archive: WalArchive): PlanningWorld {
  return { repositories: [positionsRepository(points, archive)], walReader: createWalReader(), local: null };
}
