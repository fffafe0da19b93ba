import { hash } from "node:crypto";
import { PgrescueError } from "../../../domain/errors.ts";
import { formatInstant } from "../../../domain/instant.ts";
import { parseWalFileName } from "../../../domain/segment.ts";
import type { Cipher } from "../../../ports/cipher.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import type { BackupEnd, BackupHeader, BackupWriter } from "../../../ports/repository.ts";
import { archiveWriter, type ArchiveSummary } from "./archive-writer.ts";
import { beginName, commitName, encodeBackup, encodeBegin, pointOf, type BackupDocument } from "./backup-document.ts";
import { framePipeline, frameSize } from "./frame-pipeline.ts";
import { beginHashedObject, type StoredObject } from "./hashed-object.ts";
import { baseFolder } from "./keys.ts";
import { sealBytes, sealedSuffix } from "./sealed-store.ts";
import { compressFrame } from "./zstd-frames.ts";

/** How many backups of one cluster may begin in the same second before we give up. */
const mostInOneSecond = 100;

export interface BackupWriterOptions {
  readonly store: ObjectStore;
  readonly repository: string;
  readonly header: BackupHeader;
  /** null: nothing is encrypted. */
  readonly cipher?: Cipher | null;
  /** Input of a frame in bytes; smaller than usual in tests only. */
  readonly frameSize?: number;
}

/** Begins a base backup: reserves its id with `begin.json`. Nothing is offered before `backup.json`, which comes last. */
export async function beginNativeBackup({
  store,
  repository,
  header,
  cipher = null,
  frameSize: size = frameSize,
}: BackupWriterOptions): Promise<BackupWriter> {
  const { id, folder } = await reserve(store, header);
  const archives: ArchiveSummary[] = [];
  const objects: StoredObject[] = [];
  let abortArchive: (() => Promise<void>) | null = null;
  let isOver = false;

  function openArchive(): void {
    if (isOver) throw new PgrescueError("bug", `backup ${id} is over`);
    if (abortArchive !== null) throw new PgrescueError("bug", `backup ${id} has an archive under way`);
  }

  /** Writes a stream as one object of zstd frames. */
  async function putCompressed(name: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const object = await beginHashedObject(store, folder, name, cipher);
    try {
      for await (const content of collected(chunks, size)) await object.write(await compressFrame(content, 3));
      objects.push(await object.commit());
    } catch (error) {
      await object.abort();
      throw error;
    }
  }

  return {
    id,
    archive: async (name) => {
      openArchive();
      if (!/^(?:base|\d{1,10})$/.test(name) || archives.some((archive) => archive.name === name))
        throw new PgrescueError("bug", `${name} cannot be an archive of backup ${id}`);
      const pipeline = framePipeline(
        await beginHashedObject(store, folder, `${name}.tar.zst`, cipher),
        await beginHashedObject(store, folder, `${name}.index.zst`, cipher),
        size,
      );
      abortArchive = () => pipeline.abort();
      return archiveWriter(name, pipeline, (summary) => {
        abortArchive = null;
        archives.push(summary);
        objects.push(...summary.objects);
      });
    },
    put: (name, chunks) => putCompressed(`${name}.zst`, chunks),
    putWal: async (name, content) => {
      if (parseWalFileName(name) === null) throw new PgrescueError("bug", `${name} is no WAL file`);
      const compressed = await compressFrame(content, 3);
      const stored = cipher === null ? compressed : await sealBytes(cipher, compressed);
      const object = `wal/${name}.zst${cipher === null ? "" : sealedSuffix}`;
      await store.put(folder + object, stored);
      objects.push({ name: object, size: stored.length, sha256: hash("sha256", stored) });
    },
    commit: async (end) => {
      openArchive();
      const document = documentOf(id, header, end, archives, objects, cipher);
      if ((await store.put(folder + commitName, encodeBackup(document), { ifAbsent: true })) === "exists") {
        throw new PgrescueError(
          "precondition-refused",
          `${folder}${commitName} is there already: two programs wrote one backup`,
        );
      }
      isOver = true;
      return pointOf(document, repository);
    },
    abort: async () => {
      if (isOver) return;
      isOver = true;
      await abortArchive?.();
      for (const { name } of objects) await store.delete(folder + name);
      await store.delete(folder + beginName);
    },
  };
}

async function reserve(
  store: ObjectStore,
  header: BackupHeader,
): Promise<{ readonly id: string; readonly folder: string }> {
  const instant = `${formatInstant(header.startedAt).slice(0, 19).replaceAll(/[-:]/g, "")}Z-base`;
  for (let n = 1; n <= mostInOneSecond; n++) {
    const id = n === 1 ? instant : `${instant}-${n}`;
    const folder = baseFolder(header.cluster, header.systemIdentifier, id);
    // The commit document, too: an expired begin.json must not free the name.
    if ((await store.head(folder + commitName)) !== null) continue;
    if ((await store.put(folder + beginName, encodeBegin(id, header), { ifAbsent: true })) === "stored")
      return { id, folder };
  }
  throw new PgrescueError(
    "precondition-refused",
    `${mostInOneSecond} backups of ${header.cluster} began in the second ${instant.slice(0, 16)}`,
  );
}

function documentOf(
  id: string,
  header: BackupHeader,
  end: BackupEnd,
  archives: readonly ArchiveSummary[],
  objects: readonly StoredObject[],
  cipher: Cipher | null,
): BackupDocument {
  return {
    format: "pgrescue.backup/v1",
    id,
    kind: "base",
    cluster: header.cluster,
    systemIdentifier: header.systemIdentifier,
    postgresVersion: header.postgresVersion,
    segmentSize: header.segmentSize,
    startedAt: header.startedAt,
    finishedAt: end.finishedAt,
    run: header.run,
    label: end.label,
    ...(end.keep === undefined ? {} : { keep: end.keep }),
    warnings: [...(end.warnings ?? [])],
    timeline: end.timeline,
    startLsn: end.startLsn,
    stopLsn: end.stopLsn,
    walIncluded: objects.some(({ name }) => name.startsWith("wal/")),
    bytes: end.bytes,
    storedBytes: objects.reduce((sum, object) => sum + object.size, 0),
    compression: "zstd",
    encryption: cipher === null ? null : { format: "age-encryption.org/v1", recipients: [...cipher.recipients] },
    tablespaces: end.tablespaces.map(({ oid, name, location, bytes }) => ({ oid, name, location, bytes })),
    archives: archives.map(({ name, files, bytes, frames }) => ({ name, files, bytes, frames })),
    objects: [...objects],
  };
}

/** The same bytes in chunks of `size`, the last one shorter; an empty stream gives one empty chunk. */
async function* collected(chunks: AsyncIterable<Uint8Array>, size: number): AsyncIterable<Uint8Array> {
  let pending: Uint8Array[] = [];
  let length = 0;
  let any = false;
  for await (const chunk of chunks) {
    pending.push(chunk);
    length += chunk.length;
    if (length < size) continue;
    yield Buffer.concat(pending);
    [pending, length, any] = [[], 0, true];
  }
  if (length > 0 || !any) yield Buffer.concat(pending);
}
