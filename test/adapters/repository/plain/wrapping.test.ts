import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { unwrap, unwrapHead, wrappingOf } from "../../../../src/adapters/repository/plain/wrapping.ts";

/** Something between text and noise, so that compressors have matches near and far. */
const content = Buffer.concat(
  Array.from({ length: 60 }, (_, n) => Buffer.concat([randomBytes(20_000), Buffer.alloc(50_000, `row ${n % 7} `)])),
);

async function* inPieces(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function plain(bytes: Uint8Array, size: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of unwrap(inPieces(bytes, size), wrappingOf(bytes), "it")) parts.push(part);
  return Buffer.concat(parts);
}

const half = content.length >> 1;
const wrapped: Readonly<Record<string, () => Uint8Array>> = {
  nothing: () => content,
  "one gzip member": () => gzipSync(content),
  "two gzip members": () => Buffer.concat([gzipSync(content.subarray(0, half)), gzipSync(content.subarray(half))]),
  "one zstd frame": () => zstdCompressSync(content),
  "three zstd frames": () =>
    Buffer.concat(
      [0, 1, 2].map((n) =>
        zstdCompressSync(content.subarray((n * content.length) / 3, ((n + 1) * content.length) / 3)),
      ),
    ),
};

describe.each(Object.entries(wrapped))("%s", (_name, make) => {
  test.each([1 << 20, 65_536, 777])("in pieces of %i bytes", async (size) => {
    expect(Buffer.compare(await plain(make(), size), content)).toBe(0);
  });

  test("that ends too early is noticed", async () => {
    const bytes = make();
    if (bytes === content) return;
    await expect(plain(bytes.subarray(0, bytes.length - 9), 65_536)).rejects.toMatchObject({ code: "damaged-data" });
    const head = await unwrapHead(bytes.subarray(0, 100_000), wrappingOf(bytes));
    expect(head.length).toBeGreaterThan(30_000);
    expect(Buffer.compare(head, content.subarray(0, head.length))).toBe(0);
  });
});

describe.skipIf(spawnSync("lz4", ["-V"]).status !== 0)("what the lz4 program writes", () => {
  test.each([["-1"], ["-9"], ["-B4", "-BD"], ["-B7", "--no-frame-crc"], ["-BX"], ["--content-size"]])(
    "with %s %s",
    async (...flags) => {
      const bytes = execFileSync("lz4", [...flags.filter((f) => f !== undefined), "-c"], {
        input: content,
        maxBuffer: 1e9,
      });
      expect(wrappingOf(bytes)).toBe("lz4");
      expect(Buffer.compare(await plain(bytes, 10_000), content)).toBe(0);
      await expect(plain(bytes.subarray(0, bytes.length - 9), 65_536)).rejects.toMatchObject({ code: "damaged-data" });
    },
  );
});

test("what is not read is refused with the way out", async () => {
  const bytes = Buffer.from("BZh91AY");
  await expect(plain(bytes, 10)).rejects.toMatchObject({ code: "precondition-refused" });
});
