import { cp } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nativeKeeping } from "../../../src/adapters/repository/native/keeping.ts";
import { openNativeRepository } from "../../../src/adapters/repository/native/repository.ts";
import { openStore } from "../../../src/adapters/storage/registry.ts";
import { PgrescueError } from "../../../src/domain/errors.ts";
import type { ObjectStore } from "../../../src/ports/object-store.ts";
import { collect } from "../../support/collect.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { makeClusterDirectory } from "./cluster-directory.ts";
import { backupDirectory } from "./directory-backup.ts";

const never = new AbortController().signal;

/** A store in which the power fails at the n-th deletion. */
function failingAt(store: ObjectStore, n: number): ObjectStore {
  let deletions = 0;
  return {
    ...store,
    delete: async (key) => {
      if (deletions++ >= n) throw new PgrescueError("store-failure", "the power is off");
      await store.delete(key);
    },
  };
}

test("a removal that is cut off at any deletion never leaves a backup that is offered and not whole", async () => {
  await using temporary = await temporaryDirectory();
  const at = (name: string): string => join(temporary.path, name);
  await makeClusterDirectory(at("data"));
  const first = await openStore(at("repository"), { create: true });
  await openNativeRepository({ name: "test", url: first.url, store: first, create: true });
  const point = await backupDirectory({ store: first, directory: at("data"), frameSize: 65_536 });
  for (let n = 0; ; n++) {
    await cp(at("repository"), at(`cut-${n}`), { recursive: true });
    const store = await openStore(at(`cut-${n}`));
    const isCut = await collect(nativeKeeping(failingAt(store, n)).removePoint(point, never)).then(
      () => false,
      () => true,
    );
    const repository = await openNativeRepository({ name: "test", url: store.url, store });
    const points = await collect(repository.points());
    if (!isCut) {
      expect(points).toEqual([]);
      expect(n).toBeGreaterThan(2);
      return;
    }
    expect(
      points.map((p) => p.status),
      `after ${n} deletions`,
    ).toEqual([n === 0 ? "ok" : "incomplete"]);
    if (n === 0) await collect((await repository.openBackup(point)).verify(never));
    // The next one finishes it.
    await collect(nativeKeeping(store).removePoint(point, never));
    expect(await collect(repository.points())).toEqual([]);
  }
});
