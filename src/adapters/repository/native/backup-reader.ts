import { hash } from "node:crypto";
import type { Json } from "../../../domain/brand.ts";
import { PgrescueError } from "../../../domain/errors.ts";
import type { RecoveryPoint } from "../../../domain/recovery-point.ts";
import { parseWalFileName } from "../../../domain/segment.ts";
import type { Cipher } from "../../../ports/cipher.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import type { BackupMember, BackupReader } from "../../../ports/repository.ts";
import { readIndex, type IndexMember } from "./archive-index.ts";
import { commitName, decodeBackup, type BackupDocument } from "./backup-document.ts";
import { baseFolder } from "./keys.ts";
import { openPoint } from "./opened-point.ts";
import { includePrefix } from "./put-include.ts";
import { reporting } from "./progress-stream.ts";
import { restoreBackup } from "./restore.ts";
import type { ContentStore } from "./sealed-store.ts";
import { verifyObject } from "./stored-objects.ts";

/** Opens a committed backup. Throws `damaged-data` where its commit document is gone or damaged. */
export async function openNativeBackup(
  store: ObjectStore,
  point: RecoveryPoint,
  cipher: Cipher | null = null,
): Promise<BackupReader> {
  const folder = baseFolder(point.cluster, point.systemIdentifier, point.id);
  const bytes = await store.get(folder + commitName);
  if (bytes === null)
    throw new PgrescueError("damaged-data", `backup ${point.id} of ${point.cluster} was not finished`);
  const document = decodeBackup(bytes, folder + commitName);

  const { contents, suffix, content, verify } = openPoint(store, folder, point, document, cipher);

  return {
    point,
    members: () => membersOf(store, contents, folder, document, suffix),
    manifest: () => content("backup_manifest.zst"),
    hasManifest: async () => {
      const object = document.objects.find((candidate) => candidate.name === `backup_manifest.zst${suffix}`);
      if (object === undefined) return false;
      await verifyObject(store, folder, object);
      return true;
    },
    catalog: async () => {
      const text = await content("catalog.json.zst");
      return text === null ? null : (JSON.parse(new TextDecoder().decode(text)) as Json);
    },
    wal: async (name) => (parseWalFileName(name) === null ? null : content(`wal/${name}.zst`)),
    restore: (request) =>
      reporting(request.signal, (report, signal) =>
        restoreBackup(
          { store, contents, suffix, folder, document, sha256: hash("sha256", bytes), request },
          report,
          signal,
        ),
      ),
    includes: document.includes,
    include: (name) => content(`${includePrefix}${name}.zst`),
    verify,
  };
}

async function* membersOf(
  store: ObjectStore,
  contents: ContentStore,
  folder: string,
  document: BackupDocument,
  suffix: string,
): AsyncIterable<BackupMember> {
  for (const { name } of document.archives) {
    const object = document.objects.find((candidate) => candidate.name === `${name}.index.zst${suffix}`);
    if (object === undefined)
      throw new PgrescueError("damaged-data", `${folder}${commitName} lists no index for archive ${name}`);
    await verifyObject(store, folder, object);
    for await (const { members } of readIndex(contents.read(`${folder}${name}.index.zst`), folder + object.name)) {
      for (const member of members) yield memberOf(name, member);
    }
  }
}

function memberOf(archive: string, member: IndexMember): BackupMember {
  const { path, type, mode, mtime } = member;
  return {
    archive,
    path,
    type,
    mode,
    mtime,
    size: member.type === "file" ? member.size : 0,
    ...(member.type === "link" ? { link: member.target } : {}),
  };
}
