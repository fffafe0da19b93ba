import { spawn } from "node:child_process";
import { hash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { appendFile, mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import { expect, it } from "vitest";
import { beginNativeBackup } from "../../../src/adapters/repository/native/backup-writer.ts";
import { openNativeRepository } from "../../../src/adapters/repository/native/repository.ts";
import { openStore } from "../../../src/adapters/storage/registry.ts";
import type { RecoveryPoint } from "../../../src/domain/recovery-point.ts";
import { restoreMarker } from "../../../src/domain/restore-marker.ts";
import type { ArchiveWriter, BackupReader } from "../../../src/ports/repository.ts";
import { collect } from "../../support/collect.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { makeClusterDirectory } from "./cluster-directory.ts";
import { backupDirectory, end, header } from "./directory-backup.ts";
import { describeTree } from "./tree.ts";

const never = new AbortController().signal;
const frameSize = 65_536;
const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

it("goes on after being killed at any moment, to the exact tree", async () => {
  await using world = await makeWorld(
    { "base/1/big": randomBytes(30_000_000), "base/1/big2": randomBytes(5_000_000) },
    256 * 1024,
  );
  const expected = await describeTree(world.data);
  const target = join(world.path, "restored");
  let kills = 0;
  for (let milliseconds = 150; ; milliseconds += 40) {
    const child = spawn(process.execPath, [join(import.meta.dirname, "restore-process.ts"), world.repository, target], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const ended = once(child, "exit") as Promise<[number | null, string | null]>;
    await Promise.race([ended, delay(milliseconds)]);
    child.kill("SIGKILL");
    const [code] = await ended;
    if (code === 0) break;
    kills++;
    const names = await namesIn(target);
    if (names.length > 0 && names.includes("global")) {
      const hasControlFile = (await readdir(join(target, "global"))).includes("pg_control");
      const hasMarker = names.includes(restoreMarker);
      // Either it is marked as unfinished and cannot start, or it is on its very last steps, or whole.
      expect(hasMarker || hasControlFile).toBe(true);
      if (hasControlFile) expect(await describeTree(target, [restoreMarker])).toEqual(expected);
      // Killed between its last step and its exit: it is whole, and a whole directory is nobody's to write again.
      if (hasControlFile && !hasMarker) break;
    }
  }
  expect(kills).toBeGreaterThan(0);
  expect(await describeTree(target)).toEqual(expected);
});

it("keeps what is whole when it goes on, and writes again what somebody took away", async () => {
  await using world = await makeWorld();
  const target = join(world.path, "restored");
  const controller = new AbortController();
  await interruptAfter(world.reader, target, controller);
  expect(await readdir(target)).toContain(restoreMarker);
  expect(await namesIn(join(target, "global"))).not.toContain("pg_control");
  // As if a checkpoint had been noted, with one of its files gone.
  await appendFile(join(target, restoreMarker), "base 2\n");
  await rm(join(target, "PG_VERSION"), { force: true });
  await restore(world.reader, target);
  expect(await describeTree(target)).toEqual(await describeTree(world.data));
});

it("does not write again what an earlier attempt had noted as durable", async () => {
  await using temporary = await temporaryDirectory();
  const target = join(temporary.path, "out");
  const reader = await backupOf(temporary.path, (archive) =>
    archive.file("a", 5, { mode: 0o600, mtime: 0 }, async (into) => into.fill(65).length),
  );
  const lacksControlFile = { code: "damaged-data", message: "the backup holds no global/pg_control" };
  await expect(restore(reader, target)).rejects.toMatchObject(lacksControlFile);
  await writeFile(join(target, "a"), "BBBBB");
  await expect(restore(reader, target)).rejects.toMatchObject(lacksControlFile);
  expect(await readFile(join(target, "a"), "utf8")).toBe("BBBBB");
  await truncate(join(target, "a"), 4);
  await expect(restore(reader, target)).rejects.toMatchObject(lacksControlFile);
  expect(await readFile(join(target, "a"), "utf8")).toBe("AAAAA");
});

it("refuses a directory with other things, or with an unfinished restore of another backup, unchanged", async () => {
  await using world = await makeWorld();
  const target = join(world.path, "restored");
  await mkdir(target, { mode: 0o755 });
  await writeFile(join(target, "precious"), "data");
  await expect(restore(world.reader, target)).rejects.toMatchObject({ code: "precondition-refused" });
  expect(await readdir(target)).toEqual(["precious"]);
  await rename(join(target, "precious"), join(target, restoreMarker));
  await expect(restore(world.reader, target)).rejects.toMatchObject({
    code: "precondition-refused",
    message: expect.stringContaining("another backup") as string,
  });
  await rm(join(target, restoreMarker));
  await restore(world.reader, target);
  await expect(restore(world.reader, target)).rejects.toMatchObject({ code: "precondition-refused" });
});

it("names a damaged frame, a cut-off archive, a missing object, a damaged index", async () => {
  await using world = await makeWorld();
  const archive = join(world.folder, "base.tar.zst");
  const whole = await readFile(archive);
  const flipped = Buffer.from(whole);
  flipped[400_000] = (flipped[400_000] ?? 0) ^ 1;
  await writeFile(archive, flipped);
  await expect(restore(world.reader, join(world.path, "1"))).rejects.toMatchObject({
    code: "damaged-data",
    message: expect.stringMatching(/^frame \d+ of shop.*base\.tar\.zst is not what was written/) as string,
  });
  expect(await readdir(join(world.path, "1"))).toContain(restoreMarker);
  await expect(collect(world.reader.verify(never))).rejects.toMatchObject({
    code: "damaged-data",
    message: expect.stringContaining("base.tar.zst") as string,
  });
  await writeFile(archive, whole);
  await truncate(archive, 500_000);
  await expect(restore(world.reader, join(world.path, "2"))).rejects.toMatchObject({
    code: "damaged-data",
    message: expect.stringContaining("cut off") as string,
  });
  await rm(archive);
  await expect(restore(world.reader, join(world.path, "3"))).rejects.toMatchObject({
    code: "damaged-data",
    message: expect.stringContaining("missing") as string,
  });
  await expect(collect(world.reader.verify(never))).rejects.toMatchObject({
    code: "damaged-data",
    message: expect.stringContaining("missing") as string,
  });
  await writeFile(archive, whole);
  await restore(world.reader, join(world.path, "1"));
  expect(await describeTree(join(world.path, "1"))).toEqual(await describeTree(world.data));
  const index = join(world.folder, "base.index.zst");
  await writeFile(index, Buffer.concat([await readFile(index), Buffer.from("x")]));
  await expect(restore(world.reader, join(world.path, "4"))).rejects.toMatchObject({
    code: "damaged-data",
    message: expect.stringContaining("base.index.zst") as string,
  });
});

it("needs a place for every tablespace, apart from each other", async () => {
  await using temporary = await temporaryDirectory();
  const at = (name: string) => join(temporary.path, name);
  await makeClusterDirectory(at("data"));
  await mkdir(at("space"));
  const store = await openStore(at("repository"), { create: true });
  const repository = await openNativeRepository({ name: "test", url: store.url, store, create: true });
  const reader = await repository.openBackup(
    await backupDirectory({ store, directory: at("data"), tablespaces: { 16385: at("space") } }),
  );
  const into = (tablespaces: { readonly [oid: string]: string }) =>
    collect(reader.restore({ dataDirectory: at("out"), tablespaces, signal: never }));
  const refused = { code: "precondition-refused" };
  await expect(into({})).rejects.toMatchObject(refused);
  await expect(into({ 16385: "relative" })).rejects.toMatchObject(refused);
  await expect(into({ 16385: at("out") })).rejects.toMatchObject(refused);
  await expect(into({ 16385: temporary.path })).rejects.toMatchObject(refused);
  await into({ 16385: at("out/pgrescue_tablespaces/16385") });
});

it("never writes outside of its directories, whatever the members are called", async () => {
  const attributes = { mode: 0o600, mtime: 0 };
  const file = (path: string) => (archive: ArchiveWriter) =>
    archive.file(path, 1, attributes, async (into) => into.fill(65).length);
  const hostile: readonly ((archive: ArchiveWriter) => Promise<void>)[] = [
    (archive) => archive.link("evil", "/etc", attributes),
    (archive) => archive.link("pg_tblspc/99", "/etc", attributes),
    (archive) => archive.link("pg_tblspc", "/etc", attributes),
    file("a//b"),
    file("./a"),
    file(restoreMarker),
    file(`base/${restoreMarker}`),
    file("a/"),
  ];
  for (const [n, member] of hostile.entries()) {
    await using temporary = await temporaryDirectory();
    const reader = await backupOf(temporary.path, member);
    await expect(restore(reader, join(temporary.path, "out")), String(n)).rejects.toMatchObject({
      code: "damaged-data",
    });
  }
});

it("cannot be talked into absolute paths or parents by a forged index", async () => {
  for (const path of ["/etc/evil", "../evil", "base/../../evil", "..", "nul\0byte"]) {
    await using temporary = await temporaryDirectory();
    const reader = await forged(temporary.path, path);
    await expect(restore(reader, join(temporary.path, "out")), path).rejects.toMatchObject({ code: "damaged-data" });
    expect(await readdir(temporary.path)).not.toContain("evil");
  }
});

it("does not follow a link that somebody put into the target", async () => {
  await using world = await makeWorld();
  const target = join(world.path, "restored");
  await interruptAfter(world.reader, target, new AbortController());
  await rm(join(target, "base"), { recursive: true, force: true });
  await mkdir(join(world.path, "outside"));
  await symlink(join(world.path, "outside"), join(target, "base"));
  await expect(restore(world.reader, target)).rejects.toMatchObject({ code: "damaged-data" });
  expect(await readdir(join(world.path, "outside"))).toEqual([]);
});

it("goes on when it was killed after it had taken the mark off a tablespace, and before the data directory's", async () => {
  await using temporary = await temporaryDirectory();
  const at = (name: string): string => join(temporary.path, name);
  await makeClusterDirectory(at("data"), {});
  await mkdir(at("space/PG_15_1/5"), { recursive: true });
  await writeFile(at("space/PG_15_1/5/16400"), "row");
  const store = await openStore(at("repository"), { create: true });
  const repository = await openNativeRepository({ name: "test", url: store.url, store, create: true });
  const reader = await repository.openBackup(
    await backupDirectory({ store, directory: at("data"), tablespaces: { 16385: at("space") } }),
  );
  const restoreBoth = (signal = never) =>
    collect(reader.restore({ dataDirectory: at("out"), tablespaces: { 16385: at("tablespace") }, signal }));
  const controller = new AbortController();
  const interrupted = restoreBoth(controller.signal).catch(() => undefined);
  while (!(await namesIn(at("out"))).includes(restoreMarker)) await delay(1);
  controller.abort();
  await interrupted;
  const mark = await readFile(join(at("out"), restoreMarker));
  await restoreBoth();
  await writeFile(join(at("out"), restoreMarker), mark);
  await restoreBoth();
  expect(await namesIn(at("out"))).not.toContain(restoreMarker);
  expect(await readFile(at("tablespace/PG_15_1/5/16400"), "utf8")).toBe("row");
});

it("brings a linked pg_wal back as a directory and leaves tablespace_map out", async () => {
  await using temporary = await temporaryDirectory();
  const reader = await backupOf(temporary.path, async (archive) => {
    await archive.link("pg_wal", "/var/lib/wal", { mode: 0o777, mtime: 0 });
    await archive.file("tablespace_map", 5, { mode: 0o600, mtime: 0 }, async (into) => into.fill(65).length);
    await archive.file("global/pg_control", 5, { mode: 0o600, mtime: 0 }, async (into) => into.fill(65).length);
  });
  await restore(reader, join(temporary.path, "out"));
  expect(Object.keys(await describeTree(join(temporary.path, "out"))).toSorted()).toEqual([
    "global",
    "global/pg_control",
    "pg_wal",
  ]);
});

interface World extends AsyncDisposable {
  readonly path: string;
  readonly data: string;
  readonly repository: string;
  /** Of the backup, in the repository. */
  readonly folder: string;
  readonly reader: BackupReader;
}

async function makeWorld(extra: { readonly [path: string]: Uint8Array } = {}, size = frameSize): Promise<World> {
  const temporary = await temporaryDirectory();
  const data = join(temporary.path, "data");
  await makeClusterDirectory(data, extra);
  const store = await openStore(join(temporary.path, "repository"), { create: true });
  const repository = await openNativeRepository({ name: "test", url: store.url, store, create: true });
  const point = await backupDirectory({ store, directory: data, frameSize: size });
  return {
    path: temporary.path,
    data,
    repository: join(temporary.path, "repository"),
    folder: folderOf(join(temporary.path, "repository"), point),
    reader: await repository.openBackup(point),
    [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose](),
  };
}

function folderOf(repository: string, point: RecoveryPoint): string {
  return join(repository, point.cluster, point.systemIdentifier, "base", point.id);
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch((): string[] => []);
}

async function restore(reader: BackupReader, dataDirectory: string): Promise<void> {
  await collect(reader.restore({ dataDirectory, tablespaces: {}, signal: never }));
}

/** Begins a restore and aborts it as soon as something is there. */
async function interruptAfter(reader: BackupReader, dataDirectory: string, controller: AbortController): Promise<void> {
  const running = collect(reader.restore({ dataDirectory, tablespaces: {}, signal: controller.signal }));
  const settled = running.then(
    () => "done",
    () => "aborted",
  );
  while (!(await namesIn(dataDirectory)).includes(restoreMarker)) await delay(1);
  controller.abort();
  expect(await settled).toBe("aborted");
}

async function backupOf(directory: string, member: (archive: ArchiveWriter) => Promise<void>): Promise<BackupReader> {
  const store = await openStore(join(directory, "repository"), { create: true });
  const repository = await openNativeRepository({ name: "test", url: store.url, store, create: true });
  const writer = await beginNativeBackup({ store, repository: "test", header });
  const archive = await writer.archive("base");
  await member(archive);
  await archive.finish();
  return repository.openBackup(await writer.commit(end));
}

/** A backup whose index was written by an attacker who can also write backup.json. */
async function forged(directory: string, path: string): Promise<BackupReader> {
  const placeholder = "PLACEHOLDER";
  const reader = await backupOf(directory, (archive) =>
    archive.file(placeholder, 1, { mode: 0o600, mtime: 0 }, async (into) => into.fill(65).length),
  );
  const folder = folderOf(join(directory, "repository"), reader.point);
  const index = await decompress(await readFile(join(folder, "base.index.zst")));
  const changed = await compress(
    Buffer.from(index.toString().replace(JSON.stringify(placeholder), () => JSON.stringify(path))),
  );
  await writeFile(join(folder, "base.index.zst"), changed);
  const document = JSON.parse(await readFile(join(folder, "backup.json"), "utf8")) as {
    objects: { name: string; size: number; sha256: string }[];
  };
  for (const object of document.objects) {
    if (object.name === "base.index.zst")
      Object.assign(object, { size: changed.length, sha256: hash("sha256", changed) });
  }
  await writeFile(join(folder, "backup.json"), JSON.stringify(document));
  const store = await openStore(join(directory, "repository"));
  return (await openNativeRepository({ name: "test", url: store.url, store })).openBackup(reader.point);
}
