import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createRepository } from "../src/adapters/repository/native/repository-document.ts";
import { openS3Store } from "../src/adapters/storage/s3.ts";
import { giveToServer } from "../src/adapters/postgres/throwaway-server.ts";
import { fetchConfigDefaults } from "../src/adapters/wal/fetch-config.ts";
import { generateArchiveCommand, generateRestoreCommand } from "../src/adapters/wal/restore-command.ts";
import { clearSpool, prepareSpool } from "../src/adapters/wal/spool.ts";
import type { Comparison, Side } from "./compare.ts";
import { openLatencyProxy, type LatencyProxy } from "./latency-proxy.ts";
import type { Measured } from "./measure.ts";
import type { BenchStore } from "./stores.ts";
import { fullSegments, recoveringDirectory } from "./wal.ts";
import { theirConfig, type BenchWorld } from "./world.ts";

/** Round trips in milliseconds: a neighbour's data centre, another region, another continent. */
const roundTrips = [10, 50, 100];

const segments = 32;

/** Segments handed to a recovery that takes each at once, from a store behind latency. Disposing stops the proxy. */
export interface LatencyBench extends AsyncDisposable {
  readonly comparisons: readonly Comparison[];
}

/** Archives WAL in the store by both programs, and compares how fast restore_command gets it back through TLS and latency. */
export async function walOverLatency(world: BenchWorld, store: BenchStore): Promise<LatencyBench> {
  const place = join(world.directory, "latency");
  await mkdir(place);
  const proxy = await openLatencyProxy(Number(new URL(store.options.endpoint).port));
  const names = await fullSegments(world.server.dataDirectory, segments);
  const ours = await prepareOurs(world, store, { place, proxy, names });
  const theirs = await prepareTheirs(world, store, { place, proxy, names });
  const comparisons = roundTrips.flatMap((roundTrip): Comparison[] => {
    const at = (side: Side): Side => ({
      ...side,
      prepare: async (round) => {
        proxy.roundTrip = 0;
        await side.prepare?.(round);
        proxy.roundTrip = roundTrip;
      },
    });
    const common = {
      what: `restore_command, ${names.length} segments from S3 at ${roundTrip} ms`,
      rounds: 1,
      ours: at(ours.prefetching),
    };
    return [
      { ...common, id: `wal-${roundTrip}`, peerName: "one at a time", goal: 0.2, peer: at(ours.oneAtATime) },
      { ...common, id: `wal-${roundTrip}-get`, peerName: "pgbackrest archive-get", goal: 1, peer: at(theirs.get) },
      { ...common, id: `wal-${roundTrip}-async`, peerName: "the same, asynchronous", goal: 1, peer: at(theirs.async) },
    ];
  });
  return { comparisons, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
}

interface Setting {
  readonly place: string;
  readonly proxy: LatencyProxy;
  readonly names: readonly string[];
}

async function prepareOurs(
  world: BenchWorld,
  store: BenchStore,
  { place, proxy, names }: Setting,
): Promise<{ readonly prefetching: Side; readonly oneAtATime: Side }> {
  const { dataDirectory } = world.server;
  const { env } = store;
  await createRepository(openS3Store(store.url, store.options, env));
  const config = join(place, "pgrescue.yaml");
  await writeFile(
    config,
    JSON.stringify({
      stateDirectory: join(world.directory, "state"),
      clusters: { bench: { dataDirectory, repositories: ["main"] } },
      repositories: { main: { url: store.url, ...store.options } },
    }),
  );
  await giveToServer(place);
  const push = generateArchiveCommand({ ...world.program, config });
  for (const name of names)
    await world.run(["sh", "-c", push.replaceAll("%p", `pg_wal/${name}`)], { cwd: dataDirectory, env, watch: false });
  const recovery = await recoveringDirectory(world, "recovery-ours");
  const side = (ahead: number): Side => ({
    prepare: async () => {
      await clearSpool(recovery);
      // As long as this process lives, the recovery does.
      await writeFile(join(recovery, "postmaster.pid"), `${process.pid}\n`);
    },
    run: async () => {
      const spool = await prepareSpool({
        ...fetchConfigDefaults,
        ahead,
        cluster: "bench",
        systemIdentifier: world.systemIdentifier,
        segmentSize: 16 * 1024 * 1024,
        dataDirectory: recovery,
        repositories: [
          {
            name: "main",
            url: store.url,
            format: "native",
            options: { ...store.options, endpoint: `https://localhost:${proxy.port}` },
          },
        ],
      });
      const command = generateRestoreCommand({ ...world.program, spool });
      const measured = await takeAll(world, names, { command, recovery, env });
      await rm(join(recovery, "postmaster.pid"));
      await delay(1000);
      return measured;
    },
  });
  return { prefetching: side(fetchConfigDefaults.ahead), oneAtATime: side(0) };
}

async function prepareTheirs(
  world: BenchWorld,
  store: BenchStore,
  { place, proxy, names }: Setting,
): Promise<{ readonly get: Side; readonly async: Side }> {
  const { dataDirectory } = world.server;
  const directory = join(place, "pgbackrest");
  await mkdir(directory);
  const config = join(directory, "pgbackrest.conf");
  const bucket = /^s3:\/\/([^/]+)/.exec(store.url)?.[1] ?? "";
  const settings = {
    "repo1-type": "s3",
    "repo1-path": "/pgbackrest",
    "repo1-s3-bucket": bucket,
    "repo1-s3-endpoint": "localhost",
    "repo1-s3-region": "us-east-1",
    "repo1-s3-uri-style": "path",
    "repo1-s3-key": store.env["AWS_ACCESS_KEY_ID"] ?? "",
    "repo1-s3-key-secret": store.env["AWS_SECRET_ACCESS_KEY"] ?? "",
    "repo1-storage-host": "localhost",
    "repo1-storage-port": String(proxy.port),
    "repo1-storage-ca-file": store.certificate.cert,
    "archive-get-queue-max": "128MiB",
  };
  await writeFile(config, theirConfig(directory, world.server, settings), { mode: 0o600 });
  await giveToServer(directory);
  await giveToServer(config);
  const words = ["pgbackrest", `--config=${config}`, "--stanza=bench"];
  await world.run([...words, "stanza-create"]);
  for (const name of names)
    await world.run([...words, "archive-push", `pg_wal/${name}`], { cwd: dataDirectory, watch: false });
  const recovery = await recoveringDirectory(world, "recovery-theirs");
  const side = (...more: readonly string[]): Side => ({
    prepare: () => rm(join(directory, "spool"), { recursive: true, force: true }),
    run: () => {
      const command = [...words, `--pg1-path=${recovery}`, ...more, "archive-get", "%f", "%p"].join(" ");
      return takeAll(world, names, { command, recovery, env: {} });
    },
  });
  return { get: side(), async: side("--archive-async") };
}

/** Asks for one segment after the other, as a recovery does that needs no time for replaying them. */
async function takeAll(
  world: BenchWorld,
  names: readonly string[],
  { command, recovery, env }: { command: string; recovery: string; env: { readonly [name: string]: string } },
): Promise<Measured> {
  const path = "pg_wal/RECOVERYXLOG";
  let seconds = 0;
  for (const name of names) {
    const line = command.replaceAll("%f", name).replaceAll("%p", path);
    const measured = await world.run(["sh", "-c", line], { cwd: recovery, env, watch: false });
    seconds += measured.seconds;
    const [found, wanted] = await Promise.all([
      readFile(join(recovery, path)),
      readFile(join(world.server.dataDirectory, "pg_wal", name)),
    ]);
    if (!found.equals(wanted)) throw new Error(`${name} is not what was archived`);
    await rm(join(recovery, path));
  }
  return { seconds, cpu: 0, peak: 0 };
}
