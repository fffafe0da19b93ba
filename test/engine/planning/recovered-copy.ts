import { appendFile, cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createShell } from "../../../src/adapters/system/exec.ts";
import { instant } from "../../../src/domain/instant.ts";
import { parseLsn } from "../../../src/domain/lsn.ts";
import type { RecoveryPoint } from "../../../src/domain/recovery-point.ts";
import type { PlanRefusal } from "../../../src/domain/refusal.ts";
import type { Target } from "../../../src/domain/target.ts";
import { planRecovery, type RecoveryPlan } from "../../../src/engine/planning/plan-recovery.ts";
import { giveToServer, startServer, temporaryDirectory, type TestServer } from "../../support/server.ts";
import { clock, plainArchive, segmentSize, systemOf, worldOf } from "./archived-server.ts";

const shell = createShell();
let port = 40_000 + (process.pid % 20_000);

/** What a plan is asked for besides the target. */
export interface Wanted {
  readonly inclusive?: boolean;
  readonly timeline?: number;
  readonly current?: number;
  readonly action?: "pause" | "promote";
}

/** A server that archives into a plain directory, a real base backup of it, and copies of that which follow plans. */
export interface CopiedServer extends AsyncDisposable {
  readonly server: TestServer;
  readonly wal: string;
  /** Takes the base backup that every plan begins with. */
  backup(): Promise<RecoveryPoint>;
  plan(target: Target, more?: Wanted): Promise<RecoveryPlan | PlanRefusal>;
  /** Recovers a copy of the backup with a plan's settings, to the real end of recovery. */
  recover(planned: RecoveryPlan, archiving?: boolean): Promise<RecoveredCopy>;
}

export interface RecoveredCopy extends AsyncDisposable {
  sql(text: string): Promise<string>;
}

export async function copiedServer(settings: { readonly [name: string]: string } = {}): Promise<CopiedServer> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory());
  const wal = join(directory.path, "wal");
  await mkdir(wal);
  await giveToServer(directory.path);
  const server = stack.use(
    await startServer({
      segmentSizeMiB: 1,
      archiveCommand: `cp %p ${wal}/%f`,
      settings: { autovacuum: "off", ...settings },
    }),
  );
  const owned = stack.move();
  let point: RecoveryPoint | null = null;

  async function asServer(argv: readonly string[]): Promise<string> {
    const result = await shell.run(argv, { ...(server.owner === undefined ? {} : { as: server.owner }), cwd: "/tmp" });
    if (result.exit !== 0) throw new Error(`${argv.join(" ")}: ${result.stderr}${result.stdout}`);
    return result.stdout;
  }

  const session = (at: string, own: number) => ["-h", at, "-p", String(own), "-U", "postgres"];

  async function psql(own: number, sql: string): Promise<string> {
    const words = [join(server.bin, "psql"), "-qAtX", ...session(directory.path, own)];
    return (await asServer([...words, "-c", sql, "postgres"])).trim();
  }

  return {
    server,
    wal,
    backup: async () => {
      const startedAt = await clock(server);
      const base = join(directory.path, "base");
      const more = ["-X", "none", "-c", "fast", "--no-manifest"];
      await asServer([
        join(server.bin, "pg_basebackup"),
        ...session(server.socketDirectory, server.port),
        "-D",
        base,
        ...more,
      ]);
      const label = await asServer(["cat", join(base, "backup_label")]);
      point = {
        id: "P",
        kind: "base",
        format: "native",
        repository: "main",
        cluster: "shop",
        status: "ok",
        systemIdentifier: await systemOf(server),
        postgresVersion: 150_000,
        timeline: 1,
        startedAt,
        finishedAt: await clock(server),
        startLsn: parseLsn(/START WAL LOCATION: (\S+)/.exec(label)?.[1] ?? "")!,
        stopLsn: parseLsn((await server.sql("SELECT pg_current_wal_lsn()")).trim())!,
        segmentSize,
        bytes: 1,
        storedBytes: 1,
        encrypted: false,
        tablespaces: [],
        walIncluded: false,
      };
      return point;
    },
    plan: async (target, more = {}) => {
      if (point === null) throw new Error("there is no backup");
      return planRecovery(
        {
          cluster: "shop",
          host: "db1",
          now: instant(0n),
          target: { target, inclusive: more.inclusive ?? true, timeline: more.timeline ?? null },
          method: "restore-to-scratch",
          action: more.action ?? "pause",
          point: null,
          production: {
            dataDirectory: null,
            port: 5432,
            socketDirectory: "/run",
            isRunning: true,
            systemIdentifier: null,
            timeline: more.current ?? null,
            floors: {},
          },
          destination: { dataDirectory: "/srv/scratch", port: 5499, socketDirectory: null },
          tablespaces: {},
          speeds: { restore: null, replay: null, basis: "" },
        },
        worldOf([point], plainArchive(wal, point.systemIdentifier)),
      );
    },
    recover: async (planned, archiving = false) => {
      const own = ++port;
      const data = join(directory.path, `copy-${own}`);
      await cp(join(directory.path, "base"), data, { recursive: true });
      const told = { ...planned.inputs.settings, recovery_target_action: planned.inputs.targetAction };
      await appendFile(
        join(data, "postgresql.auto.conf"),
        [
          `restore_command = 'cp ${wal}/%f %p'`,
          `port = ${own}`,
          `unix_socket_directories = '${directory.path}'`,
          archiving ? "" : "archive_mode = off",
          ...Object.entries(told).map(([name, value]) => `${name} = '${value}'`),
          "",
        ].join("\n"),
      );
      await writeFile(join(data, "recovery.signal"), "");
      await giveToServer(data);
      const control = join(server.bin, "pg_ctl");
      await asServer([control, "start", "-w", "-D", data, "-l", join(data, "log")]);
      const question = "SELECT CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() ELSE 'over' END";
      for (let tries = 0; ; tries++) {
        const state = await psql(own, question).catch(() => "");
        if (state === "paused" || state === "over") break;
        if (tries > 200) throw new Error(`recovery does not end: ${state}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return {
        sql: (text) => psql(own, text),
        [Symbol.asyncDispose]: async () =>
          void (await asServer([control, "stop", "-m", "immediate", "-w", "-D", data])),
      };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
