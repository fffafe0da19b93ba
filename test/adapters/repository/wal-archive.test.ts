import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { openWalArchive } from "../../../src/adapters/repository/native/wal-archive.ts";
import { walKey } from "../../../src/adapters/repository/native/wal-keys.ts";
import { decompressFrames } from "../../../src/adapters/repository/native/wal-zstd.ts";
import { openLocalStore } from "../../../src/adapters/storage/local.ts";
import { createShell } from "../../../src/adapters/system/exec.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { makeSegment } from "../../support/wal-segment.ts";

const systemIdentifier = "7000000000000000001";
const prefix = `shop/${systemIdentifier}/wal/`;
const one = "000000010000000000000001";

async function openArchive(): Promise<{
  readonly archive: ReturnType<typeof openWalArchive>;
  readonly root: string;
  object(name: string): string;
  [Symbol.asyncDispose](): PromiseLike<void>;
}> {
  const directory = await temporaryDirectory();
  await writeFile(join(directory.path, "pgrescue.json"), "{}");
  const store = await openLocalStore(directory.path);
  return {
    archive: openWalArchive({ store, prefix, systemIdentifier }),
    root: directory.path,
    object: (name) => join(directory.path, prefix, walKey(name) ?? ""),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

test("a segment comes back as it was stored, and storing it again changes nothing", async () => {
  await using world = await openArchive();
  const content = makeSegment(one);
  expect(await world.archive.store(one, content)).toBe("stored");
  expect(await world.archive.store(one, content)).toBe("already-there");
  expect(Buffer.compare((await world.archive.fetch(one)) ?? Buffer.alloc(0), content)).toBe(0);
  expect(await world.archive.has(one)).toBe(true);
  expect(await world.archive.fetch("000000010000000000000002")).toBeNull();
});

test("other content under a stored name is refused as two servers writing one archive", async () => {
  await using world = await openArchive();
  await world.archive.store(one, makeSegment(one));
  await expect(world.archive.store(one, makeSegment(one, { fill: 8 }))).rejects.toMatchObject({
    code: "precondition-refused",
    means: expect.stringContaining("Two servers"),
  });
});

test("a damaged copy in the archive is not taken for the segment that is stored again", async () => {
  await using world = await openArchive();
  const content = makeSegment(one);
  await world.archive.store(one, content);
  await writeFile(world.object(one), zstdCompressSync(makeSegment(one, { fill: 8 })));
  await expect(world.archive.store(one, content)).rejects.toMatchObject({ code: "damaged-data" });
});

test("a segment whose recorded hash is lost is compared by content", async () => {
  await using world = await openArchive();
  const content = makeSegment(one);
  await world.archive.store(one, content);
  for (const name of await readdir(join(world.root, prefix, one.slice(0, 16)))) {
    if (name.includes(".meta")) await rm(join(world.root, prefix, one.slice(0, 16), name));
  }
  expect(await world.archive.store(one, content)).toBe("already-there");
  await expect(world.archive.store(one, makeSegment(one, { fill: 8 }))).rejects.toThrow("other content");
});

test("what is not the segment of its name, or of another system, is not stored", async () => {
  await using world = await openArchive();
  const two = "000000010000000000000002";
  await expect(world.archive.store(two, makeSegment(one))).rejects.toThrow("not at 0/200000 as its name says");
  await expect(world.archive.store(one, makeSegment(one, { systemIdentifier: "42" }))).rejects.toThrow(
    "belongs to system 42",
  );
  await expect(world.archive.store(one, makeSegment(one).subarray(0, 8192))).rejects.toThrow("8192 bytes");
  await expect(world.archive.store(one, Buffer.alloc(1024 * 1024))).rejects.toThrow("WAL page header");
  await expect(world.archive.store("00000002.history", Buffer.from("nonsense"))).rejects.toThrow("timeline history");
  await expect(world.archive.store("../../etc/passwd", Buffer.from(""))).rejects.toThrow("not the name of a WAL file");
  expect(await world.archive.inventory()).toMatchObject({ ranges: [], histories: [], others: [] });
});

test("a stored segment that was changed never gives other content", async () => {
  await using world = await openArchive();
  const content = makeSegment(one);
  await world.archive.store(one, content);
  const stored = await readFile(world.object(one));
  for (let at = 0; at < stored.length; at += Math.max(1, Math.floor(stored.length / 40))) {
    const broken = Buffer.from(stored);
    broken[at] = (broken[at] ?? 0) ^ 0x10;
    await writeFile(world.object(one), broken);
    // Some bits of a zstd frame mean nothing: then the content is still right.
    const found = await world.archive.fetch(one).catch((error: unknown) => (error as { code?: string }).code);
    expect(found === "damaged-data" || (found instanceof Uint8Array && content.equals(found))).toBe(true);
  }
  for (const length of [0, 1, 10, stored.length - 1]) {
    await writeFile(world.object(one), stored.subarray(0, length));
    await expect(world.archive.fetch(one)).rejects.toMatchObject({ code: "damaged-data" });
  }
});

test("foreign zstd of several frames, skippable ones too, is read to its end", async () => {
  await using world = await openArchive();
  const content = makeSegment(one);
  const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
  const skippable = Buffer.from([0x51, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const frames = [content.subarray(0, 100_000), content.subarray(100_000, 100_001), content.subarray(100_001)];
  const stored = Buffer.concat([...frames.map((frame) => zstdCompressSync(frame, checked)), skippable]);
  await mkdir(join(world.root, prefix, one.slice(0, 16)), { recursive: true });
  await writeFile(world.object(one), stored);
  expect(Buffer.compare((await world.archive.fetch(one)) ?? Buffer.alloc(0), content)).toBe(0);
});

test("a segment that nothing guards is not trusted", async () => {
  await using world = await openArchive();
  await mkdir(join(world.root, prefix, one.slice(0, 16)), { recursive: true });
  await writeFile(world.object(one), zstdCompressSync(makeSegment(one)));
  await expect(world.archive.fetch(one)).rejects.toThrow("neither a recorded SHA-256 nor a checksum");
});

test("decompression never gives more than it may", async () => {
  const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
  await expect(decompressFrames(bomb, 1024 * 1024)).rejects.toMatchObject({ code: "damaged-data" });
});

test("stock zstd reads a stored segment", async () => {
  await using world = await openArchive();
  const content = makeSegment(one);
  await world.archive.store(one, content);
  const plain = join(world.root, "plain");
  const { exit } = await createShell().run(["zstd", "-q", "-d", world.object(one), "-o", plain]);
  expect(exit).toBe(0);
  expect(Buffer.compare(await readFile(plain), content)).toBe(0);
});

test("the inventory tells ranges, histories and other files from one listing", async () => {
  await using world = await openArchive();
  const segments = ["1:0:1", "1:0:2", "1:0:4", "1:0:FFF", "1:1:0", "2:1:0", "2:1:1"].map((text) => {
    const [timeline = "", log = "", low = ""] = text.split(":");
    return [timeline, log, low].map((part) => part.padStart(8, "0")).join("");
  });
  for (const name of segments) await world.archive.store(name, makeSegment(name));
  await world.archive.store("00000002.history", Buffer.from("1\t1/0\tno recovery target specified\n"));
  await world.archive.store(`${one}.00000028.backup`, Buffer.from("START WAL LOCATION: 0/100028\n"));
  const partial = "000000010000000100000001";
  await world.archive.store(`${partial}.partial`, makeSegment(partial));
  await writeFile(join(world.root, prefix, "00000009.history"), "torn");
  await writeFile(join(world.root, prefix, "strange file"), "x");
  expect(await world.archive.inventory()).toEqual({
    systemIdentifier,
    segmentSize: 1024 * 1024,
    ranges: [
      { timeline: 1, from: 1n, until: 2n },
      { timeline: 1, from: 4n, until: 4n },
      { timeline: 1, from: 4095n, until: 4096n },
      { timeline: 2, from: 4096n, until: 4097n },
    ],
    histories: [
      {
        timeline: 2,
        switches: [{ parent: 1, switchedAt: 0x1_0000_0000n, reason: "no recovery target specified" }],
      },
    ],
    others: expect.arrayContaining([`${one}.00000028.backup`, `${partial}.partial`, "00000009.history"]),
  });
});

test("a directory that is no repository is not an empty archive", async () => {
  await using directory = await temporaryDirectory();
  const store = await openLocalStore(directory.path);
  const archive = openWalArchive({ store, prefix, systemIdentifier });
  await expect(archive.inventory()).rejects.toMatchObject({ code: "repository-not-found" });
});
