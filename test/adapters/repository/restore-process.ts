// Restores the newest point of a repository, in a process of its own that a test can kill.
import { openNativeRepository } from "../../../src/adapters/repository/native/repository.ts";
import { openStore } from "../../../src/adapters/storage/registry.ts";

const [repositoryPath = "", dataDirectory = ""] = process.argv.slice(2);
const store = await openStore(repositoryPath);
const repository = await openNativeRepository({ name: "test", url: store.url, store });
for await (const point of repository.points()) {
  const reader = await repository.openBackup(point);
  for await (const progress of reader.restore({
    dataDirectory,
    tablespaces: {},
    signal: new AbortController().signal,
  })) {
    process.stdout.write(`${progress.done}\n`);
  }
}
