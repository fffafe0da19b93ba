import { createRepository } from "../../src/adapters/repository/native/repository-document.ts";
import { openStore } from "../../src/adapters/storage/registry.ts";

/** Makes an existing, empty directory a repository, as `pgrescue init` does: wal-push stores only into one that is there. */
export async function newRepository(directory: string): Promise<void> {
  await createRepository(await openStore(directory));
}
