import { hash } from "node:crypto";
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { startReadThread } from "../../../../src/adapters/postgres/backup/read-thread.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const thread = startReadThread();
afterAll(() => thread.close());

const content = Buffer.from(Uint8Array.from({ length: 1_500_000 }, (_, at) => (at * 7 + (at >> 9)) % 251));

function shared(size: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(size));
}

describe("the thread that reads files", () => {
  test("shows every byte once and in order, and zeros beyond the end of the file", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "file");
    await writeFile(path, content);
    await using handle = await open(path);
    const into = shared(2_000_000);
    const pieces: Buffer[] = [];
    const filled = await thread.read(handle.fd, into, 1000, (piece) => pieces.push(Buffer.from(piece)));
    expect(filled).toBe(content.length - 1000);
    expect(pieces.length).toBeGreaterThan(1);
    const expected = Buffer.alloc(into.length);
    content.copy(expected, 0, 1000);
    expect(Buffer.concat(pieces).equals(expected)).toBe(true);
    expect(Buffer.compare(into, expected)).toBe(0);
  });

  test("hashes what it gave since the beginning of the file, zeros included", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "file");
    await writeFile(path, content);
    await using handle = await open(path);
    for (const size of [1_000_000, 2_000_000]) {
      const half = shared(size / 2);
      await thread.read(handle.fd, half, 0, () => undefined);
      await thread.read(handle.fd, half, half.length, () => undefined);
      const expected = Buffer.alloc(size);
      content.copy(expected);
      expect(await thread.digest()).toBe(hash("sha256", expected));
    }
  });

  test("says what the system said", async () => {
    await using directory = await temporaryDirectory();
    await using handle = await open(directory.path);
    await expect(thread.read(handle.fd, shared(100), 0, () => undefined)).rejects.toMatchObject({ code: "EISDIR" });
  });

  test("rejects with what the receiver threw, once the file is not in use any more", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "file");
    await writeFile(path, content);
    await using handle = await open(path);
    const stop = new Error("enough");
    let shown = 0;
    const reading = thread.read(handle.fd, shared(content.length), 0, () => {
      shown += 1;
      throw stop;
    });
    await expect(reading).rejects.toBe(stop);
    expect(shown).toBe(1);
    expect(await thread.read(handle.fd, shared(10), 0, () => undefined)).toBe(10);
  });
});
