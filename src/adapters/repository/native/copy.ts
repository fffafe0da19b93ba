import { createHash } from "node:crypto";
import { PgrescueError } from "../../../domain/errors.ts";
import type { RecoveryPoint } from "../../../domain/recovery-point.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import type { Progress } from "../../../ports/progress.ts";
import { systemPrefix } from "./keys.ts";
import { slots } from "./parallel.ts";
import { beginName, objectsOf, placeOf } from "./point-place.ts";
import { reporting } from "./progress-stream.ts";
import { readRepositoryDocument } from "./repository-document.ts";
import type { StoredObject } from "./hashed-object.ts";
import { nameOfWalKey } from "./wal-keys.ts";

/** WAL files that are on their way at the same time. */
const filesAtOnce = 4;

/** Throws `precondition-refused` where one place is encrypted and the other is not: what is copied would not be what it is there. */
export async function requireAlike(from: ObjectStore, to: ObjectStore): Promise<void> {
  const [source, target] = [await readRepositoryDocument(from), await readRepositoryDocument(to)];
  const [isSealed, isTargetSealed] = [source, target].map((document) => (document?.recipients.length ?? 0) > 0);
  if (isSealed === isTargetSealed) return;
  throw new PgrescueError(
    "precondition-refused",
    isSealed === true
      ? `${from.url} is encrypted and ${to.url} is not`
      : `${to.url} is encrypted and ${from.url} is not`,
    { next: "Copies are byte for byte: make the second repository with the same encryption as the first." },
  );
}

/**
 * Copies a committed backup byte for byte, its commit document last. Objects that are there with the right size and hash
 * are not sent again, so a copy that was cut off goes on. Throws `damaged-data` where the source is not what was written.
 */
export function copyPoint(
  from: ObjectStore,
  to: ObjectStore,
  point: RecoveryPoint,
  signal: AbortSignal,
): AsyncGenerator<Progress> {
  return reporting(signal, async (report, stop) => {
    const { folder, commit: commitName } = placeOf(point);
    const commit = await from.get(folder + commitName);
    if (commit === null) throw new PgrescueError("damaged-data", `backup ${point.id} in ${from.url} was not finished`);
    const document = objectsOf(point, commit);
    const there = await to.get(folder + commitName);
    if (there !== null) {
      if (Buffer.compare(there, commit) === 0) return;
      throw new PgrescueError("precondition-refused", `${to.url} has another backup ${point.id}`, {
        next: "Find out which of the two is right; nothing was changed.",
      });
    }
    const begin = await from.get(folder + beginName);
    if (begin !== null) await to.put(folder + beginName, begin, { ifAbsent: true });
    let done = 0;
    for (const object of document.objects) {
      stop.throwIfAborted();
      const seen = (bytes: number): void => {
        stop.throwIfAborted();
        report({ done: (done += bytes), total: document.storedBytes, unit: "bytes", doing: `copying ${point.id}` });
      };
      if (await isThere(to, folder, object)) seen(object.size);
      else await copyObject(from, to, folder, object, seen);
    }
    // Not before everything that it names is there.
    if ((await to.put(folder + commitName, commit, { ifAbsent: true })) === "exists")
      throw new PgrescueError("precondition-refused", `${folder}${commitName} appeared in ${to.url} meanwhile`);
  });
}

async function isThere(to: ObjectStore, folder: string, { name, size, sha256 }: StoredObject): Promise<boolean> {
  const info = await to.head(folder + name);
  if (info?.size !== size) return false;
  const hash = createHash("sha256");
  for await (const chunk of to.read(folder + name)) hash.update(chunk);
  return hash.digest("hex") === sha256;
}

async function copyObject(
  from: ObjectStore,
  to: ObjectStore,
  folder: string,
  { name, size, sha256 }: StoredObject,
  seen: (bytes: number) => void,
): Promise<void> {
  const writer = await to.write(folder + name);
  try {
    const hash = createHash("sha256");
    let length = 0;
    for await (const chunk of from.read(folder + name)) {
      hash.update(chunk);
      length += chunk.length;
      seen(chunk.length);
      await writer.write(chunk);
    }
    if (length !== size || hash.digest("hex") !== sha256)
      throw new PgrescueError("damaged-data", `${folder}${name} in ${from.url} is not what was written`);
    await writer.commit();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** Copies all WAL of a system that the other place lacks, byte for byte with its metadata. What has another size there is told, and left alone. */
export function copyWal(
  from: ObjectStore,
  to: ObjectStore,
  place: { readonly cluster: string; readonly systemIdentifier: string },
  signal: AbortSignal,
): AsyncGenerator<Progress> {
  return reporting(signal, async (report, stop) => {
    const prefix = `${systemPrefix(place.cluster, place.systemIdentifier)}wal/`;
    const work = slots(filesAtOnce);
    const theirs = to.list(prefix)[Symbol.asyncIterator]();
    let next = await theirs.next();
    let done = 0;
    // Both listings are in byte order: they are walked side by side, in memory that does not grow.
    for await (const { key, size } of from.list(prefix)) {
      stop.throwIfAborted();
      if (nameOfWalKey(key.slice(prefix.length)) === null) continue;
      while (next.done !== true && next.value.key < key) next = await theirs.next();
      if (next.done !== true && next.value.key === key) {
        if (next.value.size === size) continue;
        throw new PgrescueError(
          "precondition-refused",
          `${key} is in ${to.url} with ${next.value.size} bytes instead of ${size}`,
          {
            means: "One of the two is torn, or two servers write one archive; nothing was overwritten.",
            next: "Run `pgrescue wal-verify --repository` on both and look at the one that is damaged.",
          },
        );
      }
      await work.run(async () => {
        const [bytes, info] = [await from.get(key), await from.head(key)];
        // Expired between listing and reading.
        if (bytes === null || info === null) return;
        await to.put(key, bytes, { ifAbsent: true, metadata: info.metadata });
        report({ done: (done += 1), total: null, unit: "segments", doing: "copying WAL" });
      });
    }
    await work.idle();
  });
}
