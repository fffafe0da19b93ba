import { mkdir, readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse } from "yaml";
import { openJournal } from "../../src/adapters/journal/file-journal.ts";
import { createDumpRestorer } from "../../src/adapters/postgres/dump/restore/dump-restorer.ts";
import { createDumpTaker } from "../../src/adapters/postgres/dump/take-dump.ts";
import { createBackupTaker } from "../../src/adapters/postgres/backup/take-backup.ts";
import { createPostgres } from "../../src/adapters/postgres/postgres.ts";
import { createScratchServers } from "../../src/adapters/postgres/scratch-servers.ts";
import { createSqlConnector } from "../../src/adapters/postgres/sql.ts";
import { freePort } from "../../src/adapters/postgres/throwaway-server.ts";
import { createWalReader } from "../../src/adapters/postgres/waldump/wal-reader.ts";
import { openRepository } from "../../src/adapters/repository/registry.ts";
import { openStore } from "../../src/adapters/storage/registry.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { createShell } from "../../src/adapters/system/exec.ts";
import { createFiles } from "../../src/adapters/system/files.ts";
import { createRecoveryWal } from "../../src/adapters/wal/recovery-wal.ts";
import { generateArchiveCommand } from "../../src/adapters/wal/restore-command.ts";
import { openSavedWal } from "../../src/adapters/wal/saved-wal.ts";
import type { Json } from "../../src/domain/brand.ts";
import type { RecoveryInputs, SiteInputs } from "../../src/domain/plan.ts";
import type { RecoveryPoint } from "../../src/domain/recovery-point.ts";
import { isRefusal } from "../../src/domain/refusal.ts";
import type { Outcome } from "../../src/domain/run/events.ts";
import type { RunState } from "../../src/domain/run/state.ts";
import type { Runbook } from "../../src/domain/runbook.ts";
import type { TargetRequest } from "../../src/domain/target.ts";
import { planRecovery, type PlanRequest } from "../../src/engine/planning/plan-recovery.ts";
import { startRun, type RunHandle } from "../../src/engine/runner.ts";
import { steps } from "../../src/engine/steps/registry.ts";
import type { World } from "../../src/engine/world.ts";
import type { Journal } from "../../src/ports/journal.ts";
import type { ConnectionTarget } from "../../src/ports/sql.ts";
import { becomeServerUser } from "./become-server-user.ts";
import { startServer, temporaryDirectory, type TestServer, type TestServerOptions } from "./server.ts";
import { eventually } from "./wal-world.ts";

/** A real server that archives into a real repository, and recoveries of it through planner, engine and runbooks. */
export interface RecoveryWorld extends AsyncDisposable {
  readonly directory: string;
  readonly server: TestServer;
  readonly world: World;
  readonly systemIdentifier: string;
  readonly repositoryDirectory: string;
  /** A base backup in the repository, from the local source and without its WAL unless told otherwise. */
  backup(source?: "local" | "remote", wal?: "archive" | "include"): Promise<RecoveryPoint>;
  /** Ends the current segment and waits until it is archived. */
  archived(): Promise<string>;
  plan(target: Partial<TargetRequest> & Pick<TargetRequest, "target">, options?: PlanOptions): Promise<RecoveryInputs>;
  /** Like plan, for recoveries that must be refused: gives the refusal's message. */
  refusal(target: Partial<TargetRequest> & Pick<TargetRequest, "target">, options?: PlanOptions): Promise<string>;
  /** Runs the method's runbook to its end. The same name goes on with an earlier run. */
  run(inputs: RecoveryInputs, options?: RunOptions): Promise<RunReport>;
  /** psql in a recovered server. */
  query(report: RunReport, sql: string, database?: string): Promise<string>;
}

export interface PlanOptions {
  readonly method?: RecoveryInputs["method"];
  readonly action?: RecoveryInputs["targetAction"];
  readonly site?: SiteInputs;
  readonly to?: string;
  readonly point?: string;
  readonly tablespaces?: { readonly [name: string]: string };
}

