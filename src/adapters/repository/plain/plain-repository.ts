import { PgrescueError } from "../../../domain/errors.ts";
import type { RecoveryPoint } from "../../../domain/recovery-point.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import type { BackupMember, BackupReader, Repository } from "../../../ports/repository.ts";
import { readerOf, tarMembers } from "../../system/tar-stream.ts";
import type { OpenRepository } from "../format.ts";
import { reporting } from "../native/progress-stream.ts";
import { readContent, streamContent } from "./content.ts";
import { openPlainDump } from "./dump-reader.ts";
import { brokenTar, factsOf, segmentInside, type BackupFacts } from "./facts.ts";
import { pointOfBackup, pointOfDump } from "./points.ts";
import { restorePlain } from "./restore.ts";
import { scan, type PlainBackup, type PlainContents } from "./scan.ts";
import { plainWal } from "./wal.ts";

interface Looked {
  readonly contents: PlainContents;
  readonly backups: readonly { readonly backup: PlainBackup; readonly facts: BackupFacts }[];
}

/** How long what a listing showed is believed, in milliseconds: one command asks several times. */
const believed = 30_000;

/**
 * What pg_basebackup, pg_dump, cp and their like have left in a place: read, never written. Backups have no cluster's name
 * there; they bear the one that is asked for.
 */
export function openPlainRepository({ name, url, store, cluster = "postgres" }: OpenRepository): Repository {
  let looking: Promise<Looked> | null = null;
  let lookedAt = 0;

  function look(): Promise<Looked> {
    const now = performance.now();
    if (looking === null || now - lookedAt > believed) {
      lookedAt = now;
      looking = lookThrough(store);
      looking.catch(() => (looking = null));
    }
    return looking;
  }

  async function points(): Promise<readonly RecoveryPoint[]> {
    const { contents, backups } = await look();
    const place = { repository: name, cluster };
    return [
      ...backups.map(({ backup, facts }) => pointOfBackup(backup, facts, place)),
      ...contents.dumps.map((dump) => pointOfDump(dump, place)),
    ].sort((a, b) => (a.finishedAt < b.finishedAt ? -1 : a.finishedAt > b.finishedAt ? 1 : 0));
  }

  const refuse = (): never => {
    throw new PgrescueError("precondition-refused", `${url} is not a repository of pgrescue's: it is only read`, {
      next: "Give pgrescue a repository of its own: another URL, made by `pgrescue init` or by the first backup.",
    });
  };

  return {
    name,
    url,
    format: "plain",
    readOnly: true,
    systems: async function* systems() {
      const { contents, backups } = await look();
      const found = new Set([
        ...backups.map(({ facts }) => facts.systemIdentifier ?? ""),
        ...contents.wal.map((place) => place.systemIdentifier),
      ]);
      for (const systemIdentifier of found) yield { cluster, systemIdentifier };
    },
    points: async function* filtered(filter = {}) {
      for (const point of await points()) {
        if (filter.cluster !== undefined && filter.cluster !== point.cluster) continue;
        if (filter.systemIdentifier !== undefined && filter.systemIdentifier !== point.systemIdentifier) continue;
        yield point;
      }
    },
    wal: (_cluster, systemIdentifier) => {
      const archive = look().then(({ contents }) => plainWal(store, contents.wal, systemIdentifier));
      archive.catch(() => undefined);
      return {
        inventory: async () => (await archive).inventory(),
        fetch: async (file) => (await archive).fetch(file),
        has: async (file) => (await archive).has(file),
        store: async (file, content) => (await archive).store(file, content),
      };
    },
    openBackup: async (point) => {
      const found = (await look()).backups.find(({ backup }) => backup.id === point.id);
      if (found === undefined)
        throw new PgrescueError(
          point.kind === "dump" ? "precondition-refused" : "damaged-data",
          point.kind === "dump"
            ? `${point.id} is a dump: it has no files of a server`
            : `${point.id} is not in ${url} any more`,
        );
      return reader(store, found.backup, point);
    },
    openDump: async (point) => {
      const { dumps } = (await look()).contents;
      const found = dumps.find(({ id }) => id === point.id);
      if (found === undefined) throw new PgrescueError("damaged-data", `${point.id} is not in ${url} any more`);
      return openPlainDump(store, found, dumps, point);
    },
    beginBackup: async () => Promise.resolve(refuse()),
    recordRun: () => Promise.resolve(),
  };
}

async function lookThrough(store: ObjectStore): Promise<Looked> {
  const contents = await scan(store);
  const backups: { backup: PlainBackup; facts: BackupFacts }[] = [];
  for (const backup of contents.backups) backups.push({ backup, facts: await factsOf(store, backup, contents.wal) });
  return { contents, backups };
}

function reader(store: ObjectStore, backup: PlainBackup, point: RecoveryPoint): BackupReader {
  const archives = [
    ...backup.tablespaces.flatMap(({ oid, key }) => (key === null ? [] : [{ archive: String(oid), key }])),
    ...(backup.base === null ? [] : [{ archive: "base", key: backup.base }]),
  ];
  return {
    point,
    members: async function* members() {
      for (const { archive, key } of archives) yield* membersOf(store, archive, key);
      if (backup.base !== null) return;
      for await (const { key, size } of store.list(backup.folder))
        yield { archive: "base", path: key.slice(backup.folder.length), type: "file", size, mode: 0o600, mtime: 0 };
    },
    manifest: () => (backup.manifest === null ? Promise.resolve(null) : readContent(store, backup.manifest, 2 ** 30)),
    hasManifest: () => Promise.resolve(backup.manifest !== null),
    includes: [],
    include: () => Promise.resolve(null),
    catalog: () => Promise.resolve(null),
    wal: (file) =>
      backup.walTar === null
        ? Promise.resolve(null)
        : segmentInside(store, backup.walTar, file, point.systemIdentifier),
    restore: (request) =>
      reporting(request.signal, (report, signal) => restorePlain({ store, backup, point, request }, report, signal)),
    verify: (signal) =>
      reporting(signal, async (report, stop) => {
        let done = 0;
        const seen = (bytes: number): void => {
          stop.throwIfAborted();
          report({ done: (done += bytes), total: backup.storedBytes, unit: "bytes", doing: `reading ${backup.id}` });
        };
        for (const { key } of archives)
          for await (const _ of tarMembers(readerOf(streamContent(store, key, seen)), brokenTar(key)))
            stop.throwIfAborted();
        if (backup.base !== null) return;
        for await (const { key } of store.list(backup.folder))
          for await (const chunk of store.read(key)) seen(chunk.length);
      }),
  };
}

async function* membersOf(store: ObjectStore, archive: string, key: string): AsyncIterable<BackupMember> {
  for await (const member of tarMembers(readerOf(streamContent(store, key)), brokenTar(key))) {
    const { path, type, size, attributes, target } = member;
    yield { archive, path, type, size, ...attributes, ...(type === "link" ? { link: target } : {}) };
  }
}
