import { dirname, join, resolve } from "node:path";
import { prepareWal } from "../adapters/repository/native/wal-archive.ts";
import { pushExit, pushWal, readWalFile } from "../adapters/wal/push.ts";
import { pushAhead, pushedAhead } from "../adapters/wal/push-ahead.ts";
import { PgrescueError } from "../domain/errors.ts";
import type { Command } from "./command.ts";
import { failureLines } from "./failure.ts";
import type { WalSettings } from "./wal-settings.ts";
import { lazyArchive } from "./wal-sources.ts";

export const command: Command = {
  summary: "archive_command: store a WAL file durably in every repository of the cluster",
  usage: "wal-push %p",
  description: `Exit codes: 0 the file is durably stored in all repositories; 1 to 125 it is not, and PostgreSQL keeps it and
tries again. Run by PostgreSQL in its data directory, whose system identifier finds the cluster. Where more segments
wait, some of them are sent with it, and confirmed when PostgreSQL comes to them (\`walPush.ahead\`).`,
  options: { "dry-run": { type: "boolean", summary: "say where the file would go and whether it is there already" } },
  examples: ["pgrescue wal-push pg_wal/00000001000000000000002A  # by hand, in the data directory"],
  positionals: { min: 1, max: 1 },
  run: async (args, terminal) => {
    try {
      const isDryRun = args.flag("dry-run");
      const path = resolve(terminal.cwd, args.positionals[0] ?? "");
      const file = await readWalFile(path);
      // PostgreSQL's own call, not one by hand for a file that lies elsewhere.
      const isInWal = !isDryRun && dirname(path) === join(terminal.cwd, "pg_wal");
      let settings: WalSettings | null = null;
      const notes = pushedAhead(terminal.cwd, () => settings);
      const isNoted = isInWal && (await notes.has(file.name));
      // The thread pool compresses while this thread loads and reads the configuration; `store` throws what went wrong.
      if (!isDryRun && !isNoted) prepareWal(file.name, file.content).catch(() => undefined);
      const { walSettings } = await import("./wal-settings.ts");
      settings = await walSettings(args, terminal);
      const { cluster, systemIdentifier, repositories } = settings;
      if (isNoted && (await notes.take(file.name, file.content))) return 0;
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
      let isOver = false;
      const ahead = isInWal
        ? pushAhead(path, { archives, places: settings, most: settings.ahead, sha256Of, isOver: () => isOver })
        : Promise.resolve();
      try {
        await pushWal({ ...file, archives });
      } catch (error) {
        isOver = true;
        throw error;
      } finally {
        await ahead;
      }
      return 0;
    } catch (error) {
      for (const line of failureLines(error)) terminal.log(line);
      return pushExit(error);
    }
  },
};

async function sha256Of(name: string, content: Uint8Array): Promise<string> {
  return (await prepareWal(name, content)).sha256;
}