export interface RunOptions {
  readonly name?: string;
  readonly task?: "run" | "undo";
  readonly runbook?: (runbook: Runbook) => Runbook;
  /** Puts something between the run and its journal, for journals that die. */
  readonly journal?: (journal: Journal) => Journal;
  /** Gets hold of the run while it works. */
  readonly watch?: (handle: RunHandle) => void;
  /** Where the run's own directory is; below the world's by its name where absent. */
  readonly directory?: string;
}

export interface RunReport {
  readonly outcome: Outcome;
  readonly state: RunState;
  /** The run's own directory. */
  readonly directory: string;
}

export async function recoveryWorld(options: TestServerOptions = {}): Promise<RecoveryWorld> {
  const program = await becomeServerUser();
  await using stack = new AsyncDisposableStack();
  const temporary = stack.use(await temporaryDirectory());
  const repositoryDirectory = join(temporary.path, "repository");
  await mkdir(repositoryDirectory);
  const url = pathToFileURL(repositoryDirectory).href;
  const config = join(temporary.path, "pgrescue.yaml");
  await writeFile(
    config,
    `clusters: {shop: {repositories: [main]}}\nrepositories: {main: {url: ${JSON.stringify(url)}}}\n`,
  );
  const opening = openStore(url).then((store) =>
    openRepository({ name: "main", url, store, format: "auto", readOnly: false, create: true }),
  );
  const repository = await opening;
  const server = stack.use(
    await startServer({
      archiveCommand: generateArchiveCommand({ ...program, config }),
      ...options,
      settings: { wal_level: "replica", max_wal_senders: "4", wal_keep_size: "0", ...options.settings },
    }),
  );
  const shell = createShell();
  const sql = createSqlConnector();
  const target: ConnectionTarget = {
    host: server.socketDirectory,
    port: server.port,
    user: "postgres",
    database: "postgres",
    tls: { mode: "disable" },
    applicationName: "pgrescue-test",
    connectTimeoutSeconds: 10,
  };
  const postgres = createPostgres(shell, sql, { PATH: server.bin });
  const walReader = createWalReader();
  const world: World = {
    clock: systemClock,
    shell,
    sql,
    postgres,
    files: createFiles(),
    scratchServers: createScratchServers(),
    dumpRestores: createDumpRestorer({
      sql,
      shell,
      environment: { PATH: server.bin },
      target: () => Promise.resolve(target),
    }),
    dumps: createDumpTaker({
      sql,
      shell,
      clock: systemClock,
      environment: { PATH: server.bin },
      connection: () => Promise.resolve(target),
      repository: () => Promise.resolve(repository),
    }),
    backups: createBackupTaker({
      sql,
      clock: systemClock,
      connection: async () => target,
      repository: async () => repository,
    }),
    recoveryWal: createRecoveryWal({
      ...program,
      repository: async () => repository,
      describe: () => ({ name: "main", url, format: "auto", options: {} }),
    }),
    repository: async () => repository,
  };
  const systemIdentifier = await server.sql("select system_identifier from pg_control_system()");
  const started: string[] = [];
  stack.defer(async () => {
    for (const directory of started) {
      if (directory === server.dataDirectory) continue;
      const { postmaster } = await postgres.inspect(directory);
      if (postmaster !== null)
        await shell.run([`${server.bin}/pg_ctl`, "-D", directory, "-m", "immediate", "-w", "stop"]);
    }
  });
  const owned = stack.move();
  let runs = 0;

  async function planned(
    request: Parameters<RecoveryWorld["plan"]>[0],
    chosen: PlanOptions,
  ): ReturnType<typeof planRecovery> {
    const { method = "restore-to-scratch", action = "promote", site = {}, to } = chosen;
    const found = await postgres.inspect(server.dataDirectory);
    const full: PlanRequest = {
      cluster: "shop",
      host: hostname(),
      now: systemClock.now(),
      target: { inclusive: true, timeline: null, ...request },
      method,
      action,
      point: chosen.point ?? null,
      production: {
        dataDirectory: server.dataDirectory,
        port: server.port,
        socketDirectory: server.socketDirectory,
        isRunning: found.postmaster !== null,
        systemIdentifier,
        timeline: found.control?.timeline ?? null,
        floors: {},
      },
      destination: {
        dataDirectory: to ?? join(temporary.path, `scratch-${++runs}`),
        port: await freePort(),
        socketDirectory: null,
      },
      tablespaces: chosen.tablespaces ?? {},
      speeds: { restore: null, replay: null, basis: "" },
      site: { binaries: server.bin, production: [server.dataDirectory], control: { kind: "pg_ctl" }, ...site },
    };
    const local = { systemIdentifier, wal: openSavedWal(join(server.dataDirectory, "pg_wal"), systemIdentifier) };
    return planRecovery(full, {
      repositories: [repository],
      walReader,
      local: method === "rewind-in-place" ? local : null,
    });
  }

  return {
    directory: temporary.path,
    server,
    world,
    systemIdentifier,
    repositoryDirectory,
    backup: async (source = "local", wal = "archive") => {
      const scratchDirectory = join(temporary.path, `backup-${++runs}`);
      await mkdir(scratchDirectory, { mode: 0o700 });
      const request = {
        run: `B${runs}`,
        cluster: "shop",
        repository: "main",
        source,
        wal,
        label: "test",
        checkpoint: "fast",
        walTimeoutSeconds: 60,
        dataDirectory: server.dataDirectory,
        scratchDirectory,
      } as const;
      for await (const said of world.backups.take(request, AbortSignal.timeout(100_000))) {
        if (said.signal === "finished") return said.point;
      }
      throw new Error("the backup ended without a point");
    },
    archived: async () => {
      const name = await server.sql("select pg_walfile_name(pg_switch_wal() - 1)");
      await eventually(() => repository.wal("shop", systemIdentifier).has(name), `segment ${name} is not archived`);
      return name;
    },
    plan: async (request, chosen = {}) => {
      const plan = await planned(request, chosen);
      if (isRefusal(plan)) throw new Error(`${plan.refusal}: ${plan.message}`);
      return plan.inputs;
    },
    refusal: async (request, chosen = {}) => {
      const plan = await planned(request, chosen);
      return isRefusal(plan) ? plan.message : "(it was not refused)";
    },
    run: async (inputs, chosen = {}) => {
      started.push(inputs.dataDirectory);
      const name = chosen.name ?? `R${++runs}`;
      const directory = chosen.directory ?? join(temporary.path, "state", name);
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const id = inputs.method === "rewind-in-place" ? "rewind-in-place" : "restore-to-scratch";
      const shipped = parse(await readFile(new URL(`../../runbooks/${id}.yaml`, import.meta.url), "utf8")) as Runbook;
      const runbook = chosen.runbook?.(shipped) ?? shipped;
      const { journal, history } = await openJournal(join(directory, "journal.jsonl"), {
        run: name,
        clock: systemClock,
      });
      const actor = { user: "tester", host: hostname(), pid: process.pid };
      const handle = startRun({
        spec: {
          schema: "pgrescue.run-spec/v1",
          run: name,
          kind: "recovery",
          cluster: "shop",
          runbook,
          sha256: "",
          inputs: JSON.parse(JSON.stringify(inputs)) as { readonly [key: string]: Json },
          confirm: inputs.confirm,
          actor,
          version: "test",
          lock: null,
          settings: {},
        },
        launch: {
          schema: "pgrescue.run-launch/v1",
          interactive: false,
          answers: { confirm: inputs.confirm, yes: "yes" },
          actor,
          task: chosen.task ?? "run",
        },
        directory,
        journal: chosen.journal?.(journal) ?? journal,
        history,
        steps,
        world,
        pid: process.pid,
      });
      chosen.watch?.(handle);
      try {
        return { outcome: await handle.finished, state: handle.state(), directory };
      } finally {
        await journal.close();
      }
    },
    query: async ({ state }, text, database = "postgres") => {
      const { host, port } = state.recorded["server"] as { host: string; port: number };
      const words = [
        `${server.bin}/psql`,
        "-XqAt",
        "-v",
        "ON_ERROR_STOP=1",
        "-h",
        host,
        "-p",
        String(port),
        "-U",
        "postgres",
      ];
      const { exit, stdout, stderr } = await shell.run([...words, "-d", database, "-f", "-"], { input: text });
      if (exit !== 0) throw new Error(stderr);
      return stdout.trim();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
