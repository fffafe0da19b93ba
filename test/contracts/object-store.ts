import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import type { ObjectStore } from "../../src/ports/object-store.ts";

/** What every storage backend promises. `open` gives the same, at first empty, store each time. */
export function objectStoreContract(
  name: string,
  open: () => Promise<ObjectStore>,
  /** Whether keys beyond Unicode's basic plane are in byte order, too; Azure orders them by UTF-16 units. */
  { ordersAllByBytes = true }: { readonly ordersAllByBytes?: boolean } = {},
): void {
  describe(`${name} as an object store`, () => {
    let store: ObjectStore;
    beforeAll(async () => {
      store = await open();
    });

    it("answers absence with values", async () => {
      expect(await store.get("absent/key")).toBeNull();
      expect(await store.head("absent/key")).toBeNull();
      expect(await keys(store, "absent/")).toEqual([]);
      await store.delete("absent/key");
      await expect(collect(store.read("absent/key"))).rejects.toMatchObject({ code: "store-failure" });
    });

    it("gives back what was put, whole and in part", async () => {
      const bytes = randomBytes(3_000_000);
      expect(await store.put("whole/object", bytes)).toBe("stored");
      expect(bytes.equals((await store.get("whole/object")) ?? new Uint8Array())).toBe(true);
      expect(
        bytes
          .subarray(1_048_570, 1_048_590)
          .equals((await store.get("whole/object", { offset: 1_048_570, length: 20 })) ?? new Uint8Array()),
      ).toBe(true);
      expect(bytes.equals(await collect(store.read("whole/object")))).toBe(true);
      expect(
        bytes
          .subarray(1000, 2_900_000)
          .equals(await collect(store.read("whole/object", { offset: 1000, length: 2_899_000 }))),
      ).toBe(true);
      expect(await store.head("whole/object")).toMatchObject({ key: "whole/object", size: 3_000_000, metadata: {} });
    });

    it("never answers a range with fewer bytes than asked for", async () => {
      await store.put("short", Buffer.from("0123456789"));
      await expect(store.get("short", { offset: 5, length: 10 })).rejects.toMatchObject({ code: "damaged-data" });
      await expect(collect(store.read("short", { offset: 5, length: 10 }))).rejects.toMatchObject({
        code: "damaged-data",
      });
    });

    it("stores an empty object", async () => {
      await store.put("empty", new Uint8Array());
      expect(await store.get("empty")).toHaveLength(0);
      expect(await store.head("empty")).toMatchObject({ size: 0 });
    });

    it("leaves an existing object alone when asked to", async () => {
      expect(await store.put("once", Buffer.from("first"), { ifAbsent: true, metadata: { sha256: "a" } })).toBe(
        "stored",
      );
      expect(await store.put("once", Buffer.from("other"), { ifAbsent: true, metadata: { sha256: "b" } })).toBe(
        "exists",
      );
      expect(text(await store.get("once"))).toBe("first");
      expect(await store.head("once")).toMatchObject({ metadata: { sha256: "a" } });
    });

    it("lets exactly one of many writers win, with its own metadata", async () => {
      const results = await Promise.all(
        Array.from({ length: 8 }, (_, n) =>
          store.put("race", Buffer.from(`writer ${n}`), { ifAbsent: true, metadata: { writer: String(n) } }),
        ),
      );
      expect(results.filter((result) => result === "stored")).toHaveLength(1);
      expect(text(await store.get("race"))).toBe(`writer ${(await store.head("race"))?.metadata["writer"]}`);
    });

    it("replaces an object and its metadata", async () => {
      await store.put("replaced", Buffer.from("1"), { metadata: { a: "1" } });
      await store.put("replaced", Buffer.from("22"));
      expect(await store.head("replaced")).toMatchObject({ size: 2, metadata: {} });
    });

    it("observes an object with a version that changes with its content", async () => {
      expect(await store.observe("observed")).toBeNull();
      await store.put("observed", Buffer.from("1"), { metadata: { a: "1" } });
      const first = await store.observe("observed");
      expect(text(first?.bytes ?? null)).toBe("1");
      expect((await store.observe("observed"))?.version).toBe(first?.version);
      await store.put("observed", Buffer.from("2"));
      expect((await store.observe("observed"))?.version).not.toBe(first?.version);
    });

    it("overwrites only what is still what was seen", async () => {
      expect(await store.replace("conditional", Buffer.from("x"), "0")).toBeNull();
      expect(await store.replace("not/even/a/place", Buffer.from("x"), "0")).toBeNull();
      expect(await store.get("conditional")).toBeNull();
      await store.put("conditional", Buffer.from("1"), { metadata: { a: "1" } });
      const seen = (await store.observe("conditional"))?.version ?? "";
      const next = await store.replace("conditional", Buffer.from("22"), seen);
      expect(next).not.toBeNull();
      expect(await store.observe("conditional")).toMatchObject({ version: next });
      expect(await store.head("conditional")).toMatchObject({ size: 2, metadata: {} });
      expect(await store.replace("conditional", Buffer.from("other"), seen)).toBeNull();
      expect(text(await store.get("conditional"))).toBe("22");
      expect(await store.replace("conditional", Buffer.from("333"), next ?? "")).not.toBeNull();
      expect(text(await store.get("conditional"))).toBe("333");
      expect(await keys(store, "conditional")).toEqual(["conditional"]);
      await store.delete("conditional");
      expect(await store.replace("conditional", Buffer.from("x"), next ?? "")).toBeNull();
      expect(await store.get("conditional")).toBeNull();
    });

    it("lets exactly one of many overwriters win", async () => {
      await store.put("contested", Buffer.from("0"));
      const seen = (await store.observe("contested"))?.version ?? "";
      const results = await Promise.all(
        Array.from({ length: 8 }, (_, n) => store.replace("contested", Buffer.from(`writer ${n}`), seen)),
      );
      const winner = results.findIndex((version) => version !== null);
      expect(results.filter((version) => version !== null)).toHaveLength(1);
      expect(text(await store.get("contested"))).toBe(`writer ${winner}`);
    });

    it("shows a streamed object only after its commit", async () => {
      const writer = await store.write("stream/big", { metadata: { kind: "test" } });
      await writer.write(Buffer.from("one "));
      await writer.write(Buffer.from("two"));
      expect(await store.get("stream/big")).toBeNull();
      expect(await keys(store, "stream/")).toEqual([]);
      await writer.commit();
      await writer.abort();
      expect(text(await store.get("stream/big"))).toBe("one two");
      expect(await store.head("stream/big")).toMatchObject({ size: 7, metadata: { kind: "test" } });
    });

    it("streams an object of many parts, and reads it back in order", async () => {
      const writer = await store.write("stream/parts");
      const chunks = Array.from({ length: 21 }, () => randomBytes(1_234_567));
      for (const chunk of chunks) await writer.write(Buffer.from(chunk));
      await writer.commit();
      const whole = Buffer.concat(chunks);
      expect(whole.equals(await collect(store.read("stream/parts")))).toBe(true);
      const range = { offset: 1_000_001, length: 20_000_000 };
      expect(whole.subarray(1_000_001, 21_000_001).equals(await collect(store.read("stream/parts", range)))).toBe(true);
      expect(await store.head("stream/parts")).toMatchObject({ size: whole.length });
    });

    it("leaves nothing of an aborted stream, however long", async () => {
      const writer = await store.write("stream/aborted-parts");
      for (let n = 0; n < 3; n++) await writer.write(randomBytes(9_000_000));
      await writer.abort();
      expect(await keys(store, "stream/aborted-parts")).toEqual([]);
      expect(await store.get("stream/aborted-parts")).toBeNull();
    });

    it("leaves nothing of an aborted stream", async () => {
      const writer = await store.write("stream/aborted");
      await writer.write(Buffer.from("one"));
      await writer.abort();
      await writer.abort();
      expect(await keys(store, "stream/aborted")).toEqual([]);
    });

    it("lists in byte order of whole keys, by prefix and from a key on", async () => {
      const names = [
        "l/a",
        "l/a-b",
        "l/a.b/c",
        "l/a/b",
        "l/a0",
        "l/aé",
        "l/b/c/d",
        "l/b/c/e",
        "l/b0",
        ...(ordersAllByBytes ? ["l/\u{1F600}"] : []),
        "l/\uFFFD",
      ].filter((key) => key !== "l/a");
      for (const key of names) await store.put(key, Buffer.from(key));
      const sorted = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(await keys(store, "l/")).toEqual(sorted);
      expect(await keys(store, "l/a")).toEqual(sorted.filter((key) => key.startsWith("l/a")));
      expect(await keys(store, "l/b/c/")).toEqual(["l/b/c/d", "l/b/c/e"]);
      for (const after of [...sorted, "l/", "l/a/", "l/b/c", "l/b/c/d0", "m", "a"]) {
        expect(await keys(store, "l/", after)).toEqual(
          sorted.filter((key) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0),
        );
      }
    });

    it("forgets a deleted object", async () => {
      await store.put("gone/soon", Buffer.from("x"), { metadata: { a: "b" } });
      await store.delete("gone/soon");
      expect(await store.get("gone/soon")).toBeNull();
      expect(await keys(store, "gone/")).toEqual([]);
      await store.delete("gone");
    });

    it("refuses keys that are not plain relative names", async () => {
      for (const key of ["", "/etc/passwd", "../up", "a/../b", "a//b", "a/", ".", "nul\0"]) {
        await expect(store.put(key, Buffer.from("x")), key).rejects.toMatchObject({ name: "PgrescueError" });
        await expect(store.get(key), key).rejects.toMatchObject({ name: "PgrescueError" });
      }
    });

    it("shows no secret in its URL", () => {
      expect(store.url).not.toMatch(/@|password|secret/i);
    });
  });
}

async function keys(store: ObjectStore, prefix: string, startAfter?: string): Promise<string[]> {
  const found: string[] = [];
  for await (const object of store.list(prefix, startAfter === undefined ? {} : { startAfter })) found.push(object.key);
  return found;
}

function text(bytes: Uint8Array | null): string {
  return new TextDecoder().decode(bytes ?? undefined);
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}
