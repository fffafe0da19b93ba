import { constants } from "node:fs";
import { mkdir, open, readFile, realpath, type FileHandle } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { PgrescueError } from "../../domain/errors.ts";
import { instantFromMilliseconds } from "../../domain/instant.ts";
import type { Backend, ByteRange, Metadata, ObjectStore } from "../../ports/object-store.ts";
import { storeError, systemCode } from "./local-errors.ts";
import { metadataSuffix, pathOf, refuseLinks } from "./local-keys.ts";
import { listDirectory } from "./local-list.ts";
import { openLocalWriter } from "./local-object-writer.ts";
import { observeFile, replaceFile } from "./local-replacing.ts";
import { sweepDirectory } from "./local-sweep.ts";
import { publish, publishIfAbsent, removeObject, requireRoot, writeTemporary } from "./local-writing.ts";

const readSize = 1024 * 1024;

/** A directory: `file:///var/backups/pg` or the plain absolute path. `options.create` makes a root that is missing. */
export const backend: Backend = {
  schemes: ["file"],
  open: async (url, options) => {
    const path = directoryOf(url);
    if (options["create"] === true) {
      await mkdir(path, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
        throw storeError(error, `making ${path}`);
      });
    }
    return openLocalStore(path);
  },
};

/** The directory that a `file:` URL or plain path names; throws `config` for another form. */
export function directoryOf(url: string): string {
  if (isAbsolute(url)) return resolve(url);
  try {
    return resolve(fileURLToPath(url));
  } catch (cause) {
    throw new PgrescueError("config", `${url} names no directory`, {
      cause,
      next: "Write it as an absolute path or as file:///path/to/directory.",
    });
  }
}

/** Opens a directory that must exist as a store; objects are plain files below it. Throws `repository-not-found`. */
export async function openLocalStore(directory: string): Promise<ObjectStore> {
  await requireRoot(directory);
  const root = await realpath(directory);

  /** Runs `work` on a key's path; absence is null, but only while the root itself is there. */
  async function at<T>(doing: string, key: string, work: (path: string) => Promise<T>): Promise<T | null> {
    const path = pathOf(root, key);
    try {
      await refuseLinks(root, path);
      return await work(path);
    } catch (error) {
      if (!["ENOENT", "ENOTDIR", "EISDIR"].includes(systemCode(error))) throw storeError(error, `${doing} ${path}`);
      await requireRoot(root);
      return null;
    }
  }

  async function* read(key: string, range?: ByteRange): AsyncIterable<Uint8Array> {
    const opened = await at("reading", key, openFile);
    if (opened === null) throw new PgrescueError("store-failure", `there is no object ${key} in ${root}`);
    await using handle = opened;
    let { offset, length } = range ?? { offset: 0, length: Number.POSITIVE_INFINITY };
    while (length > 0) {
      const chunk = await readAt(handle, offset, Math.min(readSize, length)).catch((error: unknown) => {
        throw storeError(error, `reading ${key}`);
      });
      if (chunk.length === 0 && range !== undefined) throw tooShort(key, range);
      if (chunk.length === 0) return;
      offset += chunk.length;
      length -= chunk.length;
      yield chunk;
    }
  }

  return {
    url: pathToFileURL(root).href,
    read,
    list: async function* list(prefix, { startAfter = "" } = {}) {
      await requireRoot(root);
      yield* listDirectory(root, prefix, startAfter);
    },
    head: (key) =>
      at("looking at", key, async (path) => {
        await using handle = await openFile(path);
        const { size, mtimeMs } = await handle.stat();
        return { key, size, modifiedAt: instantFromMilliseconds(mtimeMs), metadata: await readMetadata(path) };
      }),
    get: (key, range) =>
      at("reading", key, async (path) => {
        await using handle = await openFile(path);
        if (range === undefined) return handle.readFile();
        const bytes = await readAt(handle, range.offset, range.length);
        if (bytes.length !== range.length) throw tooShort(key, range);
        return bytes;
      }),
    put: (key, bytes, { ifAbsent = false, metadata } = {}) =>
      changing("writing", key, async (path) => {
        const temporary = await writeTemporary(root, path, bytes);
        if (ifAbsent) return publishIfAbsent(root, temporary, path, metadata);
        await publish(root, temporary, path, metadata);
        return "stored";
      }),
    observe: (key) => at("looking at", key, observeFile),
    replace: (key, bytes, version) => at("replacing", key, (path) => replaceFile(root, path, bytes, version)),
    write: (key, { metadata } = {}) => changing("writing", key, (path) => openLocalWriter(root, path, metadata)),
    delete: async (key) => {
      await at("deleting", key, (path) => removeObject(root, path));
    },
    sweep: (before) => sweepDirectory(root, before),
  };

  async function changing<T>(doing: string, key: string, work: (path: string) => Promise<T>): Promise<T> {
    const path = pathOf(root, key);
    try {
      return await work(path);
    } catch (error) {
      throw storeError(error, `${doing} ${path}`);
    }
  }
}

async function openFile(path: string): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw Object.assign(new Error(`${path} is not a plain file`), { code: "EISDIR" });
}

/** At most `length` bytes; fewer only at the end of the file. */
async function readAt(handle: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

async function readMetadata(path: string): Promise<Metadata> {
  try {
    const found: unknown = JSON.parse(await readFile(path + metadataSuffix, "utf8"));
    if (typeof found !== "object" || found === null) return {};
    return Object.fromEntries(
      Object.entries(found).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
    );
  } catch (error) {
    if (systemCode(error) === "ENOENT") return {};
    throw error;
  }
}

function tooShort(key: string, range: ByteRange): PgrescueError {
  return new PgrescueError("damaged-data", `${key} ends before byte ${range.offset + range.length}`);
}
