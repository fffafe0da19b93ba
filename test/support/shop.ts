import { spawn, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { appendFile, chmod, mkdir, readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { stringify } from "yaml";
import { serverUser, startThrowawayServer } from "../../src/adapters/postgres/throwaway-server.ts";
import { createShell } from "../../src/adapters/system/exec.ts";
import { programFor, thisProgram, type Program } from "../../src/adapters/system/program.ts";
import { generateArchiveCommand, quoteSetting } from "../../src/adapters/wal/restore-command.ts";
import type { RunEvent } from "../../src/domain/run/events.ts";
import { pgrescue, programEnvironment, programScript, type ProgramResult } from "./program.ts";
import { newRepository } from "./new-repository.ts";
import { giveToServer, postgresBin, temporaryDirectory, type TestServer } from "./server.ts";

/** What the shop's configuration leads to and nothing may ever print. */
export const shopSecret = "Tr0ub4dor-and-3-horses";

/** A live server that archives into a repository through wal-push, and a configuration that knows both. */
export interface Shop extends AsyncDisposable {
  readonly directory: string;
  readonly server: TestServer;
  readonly configFile: string;
  readonly repository: string;
  readonly stateDirectory: string;
  /** Where scratch servers go unless a test names another place. */
  readonly scratchDirectory: string;
  /** The program as the archive command runs it. */
  readonly program: Program;
  /** What is typed to confirm changes of production. */
  readonly confirm: string;
  /** The command line that a terminal runs. */
  argv(...words: readonly string[]): readonly string[];
  /** The real program on this shop's configuration, without a terminal. */
  pgrescue(...words: readonly string[]): Promise<ProgramResult>;
  /** The same with `--jsonl`, while it works. */
  watch(...words: readonly string[]): WatchedRun;
  /** The same as `pgrescue`; fails unless it ends with `exit`. */
  must(exit: number, ...words: readonly string[]): Promise<ProgramResult>;
  /** Ends the current segment and waits until all WAL up to now is archived. */
  archived(): Promise<void>;
  /** SQL in a transaction that is committed; gives its id. */
  transaction(sql: string): Promise<string>;
  /** The server's clock, ISO with Z and microseconds. */
  now(): Promise<string>;
  /** psql with a connection string as pgrescue prints it. */
  query(connection: string, sql: string): Promise<string>;
  /** A place below the shop's directory where nothing is yet, and which the server's user may make. */
  place(name: string): string;
  /** Stops the server of a data directory, if one runs there. */
  stopServerOf(dataDirectory: string): Promise<void>;
  /** Everything that the program has printed so far. */
  readonly printed: readonly string[];
  /** Adds what it printed elsewhere. */
  record(text: string): void;
}

/** A run of the real program whose events are read as they come. */
export interface WatchedRun {
  readonly child: ChildProcess;
  /** The next event that `is` accepts; null when the output ended before one came. */
  until(is: (event: RunEvent) => boolean): Promise<RunEvent | null>;
  /** The exit code, once the program has ended. */
  readonly ended: Promise<number | null>;
}

export interface ShopOptions {
  readonly settings?: { readonly [name: string]: string };
  readonly tablespaces?: readonly string[];
  /** Merged into the cluster's configuration. */
  readonly cluster?: { readonly [key: string]: unknown };
  /** Instead of a directory; `secret` is written to a file of the server's user, which `entry` is told. */
  readonly repository?: {
    readonly url: string;
    readonly secret: string;
    readonly entry: (secretFile: string) => { readonly [key: string]: unknown };
  };
  /** Encrypts the directory's repository; the identity is written to a file of the server's user. */
  readonly encryption?: { readonly recipient: string; readonly identity: string };
}

/** Opens a shop: a server whose role `postgres` needs a password over TCP, which is how pgrescue connects. */
export async function openShop(options: ShopOptions = {}): Promise<Shop> {
  await using stack = new AsyncDisposableStack();
  const temporary = stack.use(await temporaryDirectory());
  const directory = temporary.path;
  const shell = createShell();
  const owner = await serverUser();
  const program = owner === undefined ? thisProgram() : await programFor(owner, shell);
  const [repository, stateDirectory, scratchDirectory] = ["repository", "state", "scratch"].map((name) =>
    join(directory, name),
  ) as [string, string, string];
  for (const made of [repository, stateDirectory, scratchDirectory]) await mkdir(made, { mode: 0o700 });
  if (options.repository === undefined && options.encryption === undefined) await newRepository(repository);
  const configFile = join(directory, "pgrescue.yaml");
  const passwordFile = join(directory, "password");
  await writeFile(passwordFile, `${shopSecret}\n`, { mode: 0o600 });
  const storeSecret = join(directory, "store-secret");
  if (options.repository !== undefined) await writeFile(storeSecret, options.repository.secret, { mode: 0o600 });
  const identityFile = join(directory, "identity");
  if (options.encryption !== undefined) await writeFile(identityFile, options.encryption.identity, { mode: 0o600 });
  await giveToServer(directory);
  stack.defer(() => endEverythingBelow(directory));
  const throwaway = await startThrowawayServer({
    directory,
    bin: postgresBin(),
    ...(options.tablespaces === undefined ? {} : { tablespaces: options.tablespaces }),
    settings: {
      fsync: "off",
      archive_mode: "on",
      archive_command: quoteSetting(generateArchiveCommand({ ...program, config: configFile })),
      max_wal_senders: "4",
      wal_keep_size: "0",
      ...options.settings,
    },
  });
  const server: TestServer = { ...throwaway, [Symbol.asyncDispose]: () => throwaway.stop("immediate") };
  await server.sql(`alter role postgres password '${shopSecret}'`);
  await requirePassword(server);
  await writeFile(
    configFile,
    stringify({
      stateDirectory,
      clusters: {
        shop: {
          connection: {
            host: "127.0.0.1",
            port: server.port,
            user: "postgres",
            database: "postgres",
            passwordFile,
          },
          dataDirectory: server.dataDirectory,
          binaries: server.bin,
          repositories: ["main"],
          scratch: { directory: scratchDirectory, port: await lastingPort() },
          ...options.cluster,
        },
      },
      repositories: {
        main:
          options.repository === undefined
            ? {
                url: `file://${repository}`,
                ...(options.encryption === undefined
                  ? {}
                  : { encryption: { recipients: [options.encryption.recipient], identityFile } }),
              }
            : { url: options.repository.url, ...options.repository.entry(storeSecret) },
      },
    }),
  );
  await chmod(configFile, 0o644);
  const printed: string[] = [];
  const owned = stack.move();
  const call = async (...words: readonly string[]): Promise<ProgramResult> => {
    const result = await pgrescue([...words, "--config", configFile]);
    printed.push(result.stdout, result.stderr);
    return result;
  };
  return {
    directory,
    server,
    configFile,
    repository,
    stateDirectory,
    scratchDirectory,
    program,
    printed,
    record: (text) => void printed.push(text),
    confirm: `shop@${hostname()}`,
    argv: (...words) => [process.execPath, programScript, ...words, "--config", configFile],
    pgrescue: call,
    must: async (exit, ...words) => {
      const result = await call(...words);
      if (result.exit !== exit)
        throw new Error(
          `pgrescue ${words.join(" ")}: exit ${result.exit}, not ${exit}\n${result.stdout}\n${result.stderr}`,
        );
      return result;
    },
    watch: (...words) => watchRun([...words, "--jsonl", "--config", configFile], printed),
    archived: async () => {
      const last = await server.sql("select pg_walfile_name(pg_switch_wal() - 1)");
      for (let tries = 0; tries < 600; tries++) {
        const at = await server.sql("select coalesce(last_archived_wal, '') from pg_stat_archiver");
        if (at.slice(0, 24) >= last) return;
        await delay(50);
      }
      throw new Error(`segment ${last} was not archived: ${(await readFile(server.logFile, "utf8")).slice(-2000)}`);
    },
    transaction: async (sql) =>
      (await server.sql(`begin; ${sql}; select pg_current_xact_id(); commit`)).split("\n").at(-1) ?? "",
    now: async () => `${await server.sql("select clock_timestamp() at time zone 'utc'")}Z`.replace(" ", "T"),
    query: async (connection, sql) => {
      const { exit, stdout, stderr } = await server.run(
        ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", connection, "-f", "-"],
        { input: sql, env: { PGPASSWORD: shopSecret } },
      );
      if (exit !== 0) throw new Error(`${connection}: ${stderr}`);
      return stdout.trim();
    },
    place: (name) => join(scratchDirectory, name),
    stopServerOf: async (dataDirectory) => {
      await server.run(["pg_ctl", "-D", dataDirectory, "-m", "immediate", "-w", "stop"]);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function watchRun(words: readonly string[], printed: string[]): WatchedRun {
  const child = spawn(process.execPath, [programScript, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: "/",
    env: programEnvironment(),
  });
  const ended = once(child, "close").then(([code]) => code as number | null);
  child.stderr.on("data", (chunk: Buffer) => printed.push(chunk.toString()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    ended,
    until: async (is) => {
      for (;;) {
        const { value, done } = await lines.next();
        if (done === true) return null;
        printed.push(value);
        const event = JSON.parse(value) as RunEvent;
        if (is(event)) return event;
      }
    },
  };
}

/** A free port that no outgoing connection will be given until it is used (below Linux' ephemeral range). */
async function lastingPort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((done) => {
      server.once("error", () => done(false)).listen(port, "127.0.0.1", () => done(true));
    });
    if (!isFree) continue;
    await new Promise((done) => server.close(done));
    return port;
  }
}

async function requirePassword(server: TestServer): Promise<void> {
  const file = join(server.dataDirectory, "pg_hba.conf");
  const rules = (await readFile(file, "utf8")).split("\n").filter((line) => !line.startsWith("host"));
  await writeFile(file, rules.join("\n"));
  await appendFile(
    file,
    "\nhost all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n",
  );
  await server.sql("select pg_reload_conf()");
}

/** Ends the servers and runners that work below a test's own directory: each by its pid, found by where it works. */
async function endEverythingBelow(directory: string): Promise<void> {
  for (let round = 0; round < 5; round++) {
    const pids = await processesBelow(directory);
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended by itself.
      }
    }
    if (pids.length === 0) return;
    await delay(100);
  }
}

/** Processes whose working directory or command line names the directory. */
async function processesBelow(directory: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const entry of await readdir("/proc")) {
    const pid = Number(entry);
    if (!(pid > 0) || pid === process.pid) continue;
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => "");
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (cwd === directory || cwd.startsWith(`${directory}/`) || line.includes(`${directory}/`)) found.push(pid);
  }
  return found;
}
