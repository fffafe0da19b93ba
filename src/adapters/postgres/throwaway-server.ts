import { appendFile, chmod, chown, lstat, mkdir, readdir, readFile, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { PgrescueError } from "../../domain/errors.ts";
import type { CommandOptions, CommandResult, OsUser } from "../../ports/shell.ts";
import { createShell } from "../system/exec.ts";
import { currentUser, findUser } from "../system/users.ts";

export interface ThrowawayOptions {
  /** An existing directory; everything goes below it. */
  readonly directory: string;
  /** Directory with the PostgreSQL programs. */
  readonly bin: string;
  readonly checksums?: boolean;
  /** Lines for postgresql.conf, by parameter. */
  readonly settings?: { readonly [name: string]: string };
  /** Names of tablespaces to create, each in a directory of its own. */
  readonly tablespaces?: readonly string[];
  readonly segmentSizeMiB?: number;
}

/** A small real PostgreSQL for demonstrations and tests: own directory, own port, socket only for us, trust. */
export interface ThrowawayServer {
  readonly directory: string;
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  readonly port: number;
  readonly user: "postgres";
  readonly bin: string;
  readonly logFile: string;
  /** The user that the server runs as when that is not us (PostgreSQL refuses to run as root). */
  readonly owner: OsUser | undefined;
  /** Runs SQL through psql and gives the unadorned output. Throws with psql's message. */
  sql(text: string, database?: string): Promise<string>;
  /** Runs a program of this PostgreSQL as the server's user. */
  run(argv: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  start(): Promise<void>;
  stop(mode?: "fast" | "immediate" | "smart"): Promise<void>;
}

/** The user for servers we start: ourselves, or `postgres` when we are root. */
export async function serverUser(): Promise<OsUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const user = await findUser("postgres");
  if (user === null)
    throw new PgrescueError("precondition-refused", "no user postgres, and PostgreSQL refuses to run as root", {
      next: "Install Debian's postgresql package, which makes the user.",
    });
  return { name: user.name, uid: user.uid, gid: user.gid };
}

/** Gives a tree to the servers' user; nothing to do unless we are root. Links are given, not followed. */
export async function giveToServer(path: string): Promise<void> {
  const user = await serverUser();
  if (user === undefined) return;
  await chown(path, user.uid, user.gid).catch(() => undefined);
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true }).catch(() => [])) {
    const file = join(entry.parentPath, entry.name);
    if (!(await lstat(file)).isSymbolicLink()) await chown(file, user.uid, user.gid);
  }
}

/** A TCP port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new PgrescueError("bug", "a TCP server has no port");
  return address.port;
}

/** initdb, configuration, start. The caller stops it. */
export async function startThrowawayServer(options: ThrowawayOptions): Promise<ThrowawayServer> {
  const owner = await serverUser();
  const shell = createShell();
  const dataDirectory = join(options.directory, "data");
  const socketDirectory = join(options.directory, "socket");
  const logFile = join(options.directory, "server.log");
  const port = await freePort();
  await mkdir(socketDirectory, { recursive: true });
  await chmod(socketDirectory, 0o755);
  if (owner !== undefined) {
    await chown(options.directory, owner.uid, owner.gid);
    await chown(socketDirectory, owner.uid, owner.gid);
  }
  const run = (argv: readonly string[], extra: CommandOptions = {}): Promise<CommandResult> => {
    const [program = "", ...rest] = argv;
    return shell.run([program.includes("/") ? program : join(options.bin, program), ...rest], {
      ...(owner === undefined ? {} : { as: owner }),
      ...extra,
    });
  };
  const must = async (argv: readonly string[], extra?: CommandOptions): Promise<string> => {
    const result = await run(argv, extra);
    if (result.exit !== 0)
      throw new PgrescueError(
        "external-failure",
        `${argv[0]} exited ${result.exit}: ${(result.stderr + result.stdout).trim()}${await tail(logFile)}`,
      );
    return result.stdout;
  };
  const me = (await currentUser()).name;
  await must([
    "initdb",
    "-D",
    dataDirectory,
    "-U",
    "postgres",
    "--auth=trust",
    "-E",
    "UTF8",
    "--locale=C.UTF-8",
    "--no-sync",
    "-k",
    ...(options.segmentSizeMiB === undefined ? [] : [`--wal-segsize=${options.segmentSizeMiB}`]),
  ]);
  // initdb's default and its option for this differ between versions.
  if (options.checksums === false) await must(["pg_checksums", "--disable", "--no-sync", "-D", dataDirectory]);
  const settings = {
    port: String(port),
    listen_addresses: "'127.0.0.1'",
    unix_socket_directories: `'${socketDirectory}'`,
    shared_buffers: "'32MB'",
    max_wal_size: "'128MB'",
    log_line_prefix: "'%m [%p] '",
    ...options.settings,
  };
  await appendFile(
    join(dataDirectory, "postgresql.conf"),
    Object.entries(settings)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join(""),
  );
  const server: ThrowawayServer = {
    directory: options.directory,
    dataDirectory,
    socketDirectory,
    port,
    user: "postgres",
    bin: options.bin,
    logFile,
    owner,
    run,
    sql: async (text, database = "postgres") =>
      (
        await must(
          [
            "psql",
            "-XqAt",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            socketDirectory,
            "-p",
            String(port),
            "-U",
            "postgres",
            "-d",
            database,
            "-f",
            "-",
          ],
          { input: text, env: { PGUSER: me } },
        )
      ).trimEnd(),
    start: async () => {
      await must(["pg_ctl", "-D", dataDirectory, "-l", logFile, "-w", "-t", "120", "start"]);
    },
    stop: async (mode = "fast") => {
      if (await running(dataDirectory))
        await must(["pg_ctl", "-D", dataDirectory, "-m", mode, "-w", "-t", "120", "stop"]);
    },
  };
  await server.start();
  for (const name of options.tablespaces ?? []) {
    const location = join(options.directory, `tablespace-${name}`);
    await mkdir(location, { mode: 0o700 });
    await giveToServer(location);
    await server.sql(`create tablespace "${name}" location '${location}'`);
  }
  return server;
}

async function running(dataDirectory: string): Promise<boolean> {
  const pid = Number((await readFile(join(dataDirectory, "postmaster.pid"), "utf8").catch(() => "")).split("\n")[0]);
  if (!(pid > 0)) return false;
  for (let tries = 0; tries < 3; tries++) {
    if (
      await stat(`/proc/${pid}`).then(
        () => true,
        () => false,
      )
    )
      return true;
    await delay(50);
  }
  return false;
}

async function tail(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text === "" ? "" : `\n${text.split("\n").slice(-15).join("\n")}`;
}
