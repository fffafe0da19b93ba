import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { giveToServer } from "../src/adapters/postgres/throwaway-server.ts";
import { fetchConfigDefaults } from "../src/adapters/wal/fetch-config.ts";
import { generateArchiveCommand, generateRestoreCommand } from "../src/adapters/wal/restore-command.ts";
import { bootIdentifier, prepareSpool, spoolDirectoryOf } from "../src/adapters/wal/spool.ts";
import type { Comparison } from "./compare.ts";
import type { Measured } from "./measure.ts";
import type { BenchWorld } from "./world.ts";

/** archive_command and restore_command as PostgreSQL calls them: a shell in the data directory for every segment. */
export async function walComparisons(world: BenchWorld, rounds: number): Promise<readonly Comparison[]> {
  const { dataDirectory } = world.server;
  const names = await fullSegments(dataDirectory, rounds);
  const nameOf = (round: number): string => names[round % names.length] ?? "";
  const shell = (command: string, name: string, path: string, cwd: string): Promise<Measured> =>
    world.run(["sh", "-c", command.replaceAll("%f", name).replaceAll("%p", path)], { cwd, watch: false });
  const plain = join(world.directory, "plain-wal");
  await mkdir(plain);
  for (const name of names) await copyFile(join(dataDirectory, "pg_wal", name), join(plain, name));
  await giveToServer(plain);

  const recovery = await prepareRecovery(world);
  const path = "pg_wal/RECOVERYXLOG";
  const fetched = join(recovery.dataDirectory, path);
  const clean = async (): Promise<void> => {
    await rm(fetched, { force: true });
    // What a fetch leaves behind (a prefetcher that finds no server) shall not count for the next one.
    await delay(300);
  };
  const push = generateArchiveCommand({ ...world.program, config: world.config });
  const theirs = (words: readonly string[]): string => world.pgbackrest(words).join(" ");
  return [
    {
      id: "wal-push",
      what: "archive_command, one segment",
      peerName: "pgbackrest archive-push",
      goal: 2,
      rounds: names.length,
      ours: { run: (round) => shell(push, nameOf(round), `pg_wal/${nameOf(round)}`, dataDirectory) },
      peer: {
        run: (round) => shell(theirs(["archive-push", "%p"]), nameOf(round), `pg_wal/${nameOf(round)}`, dataDirectory),
      },
    },
    {
      id: "wal-hit",
      what: "restore_command, segment in the spool",
      peerName: "sh -c cp",
      goal: 0.5,
      rounds: names.length,
      ours: {
        prepare: async (round) => {
          await clean();
          await copyFile(join(plain, nameOf(round)), join(recovery.ready, nameOf(round)));
          await giveToServer(recovery.ready);
        },
        run: (round) => shell(recovery.command, nameOf(round), path, recovery.dataDirectory),
      },
      peer: { prepare: clean, run: (round) => shell(`cp ${plain}/%f %p`, nameOf(round), path, recovery.dataDirectory) },
    },
    {
      id: "wal-miss",
      what: "restore_command, segment not in the spool",
      peerName: "pgbackrest archive-get",
      goal: 2,
      rounds: names.length,
      ours: { prepare: clean, run: (round) => shell(recovery.command, nameOf(round), path, recovery.dataDirectory) },
      peer: {
        prepare: clean,
        run: (round) =>
          shell(
            theirs([`--pg1-path=${recovery.dataDirectory}`, "archive-get", "%f", "%p"]),
            nameOf(round),
            path,
            recovery.dataDirectory,
          ),
      },
    },
  ];
}

/** Segments that are full of WAL; the last ones in pg_wal are recycled or under way. */
export async function fullSegments(dataDirectory: string, most: number): Promise<readonly string[]> {
  const status = await readdir(join(dataDirectory, "pg_wal", "archive_status"));
  const done = status.filter((name) => /^[0-9A-F]{24}\.done$/.test(name)).map((name) => name.slice(0, 24));
  const names: string[] = [];
  for (const name of done.sort()) {
    const bytes = await readFile(join(dataDirectory, "pg_wal", name)).catch(() => null);
    // The last page of a segment that was switched away from is empty.
    if (bytes !== null && bytes.subarray(-8192).some((byte) => byte !== 0)) names.push(name);
  }
  if (names.length === 0) throw new Error("no full segment is left in pg_wal");
  return names.slice(0, most);
}

async function prepareRecovery(
  world: BenchWorld,
): Promise<{ readonly dataDirectory: string; readonly ready: string; readonly command: string }> {
  const { dataDirectory: source } = world.server;
  const dataDirectory = await recoveringDirectory(world, "recovery");
  const spool = await prepareSpool({
    ...fetchConfigDefaults,
    cluster: "bench",
    systemIdentifier: world.systemIdentifier,
    segmentSize: (await stat(join(source, "pg_wal", await anySegment(source)))).size,
    dataDirectory,
    repositories: [{ name: "main", url: `file://${world.repository}`, format: "native", options: {} }],
  });
  const ready = join(spoolDirectoryOf(dataDirectory), (await bootIdentifier()) ?? "unknown");
  await mkdir(ready, { mode: 0o700 });
  await giveToServer(dataDirectory);
  return { dataDirectory, ready, command: generateRestoreCommand({ ...world.program, spool }) };
}

/** What restore_command sees of a data directory in recovery. */
export async function recoveringDirectory({ server, directory }: BenchWorld, name: string): Promise<string> {
  const dataDirectory = join(directory, name);
  await mkdir(join(dataDirectory, "pg_wal"), { recursive: true });
  await mkdir(join(dataDirectory, "global"));
  for (const file of ["PG_VERSION", "global/pg_control"])
    await copyFile(join(server.dataDirectory, file), join(dataDirectory, file));
  await writeFile(join(dataDirectory, "recovery.signal"), "");
  await giveToServer(dataDirectory);
  return dataDirectory;
}

async function anySegment(dataDirectory: string): Promise<string> {
  return (await readdir(join(dataDirectory, "pg_wal"))).find((name) => /^[0-9A-F]{24}$/.test(name)) ?? "";
}
