import { PgrescueError } from "../../domain/errors.ts";
import type { Arguments, Terminal } from "../command.ts";
import { openSettings, type NamedRepository } from "../settings.ts";
import { azureStorage } from "./storage-azure.ts";
import { s3Storage } from "./storage-s3.ts";
import type { Topic } from "./topic.ts";

/** A shell script that makes a place for a repository, with identities that may no more than they must. */
export const storage: Topic = {
  summary: "commands that make a bucket or container and its identities",
  examples: [
    "pgrescue generate storage s3 --bucket acme-backup --region eu-central-1 > storage.sh",
    "pgrescue generate storage azure --account acmebackup --container postgres --location westeurope > storage.sh",
  ],
  run: async (args, terminal) => {
    const [, kind] = args.positionals;
    if (kind !== "s3" && kind !== "azure")
      throw new PgrescueError("usage", "it is not said for which storage", {
        next: "Write `pgrescue generate storage s3` or `pgrescue generate storage azure`.",
      });
    const repository = await configured(kind, args, terminal);
    for (const line of kind === "s3" ? s3Storage(args, repository) : azureStorage(args, repository))
      terminal.print(line);
    terminal.log("Read it, then let an administrator run it. pgrescue itself runs none of it.");
    return 0;
  },
};

/** The first repository of that kind, for what is not said on the command line. */
async function configured(kind: "s3" | "azure", args: Arguments, terminal: Terminal): Promise<NamedRepository | null> {
  const { repositories } = await openSettings(args, terminal);
  const scheme = kind === "s3" ? /^s3:/ : /^az(?:ure)?:/;
  return repositories.find(({ url }) => scheme.test(url)) ?? null;
}
