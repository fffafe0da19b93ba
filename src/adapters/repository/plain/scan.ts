import { readBackupLabel, type BackupLabel } from "../../../domain/backup-label.ts";
import type { Instant } from "../../../domain/instant.ts";
import type { ObjectInfo, ObjectStore } from "../../../ports/object-store.ts";
import { inParallel } from "../native/parallel.ts";
import { kindOf, tellingLength, type ContentKind, type DumpFacts } from "./kinds.ts";
import { walPlaces, type WalPlace } from "./wal.ts";
import { WalListing, walObject } from "./wal-names.ts";
import { unwrapHead, wrappingOf } from "./wrapping.ts";

/** A base backup of pg_basebackup's: tar archives, or the files themselves. */
export interface PlainBackup {
  readonly id: string;
  /** Where it lies, with the slash at the end; "" is the root. */
  readonly folder: string;
  readonly label: BackupLabel;
  /** Key of the tar of PGDATA; null: `folder` holds the files themselves. */
  readonly base: string | null;
  /** Tablespaces by oid: key of the tar, and the place on the host that was backed up, as tablespace_map says. */
  readonly tablespaces: readonly { readonly oid: number; readonly key: string | null; readonly location: string }[];
  readonly walTar: string | null;
  readonly manifest: string | null;
  readonly storedBytes: number;
  /** Of the newest object: informative. */
  readonly modifiedAt: Instant;
}

export interface PlainDump extends DumpFacts {
  readonly id: string;
  readonly key: string;
  readonly storedBytes: number;
  readonly modifiedAt: Instant;
}

/** What lies in a store that nobody wrote down. */
export interface PlainContents {
  readonly backups: readonly PlainBackup[];
  readonly dumps: readonly PlainDump[];
  readonly wal: readonly WalPlace[];
  readonly warnings: readonly string[];
}

/** More objects of unknown kind than this are not looked into. */
const mostLookedInto = 20_000;
/** Files of a data directory that need no look: relations and what PostgreSQL keeps beside them. */
const dataFile =
  /(?:^|\/)(?:\d+(?:_(?:fsm|vm|init))?(?:\.\d+)?|PG_VERSION|pg_filenode\.map|pg_internal\.init|\d+\.dat(?:\.\w+)?)$/;

/** Looks through a store: one listing, and the beginning of each object whose name does not say enough. */
export async function scan(store: ObjectStore): Promise<PlainContents> {
  const wal = new WalListing();
  const roots = new Set<string>();
  const unknown: ObjectInfo[] = [];
  const warnings: string[] = [];
  for await (const object of store.list("")) {
    const segment = walObject(object.key, object.size);
    if (segment !== null) wal.add(segment);
    else if (/(?:^|\/)backup_label$/.test(object.key)) roots.add(object.key.slice(0, -"backup_label".length));
    else if (object.size > 0 && !dataFile.test(object.key) && object.archived !== true) {
      if (unknown.length < mostLookedInto) unknown.push(object);
      else if (unknown.length === mostLookedInto)
        warnings.push(`only the first ${mostLookedInto} objects were looked into`);
    }
  }
  const trees = [...roots].filter((root) => ![...roots].some((other) => other !== root && root.startsWith(other)));
  const outside = unknown.filter(({ key }) => !trees.some((root) => key.startsWith(root)));
  const known = new Map<ObjectInfo, ContentKind>();
  await inParallel(outside, 8, async (object) => {
    known.set(object, await lookInto(store, object));
  });
  const places = await walPlaces(store, wal.runs, wal.others);
  const files = await Promise.all(trees.map((root) => filesBackup(store, root)));
  return {
    backups: [...tarBackups(outside, known), ...files.filter((backup) => backup !== null)],
    dumps: dumpsAmong(outside, known),
    wal: places.places,
    warnings: [...warnings, ...places.warnings],
  };
}

async function lookInto(store: ObjectStore, { key, size }: ObjectInfo): Promise<ContentKind> {
  const head = await store.get(key, { offset: 0, length: Math.min(size, tellingLength) });
  if (head === null) return { kind: "other" };
  const wrapping = wrappingOf(head);
  if (wrapping === "bzip2" || wrapping === "xz") return { kind: "other" };
  const content = wrapping === "none" ? Buffer.from(head) : await unwrapHead(head, wrapping);
  const kind = kindOf(content.subarray(0, 1024 * 1024));
  const isDirectory = kind.kind === "dump" && /(?:^|\/)toc\.dat(?:\.\w+)?$/.test(key);
  return isDirectory ? { kind: "dump", facts: { ...kind.facts, format: "directory" } } : kind;
}

