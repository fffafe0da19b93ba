import { appendFile, cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { createRepository } from "../../src/adapters/repository/native/repository-document.ts";
import { openWalArchive } from "../../src/adapters/repository/native/wal-archive.ts";
import { openLocalStore } from "../../src/adapters/storage/local.ts";
import { freePort } from "../../src/adapters/postgres/throwaway-server.ts";
import { createShell } from "../../src/adapters/system/exec.ts";
import { programFor, thisProgram, type Program } from "../../src/adapters/system/program.ts";
import { fetchConfigDefaults, type FetchConfig } from "../../src/adapters/wal/fetch-config.ts";
import {
  generateArchiveCommand,
  generateRestoreCommand,
  quoteSetting,
} from "../../src/adapters/wal/restore-command.ts";
import { prepareSpool } from "../../src/adapters/wal/spool.ts";
import type { WalArchive } from "../../src/ports/repository.ts";
import { giveToServer, startServer, temporaryDirectory, type TestServer } from "./server.ts";

/** A server that archives through `pgrescue wal-push`, a base backup of it, and rows that each lie in a segment of their own. */
export interface WalWorld extends AsyncDisposable {
  readonly directory: string;
  readonly repository: string;
  readonly server: TestServer;
  readonly program: Program;
  readonly systemIdentifier: string;
  readonly archive: WalArchive;
  /** Path of a stored WAL object. */
  objectOf(name: string): string;
  /** Inserts a row, ends the segment and waits until it is archived; gives the segment's name. */
  row(id: number): Promise<string>;
  /** A base backup without WAL. */
  backup(name: string): Promise<string>;
  /** A recovery of a copy of the backup, configured but not started. */
  recovery(from: string, options?: RecoveryOptions): Promise<Recovery>;
}

export interface RecoveryOptions {
  readonly name?: string;
  readonly config?: Partial<FetchConfig>;
  readonly settings?: { readonly [name: string]: string };
  readonly signal?: "recovery.signal" | "standby.signal";
  readonly program?: Program;
}

export interface Recovery {
  readonly dataDirectory: string;
  readonly spool: string;
  readonly restoreCommand: string;
  readonly port: number;
  /** Starts the server and waits until it is promoted, paused or gone. */
  attempt(): Promise<"promoted" | "paused" | "stopped">;
  start(): Promise<void>;
  sql(text: string): Promise<string>;
  log(): Promise<string>;
  stop(): Promise<void>;
}

export async function walWorld(options: { readonly directoryName?: string } = {}): Promise<WalWorld> {
  const temporary = await temporaryDirectory();
  const directory = join(temporary.path, options.directoryName ?? "world");
  const repository = join(directory, "repository");
  await mkdir(repository, { recursive: true });
  await createRepository(await openLocalStore(repository));
  const config = join(directory, "pgrescue.yaml");
  const url = pathToFileURL(repository).href;
  await writeFile(
    config,
    `clusters:\n  shop:\n    repositories: [main]\nrepositories:\n  main: {url: ${JSON.stringify(url)}}\n`,
  );
  await giveToServer(directory);
  await using stack = new AsyncDisposableStack();
  stack.use(temporary);
  const owner = await import("../../src/adapters/postgres/throwaway-server.ts").then((m) => m.serverUser());
  const program = owner === undefined ? thisProgram() : await programFor(owner, createShell());
  const server = stack.use(
    await startServer({
      settings: {
        archive_mode: "on",
        archive_command: quoteSetting(generateArchiveCommand({ ...program, config })),
        wal_level: "replica",
        max_wal_senders: "4",
        wal_keep_size: "0",
      },
    }),
  );
  await server.sql("create table rows (id int primary key)");
  const systemIdentifier = await server.sql("select system_identifier from pg_control_system()");
  const prefix = `shop/${systemIdentifier}/wal/`;
  const archive = openWalArchive({ store: await openLocalStore(repository), prefix, systemIdentifier });
  const recoveries: Recovery[] = [];
  stack.defer(async () => {
    for (const recovery of recoveries) await recovery.stop();
  });
  const owned = stack.move();
  return {
    directory,
    repository,
    server,
    program,
    systemIdentifier,
    archive,
    objectOf: (name) => join(repository, prefix, name.slice(0, 16), `${name}.zst`),
    row: async (id) => {
      await server.sql(`insert into rows values (${id})`);
      const name = await server.sql("select pg_walfile_name(pg_switch_wal() - 1)");
      await eventually(() => archive.has(name), `segment ${name} is not archived`);
      return name;
    },
    backup: async (name) => {
      const path = join(server.directory, name);
      const { exit, stderr } = await server.run([
        "pg_basebackup",
        "-h",
        server.socketDirectory,
        "-p",
        String(server.port),
        "-U",
        "postgres",
        "-D",
        path,
        "-X",
        "none",
        "-c",
        "fast",
        "--no-sync",
      ]);
      if (exit !== 0) throw new Error(stderr);
      return path;
    },
    recovery: async (from, recoveryOptions = {}) => {
      const dataDirectory = join(server.directory, recoveryOptions.name ?? `recovery-${recoveries.length}`);
      const recovery = await prepareRecovery(from, dataDirectory, recoveryOptions);
      recoveries.push(recovery);
      return recovery;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };

  async function prepareRecovery(from: string, dataDirectory: string, chosen: RecoveryOptions): Promise<Recovery> {
    await cp(from, dataDirectory, { recursive: true });
    await mkdir(join(dataDirectory, "pg_wal", "archive_status"), { recursive: true });
    const spool = await prepareSpool({
      ...fetchConfigDefaults,
      cluster: "shop",
      systemIdentifier,
      segmentSize: 16 * 1024 * 1024,
      dataDirectory,
      repositories: [{ name: "main", url, format: "native", options: {} }],
      target: { timeline: 1, switches: [] },
      patienceSeconds: 0,
      ...chosen.config,
    });
    const restoreCommand = generateRestoreCommand({ ...(chosen.program ?? program), spool });
    const port = await freePort();
    const settings = {
      port: String(port),
      archive_mode: "off",
      recovery_target_timeline: "current",
      restore_command: quoteSetting(restoreCommand),
      ...chosen.settings,
    };
    const text = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
    await appendFile(join(dataDirectory, "postgresql.auto.conf"), text.join(""));
    await writeFile(join(dataDirectory, chosen.signal ?? "recovery.signal"), "");
    await giveToServer(dataDirectory);
    const logFile = `${dataDirectory}.log`;
    const run = (argv: readonly string[], input?: string) => server.run(argv, input === undefined ? {} : { input });
    const sql = async (query: string): Promise<string> => {
      const words = ["psql", "-XqAt", "-h", server.socketDirectory, "-p", String(port), "-U", "postgres", "-f", "-"];
      const { exit, stdout, stderr } = await run(words, query);
      if (exit !== 0) throw new Error(stderr);
      return stdout.trim();
    };
    const isRunning = (): Promise<boolean> =>
      stat(join(dataDirectory, "postmaster.pid")).then(
        () => true,
        () => false,
      );
    const start = async (): Promise<void> => {
      await run(["pg_ctl", "-D", dataDirectory, "-l", logFile, "-W", "start"]);
      await delay(200);
    };
    return {
      dataDirectory,
      spool,
      restoreCommand,
      port,
      start,
      sql,
      log: () => readFile(logFile, "utf8"),
      stop: async () => {
        if (await isRunning()) await run(["pg_ctl", "-D", dataDirectory, "-m", "immediate", "-w", "stop"]);
      },
      attempt: async () => {
        await rm(logFile, { force: true });
        await start();
        for (let tries = 0; tries < 600; tries++) {
          if (!(await isRunning())) return "stopped";
          const state = await sql(
            "select pg_is_in_recovery(), case when pg_is_in_recovery() then pg_get_wal_replay_pause_state() end",
          ).catch(() => "");
          if (state.startsWith("f")) return "promoted";
          if (state === "t|paused") return "paused";
          await delay(100);
        }
        throw new Error(`recovery neither ended nor stopped:\n${await readFile(logFile, "utf8")}`);
      },
    };
  }
}

/** Waits until `condition` holds; fails with `otherwise` after 30 s. */
export async function eventually(condition: () => Promise<boolean>, otherwise: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (await condition()) return;
    await delay(100);
  }
  throw new Error(otherwise);
}
