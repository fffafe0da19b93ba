import type { Json } from "../../../domain/brand.ts";
import { PgrescueError } from "../../../domain/errors.ts";
import { parseWalFileName, segmentName, segmentNumberOf } from "../../../domain/segment.ts";
import type { Hold } from "../../../domain/retention/hold.ts";
import type { Keeping } from "../../../ports/keeping.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import type { Progress } from "../../../ports/progress.ts";
import { decodeHold, encodeHold } from "./hold-document.ts";
import { isClusterName, systemPrefix } from "./keys.ts";
import { inParallel } from "./parallel.ts";
import { beginName, placeOf } from "./point-place.ts";
import { nameOfWalKey, walKey } from "./wal-keys.ts";

/** Deletions at the same time, and how many keys are listed before they are deleted. */
const width = 16;
const batch = 1000;

/** Retention's side of a repository of our own format. */
export function nativeKeeping(store: ObjectStore): Keeping {
  return {
    holds: async (cluster) => {
      const holds = [];
      for await (const { key } of store.list(holdsPrefix(cluster))) {
        const bytes = await store.get(key);
        if (bytes !== null) holds.push(decodeHold(bytes, key));
      }
      return holds;
    },
    hold: async (hold) => {
      await store.put(holdKey(hold), encodeHold(hold));
    },
    release: async (hold) => {
      const key = holdKey(hold);
      if ((await store.head(key)) === null) return false;
      await store.delete(key);
      return true;
    },
    appliedPolicy: async (cluster) => {
      const bytes = await store.get(policyKey(cluster));
      if (bytes === null) return null;
      try {
        return JSON.parse(new TextDecoder().decode(bytes)) as Json;
      } catch (error) {
        throw new PgrescueError("damaged-data", `${policyKey(cluster)} is not what was written`, { cause: error });
      }
    },
    recordPolicy: async (cluster, policy) => {
      await store.put(policyKey(cluster), Buffer.from(`${JSON.stringify(policy, null, 2)}\n`));
    },
    removePoint: (point, signal) => removeFolder(store, placeOf(point), signal),
    removeWal: async function* removeWal({ cluster, systemIdentifier, segmentSize }, range, signal) {
      const prefix = `${systemPrefix(cluster, systemIdentifier)}wal/`;
      const timeline = segmentName(range.timeline, range.from, segmentSize).slice(0, 8);
      const first = prefix + (walKey(segmentName(range.timeline, range.from, segmentSize)) ?? "");
      const total = Number(range.until - range.from) + 1;
      let done = 0;
      const keys = walKeys();
      for await (const some of inBatches(keys)) {
        await removeAll(store, some, signal);
        done += some.filter((key) => isSegment(key, prefix)).length;
        yield { done, total, unit: "segments", doing: "removing WAL" };
      }

      async function* walKeys(): AsyncIterable<string> {
        // Everything of the range is listed right behind the key before its first one.
        for await (const { key } of store.list(`${prefix}${timeline}`, { startAfter: keyBefore(first) })) {
          const name = nameOfWalKey(key.slice(prefix.length));
          const number = name === null ? null : segmentNumberOf(name, segmentSize);
          if (number === null || number < range.from) continue;
          if (number > range.until) return;
          yield key;
        }
      }
    },
    sweep: async function* sweep(before) {
      if (store.sweep !== undefined) yield* store.sweep(before);
    },
  };
}

/** The commit document goes first and the document that tells when the backup began last: a cut leaves an incomplete one. */
async function* removeFolder(
  store: ObjectStore,
  { folder, commit }: { readonly folder: string; readonly commit: string },
  signal: AbortSignal,
): AsyncIterable<Progress> {
  const doing = `removing ${folder}`;
  signal.throwIfAborted();
  await store.delete(folder + commit);
  let done = 1;
  yield { done, total: null, unit: "files", doing };
  const keys = (async function* keysOf(): AsyncIterable<string> {
    for await (const { key } of store.list(folder)) if (key !== folder + beginName) yield key;
  })();
  for await (const some of inBatches(keys)) {
    await removeAll(store, some, signal);
    done += some.length;
    yield { done, total: null, unit: "files", doing };
  }
  await store.delete(folder + beginName);
}

async function removeAll(store: ObjectStore, keys: readonly string[], signal: AbortSignal): Promise<void> {
  await inParallel(keys, width, async (key) => {
    signal.throwIfAborted();
    await store.delete(key);
  });
}

async function* inBatches(keys: AsyncIterable<string>): AsyncIterable<readonly string[]> {
  let some: string[] = [];
  for await (const key of keys) {
    some.push(key);
    if (some.length < batch) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

function isSegment(key: string, prefix: string): boolean {
  return parseWalFileName(nameOfWalKey(key.slice(prefix.length)) ?? "")?.kind === "segment";
}

/** A key that sorts just before `key` and before everything that begins with it but its last character. */
function keyBefore(key: string): string {
  return key.slice(0, key.indexOf(".", key.lastIndexOf("/")));
}

function holdsPrefix(cluster: string): string {
  if (!isClusterName(cluster)) throw new PgrescueError("usage", `${JSON.stringify(cluster)} is not a cluster's name`);
  return `${cluster}/holds/`;
}

function holdKey({ cluster, point, run }: Pick<Hold, "cluster" | "point" | "run">): string {
  const name = run !== null ? `run-${run}` : point === null ? "everything" : `point-${point}`;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    throw new PgrescueError("usage", `${JSON.stringify(run ?? point)} cannot be held`);
  return `${holdsPrefix(cluster)}${name}.json`;
}

function policyKey(cluster: string): string {
  if (!isClusterName(cluster)) throw new PgrescueError("usage", `${JSON.stringify(cluster)} is not a cluster's name`);
  return `${cluster}/policy.json`;
}
