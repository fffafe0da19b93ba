import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { beginNativeBackup } from "../../../src/adapters/repository/native/backup-writer.ts";
import { openNativeRepository } from "../../../src/adapters/repository/native/repository.ts";
import { tarHeader } from "../../../src/adapters/repository/native/tar-header.ts";
import { openStore } from "../../../src/adapters/storage/registry.ts";
import { instantFromMilliseconds } from "../../../src/domain/instant.ts";
import { collect } from "../../support/collect.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { makeClusterDirectory } from "./cluster-directory.ts";
import { backupDirectory, end, header, writeDirectories } from "./directory-backup.ts";
import { describeTree } from "./tree.ts";

const run = promisify(execFile);
const frameSize = 65_536;
const never = new AbortController().signal;

it("restores what was written, tablespaces included", async () => {
  await using temporary = await temporaryDirectory();
  const at = (name: string) => join(temporary.path, name);
  await makeClusterDirectory(at("data"));
  await mkdir(at("space"));
  await mkdir(join(at("space"), "PG_15_202209061"));
  await writeFile(join(at("space"), "PG_15_202209061", "1"), randomBytes(100_000), { mode: 0o600 });
  await symlink(at("space"), join(at("data"), "pg_tblspc", "16385"));
  const store = await openStore(at("repository"), { create: true });
  const repository = await openNativeRepository({ name: "test", url: store.url, store, create: true });
  const committed = await backupDirectory({
    store,
    directory: at("data"),
    tablespaces: { 16385: at("space") },
    frameSize,
  });
  const points = await collect(repository.points({ cluster: "shop" }));
  expect(points).toEqual([committed]);
  expect(committed).toMatchObject({
    id: "20261120T010411Z-base",
    status: "ok",
    run: "run-1",
    timeline: 1,
    stopLsn: 0x2000100n,
    walIncluded: false,
  });
  const reader = await repository.openBackup(committed);

  const progress = await collect(
    reader.restore({ dataDirectory: at("restored"), tablespaces: { 16385: at("elsewhere") }, signal: never }),
  );
  expect(progress.at(-1)).toMatchObject({ unit: "bytes", done: progress.at(-1)?.total });
  const expected = await describeTree(at("data"));
  expect(await describeTree(at("restored"))).toEqual({ ...expected, "pg_tblspc/16385": `link ${at("elsewhere")}` });
  // PG_15_... was made with 0755 here, which is given back as PostgreSQL wants it.
  expect(await readFile(join(at("elsewhere"), "PG_15_202209061", "1"))).toEqual(
    await readFile(join(at("space"), "PG_15_202209061", "1")),
  );
  await expect(collect(reader.verify(never))).resolves.toBeDefined();
  const members = await collect(reader.members());
  expect(members.filter(({ archive, type }) => archive === "base" && type === "file")).toHaveLength(13);
  expect(members.find(({ type }) => type === "link")).toMatchObject({ path: "pg_tblspc/16385", link: at("space") });
});

it("restores with zstd and tar alone to the same bytes", async () => {
  await using temporary = await temporaryDirectory();
  const at = (name: string) => join(temporary.path, name);
  await makeClusterDirectory(at("data"));
  const store = await openStore(at("repository"), { create: true });
  await backupDirectory({ store, directory: at("data"), frameSize });
  await mkdir(at("stock"), { mode: 0o700 });
  const folder = join(at("repository"), "shop", header.systemIdentifier, "base", "20261120T010411Z-base");
  await run("sh", ["-c", 'zstd -dc "$0/base.tar.zst" | tar -x -p -C "$1"', folder, at("stock")]);
  expect(await describeTree(at("stock"))).toEqual(await describeTree(at("data")));
  const document = JSON.parse(await readFile(join(folder, "backup.json"), "utf8")) as {
    objects: { name: string; sha256: string; size: number }[];
  };
  for (const object of document.objects) {
    const bytes = await readFile(join(folder, object.name));
    expect([bytes.length, createHash("sha256").update(bytes).digest("hex")]).toEqual([object.size, object.sha256]);
  }
  const { stdout } = await run("zstd", ["-dc", join(folder, "base.index.zst")]);
  for (const line of stdout.trimEnd().split("\n")) expect(() => JSON.parse(line) as unknown).not.toThrow();
});

