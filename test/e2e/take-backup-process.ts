// Takes one backup as its own process, to be killed: argv[2] is {server, repository, request} as JSON.
import { createBackupTaker } from "../../src/adapters/postgres/backup/take-backup.ts";
import { createSqlConnector } from "../../src/adapters/postgres/sql.ts";
import { openNativeRepository } from "../../src/adapters/repository/native/repository.ts";
import { openStore } from "../../src/adapters/storage/registry.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import type { BackupRequest } from "../../src/ports/backup-source.ts";
import type { ConnectionTarget } from "../../src/ports/sql.ts";

const { target, url, request } = JSON.parse(process.argv[2] ?? "{}") as {
  readonly target: ConnectionTarget;
  readonly url: string;
  readonly request: BackupRequest;
};
const store = await openStore(url);
const repository = await openNativeRepository({ name: "main", url, store });
const taker = createBackupTaker({
  sql: createSqlConnector(),
  clock: systemClock,
  connection: async () => target,
  repository: async () => repository,
});
for await (const said of taker.take(request, new AbortController().signal)) {
  if (said.signal !== "progress") process.stdout.write(`${said.signal}\n`);
}
