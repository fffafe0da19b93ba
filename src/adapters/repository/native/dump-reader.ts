import { createHash } from "node:crypto";
import { PgrescueError } from "../../../domain/errors.ts";
import type { DumpCatalog } from "../../../domain/dump.ts";
import type { RecoveryPoint } from "../../../domain/recovery-point.ts";
import type { Cipher } from "../../../ports/cipher.ts";
import type { DumpReader } from "../../../ports/dump.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { decodeDump, dumpCommitName, type DumpDocument } from "./dump-document.ts";
import type { StoredObject } from "./hashed-object.ts";
import { dumpFolder } from "./keys.ts";
import { openPoint } from "./opened-point.ts";
import { includePrefix } from "./put-include.ts";

/** Opens a committed dump. Throws `damaged-data` where its commit document is gone or damaged. */
export async function openNativeDump(
  store: ObjectStore,
  point: RecoveryPoint,
  cipher: Cipher | null,
): Promise<DumpReader> {
  const folder = dumpFolder(point.cluster, point.id);
  const bytes = await store.get(folder + dumpCommitName);
  if (bytes === null) throw new PgrescueError("damaged-data", `dump ${point.id} of ${point.cluster} was not finished`);
  const document = decodeDump(bytes, folder + dumpCommitName);
  const { contents, suffix, content, verify } = openPoint(store, folder, point, document, cipher);

  return {
    point,
    clientVersion: document.clientVersion,
    databases: document.databases,
    failed: document.failed,
    archive: async function* archive(database) {
      const stored = listed(document, database.object, folder);
      const key = folder + stored.name.slice(0, stored.name.length - suffix.length);
      // What is encrypted is authenticated chunk by chunk; the rest is compared with what was written.
      if (suffix !== "") yield* contents.read(key);
      else yield* hashed(contents.read(key), stored, key);
    },
    globals: async () => {
      const text = await content(plain(document.globals.object, suffix));
      return text === null ? null : new TextDecoder().decode(text);
    },
    catalog: async ({ catalog }) => {
      const text = catalog === null ? null : await content(plain(catalog, suffix));
      return text === null ? null : (JSON.parse(new TextDecoder().decode(text)) as DumpCatalog);
    },
    includes: document.includes,
    include: (name) => content(`${includePrefix}${name}.zst`),
    verify,
  };
}

function listed(document: DumpDocument, name: string, folder: string): StoredObject {
  const object = document.objects.find((candidate) => candidate.name === name);
  if (object !== undefined) return object;
  throw new PgrescueError("damaged-data", `${folder}${dumpCommitName} lists no object ${name}`);
}

function plain(name: string, suffix: string): string {
  return name.slice(0, name.length - suffix.length);
}

async function* hashed(
  chunks: AsyncIterable<Uint8Array>,
  expected: StoredObject,
  key: string,
): AsyncIterable<Uint8Array> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    size += chunk.length;
    yield chunk;
  }
  if (size !== expected.size || hash.digest("hex") !== expected.sha256)
    throw new PgrescueError("damaged-data", `${key} is not what was written`);
}
