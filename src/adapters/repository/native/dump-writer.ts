import { PgrescueError } from "../../../domain/errors.ts";
import type { StoredInclude } from "../../../domain/include.ts";
import { storedName } from "../../../domain/dump.ts";
import type { Cipher } from "../../../ports/cipher.ts";
import type { DumpEnd, DumpHeader, DumpStream, DumpWriter } from "../../../ports/dump.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { dumpCommitName, encodeDump, pointOfDump, type DumpDocument } from "./dump-document.ts";
import { frameSize } from "./frame-pipeline.ts";
import { beginHashedObject, type StoredObject } from "./hashed-object.ts";
import { beginName } from "./point-place.ts";
import { putCompressed } from "./put-compressed.ts";
import { putInclude } from "./put-include.ts";
import { reserveId } from "./reserve-id.ts";

export interface DumpWriterOptions {
  readonly store: ObjectStore;
  readonly repository: string;
  readonly header: DumpHeader;
  /** null: nothing is encrypted. */
  readonly cipher: Cipher | null;
}

/** Begins a dump: reserves its id with `begin.json`. Nothing is offered before `dump.json`, which comes last. */
export async function beginNativeDump({ store, repository, header, cipher }: DumpWriterOptions): Promise<DumpWriter> {
  const { id, folder } = await reserveId(store, "dump", header);
  const objects: StoredObject[] = [];
  const includes: StoredInclude[] = [];
  const open = new Set<DumpStream>();
  let isOver = false;

  async function put(name: string, chunks: AsyncIterable<Uint8Array>): Promise<string> {
    const stored = await putCompressed({ store, folder, cipher, frameSize }, `${name}.zst`, chunks);
    objects.push(stored);
    return stored.name;
  }

  return {
    id,
    archive: async (database, oid) => {
      const object = await beginHashedObject(store, folder, `${storedName(database, oid)}.dump`, cipher);
      const stream: DumpStream = {
        object: object.name,
        write: (chunk) => object.write(chunk),
        commit: async () => {
          const { size } = object;
          objects.push(await object.commit());
          open.delete(stream);
          return size;
        },
        abort: async () => {
          open.delete(stream);
          await object.abort();
        },
      };
      open.add(stream);
      return stream;
    },
    putGlobals: (chunks) => put("globals.sql", chunks),
    putInclude: async (include, chunks) => {
      objects.push(await putInclude({ store, folder, cipher, frameSize }, include, chunks));
      includes.push({ name: include.name, secret: include.secret });
    },
    putCatalog: (database, oid, catalog) =>
      put(`${storedName(database, oid)}.catalog.json`, one(Buffer.from(JSON.stringify(catalog)))),
    commit: async (end) => {
      if (open.size > 0) throw new PgrescueError("bug", `dump ${id} has archives under way`);
      const document = { ...documentOf(id, header, end, objects, cipher), includes };
      if ((await store.put(folder + dumpCommitName, encodeDump(document), { ifAbsent: true })) === "exists") {
        throw new PgrescueError(
          "precondition-refused",
          `${folder}${dumpCommitName} is there already: two programs wrote one dump`,
        );
      }
      isOver = true;
      return pointOfDump(document, repository);
    },
    abort: async () => {
      if (isOver) return;
      isOver = true;
      for (const stream of open) await stream.abort();
      for (const { name } of objects) await store.delete(folder + name);
      await store.delete(folder + beginName);
    },
  };
}

function documentOf(
  id: string,
  header: DumpHeader,
  end: DumpEnd,
  objects: readonly StoredObject[],
  cipher: Cipher | null,
): Omit<DumpDocument, "includes"> {
  return {
    format: "pgrescue.dump/v1",
    id,
    kind: "dump",
    ...header,
    clientVersion: end.clientVersion,
    finishedAt: end.finishedAt,
    label: end.label,
    ...(end.keep === undefined ? {} : { keep: end.keep }),
    ...(end.slot === undefined ? {} : { slot: end.slot }),
    warnings: [...end.warnings],
    bytes: end.databases.reduce((sum, { bytes }) => sum + bytes, 0),
    storedBytes: objects.reduce((sum, { size }) => sum + size, 0),
    encryption: cipher === null ? null : { format: "age-encryption.org/v1", recipients: [...cipher.recipients] },
    globals: end.globals,
    databases: end.databases.map((database) => ({ ...database, filters: mutable(database.filters) })),
    failed: [...end.failed],
    objects: [...objects],
  };
}

function mutable<K extends string>(filters: { readonly [Key in K]: readonly string[] }): { [Key in K]: string[] } {
  return Object.fromEntries(Object.entries<readonly string[]>(filters).map(([k, v]) => [k, [...v]])) as {
    [Key in K]: string[];
  };
}

async function* one(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}
