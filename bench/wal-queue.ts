import { copyFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRepository } from "../src/adapters/repository/native/repository-document.ts";
import { openLocalStore } from "../src/adapters/storage/local.ts";
import { giveToServer } from "../src/adapters/postgres/throwaway-server.ts";
import { generateArchiveCommand } from "../src/adapters/wal/restore-command.ts";
import type { Comparison, Side } from "./compare.ts";
import type { Measured } from "./measure.ts";
import { fullSegments } from "./wal.ts";
import { theirConfig, type BenchWorld } from "./world.ts";

const most = 60;

/** A queue of segments, as after an outage of the storage: archive_command for one after the other, as PostgreSQL's archiver does it. */
export async function queueComparisons(world: BenchWorld, rounds: number): Promise<readonly Comparison[]> {
  const names = await fullSegments(world.server.dataDirectory, most);
  const place = join(world.directory, "queue");
  await mkdir(place);
  const dataDirectory = join(place, "data");
  const ready = async (): Promise<void> => {
    await rm(dataDirectory, { recursive: true, force: true });
    await mkdir(join(dataDirectory, "pg_wal", "archive_status"), { recursive: true });
    await mkdir(join(dataDirectory, "global"));
    for (const file of ["PG_VERSION", "global/pg_control"])
      await copyFile(join(world.server.dataDirectory, file), join(dataDirectory, file));
    for (const name of names) {
      await copyFile(join(world.server.dataDirectory, "pg_wal", name), join(dataDirectory, "pg_wal", name));
      await writeFile(join(dataDirectory, "pg_wal", "archive_status", `${name}.ready`), "");
    }
    await giveToServer(place);
  };
  const archiver = async (command: string): Promise<Measured> => {
    let seconds = 0;
    for (const name of names) {
      const line = command.replaceAll("%f", name).replaceAll("%p", `pg_wal/${name}`);
      seconds += (await world.run(["sh", "-c", line], { cwd: dataDirectory, watch: false })).seconds;
      const status = join(dataDirectory, "pg_wal", "archive_status", name);
      await rename(`${status}.ready`, `${status}.done`);
    }
    return { seconds, cpu: 0, peak: 0 };
  };
  const repository = join(place, "repository");
  const side = (ahead: number): Side => ({
    prepare: async () => {
      await rm(repository, { recursive: true, force: true });
      await mkdir(repository, { mode: 0o700 });
      await createRepository(await openLocalStore(repository));
      await writeFile(
        join(place, "pgrescue.yaml"),
        JSON.stringify({
          stateDirectory: join(place, "state"),
          clusters: { bench: { repositories: ["main"], walPush: { ahead } } },
          repositories: { main: { url: `file://${repository}` } },
        }),
      );
      await ready();
    },
    run: () => archiver(generateArchiveCommand({ ...world.program, config: join(place, "pgrescue.yaml") })),
  });
  const theirs = join(place, "pgbackrest");
  const config = join(place, "pgbackrest.conf");
  const peer = (...more: readonly string[]): Side => ({
    prepare: async () => {
      await rm(theirs, { recursive: true, force: true });
      await mkdir(theirs);
      await writeFile(config, theirConfig(theirs, world.server));
      await ready();
      const words = ["pgbackrest", `--config=${config}`, "--stanza=bench"];
      await world.run([...words, "stanza-create"]);
    },
    run: () => {
      const words = ["pgbackrest", `--config=${config}`, "--stanza=bench", `--pg1-path=${dataDirectory}`, ...more];
      return archiver([...words, "archive-push", "%p"].join(" "));
    },
  });
  const plain = join(place, "plain");
  const cp: Side = {
    prepare: async () => {
      await rm(plain, { recursive: true, force: true });
      await mkdir(plain);
      await ready();
    },
    // Durable, as the others are.
    run: () => archiver(`cp %p ${plain}/%f && sync ${plain}/%f`),
  };
  const common = { what: `archive_command, ${names.length} segments that wait`, rounds, ours: side(16) };
  return [
    { ...common, id: "wal-queue", peerName: "pgbackrest archive-push", goal: 1, peer: peer() },
    { ...common, id: "wal-queue-async", peerName: "the same, asynchronous", goal: 2, peer: peer("--archive-async") },
    { ...common, id: "wal-queue-cp", peerName: "cp and sync, not compressed", goal: 3, peer: cp },
    { ...common, id: "wal-queue-one", peerName: "wal-push one at a time", goal: 1, peer: side(0) },
  ];
}
