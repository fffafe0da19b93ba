import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { giveToServer } from "../src/adapters/postgres/throwaway-server.ts";
import { runnerFlags } from "../src/cli/run/launch-run.ts";
import type { Comparison } from "./compare.ts";
import type { BenchWorld } from "./world.ts";

/** Restores of the newest backups into empty directories; all files and directories are fsynced on both sides. */
export async function restoreComparison(world: BenchWorld, rounds: number): Promise<Comparison> {
  const script = await world.bundle("restore-once");
  const target = join(world.directory, "restored");
  const prepare = async (): Promise<void> => {
    await rm(target, { recursive: true, force: true });
    await mkdir(target, { mode: 0o700 });
    await giveToServer(target);
  };
  return {
    id: "restore",
    what: "restore of a base backup",
    peerName: "pgbackrest restore",
    goal: 0.6,
    rounds,
    ours: { prepare, run: () => world.run([world.program.node, ...runnerFlags, script, world.repository, target]) },
    peer: { prepare, run: () => world.run(world.pgbackrest([`--pg1-path=${target}`, "restore"])) },
  };
}
