import { mkdir, rm } from "node:fs/promises";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { giveToServer } from "../src/adapters/postgres/throwaway-server.ts";
import { runnerFlags } from "../src/cli/run/launch-run.ts";
import { memoryRow, type Row } from "./compare.ts";
import type { BenchWorld } from "./world.ts";

/** Bytes of each file: small enough that their number is what costs. */
const fileSize = 512;
const perDirectory = 5000;

/** Backup and restore of a data directory with very many small files besides. */
export async function manyFiles(world: BenchWorld, files: number): Promise<readonly Row[]> {
  const { dataDirectory } = world.server;
  const place = join(dataDirectory, "bench_many_files");
  await mkdir(place);
  for (let at = 0; at < files; at++) {
    const directory = join(place, String(Math.floor(at / perDirectory)));
    if (at % perDirectory === 0) await mkdir(directory);
    writeFileSync(join(directory, String(at)), `${at}\n`.padEnd(fileSize, "."));
  }
  await giveToServer(place);
  await world.archiveWith("pgrescue");
  const backup = await world.pgrescue(["backup", "--source", "local", "--jsonl"]);
  await rm(place, { recursive: true });
  const script = await world.bundle("restore-once");
  const target = join(world.directory, "restored");
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { mode: 0o700 });
  await giveToServer(target);
  const restore = await world.run([world.program.node, ...runnerFlags, script, world.repository, target]);
  await rm(target, { recursive: true });
  const more = `with ${files} more files`;
  return [
    { ...memoryRow("backup-files", `backup ${more}`, backup.peak), note: `${backup.seconds.toFixed(1)} s` },
    { ...memoryRow("restore-files", `restore ${more}`, restore.peak), note: `${restore.seconds.toFixed(1)} s` },
  ];
}
