import { chmod, cp, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { createRepository } from "../src/adapters/repository/native/repository-document.ts";
import { openLocalStore } from "../src/adapters/storage/local.ts";
import { giveToServer, startThrowawayServer, type ThrowawayServer } from "../src/adapters/postgres/throwaway-server.ts";
import { generateArchiveCommand, quoteSetting } from "../src/adapters/wal/restore-command.ts";
import type { OsUser } from "../src/ports/shell.ts";
import { measure, type Measured, type MeasureOptions } from "./measure.ts";

/** A PostgreSQL full of pgbench's rows, with a pgrescue and a pgBackRest that both protect it. */
export interface BenchWorld {
  readonly directory: string;
  readonly server: ThrowawayServer;
  readonly user: OsUser | undefined;
  readonly systemIdentifier: string;
  /** A copy of the built program that nobody rebuilds meanwhile. */
  readonly program: { readonly node: string; readonly script: string };
  readonly repository: string;
  /** The home of measured programs. */
  readonly home: string;
  readonly config: string;
  /** Runs our program, measured. */
  pgrescue(words: readonly string[], options?: Partial<MeasureOptions>): Promise<Measured>;
  /** The words of a pgBackRest command for this server. */
  pgbackrest(words: readonly string[]): readonly string[];
  run(argv: readonly string[], options?: Partial<MeasureOptions>): Promise<Measured>;
  /** WAL goes to this one's archive from now on. */
  archiveWith(who: "pgrescue" | "pgbackrest"): Promise<void>;
  /** Bundles a script beside this file so that the server's user can run it; gives its path. */
  bundle(script: string): Promise<string>;
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Makes the world below an existing directory. `scale`: pgbench's, 15 MB each. The caller stops the server. */
export async function createBenchWorld(directory: string, bin: string, scale: number): Promise<BenchWorld> {
  const program = await copyProgram(join(directory, "program"));
  await chmod(directory, 0o755);
  const server = await startThrowawayServer({
    directory: join(directory, await made(directory, "server")),
    bin,
    settings: {
      archive_mode: "on",
      archive_command: "'true'",
      shared_buffers: "'256MB'",
      max_wal_size: "'4GB'",
      wal_keep_size: "'1GB'",
      fsync: "off",
    },
  });
  const user = server.owner;
  const [repository, config, backrest] = [
    join(directory, "repository"),
    join(directory, "pgrescue.yaml"),
    join(directory, "pgbackrest"),
  ];
  for (const path of [repository, join(directory, "state"), backrest]) await mkdir(path, { mode: 0o700 });
  const backrestConfig = join(backrest, "pgbackrest.conf");
  await writeFile(config, ourConfig(directory, server));
  await writeFile(backrestConfig, theirConfig(backrest, server));
  await createRepository(await openLocalStore(repository));
  const home = join(directory, "home");
  await mkdir(home, { mode: 0o700 });
  for (const path of [repository, join(directory, "state"), backrest, config, home]) await giveToServer(path);
  const run: BenchWorld["run"] = (argv, options = {}) => measure(argv, { user, home, ...options });
  const pgbackrest: BenchWorld["pgbackrest"] = (words) => [
    "pgbackrest",
    `--config=${backrestConfig}`,
    "--stanza=bench",
    ...words,
  ];
  const commands = {
    pgrescue: generateArchiveCommand({ ...program, config }),
    pgbackrest: pgbackrest(["archive-push", "%p"]).join(" "),
  };
  await fill(server, scale);
  await run(pgbackrest(["stanza-create"]));
  return {
    directory,
    server,
    user,
    systemIdentifier: await server.sql("select system_identifier from pg_control_system()"),
    program,
    repository,
    home,
    config,
    pgbackrest,
    run,
    pgrescue: (words, options) => run([program.node, program.script, ...words, "--config", config], options),
    archiveWith: async (who) => {
      await server.sql(`alter system set archive_command = ${quoteSetting(commands[who])}`);
      await server.sql("select pg_reload_conf()");
      await settled(server);
    },
    bundle: async (script) => {
      const outdir = join(directory, "program", script);
      const banner =
        'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';
      await build({
        entryPoints: [join(root, "bench", `${script}.ts`)],
        outdir,
        outExtension: { ".js": ".mjs" },
        bundle: true,
        // As the program is built: what is loaded later stays out of memory.
        splitting: true,
        external: ["pg-native"],
        platform: "node",
        target: "node24",
        format: "esm",
        banner: { js: banner },
      });
      return join(outdir, `${script}.mjs`);
    },
  };
}

async function made(directory: string, name: string): Promise<string> {
  await mkdir(join(directory, name));
  return name;
}

/** Node included: the server's user may not be able to read ours. */
async function copyProgram(place: string): Promise<{ node: string; script: string }> {
  await mkdir(join(place, "bin"), { recursive: true });
  for (const part of ["dist", "runbooks", "package.json", join("bin", "pgrescue.js")])
    await cp(join(root, part), join(place, part), { recursive: true });
  await cp(process.execPath, join(place, "bin", "node"));
  return { node: join(place, "bin", "node"), script: join(place, "bin", "pgrescue.js") };
}

async function fill(server: ThrowawayServer, scale: number): Promise<void> {
  const words = ["-h", server.socketDirectory, "-p", String(server.port), "-U", "postgres", "postgres"];
  await must(server, ["pgbench", "-i", "-q", "-s", String(scale), ...words]);
  // Pages and WAL as a server makes them in use, not only as COPY does.
  await must(server, ["pgbench", "-n", "-c", "4", "-t", "2500", ...words]);
  await server.sql("checkpoint");
}

async function must(server: ThrowawayServer, argv: readonly string[]): Promise<void> {
  const { exit, stderr } = await server.run(argv);
  if (exit !== 0) throw new Error(`${argv[0]} exited ${exit}: ${stderr}`);
}

/** Ends the current segment and waits until the archiver has nothing left to do. */
async function settled(server: ThrowawayServer): Promise<void> {
  await server.sql("create table if not exists settled (n int); insert into settled values (1)");
  const name = await server.sql("select pg_walfile_name(pg_switch_wal() - 1)");
  for (let tries = 0; tries < 1200; tries++) {
    const last = await server.sql("select coalesce(last_archived_wal, '') from pg_stat_archiver");
    if (last >= name) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`${name} is not archived: ${await server.sql("select * from pg_stat_archiver")}`);
}

function ourConfig(directory: string, { dataDirectory, port, bin }: ThrowawayServer): string {
  return JSON.stringify({
    stateDirectory: join(directory, "state"),
    clusters: {
      bench: {
        connection: { host: "127.0.0.1", port, user: "postgres", database: "postgres" },
        dataDirectory,
        binaries: bin,
        repositories: ["main"],
      },
    },
    repositories: { main: { url: `file://${join(directory, "repository")}` } },
  });
}

/** As the goal has it: two processes, zstd level 3. pgBackRest's own verification of page checksums is on, as is ours. */
export function theirConfig(
  directory: string,
  { dataDirectory, port, socketDirectory }: ThrowawayServer,
  more: { readonly [name: string]: string } = {},
): string {
  const lines = {
    "repo1-path": join(directory, "repository"),
    "log-path": join(directory, "log"),
    "lock-path": join(directory, "lock"),
    "spool-path": join(directory, "spool"),
    "log-level-console": "warn",
    "log-level-file": "off",
    "process-max": "2",
    "compress-type": "zst",
    "compress-level": "3",
    "start-fast": "y",
    "expire-auto": "n",
    "repo1-retention-full": "1",
    ...more,
  };
  const global = Object.entries(lines).map(([name, value]) => `${name}=${value}\n`);
  return `[global]\n${global.join("")}\n[bench]\npg1-path=${dataDirectory}\npg1-port=${port}\npg1-socket-path=${socketDirectory}\npg1-user=postgres\n`;
}
