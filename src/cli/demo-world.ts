import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { findInstallations } from "../adapters/postgres/installations.ts";
import { freePort, startThrowawayServer, type ThrowawayServer } from "../adapters/postgres/throwaway-server.ts";
import { createRepository } from "../adapters/repository/native/repository-document.ts";
import { openStore } from "../adapters/storage/registry.ts";
import { createShell } from "../adapters/system/exec.ts";
import { writeFileDurably } from "../adapters/system/durable-file.ts";
import { thisProgram } from "../adapters/system/program.ts";
import { removeOwn } from "../adapters/system/remove.ts";
import { generateArchiveCommand, quoteSetting } from "../adapters/wal/restore-command.ts";
import { PgrescueError } from "../domain/errors.ts";

/** A throwaway PostgreSQL that archives into a throwaway repository, with a configuration that names both. */
export interface DemoWorld {
  readonly directory: string;
  readonly server: ThrowawayServer;
  readonly configFile: string;
  readonly scratchDirectory: string;
  readonly scratchPort: number;
  /** Stops what it started; removes its directory unless it shall be kept. */
  close(keep: boolean): Promise<void>;
}

/** Makes the demonstration's world in the temporary directory: nothing else on this machine is touched. */
export async function createDemoWorld(): Promise<DemoWorld> {
  const installation = (await findInstallations(createShell(), process.env))[0];
  if (installation === undefined) {
    throw new PgrescueError("precondition-refused", "no PostgreSQL server programs on this machine", {
      next: "Install them (on Debian: apt-get install postgresql), then run the demo again.",
    });
  }
  const directory = await mkdtemp(join(tmpdir(), "pgrescue-demo-"));
  const configFile = join(directory, "pgrescue.yaml");
  const repository = join(directory, "repository");
  const scratchDirectory = join(directory, "scratch");
  await mkdir(repository, { mode: 0o700 });
  await createRepository(await openStore(repository));
  const archive = generateArchiveCommand({ ...thisProgram(), config: configFile });
  const server = await startThrowawayServer({
    directory,
    bin: installation.bin,
    settings: {
      archive_mode: "on",
      archive_command: quoteSetting(archive),
      archive_timeout: "60s",
      max_wal_senders: "4",
    },
  });
  const scratchPort = await freePort();
  await writeFileDurably(
    configFile,
    stringify({
      stateDirectory: join(directory, "state"),
      clusters: {
        shop: {
          connection: { host: server.socketDirectory, port: server.port, user: "postgres", database: "postgres" },
          dataDirectory: server.dataDirectory,
          binaries: server.bin,
          repositories: ["main"],
          checks: [{ name: "orders are there", sql: "select count(*) > 0 from orders" }],
          scratch: { directory: scratchDirectory, port: scratchPort },
          objectives: { rto: "30m", rpo: "5m" },
        },
      },
      repositories: { main: { url: `file://${repository}` } },
    }),
  );
  return {
    directory,
    server,
    configFile,
    scratchDirectory,
    scratchPort,
    close: async (keep) => {
      await server.run(["pg_ctl", "-D", scratchDirectory, "-m", "immediate", "stop"]);
      await server.stop("immediate");
      if (!keep) await removeOwn(directory, { within: tmpdir() });
    },
  };
}
