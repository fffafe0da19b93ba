import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSavedWal } from "../../../src/adapters/wal/saved-wal.ts";
import { fetchWal, walPlaces } from "../../../src/adapters/wal/fetch.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { makeSegment } from "../../support/wal-segment.ts";

const systemIdentifier = "7000000000000000001";
const name = (segment: number): string => `00000001000000000000000${segment}`;

test("a saved pg_wal gives its WAL and nothing that only looks like it", async () => {
  await using directory = await temporaryDirectory();
  await mkdir(join(directory.path, "archive_status"));
  await writeFile(join(directory.path, name(1)), makeSegment(name(1)));
  await writeFile(join(directory.path, name(3)), makeSegment(name(1)));
  await writeFile(join(directory.path, name(4)), new Uint8Array(1024 * 1024));
  await writeFile(join(directory.path, name(5)), makeSegment(name(5), { systemIdentifier: "1" }));
  await writeFile(join(directory.path, `${name(2)}.partial`), makeSegment(name(2)));
  await writeFile(join(directory.path, "00000002.history"), "1\t0/280000\tx\n");
  const saved = openSavedWal(directory.path, systemIdentifier);
  expect((await saved.fetch(name(1)))?.length).toBe(1024 * 1024);
  for (const absent of [name(2), name(3), name(4), name(5), `${name(2)}.partial`]) {
    expect(await saved.fetch(absent)).toBeNull();
  }
  expect(await saved.inventory()).toMatchObject({
    ranges: [{ timeline: 1, from: 1n, until: 1n }],
    histories: [{ timeline: 2 }],
    others: [`${name(2)}.partial`],
  });
});

test("a segment that was cut off while copying is damage, not the end of WAL", async () => {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, name(1)), makeSegment(name(1)).subarray(0, 500_000));
  const saved = openSavedWal(directory.path, systemIdentifier);
  const request = { places: walPlaces([], [saved]), segmentSize: 1024 * 1024, target: null, known: [] };
  await expect(fetchWal(name(1), request)).rejects.toMatchObject({ code: "damaged-data" });
});

test("a segment before the last saved one is a hole, the one behind it the end", async () => {
  await using directory = await temporaryDirectory();
  for (const segment of [1, 3]) await writeFile(join(directory.path, name(segment)), makeSegment(name(segment)));
  const saved = openSavedWal(directory.path, systemIdentifier);
  const request = { places: walPlaces([], [saved]), segmentSize: 1024 * 1024, target: null, known: [] };
  await expect(fetchWal(name(2), request)).rejects.toThrow(`${name(3)} exists`);
  expect(await fetchWal(name(4), request)).toMatchObject({ kind: "absent" });
});

test("a second place helps where the first is damaged or away, and says so", async () => {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, name(1)), makeSegment(name(1)));
  const away = openSavedWal("/nonexistent/pg_wal", systemIdentifier);
  const saved = openSavedWal(directory.path, systemIdentifier);
  const request = { places: walPlaces([], [away, saved]), segmentSize: 1024 * 1024, target: null, known: [] };
  const found = await fetchWal(name(1), request);
  expect(found).toMatchObject({
    kind: "found",
    place: directory.path,
    warnings: [expect.stringContaining("used the copy")],
  });
  await expect(fetchWal(name(2), request)).rejects.toMatchObject({ code: "store-failure" });
});
