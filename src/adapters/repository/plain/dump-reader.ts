import { PgrescueError } from "../../../domain/errors.ts";
import type { DumpedDatabase } from "../../../domain/dump.ts";
import type { RecoveryPoint } from "../../../domain/recovery-point.ts";
import type { DumpFile, DumpReader } from "../../../ports/dump.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { reporting } from "../native/progress-stream.ts";
import { streamContent } from "./content.ts";
import type { PlainDump } from "./scan.ts";
import { partOf, partsOf, withoutGuards } from "./sql-dump.ts";

/** Roles and tablespaces take no more, in bytes. */
const globalsLimit = 64 * 1024 * 1024;

/** Opens what pg_dump or pg_dumpall left in a place. `all`: every dump there, among which those with its roles may be. */
export async function openPlainDump(
  store: ObjectStore,
  dump: PlainDump,
  all: readonly PlainDump[],
  point: RecoveryPoint,
): Promise<DumpReader> {
  const content = (): AsyncIterable<Uint8Array> => streamContent(store, dump.key);
  const cluster = dump.format === "cluster" ? await partsOf(content(), globalsLimit) : null;
  const names = cluster?.databases ?? [dump.database ?? ""];
  if (names.length === 0)
    throw new PgrescueError("precondition-refused", `${dump.key} holds roles and tablespaces only, no database`, {
      next: "Choose the dump of a database that lies beside it.",
    });
  return {
    point,
    clientVersion: null,
    databases: names.map((name) => described(name, dump)),
    failed: [],
    archive: ({ name }) => {
      if (dump.format === "cluster") return partOf(content(), name);
      return dump.format === "plain" ? withoutGuards(content()) : content();
    },
    ...(dump.format === "directory" ? { files: () => filesOf(store, dump) } : {}),
    globals: async () => cluster?.globals ?? (await rolesBeside(store, dump, all)),
    includes: [],
    include: () => Promise.resolve(null),
    catalog: () => Promise.resolve(null),
    verify: (signal) =>
      reporting(signal, async (report, stop) => {
        let done = 0;
        for (const key of await keysOf(store, dump))
          for await (const chunk of streamContent(store, key)) {
            stop.throwIfAborted();
            report({ done: (done += chunk.length), total: null, unit: "bytes", doing: `reading ${key}` });
          }
      }),
  };
}

function described(name: string, dump: PlainDump): DumpedDatabase {
  return {
    name,
    oid: 0,
    encoding: "",
    bytes: 0,
    format: dump.format,
    object: dump.key,
    catalog: null,
    filters: { schemas: [], excludeSchemas: [], tables: [], excludeTables: [] },
  };
}

/**
 * The roles that were dumped with it: pg_dumpall --globals-only or --roles-only in the same folder, as Azure Backup's restore
 * as files leaves them (roles.sql). null: there are none.
 */
async function rolesBeside(store: ObjectStore, dump: PlainDump, all: readonly PlainDump[]): Promise<string | null> {
  const folder = folderOf(dump.format === "directory" ? dump.id : dump.key);
  const beside = all.filter((other) => other.format === "cluster" && folderOf(other.key) === folder);
  const roles = beside.find(({ key }) => /(?:^|\/)(?:roles|globals)\.[^/]*$/.test(key)) ?? beside[0];
  if (roles === undefined) return null;
  return (await partsOf(streamContent(store, roles.key), globalsLimit)).globals;
}

function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf("/") + 1);
}

async function keysOf(store: ObjectStore, dump: PlainDump): Promise<readonly string[]> {
  if (dump.format !== "directory") return [dump.key];
  const keys: string[] = [];
  for await (const { key } of store.list(folderOf(dump.key))) keys.push(key);
  return keys;
}

/** The files of a directory archive, as pg_restore reads them: their own compression is its business. */
async function* filesOf(store: ObjectStore, dump: PlainDump): AsyncIterable<DumpFile> {
  const folder = folderOf(dump.key);
  for (const key of await keysOf(store, dump)) {
    const name = key.slice(folder.length);
    // Names come from storage: a directory archive is flat.
    if (!/^[A-Za-z0-9._-]+$/.test(name) || name.startsWith(".")) continue;
    yield { name, content: store.read(key) };
  }
}
