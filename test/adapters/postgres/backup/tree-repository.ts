import { mkdir, open, readdir, readFile, symlink, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { RecoveryPoint } from "../../../../src/domain/recovery-point.ts";
import { segmentNumberOf } from "../../../../src/domain/segment.ts";
import type { ArchiveWriter, BackupWriter, Repository, WalArchive } from "../../../../src/ports/repository.ts";

/** A repository for tests that keeps a backup as plain files: what is written is at once a restored tree. */
export interface TreeRepository {
  readonly repository: Repository;
  /** Where the archives of the last backup were written: base, and one directory per tablespace oid. */
  readonly tree: string;
  readonly committed: RecoveryPoint[];
  readonly aborted: string[];
}

/** `walDirectory`: where the server's archive_command copies segments to. */
export function treeRepository(directory: string, walDirectory: string): TreeRepository {
  const committed: RecoveryPoint[] = [];
  const aborted: string[] = [];
  const tree = join(directory, "tree");
  const wal: WalArchive = {
    has: async (name) => (await walFiles(walDirectory)).includes(name),
    store: async (name, content) => {
      await writeFile(join(walDirectory, name), content);
      return "stored";
    },
    fetch: (name) => readFile(join(walDirectory, name)),
    inventory: async () => ({
      systemIdentifier: "",
      segmentSize: 16 * 1024 * 1024,
      histories: [],
      others: [],
      ranges: (await walFiles(walDirectory)).flatMap((name) => {
        const at = segmentNumberOf(name, 16 * 1024 * 1024);
        return at === null ? [] : [{ timeline: 1, from: at, until: at }];
      }),
    }),
  };
  const unsupported = (): never => {
    throw new Error("the test's repository cannot do this");
  };
  return {
    tree,
    committed,
    aborted,
    repository: {
      name: "test",
      url: `file://${directory}`,
      format: "tree",
      readOnly: false,
      systems: unsupported,
      openBackup: unsupported,
      recordRun: unsupported,
      async *points() {
        yield* committed;
      },
      wal: () => wal,
      beginBackup: async (header): Promise<BackupWriter> => {
        await mkdir(tree, { recursive: true });
        const put = async (path: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> => {
          await mkdir(dirname(join(tree, path)), { recursive: true });
          const handle = await open(join(tree, path), "w");
          for await (const chunk of chunks) await handle.write(chunk);
          await handle.close();
        };
        let walIncluded = false;
        return {
          id: "backup-1",
          archive: async (name) => treeArchive(join(tree, name)),
          put,
          putInclude: () => Promise.resolve(),
          putWal: async (name, content) => {
            walIncluded = true;
            await put(`wal/${name}`, [content]);
          },
          commit: async (end) => {
            const point: RecoveryPoint = {
              id: "backup-1",
              kind: "base",
              format: "tree",
              repository: "test",
              cluster: header.cluster,
              status: "ok",
              systemIdentifier: header.systemIdentifier,
              postgresVersion: header.postgresVersion,
              timeline: end.timeline,
              startedAt: header.startedAt,
              finishedAt: end.finishedAt,
              startLsn: end.startLsn,
              stopLsn: end.stopLsn,
              segmentSize: header.segmentSize,
              bytes: end.bytes,
              storedBytes: end.bytes,
              encrypted: false,
              tablespaces: end.tablespaces,
              walIncluded,
              run: header.run,
              warnings: end.warnings ?? [],
            };
            committed.push(point);
            return point;
          },
          abort: async () => {
            aborted.push(header.run);
          },
        };
      },
    },
  };
}

async function walFiles(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch(() => []);
}

async function treeArchive(root: string): Promise<ArchiveWriter> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  return {
    directory: async (path, { mode }) => {
      await mkdir(join(root, path), { mode });
    },
    link: async (path, target) => {
      await symlink(target, join(root, path));
    },
    file: async (path, size, { mode, mtime }, fill) => {
      await using handle = await open(join(root, path), "wx", mode);
      // An odd size: pages straddle the pieces, as they do in frames.
      const buffer = new Uint8Array(1_000_448);
      for (let left = size; left > 0;) {
        const count = await fill(buffer.subarray(0, Math.min(left, buffer.length)));
        if (count === 0) {
          await handle.truncate(size);
          break;
        }
        await handle.write(buffer, 0, count);
        left -= count;
      }
      await utimes(join(root, path), mtime, mtime);
    },
    finish: async () => undefined,
  };
}