function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf("/") + 1);
}

/** What belongs to a base archive lies beside it, where that is the only one in its folder. */
function tarBackups(objects: readonly ObjectInfo[], known: ReadonlyMap<ObjectInfo, ContentKind>): PlainBackup[] {
  const bases = objects.filter((object) => known.get(object)?.kind === "base-tar");
  return bases.flatMap((base) => {
    const kind = known.get(base);
    const label = kind?.kind === "base-tar" ? readBackupLabel(kind.label) : null;
    if (kind?.kind !== "base-tar" || label === null) return [];
    const folder = folderOf(base.key);
    const isAlone = bases.filter((other) => folderOf(other.key) === folder).length === 1;
    const beside = isAlone ? objects.filter((object) => folderOf(object.key) === folder) : [];
    const of = (wanted: ContentKind["kind"]): readonly ObjectInfo[] =>
      beside.filter((o) => known.get(o)?.kind === wanted);
    const spaces = of("tablespace-tar");
    const [walTar] = of("wal-tar");
    const [manifest] = of("manifest");
    const parts = [
      base,
      ...spaces,
      ...(walTar === undefined ? [] : [walTar]),
      ...(manifest === undefined ? [] : [manifest]),
    ];
    return [
      {
        id: isAlone && folder !== "" ? folder.slice(0, -1) : base.key,
        folder,
        label,
        base: base.key,
        tablespaces: tablespacesIn(kind.tablespaces).map(({ oid, location }) => ({
          oid,
          location,
          key: spaces.find(({ key }) => key.slice(folder.length).startsWith(`${oid}.`))?.key ?? null,
        })),
        walTar: walTar?.key ?? null,
        manifest: manifest?.key ?? null,
        storedBytes: parts.reduce((sum, part) => sum + part.size, 0),
        modifiedAt: newest(parts),
      },
    ];
  });
}

/** A data directory that was copied file by file; null where its control file is missing: a copy that was cut off, or none. */
async function filesBackup(store: ObjectStore, folder: string): Promise<PlainBackup | null> {
  const text = await store.get(`${folder}backup_label`);
  const label = text === null ? null : readBackupLabel(new TextDecoder().decode(text));
  if (label === null || (await store.head(`${folder}global/pg_control`)) === null) return null;
  let storedBytes = 0;
  let modifiedAt: Instant | null = null;
  for await (const object of store.list(folder)) {
    storedBytes += object.size;
    if (modifiedAt === null || object.modifiedAt > modifiedAt) ({ modifiedAt } = object);
  }
  if (modifiedAt === null) return null;
  const manifest = (await store.head(`${folder}backup_manifest`)) === null ? null : `${folder}backup_manifest`;
  return {
    id: folder === "" ? "files" : folder.slice(0, -1),
    folder,
    label,
    base: null,
    tablespaces: [],
    walTar: null,
    manifest,
    storedBytes,
    modifiedAt,
  };
}

/** tablespace_map: an oid and a directory a line; line breaks and backslashes in it are escaped. */
function tablespacesIn(map: string): readonly { readonly oid: number; readonly location: string }[] {
  return map.split("\n").flatMap((line) => {
    const m = /^(\d+) (.+)$/.exec(line);
    return m === null ? [] : [{ oid: Number(m[1]), location: (m[2] ?? "").replaceAll(/\\(.)/g, "$1") }];
  });
}

function dumpsAmong(objects: readonly ObjectInfo[], known: ReadonlyMap<ObjectInfo, ContentKind>): PlainDump[] {
  return objects.flatMap((object) => {
    const kind = known.get(object);
    if (kind?.kind !== "dump") return [];
    const folder = folderOf(object.key);
    const id = kind.facts.format === "directory" && folder !== "" ? folder.slice(0, -1) : object.key;
    return [{ ...kind.facts, id, key: object.key, storedBytes: object.size, modifiedAt: object.modifiedAt }];
  });
}

function newest(objects: readonly ObjectInfo[]): Instant {
  return objects.map((object) => object.modifiedAt).reduce((a, b) => (a > b ? a : b));
}
