import { hash } from "node:crypto";
import { PgrescueError } from "../../../domain/errors.ts";
import type { StoredInclude } from "../../../domain/include.ts";
import { parseWalFileName } from "../../../domain/segment.ts";
import type { Cipher } from "../../../ports/cipher.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import type { BackupEnd, BackupHeader, BackupWriter } from "../../../ports/repository.ts";
import { archiveWriter, type ArchiveSummary } from "./archive-writer.ts";
import { commitName, encodeBackup, pointOf, type BackupDocument } from "./backup-document.ts";
import { framePipeline, frameSize } from "./frame-pipeline.ts";
import { beginHashedObject, type StoredObject } from "./hashed-object.ts";
import { beginName } from "./point-place.ts";
import { putCompressed } from "./put-compressed.ts";
import { putInclude } from "./put-include.ts";
import { reserveId } from "./reserve-id.ts";
import { sealBytes, sealedSuffix } from "./sealed-store.ts";
import { compressFrame } from "./zstd-frames.ts";

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
  const { id, folder } = await reserveId(store, "base", header);
  const archives: ArchiveSummary[] = [];
  const objects: StoredObject[] = [];
  const includes: StoredInclude[] = [];
  let abortArchive: (() => Promise<void>) | null = null;
  let isOver = false;

  function openArchive(): void {
    if (isOver) throw new PgrescueError("bug", `backup ${id} is over`);
    if (abortArchive !== null) throw new PgrescueError("bug", `backup ${id} has an archive under way`);
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
    put: async (name, chunks) => {
      objects.push(await putCompressed({ store, folder, cipher, frameSize: size }, `${name}.zst`, chunks));
    },
    putInclude: async (include, chunks) => {
      objects.push(await putInclude({ store, folder, cipher, frameSize: size }, include, chunks));
      includes.push({ name: include.name, secret: include.secret });
    },
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
      const document = { ...documentOf(id, header, end, archives, objects, cipher), includes };
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

function documentOf(
  id: string,
  header: BackupHeader,
  end: BackupEnd,
  archives: readonly ArchiveSummary[],
  objects: readonly StoredObject[],
  cipher: Cipher | null,
): Omit<BackupDocument, "includes"> {
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
    ...(end.slot === undefined ? {} : { slot: end.slot }),
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