it("gives zeros for a file that shrank", async () => {
  await using temporary = await temporaryDirectory();
  const store = await openStore(temporary.path);
  const writer = await beginNativeBackup({ store, repository: "test", header, frameSize: 4096 });
  const archive = await writer.archive("base");
  await archive.file("shrunk", 20_000, { mode: 0o600, mtime: 0 }, once(Buffer.from("short")));
  await archive.file("after", 3, { mode: 0o600, mtime: 0 }, once(Buffer.from("end")));
  await archive.finish();
  const { id } = await writer.commit(end);
  const folder = join(temporary.path, "shop", header.systemIdentifier, "base", id);
  const { stdout } = await run("sh", ["-c", 'zstd -dc "$0/base.tar.zst" | tar -xO shrunk after | sha256sum', folder]);
  const expected = Buffer.concat([Buffer.from("short"), Buffer.alloc(19_995), Buffer.from("end")]);
  expect(stdout).toContain(createHash("sha256").update(expected).digest("hex"));
});

it("writes headers that tar reads for sizes beyond eight gibibytes and links of any length", async () => {
  await using temporary = await temporaryDirectory();
  const huge = 9 * 1024 ** 3;
  const link = tarHeader({ path: "a link", type: "link", size: 0, mode: 0o777, mtime: 0, link: `/${"l".repeat(200)}` });
  const file = tarHeader({ path: "huge", type: "file", size: huge, mode: 0o600, mtime: 1_700_000_000 });
  await writeFile(join(temporary.path, "x.tar"), Buffer.concat([link, file]));
  // The content is missing, about which tar complains after the listing.
  const { stdout } = await run("sh", ["-c", 'tar -tvf "$0" || true', join(temporary.path, "x.tar")]);
  expect(stdout).toMatch(/a link -> \/l{200}\n/);
  expect(stdout).toMatch(new RegExp(`postgres/postgres +${huge} 2023-11-14 .* huge\\n`));
});

it("never offers a backup that was not finished, and aborting leaves nothing", async () => {
  await using temporary = await temporaryDirectory();
  const at = (name: string) => join(temporary.path, name);
  await makeClusterDirectory(at("data"));
  const store = await openStore(at("repository"), { create: true });
  const repository = await openNativeRepository({ name: "test", url: store.url, store, create: true });
  const writer = await writeDirectories({ store, directory: at("data"), frameSize });
  await writer.putWal("000000010000000000000002", Buffer.alloc(1000));
  const second = await beginNativeBackup({ store, repository: "test", header });
  const archive = await second.archive("base");
  await archive.directory("base", { mode: 0o700, mtime: 0 });
  expect(second.id).toBe("20261120T010411Z-base-2");
  expect((await collect(repository.points())).map(({ id, status, run: by }) => [id, status, by])).toEqual([
    ["20261120T010411Z-base", "incomplete", "run-1"],
    ["20261120T010411Z-base-2", "incomplete", "run-1"],
  ]);
  await second.abort();
  await writer.abort();
  expect((await collect(store.list(""))).map(({ key }) => key)).toEqual(["pgrescue.json"]);
});

it("keeps manifest, catalog and WAL inside the backup", async () => {
  await using temporary = await temporaryDirectory();
  const store = await openStore(temporary.path);
  const repository = await openNativeRepository({ name: "test", url: store.url, store, create: true });
  const writer = await beginNativeBackup({ store, repository: "test", header, frameSize: 1000 });
  const manifest = randomBytes(12_345);
  await writer.put("backup_manifest", pieces(manifest, 100));
  await writer.put("catalog.json", pieces(Buffer.from('{"format":"x"}'), 5));
  await writer.putWal("000000010000000000000002", manifest);
  const point = await writer.commit({ ...end, warnings: ["page 7 of base/1/2 has a bad checksum"] });
  expect(point).toMatchObject({ walIncluded: true, warnings: ["page 7 of base/1/2 has a bad checksum"] });
  const reader = await repository.openBackup(point);
  expect(await reader.manifest()).toEqual(manifest);
  expect(await reader.catalog()).toEqual({ format: "x" });
  expect(await reader.wal("000000010000000000000002")).toEqual(manifest);
  expect(await reader.wal("000000010000000000000003")).toBeNull();
  expect(await reader.wal("../backup_manifest")).toBeNull();
});

