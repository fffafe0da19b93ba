import { mkdir, open, readdir, readlink, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openStore } from "../../../src/adapters/storage/registry.ts";
import { readOnly } from "../../../src/adapters/storage/read-only.ts";
import { collect } from "../../support/collect.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

it("takes a plain path and a file URL for the same directory", async () => {
  await using directory = await temporaryDirectory();
  await (await openStore(directory.path)).put("a", Buffer.from("x"));
  expect(String(await (await openStore(`file://${directory.path}`)).get("a"))).toBe("x");
});

it("says that a root is missing instead of looking empty, also when it goes away later", async () => {
  await using directory = await temporaryDirectory();
  const root = join(directory.path, "root");
  await expect(openStore(root)).rejects.toMatchObject({ code: "repository-not-found", exitCode: 10 });
  const store = await openStore(root, { create: true });
  await store.put("a", Buffer.from("x"));
  await rename(root, `${root}.away`);
  const lost = { code: "repository-not-found" };
  await expect(store.get("a")).rejects.toMatchObject(lost);
  await expect(store.get("b/c")).rejects.toMatchObject(lost);
  await expect(store.head("a")).rejects.toMatchObject(lost);
  await expect(store.put("b/c", Buffer.from("x"))).rejects.toMatchObject(lost);
  await expect(collect(store.list(""))).rejects.toMatchObject(lost);
  expect(await readdir(directory.path)).toEqual(["root.away"]);
});

it("refuses an unknown scheme without repeating its password", async () => {
  await expect(openStore("ftp://joe:hunter2@host/x")).rejects.toMatchObject({
    code: "config",
    message: expect.not.stringContaining("hunter2"),
  });
});

it("neither reads nor writes through symbolic links", async () => {
  await using directory = await temporaryDirectory();
  const root = join(directory.path, "root");
  const store = await openStore(root, { create: true });
  await mkdir(join(directory.path, "outside"));
  await writeFile(join(directory.path, "outside", "file"), "secret");
  await symlink(join(directory.path, "outside"), join(root, "link"));
  await symlink(join(directory.path, "outside", "file"), join(root, "filelink"));
  await expect(store.get("link/file")).rejects.toMatchObject({ code: "store-failure" });
  await expect(store.put("link/new", Buffer.from("x"))).rejects.toMatchObject({ code: "store-failure" });
  await expect(store.put("link/deep/new", Buffer.from("x"))).rejects.toMatchObject({ code: "store-failure" });
  await expect(store.delete("link/file")).rejects.toMatchObject({ code: "store-failure" });
  await expect(store.get("filelink")).rejects.toMatchObject({ code: "store-failure" });
  expect(await collect(store.list(""))).toEqual([]);
  expect(await readdir(join(directory.path, "outside"))).toEqual(["file"]);
});

it("hides unfinished files and leaves none behind", async () => {
  await using directory = await temporaryDirectory();
  const store = await openStore(directory.path);
  await store.put("a/b", Buffer.from("x"), { ifAbsent: true, metadata: { k: "v" } });
  await store.put("a/b", Buffer.from("x"), { ifAbsent: true, metadata: { k: "w" } });
  const writer = await store.write("a/c");
  expect(await readdir(join(directory.path, "a"))).toHaveLength(3);
  expect((await collect(store.list(""))).map((object) => object.key)).toEqual(["a/b"]);
  await writer.abort();
  expect((await readdir(join(directory.path, "a"))).toSorted()).toEqual(["b", "b.meta"]);
});

it("takes over from a writer that died between its metadata and its object", async () => {
  await using directory = await temporaryDirectory();
  const store = await openStore(directory.path);
  await writeFile(join(directory.path, "a.meta"), '{"writer":"dead"}');
  expect(await store.put("a", Buffer.from("x"), { ifAbsent: true, metadata: { writer: "alive" } })).toBe("stored");
  expect(await store.head("a")).toMatchObject({ metadata: { writer: "alive" } });
});

it("can be made read-only", async () => {
  await using directory = await temporaryDirectory();
  const store = await openStore(directory.path);
  await store.put("a", Buffer.from("x"));
  const guarded = readOnly(store);
  expect(String(await guarded.get("a"))).toBe("x");
  await expect(guarded.put("b", Buffer.from("x"))).rejects.toMatchObject({ code: "precondition-refused" });
  await expect(guarded.write("b")).rejects.toMatchObject({ code: "precondition-refused" });
  await expect(guarded.delete("a")).rejects.toMatchObject({ code: "precondition-refused" });
});

it("makes an object's name durable also when another writer has stored it, who may have been killed before that", async () => {
  await using directory = await temporaryDirectory();
  const store = await openStore(directory.path);
  const synced = await syncedPaths(async () => {
    await store.put("a/b", Buffer.from("x"), { ifAbsent: true, metadata: { k: "v" } });
  });
  expect(synced).toContain(join(directory.path, "a"));
  const again = await syncedPaths(async () => {
    expect(await store.put("a/b", Buffer.from("x"), { ifAbsent: true, metadata: { k: "v" } })).toBe("exists");
  });
  expect(again).toContain(join(directory.path, "a"));
});

/** What is fsynced while `work` runs. */
async function syncedPaths(work: () => Promise<void>): Promise<readonly string[]> {
  const probe = await open("/dev/null", "r");
  const prototype = Object.getPrototypeOf(probe) as { sync: (this: { readonly fd: number }) => Promise<void> };
  await probe.close();
  const { sync } = prototype;
  const paths: string[] = [];
  prototype.sync = async function watched(this: { readonly fd: number }): Promise<void> {
    paths.push(await readlink(`/proc/self/fd/${this.fd}`));
    await sync.call(this);
  };
  try {
    await work();
  } finally {
    prototype.sync = sync;
  }
  return paths;
}
