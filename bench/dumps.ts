import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Comparison } from "./compare.ts";
import type { BenchWorld } from "./world.ts";

/** Dumps of the bench's database by the command that users run, beside the program that does the work in it. */
export function dumpComparisons(world: BenchWorld, rounds: number): readonly Comparison[] {
  const { server, repository } = world;
  const target = join(world.directory, "server", "peer.dump");
  const words = ["backup", "--kind", "dump", "--database", "postgres", "--compress", "1", "--jsonl"];
  const ours = (...more: readonly string[]) => ({
    prepare: () => rm(join(repository, "bench", "dump"), { recursive: true, force: true }),
    run: () => world.pgrescue([...words, ...more]),
  });
  const connection = ["-h", "127.0.0.1", "-p", String(server.port), "-U", "postgres", "-d", "postgres"];
  const peer = {
    prepare: () => rm(target, { force: true }),
    run: () => world.run([join(server.bin, "pg_dump"), ...connection, "-Fc", "-Z1", "-f", target]),
  };
  const common = { peerName: "pg_dump -Fc to a file", rounds, peer };
  return [
    { ...common, id: "dump", what: "dump, streamed and read back", goal: 1.15, ours: ours("--rows", "none") },
    { ...common, id: "dump-rows", what: "dump with exact row counts", goal: 1.3, ours: ours() },
    { ...common, id: "dump-fingerprint", what: "dump with fingerprints", goal: 2.5, ours: ours("--fingerprint") },
  ];
}
