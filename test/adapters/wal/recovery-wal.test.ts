import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openNativeRepository } from "../../../src/adapters/repository/native/repository.ts";
import { openLocalStore } from "../../../src/adapters/storage/local.ts";
import { readFetchConfig } from "../../../src/adapters/wal/fetch-config.ts";
import { createRecoveryWal } from "../../../src/adapters/wal/recovery-wal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { makeSegment } from "../../support/wal-segment.ts";

const systemIdentifier = "7000000000000000001";

test("a recovery's fetch.json knows the way to the target and what was stored, and goes with the recovery", async () => {
  await using directory = await temporaryDirectory();
  const root = join(directory.path, "repository");
  const dataDirectory = join(directory.path, "data");
  await mkdir(root);
  await mkdir(join(dataDirectory, "pg_wal"), { recursive: true });
  const store = await openLocalStore(root);
  const repository = await openNativeRepository({ name: "main", url: store.url, store, create: true });
  const archive = repository.wal("shop", systemIdentifier);
  for (const name of ["000000010000000000000001", "000000010000000000000002", "000000020000000000000002"]) {
    await archive.store(name, makeSegment(name));
  }
  await archive.store("00000002.history", Buffer.from("1\t0/280000\tno recovery target specified\n"));
  const wal = createRecoveryWal({
    node: "/usr/bin/node",
    script: "/opt/pgrescue/bin/pgrescue.js",
    repository: () => Promise.resolve(repository),
    describe: (name) => ({ name, url: store.url, format: "native", options: {} }),
  });
  const request = {
    cluster: "shop",
    systemIdentifier,
    repositories: ["main"],
    point: "20261120T010411Z-base",
    dataDirectory,
    postgresVersion: 150_000,
    segmentSize: 1024 * 1024,
    timeline: 2,
    savedWal: "/var/lib/saved",
  };
  const prepared = await wal.prepare(request);
  expect(await readFetchConfig(join(prepared.spool, "fetch.json"))).toMatchObject({
    target: { timeline: 2, switches: [{ parent: 1, switchedAt: "0/280000" }] },
    known: [
      { from: "000000010000000000000001", until: "000000010000000000000002" },
      { from: "000000020000000000000002", until: "000000020000000000000002" },
    ],
    savedWal: ["/var/lib/saved"],
    backup: null,
  });
  expect((await stat(join(prepared.spool, "fetch.json"))).mode & 0o777).toBe(0o600);
  expect((await stat(prepared.spool)).mode & 0o777).toBe(0o700);
  expect(prepared.restoreCommand).toContain(`s='${dataDirectory}/pg_wal/.pgrescue-spool'`);

  await mkdir(join(prepared.spool, "ready"));
  await writeFile(join(prepared.spool, "ready", "x"), "x");
  expect(await wal.prepare(request)).toEqual(prepared);
  expect(await readFile(join(prepared.spool, "ready", "x"), "utf8")).toBe("x");
  await wal.prepare({ ...request, savedWal: null });
  await expect(stat(join(prepared.spool, "ready"))).rejects.toThrow("ENOENT");

  await wal.finish(dataDirectory);
  await expect(stat(prepared.spool)).rejects.toThrow("ENOENT");
  await wal.finish(dataDirectory);
});

test("the way to a timeline whose history was never archived comes from the saved WAL", async () => {
  await using directory = await temporaryDirectory();
  const [root, saved, dataDirectory] = ["repository", "saved", "data"].map((name) => join(directory.path, name));
  await mkdir(root as string);
  await mkdir(saved as string);
  await mkdir(join(dataDirectory as string, "pg_wal"), { recursive: true });
  await writeFile(join(saved as string, "00000002.history"), "1\t0/280000\tno recovery target specified\n");
  const store = await openLocalStore(root as string);
  const repository = await openNativeRepository({ name: "main", url: store.url, store, create: true });
  await repository
    .wal("shop", systemIdentifier)
    .store("000000010000000000000002", makeSegment("000000010000000000000002"));
  const wal = createRecoveryWal({
    node: "/usr/bin/node",
    script: "/opt/pgrescue/bin/pgrescue.js",
    repository: () => Promise.resolve(repository),
    describe: (name) => ({ name, url: store.url, format: "native", options: {} }),
  });
  const { spool } = await wal.prepare({
    cluster: "shop",
    systemIdentifier,
    repositories: ["main"],
    point: "20261120T010411Z-base",
    dataDirectory: dataDirectory as string,
    postgresVersion: 150_000,
    segmentSize: 1024 * 1024,
    timeline: 2,
    savedWal: saved as string,
  });
  expect(await readFetchConfig(join(spool, "fetch.json"))).toMatchObject({
    target: { timeline: 2, switches: [{ parent: 1, switchedAt: "0/280000" }] },
  });
});

test.each(["", "null", "{}", '{"schema":"pgrescue.fetch/v2"}', '{"schema":"pgrescue.fetch/v1","systemIdentifier":7}'])(
  "fetch.json with %j is refused, saying so",
  async (text) => {
    await using directory = await temporaryDirectory();
    await writeFile(join(directory.path, "fetch.json"), text);
    await expect(readFetchConfig(join(directory.path, "fetch.json"))).rejects.toMatchObject({
      code: "config",
      message: expect.stringContaining("cannot use"),
    });
  },
);
