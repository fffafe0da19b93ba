import { appendFile, chmod, mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { createBackupTaker } from "../../../../src/adapters/postgres/backup/take-backup.ts";
import { createShell } from "../../../../src/adapters/system/exec.ts";
import { systemClock } from "../../../../src/adapters/system/clock.ts";
import type { BackupRequest, BackupSignal } from "../../../../src/ports/backup-source.ts";
import { giveToServer, type TestServer } from "../../../support/server.ts";
import { connector, targetOf } from "./connector.ts";
import { treeRepository, type TreeRepository } from "./tree-repository.ts";

export interface Taken {
  readonly signals: readonly BackupSignal[];
  readonly finished: Extract<BackupSignal, { signal: "finished" }>;
  readonly store: TreeRepository;
}

export function requestFor(directory: string, change: Partial<BackupRequest> = {}): BackupRequest {
  return {
    run: "run-1",
    cluster: "shop",
    repository: "test",
    source: "local",
    wal: "auto",
    label: "pgrescue test",
    checkpoint: "fast",
    walTimeoutSeconds: 30,
    dataDirectory: null,
    scratchDirectory: directory,
    ...change,
  };
}

/** Takes a backup of the server into `directory` as plain trees. */
export async function takeInto(
  server: TestServer,
  directory: string,
  walDirectory: string,
  change: Partial<BackupRequest> = {},
  signal = new AbortController().signal,
): Promise<Taken> {
  const store = treeRepository(directory, walDirectory);
  const taker = createBackupTaker({
    sql: connector,
    clock: systemClock,
    connection: async () => targetOf(server),
    repository: async () => store.repository,
  });
  const signals: BackupSignal[] = [];
  for await (const said of taker.take(requestFor(directory, change), signal)) signals.push(said);
  const finished = signals.at(-1);
  if (finished?.signal !== "finished") throw new Error("the backup did not finish");
  return { signals, finished, store };
}

/** Links the tablespaces of a taken tree to where they were written. */
export async function relinkTablespaces(tree: string, oids: readonly number[]): Promise<void> {
  for (const oid of oids) {
    await rm(join(tree, "base", "pg_tblspc", String(oid)), { force: true });
    await symlink(join(tree, String(oid)), join(tree, "base", "pg_tblspc", String(oid)));
  }
}

export interface RestoredServer extends AsyncDisposable {
  sql(text: string, database?: string): Promise<string>;
}

/** Starts a server on a taken tree, recovering from `walDirectory` until it is consistent, and waits for its promotion. */
export async function startTree(
  server: TestServer,
  tree: string,
  walDirectory: string,
  oids: readonly number[] = [],
): Promise<RestoredServer> {
  const data = join(tree, "base");
  await relinkTablespaces(tree, oids);
  await mkdir(join(tree, "socket"), { recursive: true });
  await appendFile(
    join(data, "postgresql.auto.conf"),
    `restore_command = 'cp ${walDirectory}/%f %p'\nrecovery_target = 'immediate'\nrecovery_target_action = 'promote'\nrecovery_target_timeline = 'current'\narchive_mode = off\nport = ${server.port}\nunix_socket_directories = '${join(tree, "socket")}'\nlisten_addresses = ''\n`,
  );
  await appendFile(join(data, "recovery.signal"), "");
  await chmod(data, 0o700);
  await giveToServer(tree);
  const shell = createShell();
  const run = async (argv: readonly string[], input?: string): Promise<string> => {
    const result = await shell.run([join(server.bin, argv[0] ?? ""), ...argv.slice(1)], {
      ...(server.owner === undefined ? {} : { as: server.owner }),
      ...(input === undefined ? {} : { input }),
    });
    if (result.exit !== 0) throw new Error(`${argv.join(" ")} exited ${result.exit}: ${result.stdout}${result.stderr}`);
    return result.stdout.trim();
  };
  await run(["pg_ctl", "-D", data, "-l", join(tree, "log"), "-w", "start"]);
  const sql = (text: string, database = "postgres"): Promise<string> =>
    run(
      [
        "psql",
        "-XqAt",
        "-v",
        "ON_ERROR_STOP=1",
        "-h",
        join(tree, "socket"),
        "-p",
        String(server.port),
        "-U",
        "postgres",
        "-d",
        database,
        "-f",
        "-",
      ],
      text,
    );
  for (let tries = 0; (await sql("select pg_is_in_recovery()")) === "t"; tries++) {
    if (tries > 300) throw new Error("the restored server does not leave recovery");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    sql,
    [Symbol.asyncDispose]: async () => void (await run(["pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"])),
  };
}
