import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Comparison } from "./compare.ts";
import type { BenchWorld } from "./world.ts";

/** Whole backups by the commands that users run, each with its own archive. */
export function backupComparisons(world: BenchWorld, rounds: number): readonly Comparison[] {
  const { server, repository, systemIdentifier } = world;
  const target = join(world.directory, "server", "basebackup");
  const forget = (): Promise<void> =>
    rm(join(repository, "bench", systemIdentifier, "base"), { recursive: true, force: true });
  const ours = (source: "local" | "remote") => ({
    prepare: async () => {
      await forget();
      await world.archiveWith("pgrescue");
    },
    run: () => world.pgrescue(["backup", "--source", source, "--jsonl"]),
  });
  const connection = ["-h", "127.0.0.1", "-p", String(server.port), "-U", "postgres", "-c", "fast"];
  const compression = "--compress=server-zstd:level=3,workers=2";
  const baseBackup = [join(server.bin, "pg_basebackup"), ...connection, "-Ft", compression, "-D", target];
  return [
    {
      id: "backup-remote",
      what: "base backup through the replication protocol",
      peerName: "pg_basebackup server-zstd",
      goal: 1.4,
      rounds,
      ours: ours("remote"),
      peer: {
        prepare: () => rm(target, { recursive: true, force: true }),
        run: () => world.run(baseBackup),
      },
    },
    {
      id: "backup-local",
      what: "base backup of a local server",
      peerName: "pgbackrest backup",
      goal: 0.9,
      rounds,
      ours: ours("local"),
      peer: {
        prepare: async () => {
          await world.archiveWith("pgbackrest");
          await world.run(world.pgbackrest(["expire"]), { watch: false });
        },
        run: () => world.run(world.pgbackrest(["--type=full", "backup"])),
      },
    },
  ];
}
