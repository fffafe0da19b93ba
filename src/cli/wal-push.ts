import { resolve } from "node:path";
import { prepareWal } from "../adapters/repository/native/wal-archive.ts";
import { pushExit, pushWal, readWalFile } from "../adapters/wal/push.ts";
import { PgrescueError } from "../domain/errors.ts";
import type { Command } from "./command.ts";
import { failureLines } from "./failure.ts";
import { lazyArchive } from "./wal-sources.ts";

export const command: Command = {
  summary: "archive_command: store a WAL file durably in every repository of the cluster",
  usage: "wal-push %p",
  description: `Exit codes: 0 the file is durably stored in all repositories; 1 to 125 it is not, and PostgreSQL keeps it and
tries again. Run by PostgreSQL in its data directory, whose system identifier finds the cluster.`,
  options: { "dry-run": { type: "boolean", summary: "say where the file would go and whether it is there already" } },
  examples: ["pgrescue wal-push pg_wal/00000001000000000000002A  # by hand, in the data directory"],
  positionals: { min: 1, max: 1 },
  run: async (args, terminal) => {
    try {
      const isDryRun = args.flag("dry-run");
      const file = await readWalFile(resolve(terminal.cwd, args.positionals[0] ?? ""));
      // The thread pool compresses while this thread loads and reads the configuration; `store` throws what went wrong.
      if (!isDryRun) prepareWal(file.name, file.content).catch(() => undefined);
      const { walSettings } = await import("./wal-settings.ts");
      const { cluster, systemIdentifier, repositories } = await walSettings(args, terminal);
      const archives = repositories.map((repository) => ({
        name: repository.name,
        archive: lazyArchive(repository, cluster, systemIdentifier, isDryRun ? "read" : "write"),
      }));
      if (isDryRun) {
        for (const { name, archive } of archives) {
          terminal.print(`${name}: ${(await archive.has(file.name)) ? "already there" : "would be stored"}`);
        }
        return 0;
      }
      const readOnly = repositories.find((repository) => repository.readOnly === true);
      if (readOnly !== undefined) throw new PgrescueError("config", `repository ${readOnly.name} is read-only`);
      await pushWal({ ...file, archives });
      return 0;
    } catch (error) {
      for (const line of failureLines(error)) terminal.log(line);
      return pushExit(error);
    }
  },
};
