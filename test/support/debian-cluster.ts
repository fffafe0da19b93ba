import { randomBytes } from "node:crypto";
import { access, appendFile, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../../src/adapters/postgres/throwaway-server.ts";
import { createShell } from "../../src/adapters/system/exec.ts";
import { findUser } from "../../src/adapters/system/users.ts";
import type { CommandResult, OsUser } from "../../src/ports/shell.ts";

const shell = createShell();

/** Why such a cluster cannot be made here; null when it can. */
export async function noDebianCluster(): Promise<string | null> {
  if (process.getuid?.() !== 0) return "pg_createcluster needs root";
  const there = await access("/usr/bin/pg_createcluster").then(
    () => true,
    () => false,
  );
  return there ? null : "postgresql-common is not installed";
}

/** A cluster as Debian makes it: configuration in /etc, stock pg_hba (peer and scram), TLS with the snakeoil certificate. */
export interface DebianCluster extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly dataDirectory: string;
  readonly configFile: string;
  readonly owner: OsUser;
  /** Password of the superuser `dba`, for TCP. */
  readonly password: string;
  /** SQL as the operating system's user postgres over the socket (peer). */
  sql(text: string, database?: string): Promise<string>;
  /** Adds lines to postgresql.conf. */
  configure(settings: { readonly [name: string]: string }): Promise<void>;
  control(action: "start" | "stop" | "restart" | "reload"): Promise<CommandResult>;
}

/** pg_createcluster, started. Dropped with all its files at the end of the scope. */
export async function createDebianCluster(major = 15): Promise<DebianCluster> {
  const owner = await findUser("postgres");
  if (owner === null) throw new Error("no user postgres");
  const name = `pgrescue${randomBytes(3).toString("hex")}`;
  const port = await freePort();
  const version = String(major);
  const must = async (argv: readonly string[], as?: OsUser, input?: string): Promise<CommandResult> => {
    const result = await shell.run(argv, {
      ...(as === undefined ? {} : { as }),
      ...(input === undefined ? {} : { input }),
    });
    if (result.exit !== 0) {
      const log = await readFile(`/var/log/postgresql/postgresql-${version}-${name}.log`, "utf8").catch(() => "");
      throw new Error(`${argv.join(" ")}: ${result.stderr}${result.stdout}${log.slice(-2000)}`);
    }
    return result;
  };
  await must([
    "pg_createcluster",
    version,
    name,
    "-p",
    String(port),
    "--start-conf",
    "manual",
    "--locale",
    "C.UTF-8",
    "--",
    "-k",
  ]);
  const configFile = `/etc/postgresql/${version}/${name}/postgresql.conf`;
  const cluster: DebianCluster = {
    name,
    port,
    dataDirectory: `/var/lib/postgresql/${version}/${name}`,
    configFile,
    owner: { name: owner.name, uid: owner.uid, gid: owner.gid },
    password: randomBytes(12).toString("base64url"),
    sql: async (text, database = "postgres") =>
      (
        await must(
          ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-p", String(port), "-d", database, "-f", "-"],
          owner,
          text,
        )
      ).stdout.trimEnd(),
    configure: async (settings) => {
      await appendFile(
        configFile,
        Object.entries(settings)
          .map(([key, value]) => `${key} = '${value.replaceAll("'", "''")}'\n`)
          .join(""),
      );
    },
    control: (action) => must(["pg_ctlcluster", version, name, action]),
    [Symbol.asyncDispose]: async () => {
      await shell.run(["pg_dropcluster", "--stop", version, name]);
      // What a rewind moved aside is not pg_dropcluster's.
      const parent = `/var/lib/postgresql/${version}`;
      for (const left of await readdir(parent).catch(() => [])) {
        if (left.startsWith(`${name}.`)) await rm(join(parent, left), { recursive: true, force: true });
      }
    },
  };
  try {
    await cluster.configure({ fsync: "off", shared_buffers: "32MB", max_wal_size: "128MB" });
    await cluster.control("start");
    await cluster.sql(`create role dba superuser login password '${cluster.password}'`);
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}