it("orders points by timeline and LSN, not by hosts' clocks, and shows damaged ones last", async () => {
  await using temporary = await temporaryDirectory();
  const store = await openStore(temporary.path);
  const repository = await openNativeRepository({ name: "test", url: store.url, store, create: true });
  const take = async (minute: number, timeline: number, startLsn: bigint): Promise<string> => {
    const writer = await beginNativeBackup({
      store,
      repository: "test",
      header: { ...header, startedAt: instantFromMilliseconds(minute * 60_000) },
    });
    return (await writer.commit({ ...end, timeline, startLsn: startLsn as typeof end.startLsn })).id;
  };
  const [late, early, next] = [await take(1, 1, 9n), await take(2, 1, 5n), await take(0, 2, 1n)];
  const damaged = await take(3, 1, 1n);
  const newer = await take(4, 1, 1n);
  const folder = `shop/${header.systemIdentifier}/base/`;
  await store.put(`${folder}${damaged}/backup.json`, Buffer.from('{"format":"pgrescue.backup/v1"'));
  await store.put(`${folder}${newer}/backup.json`, Buffer.from('{"format":"pgrescue.backup/v2"}'));
  await store.put(`${folder}stray/file`, Buffer.from("x"));
  await store.put("shop/runs/2026-11/x.json", Buffer.from("{}"));
  const points = await collect(repository.points());
  expect(points.map(({ id, status }) => [id, status])).toEqual([
    [early, "ok"],
    [late, "ok"],
    [next, "ok"],
    [damaged, "damaged"],
    [newer, "not-restorable"],
  ]);
  expect(await collect(repository.systems())).toEqual([{ cluster: "shop", systemIdentifier: header.systemIdentifier }]);
});

it("makes a repository in an empty place only, once, and refuses a newer or unknown one", async () => {
  await using temporary = await temporaryDirectory();
  const store = await openStore(temporary.path);
  const open = (create: boolean) => openNativeRepository({ name: "test", url: store.url, store, create });
  await expect(open(false)).rejects.toMatchObject({ code: "repository-not-found" });
  await store.put("archive/x/archive.info", Buffer.from("x"));
  await expect(open(true)).rejects.toMatchObject({
    code: "precondition-refused",
    message: expect.stringContaining("archive/x/archive.info") as string,
  });
  await store.delete("archive/x/archive.info");
  await open(true);
  const first = await store.get("pgrescue.json");
  await open(true);
  expect(await store.get("pgrescue.json")).toEqual(first);
  await store.put(
    "pgrescue.json",
    Buffer.from('{"format":"pgrescue.repository","version":2,"id":"x","recipients":[]}'),
  );
  await expect(open(true)).rejects.toMatchObject({ code: "precondition-refused" });
  await store.put("pgrescue.json", Buffer.from("{"));
  await expect(open(true)).rejects.toMatchObject({ code: "damaged-data" });
});

it("records runs by month, and nothing when it is read-only", async () => {
  await using temporary = await temporaryDirectory();
  const store = await openStore(temporary.path);
  const repository = await openNativeRepository({ name: "test", url: store.url, store, create: true });
  await repository.recordRun("shop", "r1", header.startedAt, { outcome: "done" });
  expect(JSON.parse(String(await store.get("shop/runs/2026-11/r1.json")))).toEqual({ outcome: "done" });
  await expect(repository.recordRun("../x", "r1", header.startedAt, {})).rejects.toMatchObject({ code: "usage" });
  const guarded = await openNativeRepository({ name: "test", url: store.url, store, readOnly: true });
  await expect(guarded.recordRun("shop", "r2", header.startedAt, {})).rejects.toMatchObject({
    code: "precondition-refused",
  });
  await expect(guarded.beginBackup(header)).rejects.toMatchObject({ code: "precondition-refused" });
});

function once(content: Uint8Array): (into: Uint8Array) => Promise<number> {
  let done = false;
  return async (into) => {
    if (done) return 0;
    done = true;
    into.set(content);
    return content.length;
  };
}

async function* pieces(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
