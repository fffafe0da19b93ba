// Restores the newest backup of a repository into a directory: what the restore step does, without a server around it.
import { openRepository } from "../src/adapters/repository/registry.ts";
import { openStore } from "../src/adapters/storage/registry.ts";
import type { RecoveryPoint } from "../src/domain/recovery-point.ts";

const [url = "", dataDirectory = ""] = process.argv.slice(2);
const store = await openStore(url);
const repository = await openRepository({ name: "bench", url: store.url, store, format: "native", readOnly: true });
let newest: RecoveryPoint | null = null;
for await (const point of repository.points()) newest = point;
if (newest === null) throw new Error(`there is no backup in ${url}`);
const reader = await repository.openBackup(newest);
const request = { dataDirectory, tablespaces: {}, signal: new AbortController().signal };
for await (const _progress of reader.restore(request));
