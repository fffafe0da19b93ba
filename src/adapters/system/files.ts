import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import {
  access,
  copyFile,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  stat,
  statfs,
  symlink,
} from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import type { FileFacts, Files } from "../../ports/files.ts";
import { syncDirectory, writeFileDurably } from "./durable-file.ts";
import { removeEmpty, removeOwn } from "./remove.ts";

const textLimit = 16 * 1024 * 1024;

/** The local file system behind the Files port. */
export function createFiles(): Files {
  return {
    facts,
    list,
    read,
    readBytes,
    write,
    copy,
    makeDirectory,
    move,
    link,
    removeOwn,
    removeEmpty,
    resolve: resolveLinks,
    space,
  };
}

async function facts(path: string): Promise<FileFacts | null> {
  return orNull(path, async () => {
    const info = await lstat(path);
    const kind = info.isSymbolicLink() ? "link" : info.isDirectory() ? "directory" : info.isFile() ? "file" : "other";
    return {
      kind,
      size: info.size,
      mode: info.mode & 0o7777,
      uid: info.uid,
      device: info.dev,
      target: kind === "link" ? resolve(dirname(path), await readlink(path)) : null,
      mountPoint: kind === "directory" && (await isMountPoint(path)),
    };
  });
}

async function list(directory: string): Promise<readonly string[] | null> {
  return orNull(directory, async () => (await readdir(directory)).sort());
}

async function read(path: string): Promise<string | null> {
  return orNull(path, async () => {
    const { size } = await stat(path);
    if (size > textLimit)
      throw new PgrescueError("external-failure", `${path} has ${size} bytes, more than a text we read`);
    return readFile(path, "utf8");
  });
}

async function readBytes(path: string, offset: number, length: number): Promise<Uint8Array | null> {
  return orNull(path, async () => {
    const file = await open(path, "r");
    try {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    } finally {
      await file.close();
    }
  });
}

async function write(path: string, content: string | Uint8Array, mode?: number): Promise<void> {
  await named(`cannot write ${path}`, () => writeFileDurably(path, content, mode));
}

async function copy(from: string, to: string): Promise<void> {
  await named(`cannot copy ${from} to ${to}`, async () => {
    const temporary = `${to}.${randomBytes(6).toString("hex")}.tmp`;
    try {
      await copyFile(from, temporary, constants.COPYFILE_EXCL);
      const file = await open(temporary, "r+");
      try {
        await file.chmod(0o600);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, to);
    } catch (error) {
      await removeOwn(temporary, { within: dirname(to) });
      throw error;
    }
    await syncDirectory(dirname(to));
  });
}

async function makeDirectory(path: string, mode = 0o700): Promise<void> {
  await named(`cannot make the directory ${path}`, async () => {
    const last = resolve(path);
    const first = await mkdir(last, { recursive: true, mode });
    if (first === undefined) return;
    for (let made = last; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
  });
}

async function move(from: string, to: string): Promise<void> {
  await named(`cannot move ${from} to ${to}`, async () => {
    if ((await facts(to)) !== null) throw new Error("it exists already");
    await rename(from, to);
    await syncDirectory(dirname(from));
    if (dirname(to) !== dirname(from)) await syncDirectory(dirname(to));
  });
}

async function link(target: string, path: string): Promise<void> {
  await named(`cannot link ${path} to ${target}`, async () => {
    const before = await facts(path);
    if (before !== null && before.kind !== "link") throw new Error("it exists and is no symbolic link");
    const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
    await symlink(target, temporary);
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  });
}

async function resolveLinks(path: string): Promise<string> {
  const rest: string[] = [];
  for (let at = resolve(path); ; at = dirname(at)) {
    const real = await realpath(at).catch(() => null);
    if (real !== null) return join(real, ...rest);
    if (at === dirname(at)) return resolve(path);
    rest.unshift(basename(at));
  }
}

async function space(path: string): Promise<{ free: number; device: number; at: string; writable: boolean }> {
  for (let at = resolve(path); ; at = dirname(at)) {
    const info = await stat(at).catch(() => null);
    if (info === null && at !== dirname(at)) continue;
    return named(`cannot look at the file system of ${path}`, async () => {
      const fs = await statfs(at);
      const writable = await access(at, constants.W_OK | constants.X_OK).then(
        () => true,
        () => false,
      );
      return { free: fs.bavail * fs.bsize, device: (info ?? (await stat(at))).dev, at, writable };
    });
  }
}

async function isMountPoint(path: string): Promise<boolean> {
  const mounts = await readFile("/proc/self/mountinfo", "utf8").catch(() => "");
  const real = await realpath(path);
  // The fifth field is the mount point, with spaces and backslashes as \040 and so on.
  return mounts.split("\n").some((line) => unescapeOctal(line.split(" ")[4] ?? "") === real);
}

function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 8)));
}

async function orNull<T>(path: string, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (isAbsence(error)) return null;
    if (error instanceof PgrescueError) throw error;
    throw new PgrescueError("external-failure", `cannot look at ${path}: ${messageOf(error)}`, { cause: error });
  }
}

async function named<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PgrescueError) throw error;
    throw new PgrescueError("external-failure", `${what}: ${messageOf(error)}`, { cause: error });
  }
}

function isAbsence(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOENT" || code === "ENOTDIR";
}
